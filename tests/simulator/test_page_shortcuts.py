"""Shortcuts on the simulator's page: by the composer, and on messages."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from slack_sdk import WebClient

from tests.simulator.conftest import modal
from tests.simulator.test_page_clicks import Answering, answering
from tests.simulator.test_shortcuts import FIND, LINK
from tests.slack_fixture import Slack
from tests.waiting import until

__all__ = ["answering"]  # the fixture


@pytest.fixture
def alerts(slack: Slack, answering: Answering, page: Page) -> Page:
    """The page, with #alerts open, and an app that has two shortcuts."""
    slack.change_app(shortcuts=[FIND, LINK])
    page.goto(slack.url)
    expect(page.get_by_role("heading", name="alerts")).to_be_visible()
    return page


def test_a_shortcut_is_chosen_by_the_composer_and_opens_a_modal(
    slack: Slack, bot: WebClient, answering: Answering, alerts: Page
) -> None:
    alerts.get_by_role("button", name="Shortcuts", exact=True).click()
    expect(alerts.get_by_role("menuitem")).to_have_text(["Find an issue"])
    alerts.get_by_role("menuitem", name="Find an issue").click()
    until(lambda: answering.payloads, what="the shortcut")
    (payload,) = answering.payloads
    assert (payload["type"], payload["callback_id"], payload["user"]["id"]) == ("shortcut", "find", "U0ALICE")
    bot.views_open(trigger_id=payload["trigger_id"], view=modal(title="Find it"))
    expect(alerts.get_by_role("dialog", name="Find it")).to_be_visible()


def test_a_shortcut_is_chosen_on_a_message(slack: Slack, bot: WebClient, answering: Answering, alerts: Page) -> None:
    ts = slack.say("hello", as_="U0BOB")
    message = alerts.locator(f'#messages [data-ts="{ts}"]')
    message.get_by_role("button", name="Message shortcuts").press("Enter")
    expect(message.get_by_role("menuitem")).to_have_text(["Link to an issue"])
    alerts.keyboard.press("Enter")
    until(lambda: answering.payloads, what="the shortcut")
    (payload,) = answering.payloads
    assert (payload["type"], payload["callback_id"]) == ("message_action", "link")
    assert (payload["message_ts"], payload["message"]["text"]) == (ts, "hello")
    expect(message.get_by_role("alert")).to_have_count(0)


def test_a_whisper_has_no_shortcuts(slack: Slack, bot: WebClient, alerts: Page) -> None:
    bot.chat_postEphemeral(channel="C0ALERTS", user="U0ALICE", text="psst")
    slack.say("aloud", as_="U0BOB")
    expect(alerts.locator("#messages li.message")).to_have_count(2)
    expect(alerts.get_by_role("button", name="Message shortcuts")).to_have_count(1)


def test_a_wrong_answer_is_told_where_the_shortcut_was_chosen(slack: Slack, answering: Answering, alerts: Page) -> None:
    slack.expect_faults()
    answering.status = 500
    message = alerts.locator(f'#messages [data-ts="{slack.say("hello", as_="U0BOB")}"]')
    message.get_by_role("button", name="Message shortcuts").click()
    message.get_by_role("menuitem").click()
    expect(message.get_by_role("alert")).to_contain_text("Tocsin answered with status 500.")
    alerts.get_by_role("button", name="Shortcuts", exact=True).click()
    alerts.locator("#composer").get_by_role("menuitem").click()
    refused = alerts.locator("#composer").get_by_role("alert")
    expect(refused).to_contain_text("Tocsin answered with status 500.")
    answering.status = 200
    alerts.get_by_role("button", name="Shortcuts", exact=True).click()
    alerts.locator("#composer").get_by_role("menuitem").click()
    expect(refused).to_be_hidden()


def test_the_menus_are_there_as_soon_as_the_app_has_shortcuts(slack: Slack, answering: Answering, page: Page) -> None:
    slack.say("hello", as_="U0BOB")
    page.goto(slack.url)
    expect(page.locator("#messages li.message")).to_have_count(1)
    menus = page.get_by_role("button", name="hortcuts")
    expect(menus).to_have_count(0)
    slack.change_app(shortcuts=[FIND, LINK])
    expect(menus).to_have_count(2)
    slack.change_app(shortcuts=[FIND])
    expect(menus).to_have_count(1)
