"""Archiving in every way, and what brings an archived issue back: events and the clock."""

from __future__ import annotations

import random
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F

from tests.people import Person
from tests.samples import sample_event
from tests.test_intake_digest import send
from tests.threads import at_once
from tocsin import bus
from tocsin.clock import database_now
from tocsin.errors import Invalid
from tocsin.intake.digest import digest_batch
from tocsin.intake.models import Accepted
from tocsin.issues import saying
from tocsin.issues.commands import (
    ARCHIVE_COUNT_MAX,
    ARCHIVE_HOURS_MAX,
    ARCHIVE_MINUTES_MAX,
    ARCHIVE_RATE_MAX,
    Acknowledge,
    Archive,
    ArchiveUntil,
    Resolve,
)
from tocsin.issues.expiry import expire
from tocsin.issues.forecast import hour_of
from tocsin.issues.models import Activity, Issue, IssueCount, Status, StoredEvent, Substatus
from tocsin.issues.returning import is_visible
from tocsin.projects.models import Key

MINUTE = timedelta(minutes=1)


# PostgreSQL tells by real commits what came before an archive.
pytestmark = pytest.mark.django_db(transaction=connection.vendor == "postgresql")


@pytest.fixture
def issue(key: Key) -> Issue:
    """With one event, which came a minute ago."""
    happen(key)
    StoredEvent.objects.update(accepted_at=F("accepted_at") - MINUTE)
    return Issue.objects.get()


def happen(key: Key, times: int = 1, *, users: int = 0, **fields: Any) -> None:
    """It happens again so often, each time to another of so many people; accepted and digested."""
    events = [
        sample_event(**fields, **({"user": {"id": str(index % users)}} if users else {})) for index in range(times)
    ]
    send(key, *events)
    while digest_batch():
        pass


def archive(issue: Issue, by: Person, **how: Any) -> Issue:
    bus.perform(Archive(issue_id=issue.pk, **how), by=by.actor())
    return Issue.objects.get(pk=issue.pk)


def state(issue: Issue) -> tuple[str, str, int]:
    row = Issue.objects.get(pk=issue.pk)
    return row.status, row.substatus, row.episode


ARCHIVED, BACK = (Status.ARCHIVED, Substatus.UNTIL_CONDITION, 1), (Status.UNRESOLVED, Substatus.ONGOING, 2)


# --- what may be asked -----------------------------------------------------------------------------------------------
YEAR = timedelta(hours=ARCHIVE_HOURS_MAX)
HOURS, COUNT = "Give a whole number of hours from 1 to 8,760.", "Give a whole number of {} from 1 to {}."
REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"until": ArchiveUntil.TIME}, "until_at", "Say until when: a date and a time."),
    ({"until": ArchiveUntil.TIME, "hours": 0}, "hours", HOURS),
    ({"until": ArchiveUntil.TIME, "hours": -4}, "hours", HOURS),
    ({"until": ArchiveUntil.TIME, "hours": ARCHIVE_HOURS_MAX + 1}, "hours", HOURS),
    (
        {"until": ArchiveUntil.TIME, "until_at": timedelta()},
        "until_at",
        "Choose a time that is to come, within a year.",
    ),
    ({"until": ArchiveUntil.TIME, "until_at": -MINUTE}, "until_at", "Choose a time that is to come, within a year."),
    (
        {"until": ArchiveUntil.TIME, "until_at": YEAR + MINUTE},
        "until_at",
        "Choose a time that is to come, within a year.",
    ),
    ({"until": ArchiveUntil.EVENTS}, "events", COUNT.format("events", "1,000,000")),
    ({"until": ArchiveUntil.EVENTS, "events": 0}, "events", COUNT.format("events", "1,000,000")),
    ({"until": ArchiveUntil.EVENTS, "events": ARCHIVE_COUNT_MAX + 1}, "events", COUNT.format("events", "1,000,000")),
    ({"until": ArchiveUntil.USERS}, "users", COUNT.format("users", "1,000,000")),
    ({"until": ArchiveUntil.USERS, "users": -1}, "users", COUNT.format("users", "1,000,000")),
    ({"until": ArchiveUntil.USERS, "users": ARCHIVE_COUNT_MAX + 1}, "users", COUNT.format("users", "1,000,000")),
    ({"until": ArchiveUntil.RATE}, "events", COUNT.format("events", "10,000")),
    ({"until": ArchiveUntil.RATE, "minutes": 5}, "events", COUNT.format("events", "10,000")),
    ({"until": ArchiveUntil.RATE, "events": 5}, "minutes", COUNT.format("minutes", "10,080")),
    ({"until": ArchiveUntil.RATE, "events": 5, "minutes": 0}, "minutes", COUNT.format("minutes", "10,080")),
    (
        {"until": ArchiveUntil.RATE, "events": ARCHIVE_RATE_MAX + 1, "minutes": 5},
        "events",
        COUNT.format("events", "10,000"),
    ),
    (
        {"until": ArchiveUntil.RATE, "events": 5, "minutes": ARCHIVE_MINUTES_MAX + 1},
        "minutes",
        COUNT.format("minutes", "10,080"),
    ),
]


