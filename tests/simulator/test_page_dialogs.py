"""Dialogs of old on the simulator's page, used by hand."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Request, expect
from slack_sdk import WebClient

from tests.simulator.test_dialogs import area, dialog, menu, text
from tests.simulator.test_page_clicks import Answering, answering
from tests.slack_fixture import Slack
from tests.waiting import until
from tocsin.simulator.fields import REQUIRED
from tocsin.simulator.modals import TROUBLE

__all__ = ["answering"]  # the fixture


def shown(page: Page, slack: Slack, bot: WebClient, *elements: dict[str, Any], **more: Any) -> Locator:
    """A dialog with these elements before Alice, on the page."""
    issue = slack.simulation.workspace.triggers.issue
    trigger_id = slack.do(issue, "U0ALICE", channel="C0ALERTS")
    bot.dialog_open(trigger_id=trigger_id, dialog=dialog(*elements, **more))
    page.goto(slack.url)
    opened = page.get_by_role("dialog", name="Title")
    expect(opened).to_be_visible()
    return opened


def test_a_dialog_is_filled_in_and_submitted_by_hand(
    slack: Slack, bot: WebClient, answering: Answering, page: Page
) -> None:
    more = area("more", optional=True, hint="As you like.")
    elements = [
        text("name"),
        more,
        menu(),
        menu("who", "users"),
        menu("where", "channels"),
        menu("talk", "conversations"),
    ]
    opened = shown(page, slack, bot, *elements, submit_label="Send")
    expect(opened).to_contain_text("As you like.")
    expect(opened.get_by_label("Where")).not_to_contain_text("ops-private")
    opened.get_by_role("button", name="Send").click()
    expect(opened.get_by_role("alert")).to_have_text([REQUIRED] * 5)
    assert answering.payloads == []
    opened.get_by_label("Name").fill("A & B")
    opened.get_by_label("Size").select_option("Large")
    opened.get_by_label("Who").select_option("Bob")
    opened.get_by_label("Where").select_option("#general")
    opened.get_by_label("Talk").select_option("#ops-private")
    answering.body = json.dumps({"errors": [{"name": "name", "error": "Too <short>."}]}).encode()
    opened.get_by_role("button", name="Send").click()
    expect(opened.get_by_role("alert")).to_have_text(["Too <short>."])
    answering.body = b""
    opened.get_by_label("Name").fill("A, B & C")
    opened.get_by_label("Name").press("Enter")
    expect(opened).to_be_hidden()
    assert [each["submission"]["name"] for each in answering.payloads] == ["A & B", "A, B & C"]
    held = {"name": "A, B & C", "more": None, "size": "l", "who": "U0BOB", "where": "C0GENERAL", "talk": "C0OPS"}
    assert answering.payloads[-1]["submission"] == held


def test_the_app_lists_what_is_searched_in_a_dialog(
    slack: Slack, bot: WebClient, answering: Answering, page: Page
) -> None:
    options = [{"label": "R & D", "value": "1"}, {"label": "Sales", "value": "2"}]
    answering.listed = json.dumps({"option_groups": [{"label": "Teams", "options": options}]}).encode()
    opened = shown(page, slack, bot, menu("who", "external"))
    opened.get_by_role("button", name="Choose…").click()
    expect(opened.get_by_role("status")).to_have_text("Type 1 more.")
    opened.get_by_label("Search: Choose…").fill("r")
    expect(opened.get_by_text("Teams")).to_be_visible()
    opened.get_by_role("button", name="R & D").click()
    expect(opened.get_by_role("button", name="Choose…: R & D")).to_be_visible()
    opened.get_by_role("button", name="Submit").click()
    expect(opened).to_be_hidden()
    assert [each["type"] for each in answering.payloads] == ["dialog_suggestion", "dialog_submission"]
    assert answering.payloads[-1]["submission"] == {"who": "1"}


@pytest.mark.parametrize("how", ["Cancel", "Close", "Escape"])
def test_a_dialog_is_cancelled(slack: Slack, bot: WebClient, answering: Answering, page: Page, how: str) -> None:
    opened = shown(page, slack, bot, text(), notify_on_cancel=True)
    if how == "Escape":
        page.keyboard.press(how)
    else:
        opened.get_by_role("button", name=how).click()
    expect(opened).to_be_hidden()
    until(lambda: answering.payloads, what="the cancellation")
    assert [each["type"] for each in answering.payloads] == ["dialog_cancellation"]


def test_what_was_typed_last_is_told_before_escape_closes(
    slack: Slack, bot: WebClient, answering: Answering, page: Page
) -> None:
    opened = shown(page, slack, bot, text())
    done: list[str] = []

    def note(request: Request) -> None:
        if request.method == "POST":
            done.append(request.post_data_json["do"])

    page.on("request", note)
    opened.get_by_label("Note").press_sequentially("typed")
    page.keyboard.press("Escape")
    expect(opened).to_be_hidden()
    assert done == ["choose", "cancel"]


def test_trouble_is_told_and_what_was_typed_stays(
    slack: Slack, bot: WebClient, answering: Answering, page: Page
) -> None:
    slack.expect_faults()
    opened = shown(page, slack, bot, text())
    answering.body = b"ok"
    opened.get_by_label("Note").fill("kept")
    opened.get_by_role("button", name="Submit").click()
    expect(opened.get_by_role("alert")).to_have_text(TROUBLE)
    expect(opened.get_by_label("Note")).to_have_value("kept")
    page.reload()
    expect(opened.get_by_label("Note")).to_have_value("kept")


def test_a_dialog_is_before_its_person_only(slack: Slack, bot: WebClient, answering: Answering, page: Page) -> None:
    page.goto(slack.url)
    page.get_by_label("Act as").select_option("Bob")
    trigger_id = slack.do(slack.simulation.workspace.triggers.issue, "U0ALICE")
    bot.dialog_open(trigger_id=trigger_id, dialog=dialog())
    slack.say("after it", as_="U0BOB")
    expect(page.locator("#messages")).to_contain_text("after it")
    opened = page.get_by_role("dialog", name="Title")
    expect(opened).to_be_hidden()
    page.get_by_label("Act as").select_option("Alice")
    expect(opened).to_be_visible()
