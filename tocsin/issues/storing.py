"""Storing events: each counts once, in the issue of its hash, which is made when there is none.

Locks are taken in one order, so that workers never wait for one another in a circle: releases (only to make them), projects (only
to make issues), then issues by id. They are of the kind that lets others refer to the row meanwhile: accepting goes on.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import OperationalError

from tocsin import bus
from tocsin.accounts.actor import Origin, system
from tocsin.issues import statements
from tocsin.issues.changes import COUNTS, EventStored, IssueChanged
from tocsin.issues.effects import Change
from tocsin.issues.event import Event, Level
from tocsin.issues.models import Activity, Issue, IssueHash, Priority, Substatus
from tocsin.issues.returning import Arrival, Past, on_event
from tocsin.issues.service import apply
from tocsin.projects import releases
from tocsin.projects.models import Project, Release
from tocsin.projects.versions import VERSION_MAX

PRIORITIES: dict[Level, Priority] = {
    Level.FATAL: Priority.HIGH,
    Level.ERROR: Priority.HIGH,
    Level.WARNING: Priority.MEDIUM,
    Level.INFO: Priority.LOW,
    Level.DEBUG: Priority.LOW,
}

Place = tuple[int, str]  # (project, hash): where an event belongs


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """An event to be stored: understood, and as it was sent. `hash` is its grouping hash (32 hex digits)."""

    organization_id: int
    project_id: int
    hash: str
    event: Event
    encoding: str
    payload: bytes
    snapshot: str = ""  # PostgreSQL's, when it was accepted; empty on SQLite

    @property
    def place(self) -> Place:
        return self.project_id, self.hash


@dataclass(slots=True, kw_only=True)
class _Touched:
    """An issue of this batch: its row, locked, and what the batch does to it."""

    issue: Issue
    is_new: bool
    events: list[Incoming]
    new_users: set[str] = field(default_factory=set)  # ids of the events that name somebody for the first time


def store(incoming: Sequence[Incoming], *, now: datetime) -> list[bool]:
    """Store a batch in the caller's transaction, in the order given; says of each whether it counted (False: known before).

    `now` is the database's clock in that transaction. Only an event accepted after an issue's resolution brings it back.
    Raises OperationalError when something was deleted meanwhile: roll back and try again.
    """
    counted = _without_duplicates(incoming)
    fresh = [one for one, is_fresh in zip(incoming, counted, strict=True) if is_fresh]
    if not fresh:
        return counted
    known_releases = releases.ensure(
        ((one.organization_id, one.project_id, one.event.release) for one in fresh if one.event.release), now
    )
    touched = _touched(fresh, now)
    _insert_events(touched.values())
    _count_users(touched.values())
    _count_hours(touched.values())
    _count_issues(touched.values(), now)
    for each in touched.values():
        if each.is_new:
            apply(each.issue, Change(kind=Activity.Kind.FIRST_SEEN), system(now, Origin.SDK))
    pasts = {
        each.issue.pk: Past(each.issue, min(one.event.accepted_at for one in each.events)) for each in touched.values()
    }
    for one in fresh:
        each = touched[one.place]
        release = known_releases.get((one.organization_id, one.event.release[:VERSION_MAX]))
        _announce(one, each, release, pasts[each.issue.pk], now)
    _save_archives(touched.values())
    return counted


def _without_duplicates(incoming: Sequence[Incoming]) -> list[bool]:
    known = statements.known_events((one.organization_id, one.project_id, one.event.event_id) for one in incoming)
    fresh = []
    for one in incoming:
        key = (one.project_id, one.event.event_id)
        fresh.append(key not in known)
        known.add(key)
    return fresh


# --- which issues ----------------------------------------------------------------------------------------------------


def _touched(fresh: Sequence[Incoming], now: datetime) -> dict[Place, _Touched]:
    """The issue of each place, found or made, its row locked. Two hashes may belong to one issue: then to one _Touched."""
    issue_ids = _issue_ids(fresh)
    first = {one.place: one for one in reversed(fresh)}
    new_ids: set[int] = set()
    if missing := [one for place, one in first.items() if place not in issue_ids]:
        _lock_projects({one.project_id for one in missing})
        issue_ids |= _issue_ids(missing)
        made = _make_issues([one for one in fresh if first[one.place] is one and one.place not in issue_ids], now)
        new_ids = set(made.values())
        issue_ids |= made
    locked = _lock(set(issue_ids.values()))
    by_id = {pk: _Touched(issue=issue, is_new=pk in new_ids, events=[]) for pk, issue in locked.items()}
    for one in fresh:
        by_id[issue_ids[one.place]].events.append(one)
    return {place: by_id[pk] for place, pk in issue_ids.items()}


def _lock_projects(pks: set[int]) -> None:
    list(Project.objects.select_for_update(no_key=True).filter(pk__in=pks).order_by("pk").values_list("pk"))


def _issue_ids(events: Iterable[Incoming]) -> dict[Place, int]:
    places = {one.place: one.organization_id for one in events}
    found = statements.issue_ids((organization, *place) for place, organization in places.items())
    return {place: issue for place, issue in found.items() if place in places}


def _lock(pks: set[int]) -> dict[int, Issue]:
    locked = statements.lock_issues(pks)
    if locked.keys() != pks:
        raise OperationalError("an issue was deleted while its events were being stored")
    return locked


def _make_issues(firsts: Sequence[Incoming], now: datetime) -> dict[Place, int]:
    """One new issue for each, in order, numbered on from the project's last. The projects are locked."""
    by_project: dict[int, list[Incoming]] = defaultdict(list)
    for one in firsts:
        by_project[one.project_id].append(one)
    made: dict[Place, int] = {}
    for project in Project.objects.filter(pk__in=by_project):
        events = by_project[project.pk]
        numbers = range(project.last_number + 1, project.last_number + 1 + len(events))
        issues = Issue.objects.bulk_create(
            [_new_issue(one, number, now) for one, number in zip(events, numbers, strict=True)]
        )
        made |= {one.place: issue.pk for one, issue in zip(events, issues, strict=True)}
        Project.objects.filter(pk=project.pk).update(last_number=numbers[-1])
    IssueHash.objects.bulk_create(
        [
            IssueHash(
                organization_id=one.organization_id, project_id=one.project_id, hash=one.hash, issue_id=made[one.place]
            )
            for one in firsts
        ]
    )
    return made


