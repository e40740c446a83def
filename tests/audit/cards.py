"""P4: every card shows what the database says; and every message of ours is a card that somebody keeps true.

What a card shows is read from what Slack got last, and what it should show is worked out here from the rows, by rules of the
auditor's own: a fault of Tocsin's drawing is found as well as a message that was never sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.audit.evidence import Call, Evidence, Message

CARD = "tocsin_card"
BUTTONS = {
    "unresolved": {"Resolve", "Archive…"},
    "resolved": {"Reopen", "Archive…"},
    "archived": {"Resolve", "Stop archiving"},
}
OPTIONAL = {"Resolve…", "Undo"}  # where there are releases; while something may be undone
STATES = {
    "new": "New",
    "ongoing": "Ongoing",
    "escalating": "Escalating",
    "regressed": "Regressed",
    "until_escalating": "Archived until it escalates",
    "until_condition": "Archived until",
    "forever": "Archived forever",
}
SHOWN = (
    "resolved", "reopened", "archived", "regressed", "escalated", "unarchived", "assigned", "unassigned", "priority",
    "acknowledged", "undone",
)  # fmt: skip
LINES = 5
FACT = re.compile(r"(Events|Users|State|Assignee|Priority|Comments): \*(.*?)\*")
NUMBERS = re.compile(r"(Events|Users): \*[\d,]+\*")
PERSON = re.compile(r"\* by (.+?) · ")
STEPS = (1, 2, 5)  # and ten times, a hundred times … these: numbers between two of them may wait


def violations(evidence: Evidence) -> Iterator[str]:
    shown = _shown_last(evidence)
    rows = evidence.query(
        "SELECT id, subject_id, channel, ts, is_gone, unfurl_url FROM slack_card WHERE subject_kind = 'issue' ORDER BY id"
    )
    yield from _orphans(evidence, {(channel, ts) for _, _, channel, ts, _, _ in rows})
    for card, issue, channel, ts, is_gone, url in rows:
        if is_gone:
            continue
        if not ts:
            yield f"card {card} of issue {issue} was never posted"
        elif (channel, ts, url) not in shown:
            yield f"card {card} of issue {issue} says that it hangs at {channel} {ts}, and Slack knows no such message"
        else:
            yield from _lies(evidence, card, issue, shown[channel, ts, url])


def _orphans(evidence: Evidence, known: set[tuple[str, str]]) -> Iterator[str]:
    deleted = {(call.args["channel"], call.args["ts"]) for call in evidence.effects("chat.delete")}
    for call in evidence.effects("chat.postMessage"):
        if call.mark[0] == CARD and (_place(call) not in known | deleted):
            yield f"a message hangs at {call.args['channel']} {call.ts} that no card knows"


def _place(call: Call) -> tuple[str, str]:
    channel = call.answer.get("channel") if isinstance(call.answer, dict) else None
    return str(channel or call.args["channel"]), call.ts


def _shown_last(evidence: Evidence) -> dict[tuple[str, str, str], Message]:
    """What hangs where, and below which link (none: it is a message), by what Slack took last."""
    changes = [call for method in CHANGES for call in evidence.effects(method)]
    shown = {}
    for call in sorted(changes, key=lambda call: call.effect):
        place = _place(call) if call.method == "chat.postMessage" else (str(call.args["channel"]), str(call.args["ts"]))
        for url, content in (call.args.get("unfurls") or {"": call.args}).items():
            shown[*place, url] = {name: content.get(name) for name in ("text", "blocks", "attachments")}
    return shown


CHANGES = ("chat.postMessage", "chat.update", "chat.unfurl")


# --- what it should show ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """An issue by its row."""

    status: str
    state: str  # how the state begins
    version: int
    events: int
    users: int
    comments: int
    priority: str
    assignee: tuple[str, ...]  # any of these names them; none: nobody


def _truth(evidence: Evidence, issue: int) -> Truth | None:
    found = evidence.query(
        "SELECT i.status, i.substatus, i.version, i.times_seen, i.users_seen, i.comment_count, i.priority, u.name, s.slack_user_id,"
        " t.slug FROM issues_issue i LEFT JOIN accounts_user u ON u.id = i.assignee_user_id"
        " LEFT JOIN slack_identity s ON s.user_id = u.id LEFT JOIN accounts_team t ON t.id = i.assignee_team_id"
        " WHERE i.id = %s",
        issue,
    )
    if not found:
        return None
    status, substatus, version, events, users, comments, priority, name, slack_user, team = found[0]
    return Truth(
        status=status,
        state="Resolved" if status == "resolved" else STATES[substatus],
        version=version,
        events=events,
        users=users,
        comments=comments,
        priority=priority.capitalize(),
        assignee=tuple(each for each in (name, slack_user and f"<@{slack_user}>", team and f"#{team}") if each),
    )


def _lies(evidence: Evidence, card: int, issue: int, message: Message) -> Iterator[str]:
    truth = _truth(evidence, issue)
    if truth is None:
        if "was deleted" not in str(message["text"]):
            yield f"card {card} shows issue {issue}, which is gone"
        return
    for what, says, should in _differences(evidence, card, issue, truth, message):
        yield f"card {card} of issue {issue} shows {what} {says!r} instead of {should!r}"
    yield from _not_as_drawn(evidence, card, issue, message)


def _differences(
    evidence: Evidence, card: int, issue: int, truth: Truth, message: Message
) -> Iterator[tuple[str, Any, Any]]:
    of_style = _differences_of_old if message.get("attachments") else _differences_in_blocks
    yield from of_style(issue, truth, message)
    yield from _facts_that_differ(dict(FACT.findall(_texts(message))), truth)
    yield from _deeds_that_differ(evidence, card, issue, message)


OLD_BUTTONS = {"unresolved": {"Resolve", "Archive"}, "resolved": {"Reopen"}, "archived": {"Stop archiving"}}


def _differences_of_old(issue: int, truth: Truth, message: Message) -> Iterator[tuple[str, Any, Any]]:
    (shown,) = message["attachments"]
    if shown["callback_id"] != json.dumps({"issue": issue}):
        yield "as its issue", shown["callback_id"], issue
    buttons = {action["text"].removesuffix("…") for action in shown["actions"] if action["type"] == "button"}
    if buttons != OLD_BUTTONS[truth.status]:
        yield "the buttons", sorted(buttons), sorted(OLD_BUTTONS[truth.status])


def _differences_in_blocks(issue: int, truth: Truth, message: Message) -> Iterator[tuple[str, Any, Any]]:
    row = next(block for block in message["blocks"] if block["type"] == "actions")
    if (carried := json.loads(row["block_id"])) != {"issue": issue, "v": truth.version, "b": "row"}:
        yield "as its row's issue and version", carried, truth.version
    buttons = {element["text"]["text"] for element in row["elements"] if element["type"] == "button"}
    if buttons - OPTIONAL != BUTTONS[truth.status]:
        yield "the buttons", sorted(buttons), sorted(BUTTONS[truth.status])


def _facts_that_differ(facts: Mapping[str, str], truth: Truth) -> Iterator[tuple[str, Any, Any]]:
    if not facts["State"].startswith(truth.state):
        yield "the state", facts["State"], truth.state
    for name, number in (("Events", truth.events), ("Users", truth.users)):
        if _step(int(facts.get(name, "0").replace(",", ""))) != _step(number):
            yield name, facts.get(name), number
    if int(facts.get("Comments", "0").replace(",", "")) != truth.comments:
        yield "Comments", facts.get("Comments"), truth.comments
    if facts["Priority"] != truth.priority:
        yield "the priority", facts["Priority"], truth.priority
    if facts.get("Assignee", "") not in (truth.assignee or ("",)):
        yield "the assignee", facts.get("Assignee"), truth.assignee


def _step(number: int) -> int:
    steps = (factor * 10**power for power in range(12) for factor in STEPS)
    return max((step for step in steps if step <= number), default=0)


def _deeds_that_differ(evidence: Evidence, card: int, issue: int, message: Message) -> Iterator[tuple[str, Any, Any]]:
    """How many lines of what was done, and by whom each was."""
    rows = evidence.query(
        "SELECT u.name, s.slack_user_id FROM issues_activity a JOIN slack_card c ON c.id = %s AND a.created_at >= c.created_at"
        " LEFT JOIN accounts_user u ON u.id = a.user_id"
        " LEFT JOIN slack_identity s ON s.user_id = u.id AND s.workspace_id = c.workspace_id"
        f" WHERE a.issue_id = %s AND a.kind IN {SHOWN} ORDER BY a.id",
        card,
        issue,
    )
    should = [{name, f"<@{slack_user}>"} for name, slack_user in rows if name]
    lines = [line for line in _texts(message).splitlines() if line.startswith("*") and "<!date^" in line]
    says = [found[1] for line in lines if (found := PERSON.search(line))]
    if len(lines) != min(len(rows), LINES):
        yield "so many actions taken:", len(lines), min(len(rows), LINES)
    elif any(person not in names for person, names in zip(says[::-1], should[::-1], strict=False)):
        yield "as who acted", says, [sorted(names, key=str) for names in should[-LINES:]]


def _texts(value: Any) -> str:
    """The texts of the sections and context lines, one below the other; of attachments their texts."""
    lines = [attachment["text"] for attachment in value.get("attachments") or []]
    for block in value.get("blocks") or []:
        if block["type"] == "section":
            lines.append(block["text"]["text"])
        elif block["type"] == "context":
            lines += [element["text"] for element in block["elements"]]
    return "\n".join(lines)


# --- and as Tocsin itself would draw it now ---------------------------------------------------------------------------


def _not_as_drawn(evidence: Evidence, card: int, issue: int, message: Message) -> Iterator[str]:
    if evidence.renderings is None:
        return
    wanted = {_without_numbers(rendering) for rendering in evidence.renderings(card)}
    if _without_numbers(message) not in wanted:
        yield f"card {card} of issue {issue} is not what Tocsin would draw now"


def _without_numbers(message: Message) -> str:
    """One text for one message, but for the numbers that grow in steps."""
    shown = {name: message.get(name) or [] for name in ("blocks", "attachments")}
    return NUMBERS.sub(r"\1", json.dumps({"text": message.get("text") or "", **shown}, sort_keys=True))