@pytest.mark.parametrize(("how", "field", "sentence"), REFUSED)
def test_a_bad_number_is_refused_at_its_field(
    issue: Issue, alice: Person, how: dict[str, Any], field: str, sentence: str
) -> None:
    with pytest.raises(Invalid) as refused:
        archive(issue, alice, **at_a_time(how))
    assert (refused.value.field, str(refused.value)) == (field, sentence)
    assert state(issue) == (Status.UNRESOLVED, Substatus.NEW, 1)
    assert Issue.objects.get().version == 1


def at_a_time(how: dict[str, Any]) -> dict[str, Any]:
    """`until_at` counted from now."""
    return {**how, "until_at": database_now() + how["until_at"]} if "until_at" in how else how


@pytest.mark.parametrize(
    ("how", "belongs"),
    [
        ({"until": ArchiveUntil.FOREVER}, set()),
        ({"until": ArchiveUntil.UNTIL_ESCALATING}, set()),
        ({"until": ArchiveUntil.TIME, "hours": 4}, {"hours"}),
        ({"until": ArchiveUntil.EVENTS, "events": 4}, {"events"}),
        ({"until": ArchiveUntil.USERS, "users": 4}, {"users"}),
        ({"until": ArchiveUntil.RATE, "events": 4, "minutes": 4}, {"events", "minutes"}),
    ],
)
def test_a_number_that_would_be_ignored_is_refused(
    issue: Issue, alice: Person, how: dict[str, Any], belongs: set[str]
) -> None:
    for name in {"hours", "until_at", "events", "users", "minutes"} - belongs:
        value = database_now() + MINUTE if name == "until_at" else 3
        with pytest.raises(Invalid) as refused:
            archive(issue, alice, **at_a_time(how), **{name: value})
        assert refused.value.field == name, name
    assert state(issue)[0] == Status.UNRESOLVED


@pytest.mark.parametrize(
    ("how", "columns", "substatus", "words"),
    [
        ({"until": ArchiveUntil.FOREVER}, {}, "forever", "Archived forever"),
        ({"until": ArchiveUntil.UNTIL_ESCALATING}, {}, "until_escalating", "Archived until it escalates"),
        ({"until": ArchiveUntil.EVENTS, "events": 1}, {"events": 1}, "until_condition", "Archived until 1 more event"),
        (
            {"until": ArchiveUntil.EVENTS, "events": ARCHIVE_COUNT_MAX},
            {"events": ARCHIVE_COUNT_MAX},
            "until_condition",
            "Archived until 1,000,000 more events",
        ),
        ({"until": ArchiveUntil.USERS, "users": 2}, {"users": 2}, "until_condition", "Archived until 2 more users"),
        (
            {"until": ArchiveUntil.RATE, "events": ARCHIVE_RATE_MAX, "minutes": ARCHIVE_MINUTES_MAX},
            {"events": ARCHIVE_RATE_MAX, "minutes": ARCHIVE_MINUTES_MAX},
            "until_condition",
            "Archived until 10,000 events come within 10,080 minutes",
        ),
    ],
)
def test_every_way_to_archive(
    issue: Issue, alice: Person, how: dict[str, Any], columns: dict[str, int], substatus: str, words: str
) -> None:
    before = database_now()
    row = archive(issue, alice, **how)
    assert (row.status, row.substatus, row.version, row.episode) == (Status.ARCHIVED, substatus, 2, 1)
    assert {name: getattr(row, f"archived_{name}") for name in ("events", "users", "minutes", "until")} == {
        **dict.fromkeys(("events", "users", "minutes", "until")),
        **columns,
    }
    assert (row.archived_events_seen, row.archived_users_seen) == (0, 0)
    assert row.archived_at is not None
    assert before <= row.archived_at <= database_now()
    activity = Activity.objects.get(kind="archived")
    assert (activity.user, activity.version, activity.fields_changed) == (alice.user, 2, ["status"])
    assert str(saying.did(activity.kind, activity.about)) == str(saying.state(row)) == words


