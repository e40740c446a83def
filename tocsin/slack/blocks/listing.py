"""Issues that somebody asked for, one below the other, each with its buttons."""

from __future__ import annotations

from collections.abc import Sequence

from tocsin.slack import mrkdwn
from tocsin.slack.action_ids import Action
from tocsin.slack.blocks.elements import Block, actions, button, context, section, state
from tocsin.slack.cards import FoundIssue

TITLE_MAX = 200
LIST = "list"  # what the rows of a list say, where a card's say "row"


def draw_list(found: Sequence[FoundIssue], *, query: str, total: int, most: int) -> list[Block]:
    """At most ten: three blocks each."""
    number = f"{most}+" if total > most else str(total)
    more = f", the last seen {len(found)} of {number}" if total > len(found) else ""
    blocks = [context(f"{mrkdwn.code(query, TITLE_MAX)}{more}")]
    for issue in found:
        blocks += [section(_line(issue)), actions(_row(issue), *_buttons(issue))]
    return blocks


def _line(issue: FoundIssue) -> str:
    title = mrkdwn.link(issue.url, f"{issue.short_id} {issue.title}", TITLE_MAX)
    until = f" {mrkdwn.date(issue.state_until)}" if issue.state_until else ""
    facts = [
        f"{issue.state}{until}",
        f"{issue.events:,} event{'' if issue.events == 1 else 's'}",
        f"seen {mrkdwn.date(issue.last_seen)}",
    ]
    if issue.assignee:
        facts.append(mrkdwn.line(issue.assignee))
    culprit = f"{mrkdwn.line(issue.culprit, TITLE_MAX)}\n" if issue.culprit else ""
    return f":{issue.level}: *{title}*\n{culprit}{' · '.join(facts)}"


def _row(issue: FoundIssue) -> str:
    return state(issue.issue_id, issue.version, b=LIST)


def _buttons(issue: FoundIssue) -> list[Block]:
    value = state(issue.issue_id, issue.version)
    resolve = button("Resolve", Action.RESOLVE, value, style="primary")
    reopen = button("Reopen", Action.REOPEN, value)
    return [resolve, button("Acknowledge", Action.ACKNOWLEDGE, value)] if issue.is_open else [reopen]
