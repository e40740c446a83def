"""The simulator's page as a chat: conversations, threads, whispers, writing, and keeping up with what happens."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect
from slack_sdk import WebClient

from tests.simulator.conftest import button, row, section
from tests.slack_fixture import Slack


@pytest.fixture
def chat(slack: Slack, page: Page) -> Page:
    """The page, acting as Alice, with #alerts open."""
    page.goto(slack.url)
    expect(page.get_by_label("Act as")).to_have_value("U0ALICE")
    return page


def act_as(chat: Page, user: str) -> None:
    chat.get_by_label("Act as").select_option(user)
    expect(chat.locator("#text")).to_have_attribute("placeholder", f"Message #alerts as {user[2:].capitalize()}")


def conversations(chat: Page) -> Locator:
    return chat.get_by_role("navigation", name="Conversations").get_by_role("link")


def test_a_person_sees_the_conversations_that_are_theirs(chat: Page, bot: WebClient) -> None:
    expect(conversations(chat)).to_have_text(
        [
            "alerts",
            "alerts-classic",
            "general",
            "secret, private channel",
            "ops-private, private channel",
            "old, archived",
        ]
    )
    act_as(chat, "U0DAVE")
    expect(conversations(chat)).to_have_text(["alerts", "alerts-classic", "general", "old, archived"])


def test_a_direct_message_is_named_after_the_app_and_marked_until_it_is_read(chat: Page, bot: WebClient) -> None:
    bot.chat_postMessage(channel="U0ALICE", text="You were *assigned*")
    direct = conversations(chat).filter(has_text="Tocsin")
    expect(direct).to_have_text("Tocsin, unread")
    direct.click()
    expect(chat.locator("#messages strong", has_text="assigned")).to_be_visible()
    expect(direct).to_have_text("Tocsin")
    chat.get_by_label("Act as").select_option("U0BOB")
    expect(direct).to_have_count(0)


def test_a_channel_is_unread_until_it_is_opened(chat: Page, slack: Slack, bot: WebClient) -> None:
    bot.chat_postMessage(channel="C0CLASSIC", text="news")
    classic = conversations(chat).filter(has_text="alerts-classic")
    expect(classic).to_have_text("alerts-classic, unread")
    classic.click()
    expect(classic).to_have_text("alerts-classic")
    expect(chat.get_by_role("heading", name="alerts-classic")).to_be_visible()


def test_a_message_is_written_as_the_acting_person(chat: Page, slack: Slack) -> None:
    act_as(chat, "U0BOB")
    chat.get_by_label("Message", exact=True).fill("first line")
    chat.get_by_label("Message", exact=True).press("Shift+Enter")
    chat.get_by_label("Message", exact=True).press_sequentially("second <line>")
    chat.get_by_label("Message", exact=True).press("Enter")
    message = chat.locator("#messages [data-ts]")
    expect(message.locator(".head strong")).to_have_text("Bob")
    expect(message.locator(".text")).to_have_text("first line" + "second <line>")
    (stored,) = slack.messages()
    assert (stored["user"], stored["text"]) == ("U0BOB", "first line\nsecond &lt;line&gt;")
    expect(chat.get_by_label("Message", exact=True)).to_have_value("")


def test_nobody_writes_in_an_archived_channel(chat: Page) -> None:
    conversations(chat).filter(has_text="old").click()
    expect(chat.get_by_label("Message", exact=True)).to_be_disabled()
    expect(chat.get_by_label("Message", exact=True)).to_have_attribute("placeholder", "This channel is archived")


def test_a_message_that_could_not_be_sent_is_kept(chat: Page, slack: Slack, page_faults: list[str]) -> None:
    chat.get_by_label("Message", exact=True).fill("important")
    slack.do(
        slack.simulation.workspace.channels["C0ALERTS"].members.remove, "U0ALICE"
    )  # the page has not heard of it yet
    chat.get_by_role("button", name="Send", exact=True).click()
    expect(chat.get_by_role("alert")).to_have_text("Not sent: that person cannot write there")
    expect(chat.get_by_label("Message", exact=True)).to_have_value("important")
    # Chromium tells its console of every answer that is an error; this one is meant.
    assert len(page_faults) == 1
    assert "404" in page_faults.pop()


def test_a_thread_is_told_in_the_channel_and_read_beside_it(chat: Page, bot: WebClient) -> None:
    parent = bot.chat_postMessage(channel="C0ALERTS", text="parent")
    for text in ("one", "two"):
        bot.chat_postMessage(channel="C0ALERTS", text=text, thread_ts=parent["ts"])
    bot.chat_postMessage(channel="C0ALERTS", text="three", thread_ts=parent["ts"], reply_broadcast=True)
    expect(chat.locator("#messages [data-ts]")).to_have_count(2)
    chat.get_by_role("button", name="3 replies").click()
    thread = chat.get_by_role("complementary", name="Thread")
    expect(thread.locator("[data-ts] .text")).to_have_text(["parent", "one", "two", "three"])
    thread.get_by_label("Reply", exact=True).fill("four")
    thread.get_by_label("Reply", exact=True).press("Enter")
    expect(thread.locator("[data-ts] .text").last).to_have_text("four")
    expect(chat.get_by_role("button", name="4 replies")).to_be_visible()
    chat.keyboard.press("Escape")
    expect(thread).to_be_hidden()
    expect(chat.get_by_role("button", name="4 replies")).to_be_focused()


