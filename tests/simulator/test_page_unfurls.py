"""What the app shows below links, on the simulator's page."""

from __future__ import annotations

from playwright.sync_api import Page, expect
from slack_sdk import WebClient

from tests.simulator.conftest import button, row, section
from tests.simulator.test_page_clicks import Answering, answering
from tests.slack_fixture import Slack
from tests.waiting import until
from tocsin.simulator import unfurls

__all__ = ["answering"]  # the fixture

URLS = ("https://tocsin.example/issues/1/", "https://tocsin.example/issues/1/?again")


def test_each_of_two_says_whose_it_is_and_is_clicked_for_itself(
    slack: Slack, bot: WebClient, answering: Answering, page: Page
) -> None:
    """The blocks of both are called the same, as those of one issue are."""
    slack.change_app(unfurl_domains=["tocsin.example"], events_url="")
    posted = slack.say(" ".join(URLS), as_="U0BOB")
    stored = slack.simulation.workspace.find("C0ALERTS", posted)
    assert stored is not None
    slack.do(unfurls.link_shared, slack.simulation.workspace, slack.simulation.workspace.users["U0BOB"], stored)
    shown = {url: {"blocks": [section(f"about {url[-5:]}"), row(button())]} for url in URLS}
    bot.chat_unfurl(channel="C0ALERTS", ts=posted, unfurls=shown)
    page.goto(slack.url)
    message = page.locator(f'#messages [data-ts="{posted}"]')
    expect(message.get_by_text("Added by Tocsin")).to_have_count(2)
    message.get_by_role("button", name="Go").nth(1).click()
    until(lambda: answering.payloads, what="the click")
    (payload,) = answering.payloads
    assert payload["container"]["attachment_id"] == 2
    assert payload["container"]["app_unfurl_url"] == URLS[1]
    expect(message.locator("[aria-busy=true]")).to_have_count(0)
    expect(message.get_by_role("alert")).to_have_count(0)
