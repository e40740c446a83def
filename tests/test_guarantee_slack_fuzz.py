"""Whatever comes signed from Slack: an answer below 500, soon, in bounded memory, and no fault of ours."""

from __future__ import annotations

import copy
import json
import random
import resource
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from tests import signed
from tests.audit.world import Shop
from tests.sizes import size
from tests.slack_fixture import through_wsgi
from tests.test_intake_limits import mutilated
from tocsin.issues.models import Issue
from tocsin.outbox.models import Delivery
from tocsin.slack.action_ids import Action, Form
from tocsin.wsgi import application

pytestmark = [pytest.mark.guarantee, pytest.mark.timeout(900), pytest.mark.usefixtures("committed")]

MIB = 1024 * 1024
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, 10**30, 1.5, float("nan"), "", "0", "\0", "\ud800", "x" * 10_000, "{}",
    "[]", '{"issue":1}', '{"issue":"1"}', '{"issue":1,"v":1e9}', "<!channel>", "user:1", "team:1", "none", "\u202e", [], {}, [[]],
    [None], {"": None}, {"id": None}, [{}] * 200, {"a": {"b": {"c": {}}}}, *(action.value for action in Action),
    *(form.value for form in Form),
)  # fmt: skip
ALLOWED = {200, 400, 403, 413}


def seeds(shop: Shop) -> list[dict[str, Any]]:
    """One of every kind that Slack sends: those of interactivity as the simulator makes them from what hangs there."""
    issue = shop.issue()
    card, alice = shop.card(issue), shop.alice
    pressed = [
        shop.driver.pressed(card, label, alice).payload for label in ("Resolve", "Archive…", "Comment", "Acknowledge")
    ]
    option = {"text": {"type": "plain_text", "text": "Alice"}, "value": f"user:{alice.user.pk}"}
    pressed.append(shop.driver.chosen(card, "Assign", option, alice).payload)
    build = shop.slack.simulation.clicks.build
    where = {"as": alice.slack_user_id, "channel": card.channel, "ts": card.ts, **card.menu("Assign")}
    asked = [shop.slack.do(build, {"do": "suggest", "value": "al", **where})]
    shop.click(issue, "Archive…", alice)
    in_view = {"as": alice.slack_user_id, "view": True}
    chosen = {"block_id": "until", "action_id": Action.CHOOSE_ARCHIVE.value, "selected": "hours"}
    asked += [
        shop.slack.do(build, {"do": "choose", **in_view, **chosen}),
        shop.slack.do(build, {"do": "submit", **in_view}),
        shop.slack.do(build, {"do": "close", **in_view}),
    ]
    return [*pressed, *(each.payload for each in asked if each is not None), *others(issue.pk)]


def others(issue_id: int) -> Iterator[dict[str, Any]]:
    team = {"team_id": "T0TOCSIN", "api_app_id": "A0TOCSIN"}
    person = {"team": {"id": "T0TOCSIN", "domain": "x"}, "user": {"id": "U0ALICE", "username": "alice"}}
    yield {"type": "event_callback", **team, "event_id": "Ev1", "event": {"type": "link_shared", "user": "U0ALICE"}}
    yield {"type": "event_callback", **team, "event": {"type": "app_uninstalled"}, "authorizations": [team]}
    yield {"type": "url_verification", "challenge": "abc"}
    yield {"type": "app_rate_limited", **team, "minute_rate_limited": 1_700_000_000}
    for line in ("help", "link", "unlink", "link team", "Unlink Team", "make coffee"):
        typed = {"command": "/tocsin", "text": line, "trigger_id": "1.2.d", "channel_name": "alerts"}
        yield {**typed, "user_id": "U0ALICE", "channel_id": "C0ALERTS", **team}
    yield {"type": "shortcut", **person, "callback_id": "tocsin.find", "action_ts": "1.1", "trigger_id": "1.2.c"}
    yield {
        "type": "message_action",
        **person,
        "callback_id": "tocsin.comment",
        "channel": {"id": "C0ALERTS", "name": "alerts"},
        "message_ts": "1.1",
        "message": {"ts": "1.1", "text": "It burns", "user": "U0BOB"},
        "trigger_id": "1.2.c",
    }
    about = json.dumps(
        {"issue": issue_id, "orig_response_url": "https://hooks.slack.com/actions/x", "is_message": True}
    )
    old = {
        **person,
        "callback_id": about,
        "channel": {"id": "C0ALERTS", "name": "alerts"},
        "action_ts": "1700000001.000100",
        "message_ts": "1700000000.000100",
        "attachment_id": "1",
        "response_url": "https://hooks.slack.com/actions/x",
        "trigger_id": "1.2.c",
    }
    message = {"type": "message", "ts": "1700000000.000100", "thread_ts": "1700000000.000100", "attachments": []}
    shown = {"type": "interactive_message", **old, "original_message": message}
    for value in (
        "resolved",
        "ignored:archived_until_condition_met:10",
        "unresolved:ongoing",
        "resolved:inNextRelease",
    ):
        yield {**shown, "actions": [{"name": "status", "type": "button", "value": value}]}
    chosen = {"name": "assign", "type": "select", "selected_options": [{"value": "none"}]}
    yield {**shown, "actions": [chosen, {"name": "status", "value": "ignored"}]}
    yield {"type": "interactive_message", **old, "actions": [chosen]}
    yield {**shown, "is_app_unfurl": True, "actions": [{"name": "status", "value": "resolved"}]}
    yield {"type": "interactive_message", **old, "name": "assign", "value": "al"}
    yield {"type": "dialog_suggestion", **old, "name": "assign", "value": "al", "state": "{}"}
    seen = json.dumps({"ts": "1700000000.000100", "v": 1, "is_ephemeral": False, "is_unfurl": False})
    for value in ("resolved", "resolved:inCurrentRelease", "x"):
        yield {"type": "dialog_submission", **old, "state": seen, "submission": {"resolve_type": value}}
    yield {"type": "dialog_cancellation", **old, "state": seen}


