"""Asking the person who posted a link to connect: who is asked, how, and how they put it away."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from tests.simulator.conftest import App, button, row, section
from tests.slack_fixture import Card, Slack

URL = "https://tocsin.example/issues/1/"
CONNECT = "https://tocsin.example/connect"


@pytest.fixture(autouse=True)
def domains(slack: Slack, app: App) -> None:
    slack.change_app(unfurl_domains=["tocsin.example"])


def refusal(bot: WebClient, **asked: Any) -> str:
    """The error of a call that is refused."""
    with pytest.raises(SlackApiError) as refused:
        bot.chat_unfurl(**asked)
    return str(refused.value.response["error"])


def test_a_prompt_has_slacks_buttons_for_the_one_who_posted(slack: Slack, bot: WebClient, app: App) -> None:
    ts = slack.post(URL, as_="U0ALICE").ts
    bot.chat_unfurl(channel="C0ALERTS", ts=ts, user_auth_message="Who are *you*?", user_auth_url=CONNECT)
    (whisper,) = slack.ephemerals("U0ALICE")
    prompt = Card(slack=slack, channel="C0ALERTS", ts=whisper["ts"], stored=whisper)
    assert prompt.text == "Who are *you*?\nConnect\nNot now\nNever ask again"
    assert whisper["blocks"][1]["elements"][0]["url"] == CONNECT
    assert slack.ephemerals("U0BOB") == []
    assert "attachments" not in slack.messages()[-1]


@pytest.mark.parametrize("label", ["Not now", "Never ask again"])
def test_who_has_put_a_prompt_away_is_never_asked_again(slack: Slack, bot: WebClient, app: App, label: str) -> None:
    ts = slack.post(URL, as_="U0ALICE").ts
    bot.chat_unfurl(channel="C0ALERTS", ts=ts, user_auth_required=True)
    (whisper,) = slack.ephemerals("U0ALICE")
    app.received.clear()
    Card(slack=slack, channel="C0ALERTS", ts=whisper["ts"], stored=whisper).click(label, as_="U0ALICE")
    assert app.received == [], "the buttons are Slack's own"
    assert slack.ephemerals("U0ALICE") == []
    again = {"channel": "C0ALERTS", "ts": ts, "user_auth_required": True}
    assert refusal(bot, **again, unfurls={URL: {"blocks": [section()]}}) == "cannot_prompt"
    assert "attachments" not in slack.messages()[-1], "a call takes effect as a whole, or not"
    bot.chat_unfurl(channel="C0ALERTS", ts=slack.post(URL, as_="U0BOB").ts, user_auth_required=True)
    assert len(slack.ephemerals("U0BOB")) == 1


def test_who_connects_may_be_asked_again(slack: Slack, bot: WebClient, app: App) -> None:
    ts = slack.post(URL, as_="U0ALICE").ts
    bot.chat_unfurl(channel="C0ALERTS", ts=ts, user_auth_url=CONNECT)
    (whisper,) = slack.ephemerals("U0ALICE")
    Card(slack=slack, channel="C0ALERTS", ts=whisper["ts"], stored=whisper).click("Connect", as_="U0ALICE")
    bot.chat_unfurl(channel="C0ALERTS", ts=ts, user_auth_url=CONNECT)
    assert len(slack.ephemerals("U0ALICE")) == 2


def test_a_prompt_of_the_apps_own_blocks_is_the_apps_to_answer(slack: Slack, bot: WebClient, app: App) -> None:
    ts = slack.post(URL, as_="U0ALICE").ts
    own = [section("Connect?"), row(button("link", "Connect"), button("ignore", "Not now"))]
    bot.chat_unfurl(channel="C0ALERTS", ts=ts, user_auth_blocks=own)
    (whisper,) = slack.ephemerals("U0ALICE")
    prompt = Card(slack=slack, channel="C0ALERTS", ts=whisper["ts"], stored=whisper)
    assert prompt.buttons == ["Connect", "Not now"]
    payload = prompt.click("Not now", as_="U0ALICE")["payload"]
    assert (payload["type"], payload["actions"][0]["action_id"]) == ("block_actions", "ignore")
    assert payload["container"]["is_ephemeral"] is True
    bot.chat_unfurl(channel="C0ALERTS", ts=ts, user_auth_required=True)
    assert refusal(bot, channel="C0ALERTS", ts=ts, user_auth_blocks=[{"type": "nonsense"}]) == "invalid_blocks"


def test_in_a_thread_one_is_asked_in_the_thread(slack: Slack, bot: WebClient, app: App) -> None:
    parent = slack.say("hello", as_="U0BOB")
    ts = slack.post(URL, as_="U0ALICE", thread=parent).ts
    bot.chat_unfurl(channel="C0ALERTS", ts=ts, user_auth_required=True)
    assert [whisper["thread_ts"] for whisper in slack.ephemerals("U0ALICE")] == [parent]


@pytest.mark.parametrize("flags", [{"deleted": True}, {"is_stranger": True}])
def test_who_cannot_connect_is_not_asked(slack: Slack, bot: WebClient, app: App, flags: dict[str, bool]) -> None:
    ts = slack.post(URL, as_="U0ALICE").ts
    slack.change_user("U0ALICE", **flags)
    assert refusal(bot, channel="C0ALERTS", ts=ts, user_auth_required=True) == "cannot_auth_user"


def test_a_prompt_and_an_unfurl_may_come_together(slack: Slack, bot: WebClient, app: App) -> None:
    ts = slack.post(URL, as_="U0ALICE").ts
    bot.chat_unfurl(channel="C0ALERTS", ts=ts, unfurls={URL: {"blocks": [section("less")]}}, user_auth_required=True)
    assert slack.messages()[-1]["attachments"][0]["blocks"][0]["text"]["text"] == "less"
    assert len(slack.ephemerals("U0ALICE")) == 1
