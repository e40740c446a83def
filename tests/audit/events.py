"""P1 for events: each that was acknowledged is stored, or waits, or was set aside; once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tests.audit.evidence import Evidence


def violations(evidence: Evidence) -> Iterator[str]:
    there: Counter[str] = Counter()
    for table in ("issues_storedevent", "intake_accepted"):
        rows = evidence.query(f"SELECT project_id, event_id FROM {table}")
        there.update(f"{project}/{event_id}" for project, event_id in rows)
    acknowledged = {sent.key for sent in evidence.driver.sent if sent.what == "event" and sent.is_answered}
    for key in sorted(acknowledged - there.keys()):
        yield f"event {key} was acknowledged and is lost"
    for key, times in sorted(there.items()):
        if times > 1:
            yield f"event {key} is there {times} times"
    yield from _sums_that_lie(evidence)


def _sums_that_lie(evidence: Evidence) -> Iterator[str]:
    """What issues say of their events, and what there is."""
    rows = evidence.query(
        "SELECT i.id, i.times_seen, (SELECT count(*) FROM issues_storedevent e WHERE e.issue_id = i.id),"
        " (SELECT coalesce(sum(c.count), 0) FROM issues_issuecount c WHERE c.issue_id = i.id) FROM issues_issue i"
    )
    for issue, says, stored, by_hour in rows:
        if says != stored:
            yield f"issue {issue} says it was seen {says} times, and has {stored} events"
        if by_hour > stored:
            yield f"issue {issue} was counted {by_hour} times by the hour, and has {stored} events"
    users = evidence.query(
        "SELECT i.id, i.users_seen, (SELECT count(*) FROM issues_issueuser u WHERE u.issue_id = i.id) FROM issues_issue i"
    )
    for issue, says, affected in users:
        if says != affected:
            yield f"issue {issue} says that {says} users saw it, and knows {affected}"