def test_a_broadcast_reply_leads_to_its_thread(chat: Page, bot: WebClient) -> None:
    parent = bot.chat_postMessage(channel="C0ALERTS", text="parent")
    bot.chat_postMessage(channel="C0ALERTS", text="back", thread_ts=parent["ts"], reply_broadcast=True)
    chat.get_by_role("button", name="replied to a thread").click()
    thread = chat.get_by_role("complementary", name="Thread")
    expect(thread.locator("[data-ts] .text")).to_have_text(["parent", "back"])


def test_a_whisper_is_seen_by_one_person_who_may_put_it_away(chat: Page, bot: WebClient) -> None:
    bot.chat_postEphemeral(channel="C0ALERTS", user="U0ALICE", text="Connect first")
    whisper = chat.locator("[data-ephemeral]")
    expect(whisper).to_contain_text("Only visible to you")
    expect(whisper).to_contain_text("Connect first")
    act_as(chat, "U0BOB")
    expect(whisper).to_have_count(0)
    act_as(chat, "U0ALICE")
    whisper.get_by_role("button", name="Dismiss").click()
    expect(whisper).to_have_count(0)


def test_a_whisper_in_a_thread_is_found_from_the_channel(chat: Page, bot: WebClient) -> None:
    parent = bot.chat_postMessage(channel="C0ALERTS", text="parent")
    bot.chat_postEphemeral(channel="C0ALERTS", user="U0ALICE", text="psst", thread_ts=parent["ts"])
    chat.get_by_role("button", name="1 reply").click()
    whisper = chat.get_by_role("complementary", name="Thread").locator("[data-ephemeral]")
    expect(whisper).to_contain_text("psst")


# --- keeping up ------------------------------------------------------------------------------------------------------


def card(label: str) -> list[dict[str, object]]:
    return [section(f"*{label}*"), row(button("go", "Go"), button("stay", "Stay"))]


def test_a_message_edited_in_place_is_redrawn_within_a_second(chat: Page, bot: WebClient) -> None:
    posted = bot.chat_postMessage(channel="C0ALERTS", text="x", blocks=card("before"))
    message = chat.locator(f'[data-ts="{posted["ts"]}"]')
    expect(message).to_contain_text("before")
    bot.chat_update(channel="C0ALERTS", ts=posted["ts"], text="x", blocks=card("after"))
    expect(message.locator(".section strong")).to_have_text("after", timeout=1_000)


def test_an_edit_keeps_the_focus_and_the_place(chat: Page, slack: Slack, bot: WebClient) -> None:
    slack.loosen()
    posted = [bot.chat_postMessage(channel="C0ALERTS", text="x", blocks=card(f"card {n}")) for n in range(15)]
    messages = chat.locator("#messages")
    expect(messages.locator("[data-ts]")).to_have_count(15)
    reading = messages.locator(f'[data-ts="{posted[3]["ts"]}"]')
    reading.get_by_role("button", name="Stay").focus()
    reading.scroll_into_view_if_needed()
    before = messages.evaluate("list => list.scrollTop")
    assert before < messages.evaluate("list => list.scrollHeight - list.clientHeight")
    for number in (3, 14):
        bot.chat_update(channel="C0ALERTS", ts=posted[number]["ts"], text="x", blocks=card(f"edited {number}"))
    expect(messages.get_by_text("edited 14")).to_have_count(1)
    expect(reading.locator(".section strong")).to_have_text("edited 3")
    expect(reading.get_by_role("button", name="Stay")).to_be_focused()
    assert messages.evaluate("list => list.scrollTop") == before


def test_what_comes_is_announced_to_who_reads_further_up(chat: Page, slack: Slack, bot: WebClient) -> None:
    slack.loosen()
    for number in range(15):
        bot.chat_postMessage(channel="C0ALERTS", text="x", blocks=card(f"card {number}"))
    messages = chat.locator("#messages")
    expect(messages.get_by_text("card 14")).to_be_in_viewport()
    messages.evaluate("list => new Promise(done => { list.onscroll = done; list.scrollTop = 0; })")
    bot.chat_postMessage(channel="C0ALERTS", text="x", blocks=card("the newest"))
    expect(messages.get_by_text("the newest")).not_to_be_in_viewport()
    chat.get_by_role("button", name="New messages").click()
    expect(messages.get_by_text("the newest")).to_be_in_viewport()
    expect(chat.get_by_role("button", name="New messages")).to_be_hidden()


def test_a_draft_stays_while_messages_come(chat: Page, bot: WebClient) -> None:
    chat.get_by_label("Message", exact=True).press_sequentially("half a sen")
    bot.chat_postMessage(channel="C0ALERTS", text="meanwhile")
    expect(chat.locator("#messages").get_by_text("meanwhile")).to_be_visible()
    expect(chat.get_by_label("Message", exact=True)).to_be_focused()
    expect(chat.get_by_label("Message", exact=True)).to_have_value("half a sen")


def test_the_list_of_conversations_is_a_drawer_on_a_telephone(chat: Page) -> None:
    chat.set_viewport_size({"width": 360, "height": 700})
    expect(conversations(chat)).to_have_count(0)
    chat.get_by_role("button", name="Conversations").click()
    conversations(chat).filter(has_text="general").click()
    expect(chat.get_by_role("heading", name="general")).to_be_visible()
    expect(conversations(chat)).to_have_count(0)
