"""How the simulator's page draws messages: blocks, attachments, and Slack's markup."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect
from slack_sdk import WebClient

from tests.simulator.conftest import button, row, section
from tests.slack_fixture import Slack

ZERO_WIDTH = "\u200b"

# markup → the HTML that it becomes
MARKUP = {
    "bold": ("a *b* c", "a <strong>b</strong> c"),
    "italic": ("a _b_ c", "a <em>b</em> c"),
    "struck": ("a ~b~ c", "a <s>b</s> c"),
    "nested": ("*a _b_*", "<strong>a <em>b</em></strong>"),
    "a mark within a word": ("snake_case_name 2*3*4", "snake_case_name 2*3*4"),
    "a broken mark": (f"*{ZERO_WIDTH}b{ZERO_WIDTH}*", f"*{ZERO_WIDTH}b{ZERO_WIDTH}*"),
    "code": ("`*a* &lt;b&gt;`", "<code>*a* &lt;b&gt;</code>"),
    "a code block": ("a\n```\nx = *1*\ny\n```\nb", "a<br><pre>x = *1*\ny</pre>b"),
    "a quotation": ("&gt; a\n&gt; b\nc", "<blockquote>a<br>b</blockquote>c"),
    "entities": ("&amp;lt; &lt;b&gt;", "&amp;lt; &lt;b&gt;"),
    "a person": ("<@U0ALICE>", '<span class="mention">@Alice</span>'),
    "a channel": ("<#C0GENERAL>", '<span class="mention">#general</span>'),
    "everybody": ("<!here>", '<span class="mention loud">@here</span>'),
    "an unknown emoji": (":no_such_one:", ":no_such_one:"),
}


@pytest.fixture
def alerts(slack: Slack, page: Page) -> Page:
    """The page, with #alerts open."""
    page.goto(slack.url)
    expect(page.get_by_role("heading", name="alerts")).to_be_visible()
    return page


def shown(page: Page, answer: Any) -> Locator:
    """A message that was just posted, as it hangs in the channel."""
    return page.locator(f'#messages [data-ts="{answer["ts"]}"]')


def test_markup_becomes_what_slack_shows(alerts: Page, slack: Slack, bot: WebClient) -> None:
    slack.loosen()
    posted = {
        name: bot.chat_postMessage(channel="C0ALERTS", text="x", blocks=[section(text)])
        for name, (text, _) in MARKUP.items()
    }
    drawn = {name: shown(alerts, answer).locator(".section .text").inner_html() for name, answer in posted.items()}
    assert drawn == {name: html for name, (_, html) in MARKUP.items()}


def test_a_link_opens_a_new_tab(alerts: Page, bot: WebClient) -> None:
    text = "<https://example.com/?a=1&amp;b=2|the *page*>"
    message = shown(alerts, bot.chat_postMessage(channel="C0ALERTS", text="x", blocks=[section(text)]))
    link = message.get_by_role("link")
    expect(link).to_have_text("the page")
    expect(link).to_have_attribute("href", "https://example.com/?a=1&b=2")
    expect(link).to_have_attribute("target", "_blank")
    expect(link).to_have_attribute("rel", "noreferrer")


@pytest.mark.parametrize(
    ("target", "is_linked"),
    [
        ("https://a.example/", True),
        ("mailto:a@a.example", True),
        ("javascript:alert(1)", False),
        ("data:text/html,a", False),
    ],
)
def test_only_the_web_and_mail_are_linked(alerts: Page, target: str, is_linked: bool) -> None:
    """Asked of the drawing itself: the simulator stores no other links, so none would get as far as the page."""
    draw = """async (target) => {
        const { mrkdwn } = await import("/page/mrkdwn.js");
        return mrkdwn(`<${target}|label>`, {}).map((node) => node.nodeName);
    }"""
    assert alerts.evaluate(draw, target) == (["A"] if is_linked else ["#text"])


def test_a_link_may_stand_within_marks_whatever_is_in_it(alerts: Page, bot: WebClient) -> None:
    text = f"*<https://example.com/|a *{ZERO_WIDTH}b *{ZERO_WIDTH}c>*"
    message = shown(alerts, bot.chat_postMessage(channel="C0ALERTS", text="x", blocks=[section(text)]))
    expect(message.locator("strong > a")).to_have_text(f"a *{ZERO_WIDTH}b *{ZERO_WIDTH}c")


