"""Menus whose options the app lists while somebody types, in messages and in views."""

from __future__ import annotations

import json
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.models.blocks import Option, OptionGroup

from tests.simulator.conftest import App, Modals, choice, plain, question, row
from tests.slack_fixture import Slack
from tocsin.simulator.clicks import address
from tocsin.simulator.limits import LIMITS

COMMON = {"type", "user", "api_app_id", "token", "team", "enterprise", "is_enterprise_install", "container"}
ASKED = {"action_id", "block_id", "value"}
NAMES = [choice("Alice", "1"), choice("Bob", "2")]


def menu(kind: str = "external_select", **more: Any) -> dict[str, Any]:
    return {"type": kind, "action_id": "who", "placeholder": plain("Assign"), "min_query_length": 0, **more}


def lists(app: App, *options: dict[str, Any], **groups: list[dict[str, Any]]) -> None:
    """From now on the app answers with these options, or with these groups."""
    if groups:
        body: Any = {"option_groups": [{"label": plain(name), "options": each} for name, each in groups.items()]}
    else:
        body = {"options": list(options)}
    app.listed = json.dumps(body).encode()


@pytest.fixture
def posted(slack: Slack, bot: WebClient, app: App) -> dict[str, Any]:
    answered = bot.chat_postMessage(channel="C0ALERTS", text="x", blocks=[row(menu())])
    lists(app, *NAMES)
    return dict(answered["message"])


# --- asking ----------------------------------------------------------------------------------------------------------
def test_the_app_is_asked_with_the_message_and_what_was_typed(slack: Slack, posted: dict[str, Any], app: App) -> None:
    listed = slack.card(1).options("Assign", query="al", as_="U0ALICE")
    assert listed == [("Alice", "1", ""), ("Bob", "2", "")]
    payload = slack.journal("block_suggestion")[0]["args"]
    assert payload.keys() == COMMON | ASKED | {"channel", "message"}
    assert (payload["type"], payload["value"], payload["action_id"]) == ("block_suggestion", "al", "who")
    assert payload["block_id"] == posted["blocks"][0]["block_id"]
    assert payload["message"] == posted
    assert payload["container"] == {
        "type": "message",
        "message_ts": posted["ts"],
        "channel_id": "C0ALERTS",
        "is_ephemeral": False,
    }
    assert payload["channel"] == {"id": "C0ALERTS", "name": "alerts"}


def test_the_app_is_asked_with_the_view(slack: Slack, modals: Modals, app: App) -> None:
    view = modals.open(question("Person", "external_select", element={"min_query_length": 0}))
    lists(app, *NAMES)
    assert slack.view("U0ALICE").options("Person", "bo") == [("Alice", "1", ""), ("Bob", "2", "")]
    payload = slack.journal("block_suggestion")[0]["args"]
    assert payload.keys() == COMMON | ASKED | {"view"}
    assert payload["container"] == {"type": "view", "view_id": view["id"]}
    assert (payload["view"]["id"], payload["block_id"], payload["value"]) == (view["id"], "person", "bo")


def test_whoever_sees_it_alone_is_named_without_the_message(slack: Slack, bot: WebClient, app: App) -> None:
    bot.chat_postEphemeral(channel="C0ALERTS", user="U0ALICE", text="x", blocks=[row(menu())])
    (whisper,) = slack.ephemerals("U0ALICE")
    lists(app, *NAMES)
    asked = {"do": "suggest", "as": "U0ALICE", "channel": "C0ALERTS", "ts": whisper["ts"], "value": "a"}
    payload = slack.click({**asked, "action_id": "who"})["payload"]
    assert payload.keys() == COMMON | ASKED | {"channel"}
    assert payload["container"]["is_ephemeral"] is True