@pytest.mark.parametrize("how", [{"hours": 1}, {"hours": ARCHIVE_HOURS_MAX}, {"until_at": MINUTE}, {"until_at": YEAR}])
def test_archiving_until_a_time_says_the_same_everywhere(issue: Issue, alice: Person, how: dict[str, Any]) -> None:
    asked = at_a_time(how)
    row = archive(issue, alice, until=ArchiveUntil.TIME, **asked)
    assert row.archived_at is not None
    assert row.archived_until == asked.get("until_at", row.archived_at + timedelta(hours=how.get("hours", 0)))
    assert (row.substatus, row.archived_events) == (Substatus.UNTIL_CONDITION, None)
    activity = Activity.objects.get(kind="archived")
    assert saying.did(activity.kind, activity.about) == saying.state(row)
    assert saying.state(row).at == row.archived_until


def test_archiving_until_the_same_moment_again_changes_nothing(issue: Issue, alice: Person) -> None:
    """Counting begins anew when it is asked for again, but a moment stays the moment that it is."""
    until_at = database_now() + 9 * MINUTE
    for _ in range(2):
        row = archive(issue, alice, until=ArchiveUntil.TIME, until_at=until_at)
        assert (row.version, Activity.objects.filter(kind="archived").count()) == (2, 1)
    assert archive(issue, alice, until=ArchiveUntil.TIME, until_at=until_at + MINUTE).version == 3
    for version in (4, 5):
        assert archive(issue, alice, until=ArchiveUntil.EVENTS, events=5).version == version


def test_archiving_anew_replaces_the_condition(issue: Issue, alice: Person) -> None:
    assert archive(issue, alice, until=ArchiveUntil.EVENTS, events=5).version == 2
    again = archive(issue, alice, until=ArchiveUntil.TIME, hours=4)
    assert (again.version, again.archived_events) == (3, None)
    assert again.archived_until is not None
    forever = archive(issue, alice, until=ArchiveUntil.FOREVER)
    assert (forever.version, forever.archived_until) == (4, None)
    assert archive(issue, alice, until=ArchiveUntil.FOREVER).version == 4


# --- ended by events -------------------------------------------------------------------------------------------------
def test_so_many_more_events_bring_it_back(issue: Issue, key: Key, alice: Person) -> None:
    archive(issue, alice, until=ArchiveUntil.EVENTS, events=3)
    happen(key, 2)
    assert state(issue) == ARCHIVED
    assert Issue.objects.get().archived_events_seen == 2
    happen(key)
    assert state(issue) == BACK
    row = Issue.objects.get()
    assert (row.archived_events, row.archived_events_seen, row.archived_at, row.version) == (None, 0, None, 3)
    activity = Activity.objects.get(kind="unarchived")
    assert (activity.about, activity.user, activity.origin) == ({"because": "events"}, None, "sdk")


def test_in_one_batch_the_third_event_brings_it_back_and_the_others_find_it_open(
    issue: Issue, key: Key, alice: Person
) -> None:
    archive(issue, alice, until=ArchiveUntil.EVENTS, events=3)
    happen(key, 50)
    assert state(issue) == BACK
    assert Activity.objects.filter(kind="unarchived").count() == 1


def test_events_that_waited_while_it_was_archived_do_not_count(issue: Issue, key: Key, alice: Person) -> None:
    """Digest lags."""
    send(key, *[sample_event() for _ in range(10)])
    archive(issue, alice, until=ArchiveUntil.EVENTS, events=3)
    while digest_batch():
        pass
    assert state(issue) == ARCHIVED
    assert Issue.objects.get().archived_events_seen == 0