def test_outside_text_is_never_markup_of_the_page(alerts: Page, bot: WebClient) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    answer = bot.chat_postMessage(
        channel="C0ALERTS",
        text="x",
        blocks=[
            section("&lt;img src=x onerror=alert(1)&gt;"),
            {"type": "header", "text": {"type": "plain_text", "text": hostile}},
            row(button(label=hostile)),
        ],
        attachments=[{"title": hostile, "text": hostile, "fallback": hostile, "footer": hostile}],
    )
    message = shown(alerts, answer)
    expect(message.get_by_role("button", name=hostile)).to_be_visible()
    assert message.inner_text().count(hostile) == 6
    assert message.locator("img").count() == 0


def test_a_date_is_told_in_the_readers_time(alerts: Page, bot: WebClient) -> None:
    text = "<!date^1772368200^{date_num} at {time}|2026-03-01 12:30 UTC>"
    message = shown(alerts, bot.chat_postMessage(channel="C0ALERTS", text="x", blocks=[section(text)]))
    told = alerts.evaluate(
        "new Date(1772368200000).toLocaleTimeString(undefined, {hour: 'numeric', minute: '2-digit'})"
    )
    expect(message.locator(".section time")).to_have_text(f"2026-03-01 at {told}")
    expect(message.locator(".section time")).to_have_attribute("title", "2026-03-01 12:30 UTC")


@pytest.mark.parametrize(
    "name",
    ["red_circle", "large_yellow_circle", "large_blue_circle", "white_circle", "bug", "bell", "white_check_mark"],
)
def test_an_emoji_of_cards_is_drawn(alerts: Page, bot: WebClient, name: str) -> None:
    message = shown(alerts, bot.chat_postMessage(channel="C0ALERTS", text="x", blocks=[section(f":{name}: a")]))
    emoji = message.locator(".section").get_by_role("img", name=name.replace("_", " "))
    expect(emoji).to_be_visible()
    box = emoji.bounding_box()
    assert box is not None
    assert 12 < box["width"] < 24


def test_every_block_of_a_card_is_drawn(alerts: Page, bot: WebClient) -> None:
    answer = bot.chat_postMessage(
        channel="C0ALERTS",
        text="only for notifications",
        blocks=[
            {"type": "header", "text": {"type": "plain_text", "text": "A & B"}},
            section("text", fields=[{"type": "mrkdwn", "text": "*one*"}, {"type": "plain_text", "text": "*two*"}]),
            {"type": "divider"},
            {"type": "context", "elements": [{"type": "mrkdwn", "text": "the footer"}]},
            {"type": "image", "image_url": "https://example.com/a.png", "alt_text": "a picture"},
        ],
    )
    message = shown(alerts, answer)
    expect(message.get_by_role("heading", name="A & B")).to_be_visible()
    expect(message.locator(".fields strong")).to_have_text("one")
    expect(message.locator(".fields")).to_contain_text("*two*")
    expect(message.get_by_role("separator")).to_be_visible()
    expect(message.locator(".context")).to_have_text("the footer")
    expect(message.get_by_role("img", name="a picture")).to_be_visible()
    expect(message).not_to_contain_text("only for notifications")


def test_an_attachment_has_its_bar_title_fields_and_buttons(alerts: Page, bot: WebClient) -> None:
    answer = bot.chat_postMessage(
        channel="C0ALERTS",
        text="",
        attachments=[
            {
                "color": "#E03E2F",
                "title": "KeyError",
                "title_link": "https://example.com/12",
                "text": "*Resolved* by <@U0ALICE>",
                "fallback": "KeyError",
                "mrkdwn_in": ["text"],
                "fields": [{"title": "environment", "value": "*production*", "short": True}],
                "footer": "shop",
                "callback_id": "12",
                "actions": [{"name": "status", "text": "Resolve", "type": "button", "value": "resolved"}],
            }
        ],
    )
    message = shown(alerts, answer)
    expect(message.locator(".stripe rect")).to_have_attribute("fill", "#E03E2F")
    expect(message.get_by_role("link", name="KeyError")).to_have_attribute("href", "https://example.com/12")
    expect(message.locator(".inside .text strong")).to_have_text("Resolved")
    expect(message.locator(".fields")).to_have_text("environment*production*")
    expect(message.get_by_role("button", name="Resolve")).to_be_visible()
    expect(message.locator(".context")).to_have_text("shop")


def test_nothing_is_wider_than_a_telephone(alerts: Page, bot: WebClient) -> None:
    alerts.set_viewport_size({"width": 360, "height": 700})
    long = "a_very_long_name_without_any_blank." * 8
    buttons = row(*(button(f"go{number}", f"Button {number}") for number in range(6)))
    answer = bot.chat_postMessage(channel="C0ALERTS", text="x", blocks=[section(f"`{long}`\n```{long}```"), buttons])
    expect(shown(alerts, answer)).to_be_visible()
    assert alerts.evaluate("document.documentElement.scrollWidth") == 360
    assert alerts.evaluate("document.querySelector('#messages').scrollWidth") == 360
