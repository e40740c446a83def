"""Commands typed on the simulator's page, and the situation in which all is done there."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, expect
from slack_sdk import WebClient

from tests.simulator.conftest import button, row
from tests.simulator.test_page_clicks import Answering, answering
from tests.slack_fixture import Slack
from tests.waiting import until

__all__ = ["answering"]  # the fixture


@pytest.fixture
def alerts(slack: Slack, answering: Answering, page: Page) -> Page:
    """The page, with #alerts open, and an app that has a command."""
    slack.change_app(commands=[{"command": "/ours", "should_escape": True}])
    page.goto(slack.url)
    expect(page.get_by_role("heading", name="alerts")).to_be_visible()
    return page


def write(page: Page, text: str) -> None:
    page.locator("#text").fill(text)
    page.locator("#text").press("Enter")


def test_a_line_that_begins_with_a_slash_is_for_the_app(slack: Slack, answering: Answering, alerts: Page) -> None:
    answering.body = json.dumps({"text": "only for *you*"}).encode()
    write(alerts, "/ours tell @bob")
    until(lambda: answering.payloads, what="the command")
    (payload,) = answering.payloads
    assert (payload["command"], payload["text"], payload["user_id"]) == ("/ours", "tell <@U0BOB|bob>", "U0ALICE")
    expect(alerts.locator("#messages li.message")).to_have_count(1)
    expect(alerts.locator("#messages")).to_contain_text("only for you")
    assert slack.messages() == []


def test_what_is_no_command_is_said_and_kept_in_the_box(slack: Slack, alerts: Page) -> None:
    write(alerts, "/theirs go")
    expect(alerts.locator("#composer .refused")).to_contain_text("/theirs is not a command of an app here.")
    expect(alerts.locator("#text")).to_have_value("/theirs go")


def test_an_answer_that_slack_does_not_take_is_told(slack: Slack, answering: Answering, alerts: Page) -> None:
    slack.expect_faults()
    answering.status = 500
    write(alerts, "/ours")
    expect(alerts.locator("#composer .refused")).to_contain_text("answered with status 500")


# --- the situation ---------------------------------------------------------------------------------------------------
@pytest.fixture
def situation(alerts: Page) -> Page:
    """Opened."""
    alerts.get_by_text("Situation").click()
    return alerts


@pytest.mark.parametrize(
    ("chosen", "team", "is_org_wide"),
    [("a workspace of a Grid", "T0TOCSIN", False), ("a whole Grid", None, True), ("a workspace", "T0TOCSIN", False)],
)
def test_where_the_app_is_installed(
    slack: Slack, bot: WebClient, situation: Page, chosen: str, team: str | None, is_org_wide: bool
) -> None:
    situation.get_by_label("Tocsin is installed in").select_option("a whole Grid")
    situation.get_by_label("Tocsin is installed in").select_option(chosen)
    workspace = slack.simulation.workspace
    until(lambda: bool(workspace.enterprise) is (chosen != "a workspace"), what="the Grid")
    until(lambda: workspace.app.is_org_wide is is_org_wide, what="the installation")
    bot.chat_postMessage(channel="C0ALERTS", text="x", blocks=[row(button())])
    payload = slack.card(1).click("Go", as_="U0ALICE")["payload"]
    assert (payload["team"] or {}).get("id") == team
    expect(situation.get_by_label("Tocsin is installed in").locator("option:checked")).to_have_text(chosen)


def test_who_the_acting_person_is_and_whose_the_channel(slack: Slack, situation: Page) -> None:
    situation.get_by_label("Alice is").select_option("of another company")
    expect(situation.get_by_label("Act as").locator("option:checked")).to_have_text("Alice (of another company)")
    alice = slack.simulation.workspace.users["U0ALICE"]
    assert (alice.is_stranger, alice.team_id) == (True, "T0OTHER")
    situation.get_by_label("Alice is").select_option("a guest")
    expect(situation.get_by_label("Act as").locator("option:checked")).to_have_text("Alice (guest)")
    assert (alice.is_stranger, alice.is_restricted, alice.team_id) == (False, True, "T0TOCSIN")
    situation.get_by_label("#alerts is shared with another company").check()
    expect(situation.locator("#members")).to_contain_text("shared with another company")
    assert slack.simulation.workspace.channels["C0ALERTS"].is_connect