def test_users_count_once_and_only_new_ones(issue: Issue, key: Key, alice: Person) -> None:
    happen(key, 2, users=2)
    archive(issue, alice, until=ArchiveUntil.USERS, users=2)
    happen(key, 4, users=2)  # both known
    assert state(issue) == ARCHIVED
    happen(key, 5, users=3)  # one new one, several times
    assert Issue.objects.get().archived_users_seen == 1
    happen(key, 4, users=4)
    assert state(issue) == BACK


def test_so_many_events_within_minutes(issue: Issue, key: Key, alice: Person) -> None:
    archive(issue, alice, until=ArchiveUntil.RATE, events=3, minutes=5)
    happen(key, 2)
    StoredEvent.objects.update(accepted_at=F("accepted_at") - 6 * MINUTE)
    Issue.objects.update(archived_at=F("archived_at") - 20 * MINUTE)
    happen(key, 2)
    assert state(issue) == ARCHIVED
    happen(key)
    assert state(issue) == BACK
    assert Activity.objects.get(kind="unarchived").about == {"because": "rate"}


def test_a_young_issue_escalates_at_twice_its_busiest_hour(issue: Issue, key: Key, alice: Person) -> None:
    happen(key, 7)
    Issue.objects.update(archived_at=None)
    StoredEvent.objects.update(accepted_at=F("accepted_at") - MINUTE)
    archive(issue, alice, until=ArchiveUntil.UNTIL_ESCALATING)
    hour_began = hour_of(database_now() - 2 * MINUTE)  # around the full hour the events lie in two
    busiest = IssueCount.objects.order_by("-count").values_list("count", flat=True)[0]
    happen(key, 2 * busiest)
    if hour_of(database_now()) == hour_began:
        assert state(issue) == (Status.ARCHIVED, Substatus.UNTIL_ESCALATING, 1)
    happen(key, 2 * busiest + 1)
    assert state(issue) == (Status.UNRESOLVED, Substatus.ESCALATING, 2)
    assert Activity.objects.filter(kind="escalated").count() == 1


def test_an_old_issue_escalates_above_what_this_hour_of_the_day_brings(issue: Issue, key: Key, alice: Person) -> None:
    now = database_now()
    Issue.objects.update(first_seen=now - timedelta(days=30))
    for day in range(1, 8):
        IssueCount.objects.create(
            organization=issue.organization, issue=issue, hour=hour_of(now) - timedelta(days=day), count=20
        )
    archive(issue, alice, until=ArchiveUntil.UNTIL_ESCALATING)
    happen(key, 20)
    assert state(issue)[0] == Status.ARCHIVED
    happen(key, 21)  # in an hour that has just begun, too, more than 20
    assert state(issue) == (Status.UNRESOLVED, Substatus.ESCALATING, 2)


def test_forever_is_for_ever(issue: Issue, key: Key, alice: Person) -> None:
    archive(issue, alice, until=ArchiveUntil.FOREVER)
    happen(key, 60, users=30)
    assert state(issue) == (Status.ARCHIVED, Substatus.FOREVER, 1)


# --- ended by the clock ----------------------------------------------------------------------------------------------
def test_the_clock_brings_it_back_at_its_time(issue: Issue, key: Key, alice: Person) -> None:
    bus.perform(Acknowledge(issue_id=issue.pk), by=alice.actor())
    row = archive(issue, alice, until=ArchiveUntil.TIME, hours=1)
    assert row.archived_until is not None
    happen(key, 30)
    assert expire(row.archived_until - timedelta(microseconds=1)) == 0
    assert state(issue) == ARCHIVED
    assert expire(row.archived_until) == 1
    assert expire(row.archived_until) == 0
    assert state(issue) == BACK
    assert Issue.objects.get().acknowledged_at is None
    activity = Activity.objects.get(kind="unarchived")
    assert (activity.about, activity.user, activity.origin) == ({"because": "time"}, None, "system")


