"""Clicks: payload, signature, and what the judge says to the answer."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any
from urllib.parse import parse_qs

import pytest
from slack_sdk import WebClient
from slack_sdk.signature import SignatureVerifier

from tests.simulator.conftest import App, button, question, row, section
from tests.simulator.test_response_urls import use
from tests.slack_fixture import Slack
from tocsin.simulator.fields import NotThere
from tocsin.simulator.signing import MODES, REFUSED, signature

# Slack's own example: https://docs.slack.dev/authentication/verifying-requests-from-slack
EXAMPLE_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
EXAMPLE_BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
    b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
    b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)

# What Slack sends for a click on a button in a message, as the references have it.
KEYS = {
    *("type", "user", "api_app_id", "token", "container", "trigger_id", "team", "enterprise", "is_enterprise_install"),
    *("channel", "message", "state", "response_url", "actions"),
}


def test_the_signature_is_that_of_the_published_example() -> None:
    assert signature(EXAMPLE_SECRET, "1531420618", EXAMPLE_BODY) == (
        "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    )


def test_a_click_carries_the_message_as_it_is_stored(slack: Slack, bot: WebClient, app: App) -> None:
    posted = bot.chat_postMessage(channel="#alerts", text="A & B", blocks=[section(), row(button(value="7"))])
    result = slack.card(1).click("Go", as_="U0ALICE")
    payload = result["payload"]
    assert payload.keys() == KEYS
    assert payload["message"] == posted["message"] == slack.card(1).message
    assert payload["user"] == {"id": "U0ALICE", "username": "alice", "name": "alice", "team_id": "T0TOCSIN"}
    assert payload["team"] == {"id": "T0TOCSIN", "domain": "tocsin-demo"}
    assert payload["container"] == {
        "type": "message",
        "message_ts": posted["ts"],
        "channel_id": "C0ALERTS",
        "is_ephemeral": False,
    }
    assert payload["channel"] == {"id": "C0ALERTS", "name": "alerts"}
    assert (payload["enterprise"], payload["is_enterprise_install"], payload["state"]) == (None, False, {"values": {}})
    (action,) = payload["actions"]
    assert action.pop("action_ts")
    assert action == {
        "type": "button",
        "action_id": "go",
        "block_id": '{"issue":1}',
        "text": {"type": "plain_text", "text": "Go", "emoji": True},
        "value": "7",
    }


def test_the_request_is_a_form_that_slacks_own_verifier_accepts(slack: Slack, bot: WebClient, app: App) -> None:
    bot.chat_postMessage(channel="C0ALERTS", text="x", blocks=[row(button())])
    result = slack.card(1).click("Go", as_="U0BOB")
    ((path, headers, body),) = app.received
    assert path == "/slack/interactive"
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    fields = parse_qs(body.decode(), strict_parsing=True)
    assert fields.keys() == {"payload"}
    assert json.loads(fields["payload"][0]) == result["payload"]
    assert SignatureVerifier(slack.signing_secret).is_valid_request(body.decode(), headers)


@pytest.mark.parametrize("mode", sorted(REFUSED))
def test_a_forged_request_does_not_verify(slack: Slack, bot: WebClient, app: App, mode: str) -> None:
    app.status = 401
    bot.chat_postMessage(channel="C0ALERTS", text="x", blocks=[row(button())])
    result = slack.card(1).click("Go", as_="U0ALICE", signing=mode)
    ((_, headers, body),) = app.received
    try:
        verified = SignatureVerifier(slack.signing_secret).is_valid_request(body.decode(), headers)
    except ValueError:
        verified = False
    assert not verified
    assert result["judgement"]["ok"]


def test_an_app_that_takes_a_forged_request_is_judged(slack: Slack, bot: WebClient, app: App) -> None:
    slack.expect_faults()
    bot.chat_postMessage(channel="C0ALERTS", text="x", blocks=[row(button())])
    result = slack.card(1).click("Go", as_="U0ALICE", signing="bad_secret")
    assert "refused" in result["judgement"]["faults"][0]
    assert slack.judgements()[0]["user"] == "U0ALICE"


def test_every_signing_mode_signs_something_else(slack: Slack) -> None:
    letters = [MODES[mode](slack.signing_secret, 1_700_000_000, b"payload=1") for mode in MODES]
    assert len({(tuple(letter.headers.items()), letter.body) for letter in letters}) == len(MODES)
    garbled = MODES["not_utf8"]("secret", 1_700_000_000, b"payload=")
    expected = hmac.new(b"secret", b"v0:1700000000:payload=\xff\xfe", hashlib.sha256).hexdigest()
    assert garbled.headers["X-Slack-Signature"] == f"v0={expected}"


@pytest.mark.parametrize(
    ("status", "body", "word"),
    [(200, b"ok", "empty"), (500, b"", "500"), (204, b"", "204"), (302, b"", "302")],
)
def test_an_answer_that_slack_does_not_take_is_judged(
    slack: Slack, bot: WebClient, app: App, status: int, body: bytes, word: str
) -> None:
    slack.expect_faults()
    app.status, app.body = status, body
    bot.chat_postMessage(channel="C0ALERTS", text="x", blocks=[row(button())])
    result = slack.card(1).click("Go", as_="U0ALICE")
    assert not result["judgement"]["ok"]
    assert word in result["judgement"]["faults"][0]
    assert slack.judgements()[0]["faults"] == result["judgement"]["faults"]


def test_an_app_that_is_not_there_is_judged(slack: Slack, bot: WebClient) -> None:
    slack.expect_faults()
    slack.connect("http://127.0.0.1:9/slack/interactive")
    bot.chat_postMessage(channel="C0ALERTS", text="x", blocks=[row(button())])
    result = slack.card(1).click("Go", as_="U0ALICE")
    assert result["status"] == 0
    assert "no answer" in result["judgement"]["faults"][0]


def test_a_click_in_a_thread_names_the_thread(slack: Slack, bot: WebClient, app: App) -> None:
    parent = bot.chat_postMessage(channel="C0ALERTS", text="parent")
    bot.chat_postMessage(
        channel="C0ALERTS", thread_ts=parent["ts"], reply_broadcast=True, text="x", blocks=[row(button())]
    )
    payload = slack.card(1).click("Go", as_="U0ALICE")["payload"]
    assert payload["container"]["thread_ts"] == payload["message"]["thread_ts"] == parent["ts"]


def test_a_click_in_an_ephemeral_message_carries_no_message(slack: Slack, bot: WebClient, app: App) -> None:
    bot.chat_postEphemeral(channel="C0ALERTS", user="U0ALICE", text="x", blocks=[row(button())])
    (whisper,) = slack.ephemerals("U0ALICE")
    result = slack.click({"as": "U0ALICE", "channel": "C0ALERTS", "ts": whisper["ts"], "action_id": "go"})
    assert result["payload"].keys() == KEYS - {"message"}
    assert result["payload"]["container"]["is_ephemeral"] is True


def test_a_click_in_an_attachment_names_the_attachment(slack: Slack, bot: WebClient, app: App) -> None:
    bot.chat_postMessage(channel="C0ALERTS", text="x", attachments=[{"text": "a"}, {"blocks": [row(button())]}])
    payload = slack.card(1).click("Go", as_="U0ALICE")["payload"]
    assert (payload["container"]["type"], payload["container"]["attachment_id"]) == ("message_attachment", 2)


def test_nobody_clicks_what_only_another_sees(slack: Slack, bot: WebClient, app: App) -> None:
    whispered = bot.chat_postEphemeral(channel="C0ALERTS", user="U0ALICE", text="x", blocks=[row(button())])
    where = {"channel": "C0ALERTS", "ts": whispered["message_ts"], "action_id": "go"}
    with pytest.raises(NotThere, match="no such message"):
        slack.click({"as": "U0BOB", **where})


def test_a_choice_that_is_not_offered_cannot_be_made(slack: Slack, bot: WebClient, app: App) -> None:
    menu = {"type": "static_select", "action_id": "choose", "options": OPTIONS}
    posted = bot.chat_postMessage(channel="C0ALERTS", text="x", blocks=[row(menu)])
    with pytest.raises(NotThere, match="no option"):
        slack.click({"as": "U0ALICE", "channel": "C0ALERTS", "ts": posted["ts"], "selected": "middling"})


def test_a_request_can_be_made_odd_and_is_not_judged_then(slack: Slack, bot: WebClient, app: App) -> None:
    app.status = 400
    bot.chat_postMessage(channel="C0ALERTS", text="x", blocks=[row(button())])
    raw = {"payload": {"team": None}, "headers": {"Accept": None, "X-Odd": "1"}}
    result = slack.card(1).click("Go", as_="U0ALICE", raw=raw)
    assert result["judgement"]["ok"]
    assert result["payload"]["team"] is None
    slack.card(1).click("Go", as_="U0ALICE", raw={"body": "payload={"})
    (_, headers, _), (_, signed, body) = app.received
    assert "Accept" not in headers
    assert headers["X-Odd"] == "1"
    assert body == b"payload={"
    assert SignatureVerifier(slack.signing_secret).is_valid_request(body.decode(), signed)


def test_an_app_without_a_request_url_cannot_answer(slack: Slack, bot: WebClient) -> None:
    slack.expect_faults()
    slack.connect("")
    bot.chat_postMessage(channel="C0ALERTS", text="x", blocks=[row(button())])
    assert "no request URL" in slack.card(1).click("Go", as_="U0ALICE")["judgement"]["faults"][0]


def test_a_click_in_a_private_channel_hides_its_name(slack: Slack, bot: WebClient, app: App) -> None:
    bot.chat_postMessage(channel="C0OPS", text="x", blocks=[row(button())])
    payload = slack.card(1, "ops-private").click("Go", as_="U0ALICE")["payload"]
    assert payload["channel"] == {"id": "C0OPS", "name": "privategroup"}


def test_a_link_button_is_told_of_with_its_url(slack: Slack, bot: WebClient, app: App) -> None:
    bot.chat_postMessage(channel="C0ALERTS", text="x", blocks=[row(button(url="https://example.com/?a=1"))])
    payload = slack.card(1).click("Go", as_="U0ALICE")["payload"]
    assert payload["actions"][0]["url"] == "https://example.com/?a=1"


OPTIONS: list[dict[str, Any]] = [
    {"text": {"type": "plain_text", "text": label, "emoji": True}, "value": label.lower()} for label in ("Low", "High")
]
PLACEHOLDER = {"type": "plain_text", "text": "…", "emoji": True}


@pytest.mark.parametrize(
    ("element", "selected", "expected"),
    [
        ({"type": "static_select", "options": OPTIONS}, "high", {"selected_option": OPTIONS[1]}),
        ({"type": "overflow", "options": OPTIONS}, "low", {"selected_option": OPTIONS[0]}),
        ({"type": "radio_buttons", "options": OPTIONS}, "low", {"selected_option": OPTIONS[0]}),
        ({"type": "checkboxes", "options": OPTIONS}, ["low", "high"], {"selected_options": OPTIONS}),
        ({"type": "users_select"}, "U0BOB", {"selected_user": "U0BOB"}),
        ({"type": "channels_select"}, "C0ALERTS", {"selected_channel": "C0ALERTS"}),
        ({"type": "conversations_select"}, "C0OPS", {"selected_conversation": "C0OPS"}),
        ({"type": "datepicker"}, "2026-03-01", {"selected_date": "2026-03-01"}),
        ({"type": "timepicker"}, "09:30", {"selected_time": "09:30"}),
        ({"type": "datetimepicker"}, 1_772_368_200, {"selected_date_time": 1_772_368_200}),
        ({"type": "external_select"}, OPTIONS[0], {"selected_option": OPTIONS[0]}),
    ],
)
def test_a_choice_says_what_was_chosen(
    slack: Slack, bot: WebClient, app: App, element: dict[str, Any], selected: Any, expected: dict[str, Any]
) -> None:
    posted = bot.chat_postMessage(channel="C0ALERTS", text="x", blocks=[row({"action_id": "choose", **element})])
    result = slack.click(
        {"as": "U0ALICE", "channel": "C0ALERTS", "ts": posted["ts"], "action_id": "choose", "selected": selected}
    )
    (action,) = result["payload"]["actions"]
    assert {name: action[name] for name in expected} == expected
    state = result["payload"]["state"]["values"]
    if element["type"] == "overflow":
        assert state == {}
    else:
        assert state == {'{"issue":1}': {"choose": {"type": element["type"], **expected}}}


def test_a_choice_stays_for_its_person_while_block_and_action_keep_their_names(
    slack: Slack, bot: WebClient, app: App
) -> None:
    menu = {"type": "static_select", "action_id": "choose", "options": OPTIONS, "initial_option": OPTIONS[0]}
    posted = bot.chat_postMessage(channel="C0ALERTS", text="x", blocks=[row(menu, button())])
    where = {"channel": "C0ALERTS", "ts": posted["ts"], "action_id": "choose"}
    slack.click({"as": "U0ALICE", **where, "selected": "high"})
    bot.chat_update(channel="C0ALERTS", ts=posted["ts"], text="y", blocks=[row(menu, button())])

    def choice_of(user: str) -> Any:
        payload = slack.card(1).click("Go", as_=user)["payload"]
        return payload["state"]["values"]['{"issue":1}']["choose"]["selected_option"]["value"]

    assert choice_of("U0ALICE") == "high"
    assert choice_of("U0BOB") == "low"


def test_a_choice_is_forgotten_with_the_menu_it_was_made_in(slack: Slack, bot: WebClient, app: App) -> None:
    menu = {"type": "static_select", "action_id": "choose", "options": OPTIONS}
    posted = bot.chat_postMessage(channel="C0ALERTS", text="x", blocks=[row(menu, button())])
    where = {"channel": "C0ALERTS", "ts": posted["ts"], "action_id": "choose"}

    def choice_after(*elements: dict[str, Any]) -> Any:
        slack.click({"as": "U0ALICE", **where, "selected": "high"})
        bot.chat_update(channel="C0ALERTS", ts=posted["ts"], text="y", blocks=[row(*elements)])
        bot.chat_update(channel="C0ALERTS", ts=posted["ts"], text="z", blocks=[row(menu, button())])
        payload = slack.card(1).click("Go", as_="U0ALICE")["payload"]
        return payload["state"]["values"]['{"issue":1}']["choose"]["selected_option"]

    assert choice_after(menu)["value"] == "high"
    assert choice_after(button()) is None
    assert choice_after({**menu, "action_id": "other"}) is None
    assert choice_after({**menu, "type": "radio_buttons"}) is None


def test_a_replaced_message_forgets_the_choices_that_have_no_place_in_it(
    slack: Slack, bot: WebClient, app: App
) -> None:
    menu = {"type": "static_select", "action_id": "choose", "options": OPTIONS}
    posted = bot.chat_postMessage(channel="C0ALERTS", text="x", blocks=[row(menu)])
    where = {"channel": "C0ALERTS", "ts": posted["ts"], "action_id": "choose"}
    url = slack.click({"as": "U0ALICE", **where, "selected": "high"})["payload"]["response_url"]
    (before,) = slack.messages(as_="U0ALICE")
    assert before["_chosen"]['{"issue":1}']["choose"]["selected_option"]["value"] == "high"
    assert "_chosen" not in slack.messages(as_="U0BOB")[0]
    use(url, text="y", replace_original=True, blocks=[row(button())])
    assert "_chosen" not in slack.messages(as_="U0ALICE")[0]


def test_a_field_in_a_message_is_told_of_only_if_the_app_asked_for_it(slack: Slack, bot: WebClient, app: App) -> None:
    for name, more in (("silent", {}), ("told", {"dispatch_action": True})):
        bot.chat_postMessage(channel="C0ALERTS", text="x", blocks=[question(name, **more), row(button(), issue=2)])
    silent, told = (message["ts"] for message in slack.messages())
    where = {"as": "U0ALICE", "channel": "C0ALERTS", "action_id": "value", "selected": "words"}
    assert slack.click({**where, "ts": silent, "enter": True})["payload"] is None
    assert slack.click({**where, "ts": told})["payload"] is None
    assert slack.click({**where, "ts": told, "enter": True})["payload"]["actions"][0]["value"] == "words"
    go = {"as": "U0ALICE", "channel": "C0ALERTS", "ts": silent, "action_id": "go"}
    values = slack.click(go)["payload"]["state"]["values"]
    assert values == {"silent": {"value": {"type": "plain_text_input", "value": "words"}}}


def test_a_click_may_be_sent_again_unchanged(slack: Slack, bot: WebClient, app: App) -> None:
    bot.chat_postMessage(channel="C0ALERTS", text="x", blocks=[row(button())])
    result = slack.card(1).click("Go", as_="U0ALICE", times=3)
    assert len(result["results"]) == len(app.received) == 3
    assert len({body for _, _, body in app.received}) == 1


def test_nobody_clicks_what_they_do_not_see(slack: Slack, bot: WebClient, app: App) -> None:
    posted = bot.chat_postMessage(channel="C0OPS", text="x", blocks=[row(button())])
    for who in ("U0EVE", "U0NOBODY", "U0TOCSIN"):
        with pytest.raises(NotThere):
            slack.click({"as": who, "channel": "C0OPS", "ts": posted["ts"], "action_id": "go"})
    assert app.received == []
