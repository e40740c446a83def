"""Faults on purpose, and calls that are held."""

from __future__ import annotations

import http.client
import json
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.error import HTTPError

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from tests.slack_fixture import Slack
from tests.waiting import until
from tocsin.simulator.faults import KINDS, UnknownFault


def post(slack: Slack, text: str = "x", channel: str = "C0ALERTS", timeout: float = 5.0) -> tuple[int, bytes]:
    """Status and body of one chat.postMessage. Raises what the connection raises."""
    asked = urllib.request.Request(
        f"{slack.api_url}chat.postMessage",
        data=json.dumps({"channel": channel, "text": text}).encode(),
        headers={"Authorization": f"Bearer {slack.bot_token}", "Content-Type": "application/json; charset=utf-8"},
    )
    try:
        with urllib.request.urlopen(asked, timeout=timeout) as answer:
            return answer.status, answer.read()
    except HTTPError as refused:
        with refused:
            return refused.code, refused.read()


def texts(slack: Slack) -> list[str]:
    return [message["text"] for message in slack.messages("alerts")]


@pytest.mark.parametrize(
    ("kind", "how", "status", "body"),
    [
        ("status", {"status": 503, "body": "down"}, 503, b"down"),
        ("error", {"error": "is_archived"}, 200, b'{"ok": false, "error": "is_archived"}'),
        ("429", {"retry_after": 30}, 429, b'{"ok": false, "error": "ratelimited"}'),
        ("html", {}, 200, b"<!DOCTYPE html>"),
        ("huge", {"bytes": 2_000_000}, 200, b'{"ok": true, "filler": "xxx'),
        ("drip", {"seconds": 0}, 200, b'{"ok": true, "channel": "C0"'),
    ],
)
@pytest.mark.parametrize("after", [False, True])
def test_an_answer_can_be_wrong_with_and_without_an_effect(
    slack: Slack, kind: str, how: dict[str, Any], status: int, body: bytes, after: bool
) -> None:
    slack.fail("chat.postMessage", kind, after=after, **how)
    answered, received = post(slack)
    assert answered == status
    assert received.startswith(body)
    assert texts(slack) == (["x"] if after else [])
    assert post(slack, "y")[0] == 200
    assert texts(slack)[-1] == "y"


def test_retry_after_is_what_was_asked_for(slack: Slack, bot: WebClient) -> None:
    for wanted in (30, "soon", None):
        slack.fail("chat.postMessage", "429", retry_after=wanted)
        with pytest.raises(SlackApiError) as refused:
            bot.chat_postMessage(channel="C0ALERTS", text="x")
        headers = {name.lower(): value for name, value in refused.value.response.headers.items()}
        assert headers.get("retry-after") == (None if wanted is None else str(wanted))


@pytest.mark.parametrize(
    ("kind", "effect"), [("reset_before", []), ("reset_after", ["x"]), ("truncated", []), ("hang", [])]
)
def test_a_connection_can_break(slack: Slack, kind: str, effect: list[str]) -> None:
    slack.fail("chat.postMessage", kind)
    with pytest.raises((OSError, http.client.HTTPException)):
        post(slack, timeout=0.3)
    assert texts(slack) == effect


def test_a_delay_delays(slack: Slack) -> None:
    slack.fail("chat.postMessage", "delay", seconds=0.4)
    with pytest.raises(OSError, match="timed out"):
        post(slack, timeout=0.1)
    until(lambda: texts(slack) == ["x"], what="the message to arrive all the same")


def test_a_fault_happens_as_often_as_planned_and_where_planned(slack: Slack) -> None:
    slack.fail("chat.postMessage", "status", times=2, status=500)
    assert [post(slack)[0] for _ in range(3)] == [500, 500, 200]
    slack.fail("chat.postMessage", "status", times=None, status=500, where={"channel": "C0CLASSIC"})
    assert [post(slack, channel=channel)[0] for channel in ("C0ALERTS", "C0CLASSIC", "C0CLASSIC")] == [200, 500, 500]
    slack.heal()
    assert post(slack, channel="C0CLASSIC")[0] == 200
    slack.fail("*", "status", status=502)
    assert post(slack)[0] == 502


def test_an_unknown_fault_is_refused(slack: Slack) -> None:
    with pytest.raises(UnknownFault, match="there is no fault of kind 'fire'"):
        slack.fail("*", "fire")
    assert len(KINDS) == 13


@pytest.mark.parametrize(("when", "effect"), [("before", []), ("after", ["x"])])
def test_a_call_is_held_until_it_is_let_go(slack: Slack, when: str, effect: list[str]) -> None:
    held = slack.pause("chat.postMessage", when=when)
    assert not held.is_reached()
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(post, slack)
        held.wait_reached(5)
        assert texts(slack) == effect
        assert not answer.done()
        assert post(slack, "y")[0] == 200, "the next call is not held"
        held.release()
        assert answer.result(5)[0] == 200
    assert sorted(texts(slack)) == ["x", "y"]
    assert not held.is_reached()


def test_a_call_whose_caller_has_gone_takes_its_effect_when_let_go(slack: Slack) -> None:
    held = slack.pause("chat.postMessage", when="before")
    with pytest.raises(OSError, match="timed out"):
        post(slack, timeout=0.2)
    held.wait_reached(5)
    held.release()
    until(lambda: texts(slack) == ["x"], what="the effect")


def test_what_was_not_held_yet_is_not_held_after_a_release(slack: Slack) -> None:
    slack.pause("chat.postMessage").release()
    assert post(slack)[0] == 200