def test_what_was_resolved_meanwhile_stays_resolved(issue: Issue, alice: Person) -> None:
    row = archive(issue, alice, until=ArchiveUntil.TIME, hours=1)
    bus.perform(Resolve(issue_id=issue.pk), by=alice.actor())
    assert row.archived_until is not None
    assert expire(row.archived_until + MINUTE) == 0
    assert state(issue)[0] == Status.RESOLVED


def test_of_several_workers_one_brings_it_back(committed: None, issue: Issue, alice: Person) -> None:
    row = archive(issue, alice, until=ArchiveUntil.TIME, hours=1)
    assert row.archived_until is not None
    later = row.archived_until + MINUTE
    at_once(lambda _: expire(later), 4)
    assert state(issue) == BACK
    assert Activity.objects.filter(kind="unarchived").count() == 1


# --- the order of commits --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("xid", "snapshot", "visible"),
    [
        (9, "10:20:", True),
        (10, "10:20:10,12", False),
        (11, "10:20:10,12", True),
        (12, "10:20:10,12", False),
        (20, "10:20:", False),
        (21, "10:20:", False),
        (19, "19:20:19", False),
        (1, "10:20:1", True),
        (20, "10:20::20", True),
        (21, "10:20:11:20", False),
    ],
)
def test_a_snapshot_sees_what_was_committed(xid: int, snapshot: str, visible: bool) -> None:
    assert is_visible(xid, snapshot) == visible


@pytest.mark.postgresql  # SQLite commits one after another: nobody accepts meanwhile
@pytest.mark.parametrize("command", ["resolve", "archive"])
def test_only_what_is_accepted_after_the_commit_counts(
    committed: None, issue: Issue, key: Key, alice: Person, command: str
) -> None:
    """The transaction that changes the issue is held open while an event is accepted: by its time the event came later."""
    is_changed, may_commit = threading.Event(), threading.Event()

    def change() -> None:
        try:
            with transaction.atomic():
                if command == "resolve":
                    bus.perform(Resolve(issue_id=issue.pk), by=alice.actor())
                else:
                    bus.perform(Archive(issue_id=issue.pk, until=ArchiveUntil.EVENTS, events=1), by=alice.actor())
                is_changed.set()
                assert may_commit.wait(30)
        finally:
            connection.close()

    changing = threading.Thread(target=change)
    changing.start()
    try:
        assert is_changed.wait(30)
        send(key, sample_event())
    finally:
        may_commit.set()
        changing.join(30)
    row = Issue.objects.get()
    assert Accepted.objects.get().accepted_at > (row.resolved_at or row.archived_at or database_now())
    while digest_batch():
        pass
    assert state(issue)[2] == 1, "it came back by an event that was accepted before the commit"
    happen(key)
    assert state(issue)[2] == 2, "it did not come back by an event that was accepted after the commit"


# --- a simple model --------------------------------------------------------------------------------------------------
class Model:
    """Counts on the fingers what an archive waits for."""

    def __init__(self) -> None:
        self.events = self.users = 0
        self.left: tuple[str, int] | None = None
        self.known: set[str] = set()
        self.episode = 1

    def archive(self, what: str, number: int) -> None:
        self.left = (what, number)

    def happen(self, user: str) -> None:
        is_new = user not in self.known
        self.known.add(user)
        if self.left is None:
            return
        what, number = self.left
        number -= 1 if what == "events" or (what == "users" and is_new) else 0
        self.left = (what, number)
        if number == 0:
            self.left, self.episode = None, self.episode + 1


@pytest.mark.parametrize("seed", range(12))
def test_counting_agrees_with_a_simple_model(issue: Issue, key: Key, alice: Person, seed: int) -> None:
    chance, model = random.Random(seed), Model()
    for _ in range(12):
        if chance.random() < 0.5:
            what, number = chance.choice(["events", "users"]), chance.randint(1, 4)
            archive(issue, alice, until=ArchiveUntil(what), **{what: number})
            model.archive(what, number)
        users = [str(chance.randint(0, 9)) for _ in range(chance.randint(0, 5))]
        send(key, *[sample_event(user={"id": user}) for user in users])
        while digest_batch(chance.randint(1, 5)):
            pass
        for user in users:
            model.happen(user)
        status, _, episode = state(issue)
        assert (status == Status.ARCHIVED, episode) == (model.left is not None, model.episode)