@pytest.mark.parametrize(("least", "typed", "is_asked"), [(None, "ab", 0), (None, "abc", 1), (0, "", 1), (1, "", 0)])
def test_the_app_is_asked_from_a_length_on(
    slack: Slack, bot: WebClient, modals: Modals, app: App, least: int | None, typed: str, is_asked: int
) -> None:
    some = menu() if least is None else menu(min_query_length=least)
    if least is None:
        del some["min_query_length"]
    bot.chat_postMessage(channel="C0ALERTS", text="x", blocks=[row(some)])
    card = slack.card(1)
    length = {} if least is None else {"min_query_length": least}
    modals.open(question("Person", "external_select", element=length))
    app.received.clear()
    lists(app, *NAMES)
    assert len(card.options("Assign", typed, "U0ALICE")) == is_asked * 2
    assert len(slack.view("U0ALICE").options("Person", typed)) == is_asked * 2
    assert len(app.received) == is_asked * 2


def test_menus_are_asked_for_beside_the_interactive_address(slack: Slack, posted: dict[str, Any], app: App) -> None:
    slack.card(1).choose("Assign", "Bob", as_="U0ALICE")
    assert [path for path, _, _ in app.received] == ["/slack/options", "/slack/interactive"]


@pytest.mark.parametrize(
    ("kind", "options_url", "expected"),
    [
        ("block_actions", "", "http://localhost/slack/interactive"),
        ("block_suggestion", "", "http://localhost/slack/options"),
        ("block_suggestion", "http://localhost/menus", "http://localhost/menus"),
        ("view_submission", "http://localhost/menus", "http://localhost/slack/interactive"),
    ],
)
def test_the_options_url_is_for_menus_alone(kind: str, options_url: str, expected: str) -> None:
    assert address(kind, "http://localhost/slack/interactive", options_url) == expected


def test_an_app_with_one_address_gets_all_of_it_there() -> None:
    assert address("block_suggestion", "http://localhost/slack") == "http://localhost/slack"
    assert address("block_suggestion", "") == ""


# --- choosing --------------------------------------------------------------------------------------------------------
def test_what_was_listed_can_be_chosen(slack: Slack, posted: dict[str, Any], app: App) -> None:
    payload = slack.card(1).choose("Assign", "Bob", as_="U0ALICE")["payload"]
    assert payload["type"] == "block_actions"
    bob = {"text": {"type": "plain_text", "text": "Bob", "emoji": True}, "value": "2"}
    assert payload["actions"][0]["selected_option"] == bob
    assert payload["state"]["values"]['{"issue":1}']["who"] == {"type": "external_select", "selected_option": bob}
    with pytest.raises(LookupError, match=r"no entry 'Carol'; there are \['Alice', 'Bob'\]"):
        slack.card(1).choose("Assign", "Carol", as_="U0ALICE")


def test_what_was_listed_can_be_chosen_in_a_view(slack: Slack, modals: Modals, app: App) -> None:
    modals.open(
        question("One", "external_select"),
        question("Many", "multi_external_select", element={"min_query_length": 0, "max_selected_items": 2}),
    )
    lists(app, first=[NAMES[0]], second=[NAMES[1]])
    view = slack.view("U0ALICE")
    assert view.options("Many", "") == [("Alice", "1", "first"), ("Bob", "2", "second")]
    view.choose("One", "Alice")
    view.choose("Many", "Alice", "Bob")
    assert slack.journal("block_suggestion")[1]["args"]["value"] == "Alice"  # as much as is needed is typed
    held = slack.view("U0ALICE").view["state"]["values"]
    assert held["one"]["value"]["selected_option"]["value"] == "1"
    assert [each["value"] for each in held["many"]["value"]["selected_options"]] == ["1", "2"]


def test_menus_are_found_by_what_they_say(slack: Slack, bot: WebClient, app: App) -> None:
    options = {"options": [choice("Comment"), choice("Rule")]}
    groups = {"option_groups": [{"label": plain("g"), "options": [choice("High")]}]}
    elements = [
        {"type": "overflow", "action_id": "more", **options},
        {"type": "static_select", "action_id": "how", "placeholder": plain("Priority"), **groups},
        {"type": "radio_buttons", "action_id": "radio", **options},
    ]
    bot.chat_postMessage(channel="C0ALERTS", text="x", blocks=[row(*elements)])
    card = slack.card(1)
    for label, text, value in [
        ("More actions", "Comment", "comment"),
        ("Priority", "High", "high"),
        ("radio", "Rule", "rule"),
    ]:
        payload = card.choose(label, text, as_="U0ALICE")["payload"]
        assert payload["actions"][0]["selected_option"]["value"] == value
    with pytest.raises(LookupError, match="nothing called 'Assign'"):
        card.options("Assign", "", "U0ALICE")


