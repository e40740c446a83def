"""What brings an issue back when an event arrives: a regression, or the end of its archive.

Only an event that was accepted after the commit of the resolution, or of the archive, counts. Times say so on SQLite, which
commits one after another. On PostgreSQL a transaction's rows carry a time before its commit, so within a minute of it the snapshot
decides that accepting took: whether the change was visible in it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import QuerySet

from tocsin.issues.effects import Change, reopened
from tocsin.issues.forecast import CONSTANTS, DAY, hour_of, limit
from tocsin.issues.models import Activity, Issue, IssueCount, Resolution, Status, StoredEvent, Substatus
from tocsin.projects.models import Release
from tocsin.projects.releases import is_newer

COMMITS_WITHIN = timedelta(seconds=60)  # no transaction that changes an issue takes longer


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """An event of an issue: when it was accepted, in which snapshot, of which release, and whether it names a new user."""

    accepted_at: datetime
    snapshot: str = ""  # PostgreSQL's, as `is_visible` reads it; empty on SQLite
    release: Release | None = None
    is_new_user: bool = False


def on_event(issue: Issue, arrival: Arrival, past: Past) -> Change | None:
    """What this event does to its issue; None when it is merely counted. `issue` is locked; the counters of its archive are
    moved on, for the caller to save.
    """
    return ARRIVALS[Status(issue.status)](issue, arrival, past)


def _ignored(issue: Issue, arrival: Arrival, past: Past) -> Change | None:
    return None


# --- after ----------------------------------------------------------------------------------------------------------


def _is_after(changed_at: datetime | None, issue: Issue, arrival: Arrival) -> bool:
    """Whether the event was accepted after the commit of what was done to the issue at `changed_at`."""
    if changed_at is None or arrival.accepted_at <= changed_at:
        return False
    if issue.status_xid is None or not arrival.snapshot or arrival.accepted_at - changed_at > COMMITS_WITHIN:
        return True
    return is_visible(issue.status_xid, arrival.snapshot)


def is_visible(xid: int, snapshot: str) -> bool:
    """Whether a transaction that has committed had done so when the snapshot was taken ("xmin:xmax:running,…"), or took it itself
    (a fourth part names the transaction that did, if it had a number by then).
    """
    lowest, beyond, running, *own = snapshot.split(":")
    return str(xid) in own or xid < int(lowest) or (xid < int(beyond) and str(xid) not in running.split(","))


# --- resolved --------------------------------------------------------------------------------------------------------


def _regresses(issue: Issue, arrival: Arrival, past: Past) -> Change | None:
    if not _is_after(issue.resolved_at, issue, arrival):
        return None
    if not AGAINST[Resolution(issue.resolution)](issue.resolved_in, arrival.release):
        return None
    return Change(kind=Activity.Kind.REGRESSED, values=reopened(Substatus.REGRESSED))


def _any_release(resolved_in: Release | None, release: Release | None) -> bool:
    return True


def _newer_release(resolved_in: Release | None, release: Release | None) -> bool:
    """A release that was deleted says nothing any more: then any event brings the issue back, as if it was resolved at once."""
    return resolved_in is None or (release is not None and is_newer(release, resolved_in))


def _that_or_newer_release(resolved_in: Release | None, release: Release | None) -> bool:
    is_that = resolved_in is not None and release is not None and release.pk == resolved_in.pk
    return is_that or _newer_release(resolved_in, release)


AGAINST: dict[Resolution, Callable[[Release | None, Release | None], bool]] = {
    Resolution.NONE: _any_release,
    Resolution.NOW: _any_release,
    Resolution.AFTER: _newer_release,
    Resolution.IN: _that_or_newer_release,
}


# --- archived --------------------------------------------------------------------------------------------------------


def _unarchives(issue: Issue, arrival: Arrival, past: Past) -> Change | None:
    if not _is_after(issue.archived_at, issue, arrival):
        issue.archived_at = max(
            issue.archived_at or arrival.accepted_at, arrival.accepted_at
        )  # the archive began no earlier
        return None
    if issue.substatus == Substatus.UNTIL_ESCALATING:
        return _escalates(issue, arrival, past)
    if issue.substatus == Substatus.UNTIL_CONDITION:
        return _meets_condition(issue, arrival, past)
    return None


def _escalates(issue: Issue, arrival: Arrival, past: Past) -> Change | None:
    hour = hour_of(arrival.accepted_at)
    came, most = past.between(hour, arrival.accepted_at), past.limit(hour)
    if came <= most:
        return None
    about = {"events": came, "limit": round(most, 1)}
    return Change(kind=Activity.Kind.ESCALATED, values=reopened(Substatus.ESCALATING), about=about)


def _meets_condition(issue: Issue, arrival: Arrival, past: Past) -> Change | None:
    issue.archived_events_seen += 1
    issue.archived_users_seen += arrival.is_new_user
    because = ""
    if issue.archived_minutes and issue.archived_events:
        since = arrival.accepted_at - timedelta(minutes=issue.archived_minutes)
        because = "rate" if past.between(since, arrival.accepted_at) >= issue.archived_events else ""
    elif issue.archived_events:
        because = "events" if issue.archived_events_seen >= issue.archived_events else ""
    elif issue.archived_users:
        because = "users" if issue.archived_users_seen >= issue.archived_users else ""
    return unarchived(because) if because else None


def unarchived(because: str) -> Change:
    """The end of an archive: "events", "users", "rate" or "time"."""
    return Change(kind=Activity.Kind.UNARCHIVED, values=reopened(Substatus.ONGOING), about={"because": because})


class Past:
    """What an archived issue's events were, read once a batch and only if asked: those stored include the batch's own."""

    def __init__(self, issue: Issue, first: datetime) -> None:
        self._issue = issue
        self._first = first  # of the batch's events of this issue
        self._times: list[datetime] | None = None
        self._limits: dict[datetime, float] = {}

    def between(self, since: datetime, until: datetime) -> int:
        """How many were accepted from `since` to `until`, both included, and after the archive began."""
        times = self._accepted()
        return bisect_right(times, until) - bisect_left(times, since)

    def limit(self, hour: datetime) -> float:
        """How many events this hour may bring."""
        if hour not in self._limits:
            self._limits[hour] = limit(self._counts(hour), hour=hour, first_seen=self._issue.first_seen)
        return self._limits[hour]

    def _accepted(self) -> list[datetime]:
        if self._times is None:
            window = timedelta(minutes=self._issue.archived_minutes or 0)
            since = min(hour_of(self._first), self._first - window)
            rows = self._stored().filter(accepted_at__gt=self._issue.archived_at, accepted_at__gte=since)
            self._times = sorted(rows.values_list("accepted_at", flat=True))
        return self._times

    def _counts(self, hour: datetime) -> dict[datetime, int]:
        rows = IssueCount.objects.filter(
            organization_id=self._issue.organization_id,
            issue=self._issue,
            hour__gte=hour - CONSTANTS.days * DAY,
            hour__lt=hour,
        )
        before = self._stored().filter(accepted_at__gte=hour, accepted_at__lte=self._issue.archived_at).count()
        return {**dict(rows.values_list("hour", "count")), hour: before}

    def _stored(self) -> QuerySet[StoredEvent]:
        return StoredEvent.objects.filter(organization_id=self._issue.organization_id, issue=self._issue)


ARRIVALS: dict[Status, Callable[[Issue, Arrival, Past], Change | None]] = {
    Status.UNRESOLVED: _ignored,
    Status.RESOLVED: _regresses,
    Status.ARCHIVED: _unarchives,
}
