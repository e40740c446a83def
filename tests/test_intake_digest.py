"""Digesting what was accepted: all of it, once, whatever is among it."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.db.models import Sum
from django.test import Client

from tests.people import Person
from tests.samples import SampleEvent, sample_event
from tests.threads import at_once
from tests.waiting import until
from tocsin import bus
from tocsin.accounts.actor import Origin
from tocsin.accounts.models import Organization
from tocsin.intake.digest import BATCH_BYTES, digest_batch, run_digest
from tocsin.intake.models import Accepted, ItemCount
from tocsin.intake.stored import event_of
from tocsin.issues.changes import EventStored
from tocsin.issues.commands import Resolve
from tocsin.issues.models import Issue, IssueCount, Status, StoredEvent
from tocsin.projects.models import Key, Project


def send(key: Key, *events: SampleEvent) -> None:
    for event in events:
        answer = Client().post(
            f"/api/{key.project_id}/store/?sentry_key={key.public_key}",
            data=event.json,
            content_type="application/json",
        )
        assert answer.status_code == 200


def samples(number: int, **fields: Any) -> list[SampleEvent]:
    return [sample_event(**fields) for _ in range(number)]


def outcomes() -> dict[str, int]:
    return dict(ItemCount.objects.filter(kind="event").values_list("outcome").annotate(Sum("count")))


@contextmanager
def listening(listener: Callable[[EventStored], None]) -> Iterator[None]:
    bus.listen(EventStored, listener)
    try:
        yield
    finally:
        bus.stop_listening(EventStored, listener)


# --- the ordinary ----------------------------------------------------------------------------------------------------


def test_an_exception_that_a_real_sdk_reports_becomes_an_issue(raise_error: Callable[..., list[str]]) -> None:
    ids = raise_error(times=3)
    assert digest_batch() == 3
    issue = Issue.objects.get()
    assert issue.title.startswith("ZeroDivisionError")
    assert (issue.times_seen, issue.platform, issue.level) == (3, "python", "error")
    assert set(StoredEvent.objects.values_list("event_id", flat=True)) == set(ids)
    assert not Accepted.objects.exists()


def test_an_event_is_stored_as_it_came_and_read_back(key: Key) -> None:
    sent = sample_event(tags={"shop": "north"}, release="shop@1.2")
    send(key, sent)
    accepted = Accepted.objects.get()
    digest_batch()
    stored = StoredEvent.objects.get()
    assert (stored.encoding, bytes(stored.payload)) == (accepted.encoding, bytes(accepted.payload))
    assert (stored.accepted_at, stored.release, stored.environment) == (accepted.accepted_at, "shop@1.2", "production")
    event = event_of(stored)
    assert (event.event_id, event.accepted_at, event.tags) == (sent.id, accepted.accepted_at, (("shop", "north"),))


def test_when_nothing_waits_nothing_is_done(database: None) -> None:
    assert digest_batch() == 0


def test_the_oldest_are_digested_first_in_batches(key: Key) -> None:
    events = samples(5)
    send(key, *events)
    digested = []
    for expected in (2, 2, 1, 0):
        assert digest_batch(2) == expected
        digested.append(StoredEvent.objects.count())
    assert digested == [2, 4, 5, 5]
    assert list(StoredEvent.objects.order_by("pk").values_list("event_id", flat=True)) == [event.id for event in events]


def test_large_events_make_small_batches(key: Key) -> None:
    """What a batch holds in memory is bounded by their bytes, too."""
    noise = random.Random(1)
    large = [sample_event(message=noise.randbytes(500_000).hex()) for _ in range(20)]  # zlib halves them
    send(key, *large)
    done = []
    while batch := digest_batch():
        done.append(batch)
    assert sum(done) == 20
    assert max(done) * 500_000 <= BATCH_BYTES
    assert len(done) == 2


def test_an_event_that_comes_again_after_digesting_counts_once(key: Key) -> None:
    (event,) = samples(1)
    send(key, event)
    digest_batch()
    send(key, event, event)
    assert digest_batch() == 1
    assert Issue.objects.get().times_seen == StoredEvent.objects.count() == 1
    assert not Accepted.objects.exists()
    assert outcomes() == {"accepted": 2, "duplicate": 2}


def test_projects_in_one_batch_stay_apart(key: Key, organization: Organization) -> None:
    blog = Project.objects.create(organization=organization, slug="blog", name="Blog")
    blog_key = Key.objects.create(organization=organization, project=blog)
    for _ in range(3):
        send(key, *samples(1))
        send(blog_key, *samples(1))
    assert digest_batch() == 6
    assert sorted(Issue.objects.values_list("project__slug", "number", "times_seen")) == [
        ("blog", 1, 3),
        ("shop", 1, 3),
    ]


def test_an_event_that_waited_while_its_issue_was_resolved_does_not_bring_it_back(key: Key, alice: Person) -> None:
    send(key, *samples(1))
    digest_batch()
    issue = Issue.objects.get()
    send(key, *samples(1))
    bus.perform(Resolve(issue_id=issue.pk), by=alice.actor(Origin.WEB))
    digest_batch()
    issue.refresh_from_db()
    assert (issue.status, issue.times_seen) == (Status.RESOLVED, 2)
    send(key, *samples(1))
    digest_batch()
    issue.refresh_from_db()
    assert (issue.status, issue.substatus, issue.times_seen) == (Status.UNRESOLVED, "regressed", 3)


ODD: dict[str, dict[str, Any]] = {
    "a lone surrogate": {"message": "\ud800", "user": {"id": "\ud800"}, "release": "\ud800", "environment": "\udfff"},
    "NUL": {"message": "a\0b", "user": {"id": "\0"}, "release": "\0", "environment": "\0", "platform": "\0"},
    "no numbers": {"extra": {"a": float("nan"), "b": float("inf")}, "timestamp": float("nan")},
    "a timestamp out of this world": {"timestamp": 1e30},
    "long texts": {"message": "x" * 9999, "release": "x" * 999, "environment": "x" * 999, "platform": "x" * 999},
    "a long title": {"exception": {"values": [{"type": "T" * 999, "value": "v" * 9999}]}, "transaction": "t" * 9999},
    "everything of the wrong type": dict.fromkeys(
        ["exception", "message", "tags", "user", "request", "contexts", "breadcrumbs", "level", "sdk", "release"], 7
    ),
    "lists where objects belong": {
        name: [[[]]] for name in ("exception", "tags", "user", "request", "contexts", "sdk")
    },
    "nulls": dict.fromkeys(["exception", "message", "tags", "user", "timestamp", "level", "release", "platform"]),
    "an unknown level": {"level": "catastrophe"},
}


@pytest.mark.parametrize("fields", ODD.values(), ids=ODD)
def test_odd_but_real_events_become_issues(key: Key, fields: dict[str, Any]) -> None:
    send(key, sample_event(**fields))
    assert digest_batch() == 1
    assert list(Accepted.objects.values_list("reason", flat=True)) == []
    assert Issue.objects.get().times_seen == 1
    event_of(StoredEvent.objects.get())


def test_a_deep_event_becomes_an_issue(key: Key) -> None:
    event = sample_event()
    deep = event.json[:-1] + b', "extra": {"deep": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}"
    send(key, SampleEvent(id=event.id, json=deep))
    assert digest_batch() == 1
    assert Issue.objects.get().title.startswith("ZeroDivisionError")


# --- poison ----------------------------------------------------------------------------------------------------------


def spoil(event: SampleEvent) -> None:
    Accepted.objects.filter(event_id=event.id).update(encoding="zlib", payload=b"no zlib data")


@pytest.mark.parametrize("place", [0, 3, 6])
def test_an_event_that_cannot_be_read_is_set_aside_and_its_batch_goes_on(key: Key, place: int) -> None:
    events = samples(7)
    send(key, *events)
    spoil(events[place])
    assert digest_batch() == 7
    aside = Accepted.objects.get()
    assert (aside.event_id, aside.state) == (events[place].id, Accepted.State.SET_ASIDE)
    assert aside.reason.startswith("error: Error -3")
    assert Issue.objects.get().times_seen == StoredEvent.objects.count() == 6
    assert outcomes() == {"accepted": 7, "set_aside": 1}
    assert digest_batch() == 0, "it does not wait any more"


def test_an_event_that_cannot_be_grouped_is_set_aside(key: Key, project: Project) -> None:
    Project.objects.filter(pk=project.pk).update(grouping="v0")
    send(key, *samples(1))
    assert digest_batch() == 1
    assert Accepted.objects.get().state == Accepted.State.SET_ASIDE
    assert not Issue.objects.exists()


def _raise(stored: EventStored) -> None:
    if stored.event.environment == "poison":
        raise ValueError("poison \ud800\0")


def _break_the_transaction(stored: EventStored) -> None:
    if stored.event.environment == "poison":
        Project.objects.create(organization_id=stored.organization_id, slug="shop", name="There is one already")


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize("listener", [_raise, _break_the_transaction])
def test_an_event_that_fails_while_it_is_stored_is_set_aside_and_leaves_no_trace(
    key: Key, listener: Callable[[EventStored], None], number: int
) -> None:
    poison = samples(number, environment="poison", fingerprint=["poison"])
    good = samples(8)
    for index, event in enumerate([*good, *poison]):
        send(key, event if index else good[0])
    with listening(listener):
        assert digest_batch() == 8 + number
    assert set(Accepted.objects.values_list("event_id", "state")) == {(event.id, "set_aside") for event in poison}
    assert all("\0" not in reason for reason in Accepted.objects.values_list("reason", flat=True))
    issue = Issue.objects.get()
    assert issue.times_seen == StoredEvent.objects.count() == 8
    assert issue.project.last_number == 1
    assert sum(IssueCount.objects.values_list("count", flat=True)) == 8


# --- trouble that is nobody's fault ----------------------------------------------------------------------------------


def test_when_the_database_fails_nothing_is_done_and_nothing_set_aside(key: Key) -> None:
    def fail(_: EventStored) -> None:
        raise OperationalError("deadlock detected")

    send(key, *samples(3))
    with listening(fail), pytest.raises(OperationalError):
        digest_batch()
    assert set(Accepted.objects.values_list("state", flat=True)) == {"waiting"}
    assert not Issue.objects.exists()
    assert digest_batch() == 3


def digesting(stop: threading.Event) -> threading.Thread:
    def run() -> None:
        try:
            run_digest(stop)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_the_worker_digests_what_comes_until_it_is_stopped(committed: None, key: Key) -> None:
    stop = threading.Event()
    thread = digesting(stop)
    try:
        for number in (1, 2, 3):
            send(key, *samples(1))
            until(lambda number=number: StoredEvent.objects.count() == number, what="the event to be digested")
    finally:
        stop.set()
        thread.join(5)
    assert not thread.is_alive()


def test_the_worker_survives_a_database_that_fails(committed: None, key: Key) -> None:
    failures: list[int] = []

    def fail_twice(_: EventStored) -> None:
        if len(failures) < 2:
            failures.append(1)
            raise OperationalError("terminating connection due to administrator command")

    stop = threading.Event()
    with listening(fail_twice):
        thread = digesting(stop)
        try:
            send(key, *samples(1))
            until(StoredEvent.objects.exists, what="the event to be digested")
        finally:
            stop.set()
            thread.join(10)
    assert len(failures) == 2
    assert Issue.objects.get().times_seen == 1


def test_workers_that_digest_at_once_count_every_event_once(committed: None, key: Key) -> None:
    send(key, *samples(60), *(sample_event(fingerprint=[str(number % 7)]) for number in range(60)))
    done: list[int] = []

    def work(_: int) -> None:
        while Accepted.objects.exists():
            done.append(digest_batch(10))

    at_once(work, 4)
    assert sum(done) == 120
    assert sum(Issue.objects.values_list("times_seen", flat=True)) == StoredEvent.objects.count() == 120
    assert sum(IssueCount.objects.values_list("count", flat=True)) == 120
    assert sorted(Issue.objects.values_list("number", flat=True)) == list(range(1, 9))
    assert outcomes() == {"accepted": 120}


def test_what_is_accepted_while_a_batch_is_digested_waits_for_the_next(committed: None, key: Key) -> None:
    def send_and_disconnect() -> None:
        send(key, another)
        connection.close()

    def send_another(_: EventStored) -> None:
        if connection.vendor == "sqlite":
            return  # one writer: the other request waits until the batch is done
        thread = threading.Thread(target=send_and_disconnect)
        thread.start()
        thread.join(10)
        assert not thread.is_alive(), "accepting waits for digesting"

    first, another = samples(2)
    send(key, first)
    with listening(send_another):
        assert digest_batch() == 1
    if connection.vendor == "sqlite":
        send(key, another)
    assert Accepted.objects.get().event_id == another.id
    assert digest_batch() == 1
    assert Issue.objects.get().times_seen == 2