# --- the judge -------------------------------------------------------------------------------------------------------
def group(label: str = "g", *options: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"label": plain(label), "options": list(options or NAMES), **more}


def many(count: int) -> list[dict[str, Any]]:
    return [choice("x", str(number)) for number in range(count)]


GOOD: list[Any] = [
    {"options": []},
    {"option_groups": []},
    {"options": many(LIMITS["select.options"])},
    {"option_groups": [group("g", *many(LIMITS["select.options"]))] * LIMITS["select.option_groups"]},
    {"options": [choice("x" * LIMITS["option.text"], "y" * LIMITS["option.value"])]},
    {"options": [choice("x", description=plain("y" * LIMITS["option.description"]))]},
    {"option_groups": [group("x" * LIMITS["option_group.label"])]},
    {"options": [Option(value="1", label="One").to_dict()]},
    {"option_groups": [OptionGroup(label="One", options=[Option(value="1", label="One")]).to_dict()]},
]
MARKED = {"text": {"type": "mrkdwn", "text": "*x*"}, "value": "1"}
BAD: list[tuple[Any, str]] = [
    (b"", "options or with option_groups"),
    (b"[]", "options or with option_groups"),
    ({}, "options or with option_groups"),
    ({"options": NAMES, "option_groups": [group()]}, "options or with option_groups"),
    ({"options": NAMES, "more": True}, "invalid additional property: more"),
    ({"options": many(LIMITS["select.options"] + 1)}, "no more than 100 items allowed [json-pointer:/options]"),
    ({"option_groups": [group()] * 101}, "[json-pointer:/option_groups]"),
    ({"option_groups": [group("g", *many(101))]}, "[json-pointer:/option_groups/0/options]"),
    ({"options": [choice("x" * 76)]}, "[json-pointer:/options/0/text/text]"),
    ({"options": [choice("x", "y" * 151)]}, "[json-pointer:/options/0/value]"),
    ({"options": [choice("x", description=plain("y" * 76))]}, "[json-pointer:/options/0/description/text]"),
    ({"options": [choice("x", url="https://example.com")]}, "invalid additional property: url"),
    ({"options": [MARKED]}, "[json-pointer:/options/0/text/type]"),
    ({"options": [{"text": "x", "value": "1"}]}, "[json-pointer:/options/0/text]"),
    ({"options": [{"label": "x", "value": "1"}]}, "missing required field: text"),
    ({"option_groups": [group("x" * 76)]}, "[json-pointer:/option_groups/0/label/text]"),
    ({"option_groups": [{"options": NAMES}]}, "missing required field: label"),
    ({"option_groups": [group(), group(colour="red")]}, "invalid additional property: colour"),
    ({"options": None}, "must be an array"),
]


def asked(slack: Slack) -> list[str]:
    """What the judge finds in what the app lists."""
    where = {"channel": "C0ALERTS", "ts": slack.card(1).ts, "action_id": "who"}
    faults: list[str] = slack.click({"do": "suggest", "as": "U0ALICE", "value": "", **where})["judgement"]["faults"]
    return faults


@pytest.mark.parametrize("body", GOOD)
def test_a_list_that_slack_takes(slack: Slack, posted: dict[str, Any], app: App, body: Any) -> None:
    app.listed = json.dumps(body).encode()
    assert asked(slack) == []


@pytest.mark.parametrize(("body", "words"), BAD)
def test_a_list_that_slack_refuses(slack: Slack, posted: dict[str, Any], app: App, body: Any, words: str) -> None:
    slack.expect_faults()
    app.listed = body if isinstance(body, bytes) else json.dumps(body).encode()
    assert words in asked(slack)[0]
    with pytest.raises(AssertionError):
        slack.card(1).options("Assign", "", "U0ALICE")
