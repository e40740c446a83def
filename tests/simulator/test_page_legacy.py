"""Using attachments on the simulator's page: their buttons and menus."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import Locator, Page, expect
from slack_sdk import WebClient

from tests.simulator.conftest import App
from tests.simulator.test_legacy import EXTERNAL, RESOLVE, STATIC, attachment
from tests.simulator.test_page_clicks import Answering, answering
from tests.slack_fixture import Slack
from tests.waiting import until

__all__ = ["answering"]


def shown(page: Page, slack: Slack, bot: WebClient, *actions: dict[str, Any], **more: Any) -> Locator:
    posted = bot.chat_postMessage(channel="C0ALERTS", text="", attachments=[attachment(*actions, **more)])
    page.goto(slack.url)
    return page.locator(f'#messages [data-ts="{posted["ts"]}"]')


def test_a_button_is_pressed_and_the_answer_is_shown(
    slack: Slack, bot: WebClient, answering: Answering, page: Page
) -> None:
    message = shown(page, slack, bot, RESOLVE)
    answering.body = json.dumps({"attachments": [attachment(text="Resolved by nobody")]}).encode()
    message.get_by_role("button", name="Resolve").click()
    expect(message).to_contain_text("Resolved by nobody")
    assert answering.actions == [{"name": "status", "type": "button", "value": "resolved"}], "the answer came after it"


def test_a_wrong_answer_is_told_at_the_button(slack: Slack, bot: WebClient, answering: Answering, page: Page) -> None:
    slack.expect_faults()
    message = shown(page, slack, bot, RESOLVE)
    answering.body = b"ok"
    message.get_by_role("button", name="Resolve").click()
    expect(message.get_by_role("alert")).to_contain_text("an answer that Slack does not take")


def test_a_question_before_a_button_is_asked(slack: Slack, bot: WebClient, answering: Answering, page: Page) -> None:
    confirm = {"title": "Resolve?", "text": "It is *open*.", "ok_text": "Do it", "dismiss_text": "Leave it"}
    message = shown(page, slack, bot, {**RESOLVE, "confirm": confirm})
    message.get_by_role("button", name="Resolve").click()
    expect(page.get_by_role("dialog")).to_contain_text("It is *open*.")
    page.get_by_role("button", name="Leave it").click()
    assert answering.actions == []
    message.get_by_role("button", name="Resolve").click()
    page.get_by_role("button", name="Do it").click()
    until(lambda: [action["value"] for action in answering.actions] == ["resolved"], what="the click")


def test_a_menu_shows_what_the_message_says_and_sends_what_is_chosen(
    slack: Slack, bot: WebClient, answering: Answering, page: Page
) -> None:
    message = shown(page, slack, bot, {**STATIC, "selected_options": [STATIC["options"][0]]})
    menu = message.get_by_role("combobox", name="Assign")
    expect(menu).to_have_value("user:1")
    menu.select_option(label="Ben")
    until(lambda: [action["selected_options"] for action in answering.actions] == [[{"value": "user:2"}]], what="it")
    expect(menu).to_have_value("user:1")


def test_a_menu_lists_what_the_app_answers(slack: Slack, bot: WebClient, answering: Answering, page: Page) -> None:
    message = shown(page, slack, bot, EXTERNAL)
    people = {"text": "People", "options": [{"text": "Ann & Co", "value": "user:1"}]}
    answering.body = json.dumps({"option_groups": [people]}).encode()
    message.get_by_role("button", name="Assign").click()
    expect(page.locator(".found .group")).to_have_text("People")
    answering.body = b""
    page.get_by_role("button", name="Ann & Co").click()
    sent = [{"name": "assign", "type": "select", "selected_options": [{"value": "user:1"}]}]
    until(lambda: answering.actions == sent, what="the choice")


def test_what_can_be_used_is_named_for_readers_and_keyboards(
    slack: Slack, bot: WebClient, app: App, page: Page
) -> None:
    message = shown(page, slack, bot, RESOLVE, STATIC)
    message.get_by_role("button", name="Resolve").focus()
    page.keyboard.press("Tab")
    expect(message.get_by_role("combobox", name="Assign")).to_be_focused()
