"""Shortcuts: configured by the app's owner, chosen by people by the composer or on a message."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

import pytest
from slack_sdk import WebClient

from tests.simulator.conftest import App, button, modal, row, section
from tests.simulator.test_control import control
from tests.simulator.test_dialogs import dialog, text
from tests.simulator.test_response_urls import use
from tests.slack_fixture import Slack
from tocsin.simulator.fields import NotThere
from tocsin.simulator.judge import SECONDS, Answer, faults_of
from tocsin.simulator.limits import LIMITS

FIND = {"name": "Find an issue", "type": "global", "callback_id": "find"}
LINK = {"name": "Link to an issue", "type": "message", "callback_id": "link"}
COMMON = {
    "type",
    "token",
    "action_ts",
    "team",
    "user",
    "callback_id",
    "trigger_id",
    "is_enterprise_install",
    "enterprise",
}


@pytest.fixture
def app(slack: Slack, app: App) -> App:
    """With two shortcuts."""
    slack.change_app(shortcuts=[FIND, LINK])
    return app


# --- by the composer -------------------------------------------------------------------------------------------------
def test_a_global_shortcut_tells_who_chose_it_and_no_more(slack: Slack, app: App) -> None:
    result = slack.shortcut("U0ALICE", "find")
    payload = result["payload"]
    assert payload.keys() == COMMON
    assert (payload["type"], payload["callback_id"]) == ("shortcut", "find")
    assert payload["token"] == slack.simulation.workspace.app.verification_token
    assert payload["team"] == {"id": "T0TOCSIN", "domain": "tocsin-demo"}
    assert payload["user"] == {"id": "U0ALICE", "username": "alice", "team_id": "T0TOCSIN"}
    assert (payload["is_enterprise_install"], payload["enterprise"]) == (False, None)
    assert result["judgement"]["ok"]
    ((path, headers, body),) = app.received
    assert (path, headers["X-Slack-Signature"][:3]) == ("/slack/interactive", "v0=")
    assert json.loads(parse_qs(body.decode())["payload"][0]) == payload


def test_its_trigger_opens_a_modal_or_a_dialog(slack: Slack, bot: WebClient, app: App) -> None:
    bot.views_open(trigger_id=slack.shortcut("U0ALICE", "find")["payload"]["trigger_id"], view=modal())
    assert slack.view("U0ALICE").title == "Title"
    bot.dialog_open(trigger_id=slack.shortcut("U0BOB", "find")["payload"]["trigger_id"], dialog=dialog())
    assert slack.dialog("U0BOB").title == "Title"


# --- on messages -----------------------------------------------------------------------------------------------------
def test_a_message_shortcut_brings_the_message_as_it_is_stored(slack: Slack, bot: WebClient, app: App) -> None:
    bot.chat_postMessage(channel="C0OPS", text="a & b", blocks=[section("*x*"), row(button())])
    card = slack.card(1, "ops-private")
    payload = slack.shortcut("U0ALICE", "link", card)["payload"]
    assert payload.keys() == COMMON | {"channel", "response_url", "message_ts", "message"}
    assert (payload["type"], payload["callback_id"]) == ("message_action", "link")
    assert payload["user"] == {"id": "U0ALICE", "name": "alice"}
    assert payload["channel"] == {"id": "C0OPS", "name": "privategroup"}
    assert (payload["message_ts"], payload["message"]) == (card.ts, card.message)
    assert payload["message"]["text"] == "a &amp; b"


def test_it_is_there_on_what_people_write_too_also_where_the_app_is_not(slack: Slack, app: App) -> None:
    ts = slack.say("look: https://example.com/1", as_="U0BOB", channel="general")
    (message,) = slack.messages("general")
    by_ts = slack.shortcut("U0ALICE", "link", ts, channel="general")["payload"]
    assert by_ts["message"] == message
    assert by_ts["message"]["user"] == "U0BOB"
    assert slack.shortcut("U0ALICE", "link", message, channel="general")["payload"]["message"] == message


def test_its_response_url_whispers_in_the_channel_and_replaces_nothing(slack: Slack, app: App) -> None:
    ts = slack.say("hello", as_="U0BOB")
    url = slack.shortcut("U0ALICE", "link", ts)["payload"]["response_url"]
    assert url.startswith(f"{slack.url}/response/app/T0TOCSIN/")
    assert use(url, text="linked", replace_original=True)[0] == 200
    assert [each["text"] for each in slack.messages("alerts")] == ["hello"]
    assert [each["text"] for each in slack.ephemerals("U0ALICE", "alerts")] == ["linked"]


def test_its_trigger_opens_a_dialog_that_is_answered_in_its_channel(slack: Slack, bot: WebClient, app: App) -> None:
    ts = slack.say("hello", as_="U0BOB")
    trigger_id = slack.shortcut("U0ALICE", "link", ts)["payload"]["trigger_id"]
    bot.dialog_open(trigger_id=trigger_id, dialog=dialog(text(value="x")))
    assert slack.dialog("U0ALICE").submit()["payload"]["channel"] == {"id": "C0ALERTS", "name": "alerts"}


def test_what_has_no_shortcuts(slack: Slack, bot: WebClient, app: App) -> None:
    whisper = bot.chat_postEphemeral(channel="C0ALERTS", user="U0ALICE", text="psst")["message_ts"]
    with pytest.raises(NotThere, match="has no shortcuts"):
        slack.shortcut("U0ALICE", "link", whisper)
    parent = bot.chat_postMessage(channel="C0ALERTS", text="x")["ts"]
    slack.say("reply", as_="U0BOB", thread=parent)
    bot.chat_delete(channel="C0ALERTS", ts=parent)
    with pytest.raises(NotThere, match="has no shortcuts"):
        slack.shortcut("U0ALICE", "link", parent)
    secret = slack.say("secret", as_="U0ALICE", channel="secret")
    with pytest.raises(NotThere, match="does not see that channel"):
        slack.shortcut("U0EVE", "link", secret, channel="secret")


def test_only_what_the_app_has_can_be_chosen_and_only_where_it_has_it(slack: Slack, app: App) -> None:
    ts = slack.say("hello", as_="U0BOB")
    with pytest.raises(NotThere, match="no global shortcut 'link'"):
        slack.shortcut("U0ALICE", "link")
    with pytest.raises(NotThere, match="no message shortcut 'find'"):
        slack.shortcut("U0ALICE", "find", ts)
    with pytest.raises(NotThere, match="no person 'U0TOCSIN'"):
        slack.shortcut("U0TOCSIN", "find")
    assert not app.received


# --- the judge -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("body", [b"ok", b'{"text": "thanks"}', b" "])
def test_a_shortcut_is_answered_with_nothing(slack: Slack, app: App, body: bytes) -> None:
    slack.expect_faults()
    app.body = body
    ts = slack.say("hello", as_="U0BOB")
    for kind, result in (
        ("shortcut", slack.shortcut("U0ALICE", "find")),
        ("message_action", slack.shortcut("U0ALICE", "link", ts)),
    ):
        assert f"{kind} is answered with an empty body" in result["judgement"]["faults"][0]
    assert [each["type"] for each in slack.judgements()] == ["shortcut", "message_action"]


def test_a_late_answer_is_none() -> None:
    for kind in ("shortcut", "message_action"):
        late = Answer(status=200, headers={}, seconds=SECONDS)
        assert "after 3.0 s" in faults_of(kind, late, {}, is_genuine=True)[0]


def test_a_forged_shortcut_has_to_be_refused(slack: Slack, app: App) -> None:
    slack.expect_faults()
    assert "did not send" in slack.shortcut("U0ALICE", "find", signing="stale")["judgement"]["faults"][0]


# --- configuring -----------------------------------------------------------------------------------------------------
def test_an_apps_owner_configures_them_and_everybody_sees_them(slack: Slack) -> None:
    described = {**FIND, "description": "By its name."}
    assert control(slack, "app", {"shortcuts": [described, LINK]})["shortcuts"] == [described, LINK]
    assert control(slack, "state?as=U0ALICE")["app"]["shortcuts"] == [described, LINK]
    assert control(slack, "app", {"shortcuts": []})["shortcuts"] == []


def test_they_are_chosen_through_the_control_api(slack: Slack) -> None:
    slack.expect_faults()  # nobody listens
    control(slack, "app", {"shortcuts": [FIND]})
    chosen = control(slack, "click", {"as": "U0ALICE", "do": "shortcut", "callback_id": "find"})
    assert chosen["payload"]["type"] == "shortcut"
    refused = control(slack, "click", {"as": "U0ALICE", "do": "shortcut", "callback_id": "lost"})
    assert (refused["status"], refused["error"]) == (404, "the app has no global shortcut 'lost'")


def test_the_most_of_everything_is_taken(slack: Slack) -> None:
    longest = {name: "x" * LIMITS[f"shortcut.{name}"] for name in ("name", "callback_id", "description")}
    many = [{**longest, "type": "global"}] * LIMITS["app.shortcuts"]
    assert control(slack, "app", {"shortcuts": many})["shortcuts"] == many


FAULTY: list[tuple[Any, str]] = [
    ({}, "must be an array"),
    ([FIND] * 11, "no more than 10 items allowed"),
    ([{**FIND, "name": "x" * 25}], "json-pointer:/shortcuts/0/name"),
    ([{**FIND, "callback_id": "x" * 256}], "json-pointer:/shortcuts/0/callback_id"),
    ([FIND, {**LINK, "description": "x" * 151}], "json-pointer:/shortcuts/1/description"),
    ([{**FIND, "type": "channel"}], "must be one of: global, message"),
    ([{"name": "Find", "type": "global"}], "missing required field: callback_id"),
    ([{**FIND, "url": "https://example.com"}], "invalid additional property: url"),
]


@pytest.mark.parametrize(("configured", "words"), FAULTY)
def test_what_cannot_be_configured(slack: Slack, configured: Any, words: str) -> None:
    refused = control(slack, "app", {"shortcuts": configured, "name": "Other"})
    assert (refused["status"], words in refused["error"]) == (400, True)
    assert control(slack, "state")["app"]["name"] == "Tocsin", "nothing was changed"
