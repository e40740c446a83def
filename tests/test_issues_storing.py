"""Storing events: each counts once, in one issue; what it does to the issue is announced."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from tests.people import Person
from tests.threads import at_once
from tocsin import bus
from tocsin.accounts.actor import Origin
from tocsin.accounts.models import Organization
from tocsin.clock import database_now
from tocsin.issues import commands
from tocsin.issues.changes import EventStored, IssueChanged
from tocsin.issues.event import Event, Level
from tocsin.issues.models import (
    Activity,
    Issue,
    IssueCount,
    IssueHash,
    IssueUser,
    Priority,
    Status,
    StoredEvent,
    Substatus,
)
from tocsin.issues.storing import PRIORITIES, Incoming, step, store
from tocsin.projects.models import Project

A, B = "a" * 32, "b" * 32


@pytest.fixture
def incoming(project: Project) -> Callable[..., Incoming]:
    """`incoming(A)`: an event with that hash, accepted now; fields of Event may be given."""

    def make(hash_: str = A, *, of: Project | None = None, **fields: Any) -> Incoming:
        target = of or project
        now = database_now()
        event = Event(
            **{
                "event_id": uuid.uuid4().hex,
                "accepted_at": now,
                "timestamp": now,
                "title": "ValueError: bad sku",
                **fields,
            }
        )
        return Incoming(
            organization_id=target.organization_id,
            project_id=target.pk,
            hash=hash_,
            event=event,
            encoding="identity",
            payload=b"{}",
        )

    return make


@pytest.fixture
def heard() -> Iterator[list[Any]]:
    """What is announced while the test runs, in order."""
    announced: list[Any] = []
    for kind in (EventStored, IssueChanged):
        bus.listen(kind, announced.append)
    yield announced
    for kind in (EventStored, IssueChanged):
        bus.stop_listening(kind, announced.append)


def put(*events: Incoming) -> list[bool]:
    with transaction.atomic():
        return store(events, now=database_now())


def stored(heard: list[Any]) -> list[EventStored]:
    return [one for one in heard if isinstance(one, EventStored)]


def changed(heard: list[Any], kind: str) -> list[IssueChanged]:
    return [one for one in heard if isinstance(one, IssueChanged) and one.kind == kind]


# --- issues ----------------------------------------------------------------------------------------------------------


def test_the_first_event_of_a_hash_makes_an_issue(incoming: Callable[..., Incoming], project: Project) -> None:
    one = incoming(
        culprit="shop in pay", level=Level.WARNING, platform="python", type="message", release="1", environment="e"
    )
    assert put(one) == [True]
    issue = Issue.objects.get()
    assert (issue.organization, issue.project, issue.number) == (project.organization, project, 1)
    assert (issue.title, issue.culprit, issue.level, issue.platform) == (
        "ValueError: bad sku",
        "shop in pay",
        "warning",
        "python",
    )
    assert (issue.type, issue.priority) == ("message", Priority.MEDIUM)
    assert (issue.status, issue.substatus, issue.version, issue.episode) == (Status.UNRESOLVED, Substatus.NEW, 1, 1)
    assert issue.first_seen == issue.last_seen == one.event.accepted_at
    assert (issue.times_seen, issue.users_seen) == (1, 0)
    event = StoredEvent.objects.get()
    assert (event.issue, event.event_id, event.accepted_at) == (issue, one.event.event_id, one.event.accepted_at)
    assert (event.release, event.environment, bytes(event.payload)) == ("1", "e", b"{}")
    activity = Activity.objects.get()
    assert (activity.kind, activity.user, activity.origin) == (Activity.Kind.FIRST_SEEN, None, Origin.SDK)


def test_every_level_has_its_priority() -> None:
    assert PRIORITIES.keys() == set(Level)


def test_events_of_one_hash_share_an_issue_in_one_batch_and_across_batches(incoming: Callable[..., Incoming]) -> None:
    assert put(incoming(A), incoming(B), incoming(A)) == [True] * 3
    assert put(incoming(B), incoming(A)) == [True] * 2
    assert dict(Issue.objects.values_list("hashes__hash", "times_seen")) == {A: 3, B: 2}
    assert Activity.objects.count() == 2


def test_issues_are_numbered_in_the_order_of_their_first_events(
    incoming: Callable[..., Incoming], project: Project
) -> None:
    hashes = [f"{number:032x}" for number in (5, 3, 9, 1)]
    put(*(incoming(hash_) for hash_ in hashes[:3]))
    put(*(incoming(hash_) for hash_ in hashes))
    assert list(IssueHash.objects.order_by("issue__number").values_list("hash", "issue__number")) == [
        (hash_, number) for number, hash_ in enumerate(hashes, 1)
    ]
    project.refresh_from_db()
    assert project.last_number == 4


def test_the_same_hash_in_another_project_is_another_issue(
    incoming: Callable[..., Incoming], organization: Organization, elsewhere: Organization
) -> None:
    blog = Project.objects.create(organization=organization, slug="blog", name="Blog")
    theirs = Project.objects.create(organization=elsewhere, slug="shop", name="Shop")
    put(incoming(A), incoming(A, of=blog), incoming(A, of=theirs), incoming(A, of=blog))
    assert list(Issue.objects.order_by("pk").values_list("number", "times_seen")) == [(1, 1), (1, 2), (1, 1)]
    for issue in Issue.objects.all():
        rows: list[Any] = [*StoredEvent.objects.filter(issue=issue), *IssueHash.objects.filter(issue=issue)]
        assert {(row.organization_id, row.project_id) for row in rows} == {(issue.organization_id, issue.project_id)}


def test_two_hashes_of_one_issue_are_counted_together(incoming: Callable[..., Incoming], project: Project) -> None:
    put(incoming(A))
    issue = Issue.objects.get()
    IssueHash.objects.create(organization=project.organization, project=project, hash=B, issue=issue)
    put(incoming(B, user={"id": "1"}), incoming(A, user={"id": "1"}), incoming(B))
    issue.refresh_from_db()
    assert (issue.times_seen, issue.users_seen) == (4, 1)
    assert sum(IssueCount.objects.values_list("count", flat=True)) == 4


# --- counting --------------------------------------------------------------------------------------------------------


def test_an_event_counts_once_however_often_it_comes(incoming: Callable[..., Incoming]) -> None:
    one, two = incoming(A), incoming(A)
    assert put(one) == [True]
    assert put(one) == [False]
    assert put(two, one, two, two) == [True, False, False, False]
    issue = Issue.objects.get()
    assert issue.times_seen == StoredEvent.objects.count() == 2
    assert sum(IssueCount.objects.values_list("count", flat=True)) == 2


def test_an_event_that_was_known_makes_no_issue(incoming: Callable[..., Incoming]) -> None:
    one = incoming(A)
    put(one)
    assert put(incoming(B, event_id=one.event.event_id)) == [False]
    assert Issue.objects.count() == 1


def test_nothing_is_stored_quietly(incoming: Callable[..., Incoming], heard: list[Any]) -> None:
    assert put() == []
    assert heard == []


def test_everybody_affected_counts_once(incoming: Callable[..., Incoming]) -> None:
    people = [{"id": "1"}, {"id": "2"}, {"id": "1"}, {}, {"email": "1"}, {"id": "\ud800"}]
    put(*(incoming(A, user=person) for person in people))
    put(incoming(A, user={"id": "1"}), incoming(A, user={"id": "3"}), incoming(B, user={"id": "1"}))
    assert dict(Issue.objects.values_list("hashes__hash", "users_seen")) == {A: 5, B: 1}
    assert IssueUser.objects.count() == 6


def test_hours_are_counted_by_the_time_of_acceptance(incoming: Callable[..., Incoming]) -> None:
    noon = datetime.fromisoformat("2026-01-02T12:00:00+00:00")
    minutes = [0, 59, 60, 61, 180]
    put(*(incoming(A, accepted_at=noon + timedelta(minutes=at)) for at in minutes))
    put(incoming(A, accepted_at=noon))
    assert dict(IssueCount.objects.values_list("hour", "count")) == {
        noon: 3,
        noon + timedelta(hours=1): 2,
        noon + timedelta(hours=3): 1,
    }
    issue = Issue.objects.get()
    assert (issue.first_seen, issue.last_seen) == (noon, noon + timedelta(hours=3))


STEPS = {0: 0, 1: 1, 2: 2, 3: 2, 4: 2, 5: 5, 9: 5, 10: 10, 19: 10, 20: 20, 49: 20, 50: 50, 99: 50, 100: 100}
BIG_STEPS = {1999: 1000, 2000: 2000, 10**12 - 1: 5 * 10**11, 10**12: 10**12}


@pytest.mark.parametrize(("count", "expected"), (STEPS | BIG_STEPS).items())
def test_steps(count: int, expected: int) -> None:
    assert step(count) == expected


def test_sums_are_announced_when_they_pass_a_step(incoming: Callable[..., Incoming], heard: list[Any]) -> None:
    put(incoming(A))
    passed = []
    for count in range(2, 23):
        heard.clear()
        put(incoming(A))
        if changed(heard, "counts"):
            passed.append(count)
    assert passed == [2, 5, 10, 20]
    heard.clear()
    put(incoming(A, user={"id": "1"}))
    assert len(changed(heard, "counts")) == 1


def test_a_batch_announces_the_sums_of_an_issue_once(incoming: Callable[..., Incoming], heard: list[Any]) -> None:
    put(*(incoming(A) for _ in range(30)))
    assert changed(heard, "counts") == []  # the issue is new: that is announced
    put(*(incoming(A) for _ in range(30)))
    assert len(changed(heard, "counts")) == 1


# --- what is announced -----------------------------------------------------------------------------------------------


def test_every_event_is_announced_and_the_first_of_an_issue_as_new(
    incoming: Callable[..., Incoming], heard: list[Any], project: Project
) -> None:
    one, two, three = incoming(A), incoming(A), incoming(B)
    put(one, two, three)
    put(one)
    announced = stored(heard)
    assert [(each.event, each.is_new) for each in announced] == [
        (one.event, True),
        (two.event, False),
        (three.event, True),
    ]
    assert {(each.organization_id, each.project_id) for each in announced} == {(project.organization_id, project.pk)}
    assert not any(each.is_regression for each in announced)
    assert len(changed(heard, Activity.Kind.FIRST_SEEN)) == 2


def test_everything_is_written_before_it_is_announced(incoming: Callable[..., Incoming]) -> None:
    seen: list[tuple[int, int]] = []

    def look(event: EventStored) -> None:
        issue = Issue.objects.get(pk=event.issue_id)
        seen.append((issue.times_seen, StoredEvent.objects.filter(issue=issue).count()))

    bus.listen(EventStored, look)
    try:
        put(incoming(A), incoming(A))
    finally:
        bus.stop_listening(EventStored, look)
    assert seen == [(2, 2), (2, 2)]


# --- regressions -----------------------------------------------------------------------------------------------------


def test_an_event_accepted_after_the_resolution_brings_the_issue_back(
    incoming: Callable[..., Incoming], alice: Person, heard: list[Any]
) -> None:
    put(incoming(A))
    issue = Issue.objects.get()
    bus.perform(commands.Resolve(issue_id=issue.pk), by=alice.actor(Origin.WEB))
    heard.clear()
    put(incoming(A), incoming(A))
    issue.refresh_from_db()
    assert (issue.status, issue.substatus, issue.resolved_at) == (Status.UNRESOLVED, Substatus.REGRESSED, None)
    assert (issue.version, issue.episode, issue.times_seen) == (3, 2, 3)
    assert [(each.is_regression, each.is_new, each.episode) for each in stored(heard)] == [
        (True, False, 2),
        (False, False, 2),
    ]
    (back,) = changed(heard, Activity.Kind.REGRESSED)
    assert (back.began_episode, back.episode) == (True, 2)
    activity = Activity.objects.get(kind=Activity.Kind.REGRESSED)
    assert (activity.pk, activity.user, activity.origin, activity.version) == (back.activity_id, None, Origin.SDK, 3)
    assert activity.before["status"] == Status.RESOLVED


def test_an_event_accepted_before_the_resolution_does_not(incoming: Callable[..., Incoming], alice: Person) -> None:
    """Digest lags: what was accepted before somebody resolved the issue comes to it afterwards."""
    put(incoming(A))
    late = [incoming(A) for _ in range(3)]
    issue = Issue.objects.get()
    bus.perform(commands.Resolve(issue_id=issue.pk), by=alice.actor(Origin.WEB))
    put(*late)
    issue.refresh_from_db()
    assert (issue.status, issue.times_seen, issue.episode) == (Status.RESOLVED, 4, 1)


def test_the_sdks_clock_does_not_decide(incoming: Callable[..., Incoming], alice: Person) -> None:
    put(incoming(A))
    issue = Issue.objects.get()
    early = incoming(A, timestamp=database_now() + timedelta(days=1))
    bus.perform(commands.Resolve(issue_id=issue.pk), by=alice.actor(Origin.WEB))
    put(early)
    issue.refresh_from_db()
    assert issue.status == Status.RESOLVED
    put(incoming(A, timestamp=database_now() - timedelta(days=1)))
    issue.refresh_from_db()
    assert issue.status == Status.UNRESOLVED


def test_of_a_batch_only_the_events_after_the_resolution_bring_it_back(
    incoming: Callable[..., Incoming], alice: Person, heard: list[Any]
) -> None:
    put(incoming(A))
    before = incoming(A)
    bus.perform(commands.Resolve(issue_id=Issue.objects.get().pk), by=alice.actor(Origin.WEB))
    heard.clear()
    put(before, incoming(A))
    assert [(each.is_regression, each.episode) for each in stored(heard)] == [(False, 1), (True, 2)]


def test_an_event_that_comes_again_does_not_bring_the_issue_back(
    incoming: Callable[..., Incoming], alice: Person
) -> None:
    one = incoming(A)
    put(one)
    issue = Issue.objects.get()
    bus.perform(commands.Resolve(issue_id=issue.pk), by=alice.actor(Origin.WEB))
    put(incoming(A, event_id=one.event.event_id))
    issue.refresh_from_db()
    assert issue.status == Status.RESOLVED


def test_an_issue_archived_forever_counts_and_stays(
    incoming: Callable[..., Incoming], alice: Person, heard: list[Any]
) -> None:
    put(incoming(A))
    issue = Issue.objects.get()
    bus.perform(commands.Archive(issue_id=issue.pk), by=alice.actor(Origin.WEB))
    heard.clear()
    put(incoming(A))
    issue.refresh_from_db()
    assert (issue.status, issue.substatus, issue.times_seen) == (Status.ARCHIVED, Substatus.FOREVER, 2)
    assert not any(each.is_regression for each in stored(heard))


def test_an_issue_regresses_again_and_again(incoming: Callable[..., Incoming], alice: Person) -> None:
    put(incoming(A))
    issue = Issue.objects.get()
    for episode in (2, 3, 4):
        bus.perform(commands.Resolve(issue_id=issue.pk), by=alice.actor(Origin.WEB))
        put(incoming(A))
        issue.refresh_from_db()
        assert (issue.status, issue.episode) == (Status.UNRESOLVED, episode)


# --- what it costs, and company --------------------------------------------------------------------------------------


def test_a_batch_costs_as_few_statements_as_a_single_event(incoming: Callable[..., Incoming], statements: Any) -> None:
    hashes, user = [f"{number:032x}" for number in range(50)], {"id": "1"}
    put(*(incoming(hash_, user=user) for hash_ in hashes * 10))
    for batch in (hashes[:1], hashes * 2):
        events = [incoming(hash_, user=user) for hash_ in batch]
        with statements.at_most(14):
            put(*events)


def test_workers_that_store_at_once_make_one_issue_of_one_hash(
    committed: None, incoming: Callable[..., Incoming], project: Project
) -> None:
    hashes = [f"{number:032x}" for number in range(6)]
    batches = [[incoming(hash_) for hash_ in order] for order in (hashes, hashes[::-1]) for _ in range(3)]

    def work(index: int) -> None:
        put(*batches[index])
        assert not any(put(*batches[index])), "what is known counts no second time"

    at_once(work, len(batches))
    assert sorted(Issue.objects.values_list("number", "times_seen")) == [(number, 6) for number in range(1, 7)]
    assert IssueHash.objects.count() == 6
    assert sum(IssueCount.objects.values_list("count", flat=True)) == StoredEvent.objects.count() == 36
    project.refresh_from_db()
    assert project.last_number == 6
