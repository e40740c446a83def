"""Clicks as Slack sends them: signed forms, each of which changes an issue."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

from bench import driver
from bench.generate import card_ts, channel_id, slack_user, team_id
from bench.processes import ROOT

SIGNING_SECRET = "a-signing-secret-of-the-bench"
FORM = "application/x-www-form-urlencoded"
ACTIONS = ("tocsin.resolve", "tocsin.reopen")


@dataclass(frozen=True, slots=True, kw_only=True)
class Click:
    """What a click is about: its place in the file is its only name."""

    number: int
    issue: int
    action: str
    version: int  # of the issue, as the person sees it


STRIDE = 7919  # prime: issues are clicked all over the tables, and not in the order in which they were made


def clicks(issues: int, *, start: int = 0) -> Iterator[Click]:
    """Every issue is resolved once, then every one reopened, and so on: each click changes a row."""
    for number in itertools.count(start):
        lap, place = divmod(number, issues)
        yield Click(number=number, issue=place * STRIDE % issues + 1, action=ACTIONS[lap % 2], version=lap + 1)


def requests(issues: int, number: int, *, start: int = 0) -> Iterator[bytes]:
    """Signed now, so good for five minutes. `start`: how many were sent before, all of them answered."""
    form = _form(user=1)
    for click in itertools.islice(clicks(issues, start=start), number):
        yield request("/slack/interactive", form(click))


def request(path: str, body: bytes) -> bytes:
    timestamp = str(int(time.time()))
    signed = hmac.new(SIGNING_SECRET.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    headers = {
        "Content-Type": FORM,
        "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": f"v0={signed}",
    }
    return driver.post(path, body, headers)


def _form(user: int) -> Callable[[Click], bytes]:
    """Makes the body of a click. The message that comes with each, blocks and all, is quoted once."""
    marks = ("@ACTION@", "@ISSUE@", "@VERSION@", "@TS@", "@AT@")
    quoted = quote_plus(json.dumps(_payload(user)))
    for mark in marks:
        quoted = quoted.replace(quote_plus(mark), mark)

    def form(click: Click) -> bytes:
        values = (
            click.action,
            str(click.issue),
            str(click.version),
            card_ts(click.issue),
            f"17{click.number:010}.000200",
        )
        text = quoted
        for mark, value in zip(marks, values, strict=True):
            text = text.replace(mark, value)
        return f"payload={text}".encode()

    return form


def _payload(user: int) -> dict[str, Any]:
    """As Slack sends a click on a card: the whole message comes along."""
    message = json.loads((ROOT / "tests" / "golden" / "issue_new.json").read_text())
    carried = json.dumps({"issue": "@ISSUE@", "v": "@VERSION@"}).replace('"@ISSUE@"', "@ISSUE@")
    carried = carried.replace('"@VERSION@"', "@VERSION@")
    who = slack_user(user)
    return {
        "type": "block_actions",
        "user": {"id": who, "username": "person", "name": "person", "team_id": team_id(1)},
        "api_app_id": "A0BENCH0001",
        "token": "of-no-use-since-2019",
        "container": {
            "type": "message",
            "message_ts": "@TS@",
            "channel_id": channel_id(1),
            "is_ephemeral": False,
        },
        "trigger_id": "12466734323.1395872398.@AT@",
        "team": {"id": team_id(1), "domain": "bench"},
        "enterprise": None,
        "is_enterprise_install": False,
        "channel": {"id": channel_id(1), "name": "alerts"},
        "message": {"type": "message", "ts": "@TS@", "bot_id": "B0BOT", "user": "U0BOT", "team": team_id(1), **message},
        "state": {"values": {}},
        "response_url": "https://hooks.slack.com/actions/T0BENCH001/1234567890/of-the-bench",
        "actions": [
            {
                "type": "button",
                "action_id": "@ACTION@",
                "block_id": carried,
                "text": {"type": "plain_text", "text": "Resolve", "emoji": True},
                "value": carried,
                "style": "primary",
                "action_ts": "@AT@",
            }
        ],
    }