def _new_issue(one: Incoming, number: int, now: datetime) -> Issue:
    event = one.event
    return Issue(
        organization_id=one.organization_id,
        project_id=one.project_id,
        number=number,
        type=event.type,
        title=event.title,
        culprit=event.culprit,
        level=event.level,
        platform=event.platform,
        priority=PRIORITIES[event.level],
        status_changed_at=now,
        first_seen=event.accepted_at,
        last_seen=event.accepted_at,
    )


# --- counting --------------------------------------------------------------------------------------------------------


def _each(touched: Iterable[_Touched]) -> list[_Touched]:
    """Every issue once, by id, though two hashes may lead to it."""
    return sorted({each.issue.pk: each for each in touched}.values(), key=lambda each: each.issue.pk)


def _insert_events(touched: Iterable[_Touched]) -> None:
    statements.insert_events(
        [
            (
                one.organization_id,
                one.project_id,
                each.issue.pk,
                one.event.event_id,
                one.event.accepted_at,
                one.event.timestamp,
                one.encoding,
                one.payload,
                one.event.environment,
                one.event.release,
            )
            for each in _each(touched)
            for one in each.events
        ]
    )


def user_hash(user_key: str) -> str:
    """What is kept of who was affected: enough to count them once."""
    return hashlib.blake2b(user_key.encode("utf-8", "replace"), digest_size=16).hexdigest()


def _count_users(touched: Iterable[_Touched]) -> None:
    """Whoever was not affected before is counted. The issue's lock keeps others from counting the same person meanwhile."""
    wanted: dict[tuple[int, str], tuple[_Touched, Incoming]] = {}
    for each in _each(touched):
        for one in each.events:
            if one.event.user_key:
                wanted.setdefault((each.issue.pk, user_hash(one.event.user_key)), (each, one))
    if not wanted:
        return
    new = statements.insert_users([(each.issue.organization_id, *key) for key, (each, _) in wanted.items()])
    for each, one in map(wanted.__getitem__, new):
        each.new_users.add(one.event.event_id)


def _count_hours(touched: Iterable[_Touched]) -> None:
    rows = []
    for each in _each(touched):
        hours = Counter(one.event.accepted_at.replace(minute=0, second=0, microsecond=0) for one in each.events)
        rows += [(each.issue.organization_id, each.issue.pk, hour, count) for hour, count in sorted(hours.items())]
    statements.add_hours(rows)


def _count_issues(touched: Iterable[_Touched], now: datetime) -> None:
    """New sums, written from the locked rows; announced when a sum passes a step that people read as another size."""
    rows = []
    for each in _each(touched):
        issue, seen = each.issue, [one.event.accepted_at for one in each.events]
        times, users = issue.times_seen + len(seen), issue.users_seen + len(each.new_users)
        passes = step(times) != step(issue.times_seen) or step(users) != step(issue.users_seen)
        issue.times_seen, issue.users_seen = times, users
        issue.first_seen, issue.last_seen = min(issue.first_seen, *seen), max(issue.last_seen, *seen)
        rows.append((issue.pk, times, users, issue.first_seen, issue.last_seen))
        if passes and not each.is_new:
            _announce_counts(issue, now)
    statements.set_sums(rows)


def step(count: int) -> int:
    """The greatest of 0, 1, 2, 5, 10, 20, 50, 100… that is not greater than `count`."""
    power = 10 ** (len(str(count)) - 1)
    return max((factor * power for factor in (1, 2, 5) if factor * power <= count), default=0)


# --- what follows ----------------------------------------------------------------------------------------------------


def _announce_counts(issue: Issue, now: datetime) -> None:
    bus.publish(
        IssueChanged(
            organization_id=issue.organization_id, issue_id=issue.pk, kind=COUNTS, now=now, episode=issue.episode
        )
    )


def _announce(one: Incoming, touched: _Touched, release: Release | None, past: Past, now: datetime) -> None:
    """One event after another: the first that came after a resolution brings the issue back, the next find it open."""
    issue = touched.issue
    arrival = Arrival(
        accepted_at=one.event.accepted_at,
        snapshot=one.snapshot,
        release=release,
        is_new_user=one.event.event_id in touched.new_users,
    )
    change = on_event(issue, arrival, past)
    if change is not None:
        apply(issue, change, system(now, Origin.SDK), began_episode=True)
    bus.publish(
        EventStored(
            organization_id=one.organization_id,
            project_id=one.project_id,
            issue_id=issue.pk,
            episode=issue.episode,
            is_new=touched.is_new and one is touched.events[0],
            is_regression=change is not None and change.kind == Activity.Kind.REGRESSED,
            event=one.event,
            now=now,
        )
    )


def _save_archives(touched: Iterable[_Touched]) -> None:
    """How far the archives have come that an event or a user may end."""
    for each in _each(touched):
        if each.issue.substatus == Substatus.UNTIL_CONDITION:
            each.issue.save(update_fields=["archived_at", "archived_events_seen", "archived_users_seen"])
