"""P3: each notification reached Slack at least once; twice only where nobody could know of the first."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations

from tests.audit.evidence import Call, Evidence, from_json

LOOK_UPS = ("conversations.history", "conversations.replies", "conversations.open")
BEGIN_EPISODES = ("regressed", "escalated", "unarchived")
CARD, REPLY = "tocsin_card", "tocsin_reply"


def violations(evidence: Evidence) -> Iterator[str]:
    yield from _still_to_do(evidence)
    yield from _given_up(evidence)
    yield from _done_and_not_sent(evidence)
    yield from _never_asked_for(evidence)
    yield from _sent_twice(evidence)


def _still_to_do(evidence: Evidence) -> Iterator[str]:
    rows = evidence.query(
        "SELECT id, kind, subject, lease_token, error_code, done_at IS NOT NULL OR abandoned_at IS NOT NULL"
        " FROM outbox_delivery ORDER BY id"
    )
    for id_, kind, subject, token, code, is_over in rows:
        if token:
            yield f"delivery {id_} ({kind} for {subject}) is still leased"
        elif not is_over:
            yield f"delivery {id_} ({kind} for {subject}) still waits{f' because of {code}' if code else ''}"


def _given_up(evidence: Evidence) -> Iterator[str]:
    """Only what Slack refused may be given up, and what was to follow it."""
    refusals = {call.answer.get("error") for call in evidence.calls if isinstance(call.answer, dict)} | {"not_posted"}
    rows = evidence.query("SELECT id, kind, error_code FROM outbox_delivery WHERE abandoned_at IS NOT NULL")
    for id_, kind, code in rows:
        if code not in refusals:
            yield f"delivery {id_} ({kind}) was given up because of {code}, and Slack never said so"


# --- at least once ----------------------------------------------------------------------------------------------------


def _done_and_not_sent(evidence: Evidence) -> Iterator[str]:
    """What is marked as done, and Slack never saw."""
    rows = evidence.query("SELECT id, kind, about FROM outbox_delivery WHERE done_at IS NOT NULL ORDER BY id")
    by_kind: dict[str, list[tuple[int, dict]]] = defaultdict(list)
    for id_, kind, about in rows:
        by_kind[kind].append((id_, from_json(about)))
    posted = {call.mark for call in evidence.effects("chat.postMessage")}
    cards = {
        id_: (key, is_gone) for id_, key, is_gone in evidence.query("SELECT id, delivery_key, is_gone FROM slack_card")
    }
    for id_, about in by_kind["slack.post_card"]:
        if about["card_id"] in cards and (CARD, cards[about["card_id"]][0]) not in posted:
            yield f"delivery {id_} is done, and Slack never saw card {about['card_id']}"
    for id_, about in by_kind["slack.reply"]:
        key, is_gone = cards.get(about["card_id"], ("", True))
        if not is_gone and not {(REPLY, f"{key}-{about['activity_id']}"), (CARD, key)} & posted:
            yield f"delivery {id_} is done, and Slack never saw the reply in the thread of card {about['card_id']}"
    yield from _whispers_not_sent(evidence, [about for _, about in by_kind["slack.whisper"]])


def _whispers_not_sent(evidence: Evidence, whispers: Sequence[dict]) -> Iterator[str]:
    heard = Counter(
        call.text
        for method in ("response_url", "chat.postEphemeral", "chat.postMessage")
        for call in evidence.effects(method)
    )
    wanted = Counter(about["text"] for about in whispers)
    for text, times in wanted.items():
        if heard[text] < times:
            yield f"{times} whispers are done, and Slack heard {heard[text]}: {text[:60]!r}"


def _never_asked_for(evidence: Evidence) -> Iterator[str]:
    """What rules and episodes make necessary, whatever the outbox knows of it. Rules here have no conditions; some are muted."""
    rows = evidence.query(
        "SELECT i.id, d.address FROM issues_issue i JOIN issues_activity a ON a.issue_id = i.id AND a.kind = 'first_seen'"
        " JOIN alerts_rule r ON r.project_id = i.project_id JOIN alerts_ruledestination l ON l.rule_id = r.id"
        " JOIN alerts_destination d ON d.id = l.destination_id"
        " WHERE NOT EXISTS (SELECT 1 FROM slack_card c WHERE c.subject_id = i.id AND c.address = d.address)"
        " AND NOT EXISTS (SELECT 1 FROM alerts_rulemute m WHERE m.rule_id = r.id AND m.destination_id = d.id"
        " AND a.created_at BETWEEN m.created_at AND coalesce(m.ended_at, m.until))"
    )
    for issue, address in rows:
        yield f"issue {issue} has no card at {address}"
    posted = {call.mark[1] for call in evidence.effects("chat.postMessage") if call.mark[0] == REPLY}
    episodes = evidence.query(
        "SELECT a.id, a.kind, c.id, c.delivery_key FROM issues_activity a JOIN slack_card c ON c.subject_id = a.issue_id"
        f" WHERE a.kind IN {BEGIN_EPISODES} AND c.created_at < a.created_at"
        " AND c.is_current AND NOT c.is_gone ORDER BY a.id, c.id"
    )
    for activity, kind, card, key in episodes:
        if f"{key}-{activity}" not in posted:
            yield f"the thread of card {card} was never told of activity {activity} ({kind})"


# --- at most once, as far as anybody could know ------------------------------------------------------------------------


def _sent_twice(evidence: Evidence) -> Iterator[str]:
    marked: dict[tuple[str, str], list[Call]] = defaultdict(list)
    for call in evidence.effects("chat.postMessage"):
        if call.mark[1]:
            marked[call.mark].append(call)
    for (kind, key), calls in marked.items():
        yield from _not_excused(evidence, f"{kind} {key}", calls, _could_not_be_found)
    whispered: dict[tuple[str, str], list[Call]] = defaultdict(list)
    for call in evidence.effects("response_url"):
        whispered[call.path, call.text].append(call)
    for call in evidence.effects("chat.postEphemeral"):
        whispered[call.args["user"], call.text].append(call)
    for (_, text), calls in whispered.items():
        yield from _not_excused(evidence, f"the whisper {text[:60]!r}", calls, lambda *_: True)


def _not_excused(
    evidence: Evidence, what: str, calls: Sequence[Call], cannot_know: Callable[[Evidence, Call, Call], bool]
) -> Iterator[str]:
    in_order = sorted(calls, key=lambda call: call.n)
    excused = {
        later.n
        for earlier, later in combinations(in_order, 2)
        if _is_ambiguous(evidence, earlier, later) and cannot_know(evidence, earlier, later)
    }
    if len(calls) - len(excused) > 1:
        yield f"{what} was sent {len(calls)} times, and {len(excused)} of them may be"


def _is_ambiguous(evidence: Evidence, earlier: Call, later: Call) -> bool:
    """Whether whoever sent the later one may not have heard of the earlier."""
    is_overtaken = earlier.effect > later.effect
    return not earlier.is_clear or is_overtaken or evidence.was_killed_between(earlier.at, later.at)


def _could_not_be_found(evidence: Evidence, earlier: Call, later: Call) -> bool:
    """Whether it was looked for in between, in vain: Slack did not tell, or it had not taken effect yet."""
    looked = [call for call in evidence.calls if call.method in LOOK_UPS and earlier.n < call.n < later.n]
    return any(not call.effect or call.effect < earlier.effect for call in looked)
