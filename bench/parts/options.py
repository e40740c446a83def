"""Options for a menu of assignees while somebody types, in an organization of 10,000 members: signed POST /slack/options."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from bench import clicks, tocsin_server
from bench.context import Bench
from bench.figures import Figure, percentile
from bench.generate import Sizes, card_ts, channel_id, slack_user, team_id
from bench.processes import Failed
from bench.tocsin_server import serving

PART = "options"
MEMBERS = 10_000
TYPED = ("", "a", "al", "ali", "alice", "alice ad", "é", "el", "person-77", "kov", "gar", "nobody is called so")
RATE = 20.0  # a second: people type


def run(bench: Bench) -> Iterator[Figure]:
    if "tocsin" not in bench.options["sides"]:
        return
    for kind in bench.databases:
        database = bench.databases[kind].copy(
            tocsin_server.filled(bench, kind, Sizes(issues=100, events=1, members=MEMBERS))
        )
        with serving(bench, database) as tocsin:
            offered = _first_options(tocsin.port)
            answered = bench.drive(
                tocsin.port,
                _requests(int(RATE * 2 * bench.seconds)),
                seconds=2 * bench.seconds,
                rate=RATE,
            )
        void = f"answered otherwise: {answered.others}" if answered.others else ""
        void = void or ("" if offered else "no options in the answer")
        for name, share in (("p50", 0.5), ("p99", 0.99)):
            ms = 1000 * percentile(answered.took, share)
            what = f"{kind}: assignees among {MEMBERS:,} members, {name}"
            yield Figure(part=PART, what=what, side="tocsin", value=ms, unit="ms", n=answered.ok, void=void)


def _requests(number: int) -> Iterator[bytes]:
    for typed, place in itertools.islice(zip(itertools.cycle(TYPED), itertools.count()), number):
        yield clicks.request("/slack/options", _body(typed, place % 100 + 1))


def _first_options(port: int) -> int:
    """How many options an empty field lists."""
    import http.client

    head, _, body = clicks.request("/slack/options", _body("", 1)).partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")[1:]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", "/slack/options", body, dict(line.split(": ", 1) for line in lines))
    answer = connection.getresponse()
    told = json.loads(answer.read() or b"{}")
    connection.close()
    if answer.status != 200:
        raise Failed(f"/slack/options answers {answer.status}")
    return sum(len(group["options"]) for group in told.get("option_groups", [told]) if "options" in group)


def _body(typed: str, issue: int) -> bytes:
    who, carried = slack_user(1), json.dumps({"issue": issue, "v": 1, "b": "row"})
    payload: dict[str, Any] = {
        "type": "block_suggestion",
        "user": {"id": who, "name": "person", "team_id": team_id(1)},
        "container": {
            "type": "message",
            "message_ts": card_ts(issue),
            "channel_id": channel_id(1),
            "is_ephemeral": False,
        },
        "api_app_id": "A0BENCH0001",
        "token": "of-no-use-since-2019",
        "action_id": "tocsin.assign",
        "block_id": carried,
        "value": typed,
        "team": {"id": team_id(1), "domain": "bench"},
        "enterprise": None,
        "is_enterprise_install": False,
        "channel": {"id": channel_id(1), "name": "alerts"},
        "message": {"type": "message", "ts": card_ts(issue), "bot_id": "B0BOT"},
    }
    return urlencode({"payload": json.dumps(payload)}).encode()
