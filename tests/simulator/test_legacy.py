"""Buttons and menus of attachments: what is sent for them, and what an answer makes of the message."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from slack_sdk import WebClient

from tests.simulator.conftest import App
from tests.slack_fixture import Card, Slack
from tocsin.simulator.fields import NotThere

# What Slack sends for a click on an attachment of a message, and for typing into a menu there, as the references have it.
CLICK = {
    *("type", "actions", "callback_id", "team", "channel", "user", "enterprise", "is_enterprise_install", "action_ts"),
    *("message_ts", "attachment_id", "token", "is_app_unfurl", "original_message", "response_url", "trigger_id"),
}
OPTIONS = CLICK - {"actions", "is_app_unfurl", "original_message", "response_url", "trigger_id"} | {"name", "value"}

MENU = {"name": "assign", "text": "Assign", "type": "select"}
STATIC = {**MENU, "options": [{"text": "Ann & Co", "value": "user:1"}, {"text": "Ben", "value": "user:2"}]}
GROUPED = {**MENU, "option_groups": [{"text": "People", "options": STATIC["options"]}]}
EXTERNAL = {**MENU, "data_source": "external", "min_query_length": 0}
RESOLVE = {"name": "status", "text": "Resolve", "type": "button", "value": "resolved", "style": "primary"}


def attachment(*actions: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"fallback": "[shop] It broke", "callback_id": '{"issue":1}', "text": "It broke", "actions": actions, **more}


def post(slack: Slack, bot: WebClient, *actions: Mapping[str, Any], **more: Any) -> Card:
    bot.chat_postMessage(channel="#alerts", text="", attachments=[attachment(*actions, **more)])
    return slack.card(1)


def test_a_click_carries_the_message_as_it_is_stored(slack: Slack, bot: WebClient, app: App) -> None:
    card = post(slack, bot, RESOLVE, STATIC)
    payload = card.click("Resolve", as_="U0ALICE")["payload"]
    assert payload.keys() == CLICK
    assert payload["type"] == "interactive_message"
    assert payload["actions"] == [{"name": "status", "type": "button", "value": "resolved"}]
    assert (payload["callback_id"], payload["attachment_id"]) == ('{"issue":1}', "1")
    assert payload["original_message"] == card.message
    assert [each["id"] for each in payload["original_message"]["attachments"][0]["actions"]] == ["1", "2"]
    assert (payload["message_ts"], payload["is_app_unfurl"]) == (card.ts, False)
    assert payload["user"] == {"id": "U0ALICE", "name": "alice", "team_id": "T0TOCSIN"}
    assert [path for path, _, _ in app.received] == ["/slack/interactive"]


@pytest.mark.parametrize("menu", [STATIC, GROUPED], ids=["options", "groups"])
def test_a_choice_carries_the_value_of_the_entry(
    slack: Slack, bot: WebClient, app: App, menu: Mapping[str, Any]
) -> None:
    card = post(slack, bot, RESOLVE, menu)
    payload = card.choose("Assign", "Ben", as_="U0ALICE")["payload"]
    assert payload["actions"] == [{"name": "assign", "type": "select", "selected_options": [{"value": "user:2"}]}]


def test_what_the_menu_does_not_offer_cannot_be_chosen(slack: Slack, bot: WebClient, app: App) -> None:
    card = post(slack, bot, STATIC)
    where = {"as": "U0ALICE", "channel": card.channel, "ts": card.ts, **card.menu("Assign")}
    for selected in ("user:9", None, ""):
        with pytest.raises(NotThere):
            slack.click({**where, "selected": selected})
    with pytest.raises(NotThere, match="action 7"):
        slack.click({**where, "action": "7"})
    assert app.received == []


def test_typing_into_a_menu_asks_the_app_at_the_address_for_options(slack: Slack, bot: WebClient, app: App) -> None:
    app.listed = b'{"option_groups": [{"text": "People", "options": [{"text": "Ann", "value": "user:1"}]}]}'
    card = post(slack, bot, EXTERNAL)
    assert card.options("Assign", "an", as_="U0ALICE") == [("Ann", "user:1", "People")]
    ((path, _, _),) = app.received
    (entry,) = slack.journal("interactive_message options")
    assert path == "/slack/options"
    assert entry["args"].keys() == OPTIONS
    assert (entry["args"]["type"], entry["args"]["name"], entry["args"]["value"]) == (
        "interactive_message",
        "assign",
        "an",
    )
    payload = card.choose("Assign", "Ann", as_="U0ALICE")["payload"]
    assert payload["actions"][0]["selected_options"] == [{"value": "user:1"}]


def test_a_menu_that_wants_letters_is_not_asked_for_without(slack: Slack, bot: WebClient, app: App) -> None:
    card = post(slack, bot, {**EXTERNAL, "min_query_length": 2})
    assert card.options("Assign", "a", as_="U0ALICE") == []
    assert app.received == []


@pytest.mark.parametrize(
    ("listed", "fault"),
    [
        ({"options": [{"label": "Ann", "value": "1"}]}, "text"),
        ({"options": [{"text": {"type": "plain_text", "text": "Ann"}, "value": "1"}]}, "must be a string"),
        ({"option_groups": [{"label": "People", "options": []}]}, "text"),
        ({"options": [{"text": "Ann", "value": "1"}] * 101}, "100"),
        (
            {
                "option_groups": [
                    {"text": "A", "options": [{"text": "x", "value": "1"}] * 60},
                    {"text": "B", "options": [{"text": "x", "value": "1"}] * 60},
                ]
            },
            "no more than 100",
        ),
        ({}, "options or with option_groups"),
    ],
)
def test_options_in_another_dialect_are_faults(
    slack: Slack, bot: WebClient, app: App, listed: Mapping[str, Any], fault: str
) -> None:
    slack.expect_faults()
    app.listed = json.dumps(listed).encode()
    card = post(slack, bot, EXTERNAL)
    with pytest.raises(AssertionError, match=fault):
        card.options("Assign", "an", as_="U0ALICE")


# --- answers ---------------------------------------------------------------------------------------------------------


def test_nothing_as_an_answer_leaves_the_message_alone(slack: Slack, bot: WebClient, app: App) -> None:
    card = post(slack, bot, RESOLVE)
    card.click("Resolve", as_="U0ALICE")
    assert slack.card(1).message == card.message


def test_a_message_as_an_answer_takes_the_place_of_the_old_one(slack: Slack, bot: WebClient, app: App) -> None:
    card = post(slack, bot, RESOLVE)
    app.body = json.dumps({"attachments": [attachment(text="Resolved")]}).encode()
    assert card.click("Resolve", as_="U0ALICE")["judgement"]["ok"]
    (message,) = slack.messages()
    assert (message["ts"], message["attachments"][0]["text"]) == (card.ts, "Resolved")
    assert slack.card(1).buttons == []


def test_an_answer_may_stand_beside_the_message_for_one_person(slack: Slack, bot: WebClient, app: App) -> None:
    card = post(slack, bot, RESOLVE)
    app.body = json.dumps({"response_type": "ephemeral", "replace_original": False, "text": "No."}).encode()
    card.click("Resolve", as_="U0ALICE")
    assert [whisper["text"] for whisper in card.whispers] == ["No."]
    assert slack.card(1).message == card.message


def test_an_answer_may_delete_the_message(slack: Slack, bot: WebClient, app: App) -> None:
    card = post(slack, bot, RESOLVE)
    app.body = b'{"delete_original": true}'
    card.click("Resolve", as_="U0ALICE")
    assert slack.messages() == []


def test_a_message_that_only_they_see_is_not_sent_and_can_be_replaced(slack: Slack, bot: WebClient, app: App) -> None:
    bot.chat_postEphemeral(channel="C0ALERTS", user="U0ALICE", text="", attachments=[attachment(RESOLVE)])
    (whisper,) = slack.ephemerals("U0ALICE")
    shown = {"response_type": "ephemeral", "replace_original": True, "attachments": [attachment(text="Done")]}
    app.body = json.dumps(shown).encode()
    where = {"attachment": 1, "action": 1}
    result = slack.click({"as": "U0ALICE", "channel": "C0ALERTS", "ts": whisper["ts"], **where})
    assert result["payload"].keys() == CLICK - {"original_message"}
    (after,) = slack.ephemerals("U0ALICE")
    assert (after["ts"], after["attachments"][0]["text"]) == (whisper["ts"], "Done")


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"ok", "as a JSON object"),
        (b'{"attachment": []}', "no 'attachment'"),
        (b'{"attachments": [{"text": 5}]}', "/attachments/0/text"),
        (b"{}", "no text"),
        (b'{"text": "x", "response_type": "whisper"}', "response_type"),
    ],
)
def test_an_answer_that_is_no_message_is_a_fault(
    slack: Slack, bot: WebClient, app: App, body: bytes, fault: str
) -> None:
    slack.expect_faults()
    card = post(slack, bot, RESOLVE)
    app.body = body
    result = card.click("Resolve", as_="U0ALICE")
    assert fault in "; ".join(result["judgement"]["faults"])
    assert slack.card(1).message == card.message