def paths(value: Any, so_far: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON value."""
    if so_far:
        yield so_far
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, child in children:
        yield from paths(child, (*so_far, name))


def altered(payload: dict[str, Any], dice: random.Random) -> dict[str, Any]:
    """The payload with one to three places replaced by something odd, or gone."""
    made = copy.deepcopy(payload)
    for _ in range(dice.randint(1, 3)):
        places = list(paths(made))
        if not places:
            break
        *way, last = dice.choice(places)
        holder: Any = made
        for step in way:
            holder = holder[step]
        if dice.random() < 0.2:
            del holder[last]
        else:
            holder[last] = copy.deepcopy(dice.choice(ODD))
    return made


def as_body(payload: dict[str, Any], dice: random.Random) -> bytes:
    """As it would come: an event as JSON, a command as a flat form, all else as one field; some with accidents on the way."""
    text = json.dumps(payload)
    body: bytes
    if payload.get("type") in ("event_callback", "url_verification", "app_rate_limited"):
        body = text.encode()
        return mutilated(body, dice) if dice.random() < 0.3 else body
    if "command" in payload:
        body = urlencode(
            {name: value if isinstance(value, str) else json.dumps(value) for name, value in payload.items()},
            errors="surrogatepass",
        ).encode()
    elif dice.random() < 0.3:
        body = urlencode({"payload": mutilated(text.encode(), dice)}).encode()
    else:
        body = urlencode({"payload": text}).encode()
    return mutilated(body, dice) if dice.random() < 0.1 else body


def test_nothing_that_comes_signed_is_answered_with_5xx_or_late_or_is_a_fault_of_ours(
    shop: Shop,
) -> None:
    dice = random.Random(20260301)
    shop.slack.expect_faults()
    known = seeds(shop)
    send = through_wsgi(application)
    statuses: dict[int, int] = {}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(size(50_000)):
        body = as_body(altered(dice.choice(known), dice), dice)
        headers = {"Content-Type": signed.FORM, **signed.headers(body)}
        began = time.process_time()
        status, _, said = send(dice.choice(signed.ADDRESSES), headers, body)
        assert time.process_time() - began < 1, body
        assert status in ALLOWED, (status, body, said)
        assert b"Reference:" not in said, body
        statuses[status] = statuses.get(status, 0) + 1
        if number % 500 == 0:
            assert_no_fault_of_ours()
            Delivery.objects.all().delete()
    assert_no_fault_of_ours()
    assert set(statuses) >= {200, 400, 403}
    assert statuses[200] > size(50_000) // 5, "the alterations are too cruel to reach what comes after decoding"
    assert Issue.objects.get().version > 1, "nothing of it was a click any more"
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert grown < 50 * MIB


def assert_no_fault_of_ours() -> None:
    told = [row.about["text"] for row in Delivery.objects.filter(kind="slack.whisper")]
    assert not [text for text in told if "Reference:" in text], told
