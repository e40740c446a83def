"""The statements of the hot paths beside the ORM's reading of what they did."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta

import pytest
from django.db import transaction
from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import Coalesce

from tocsin.clock import database_now
from tocsin.intake import statements
from tocsin.intake.models import Accepted, ItemCount, KeyMinute, QuotaSpent
from tocsin.intake.statements import Moment
from tocsin.projects.models import Key, Project
from tocsin.projects.quotas import set_quota

NOON = datetime.fromisoformat("2026-01-02T12:00:00.123456+00:00")


@pytest.mark.parametrize(("is_active", "limit"), [(True, None), (True, 7), (False, None)])
def test_a_key_is_found_as_the_orm_finds_it(key: Key, is_active: bool, limit: int | None) -> None:
    Key.objects.filter(pk=key.pk).update(is_active=is_active, rate_limit_per_minute=limit)
    fields = (
        "organization_id",
        "project_id",
        "pk",
        "rate_limit_per_minute",
        "project__quota",
        "project__quota_period",
        "spent",
    )
    spent = QuotaSpent.objects.filter(
        organization=OuterRef("organization"), project=OuterRef("project"), project__quota__isnull=False
    ).values("count")
    for quota, count in ((None, 0), (9, 0), (9, 7), (None, 7)):
        set_quota(key.project, quota, Project.Period.HOUR)
        if count:
            QuotaSpent.objects.update_or_create(
                organization=key.organization, project=key.project, defaults={"begins": NOON, "count": count}
            )
        known = Key.objects.filter(public_key=key.public_key, is_active=True)
        expected = known.annotate(spent=Coalesce(Subquery(spent), 0)).values_list(*fields).first()
        assert statements.find_key(key.public_key) == expected
        assert statements.find_key("0" * 32) is None


def test_accepted_events_are_written_as_the_orm_reads_them(key: Key) -> None:
    place = (key.organization_id, key.project_id)
    first = [(*place, "a" * 32, "identity", b"{}", "203.0.113.9"), (*place, "b" * 32, "zlib", bytes(range(256)), "")]
    assert statements.insert_accepted(first, Moment(at=NOON)) == {
        (key.project_id, "a" * 32),
        (key.project_id, "b" * 32),
    }
    second = [(*place, "b" * 32, "identity", b"other", ""), (*place, "c" * 32, "identity", b"", "2001:db8::9")]
    assert statements.insert_accepted(second, Moment(at=NOON + timedelta(hours=1))) == {(key.project_id, "c" * 32)}
    rows = [
        (row.event_id, row.encoding, bytes(row.payload), row.accepted_at, row.state, row.address, row.reason)
        for row in Accepted.objects.filter(organization=key.organization, project=key.project).order_by("pk")
    ]
    assert rows == [
        ("a" * 32, "identity", b"{}", NOON, Accepted.State.WAITING, "203.0.113.9", ""),
        ("b" * 32, "zlib", bytes(range(256)), NOON, Accepted.State.WAITING, "", ""),
        ("c" * 32, "identity", b"", NOON + timedelta(hours=1), Accepted.State.WAITING, "2001:db8::9", ""),
    ]


def test_requests_of_a_minute_are_counted_and_the_minute_before_forgotten(key: Key) -> None:
    minute, later = NOON.replace(microsecond=0), NOON.replace(minute=1, microsecond=0)
    asked = [(minute, 1), (minute, 1), (minute, 5), (later, 2), (later, 1)]
    assert [statements.spend_minute(key.organization_id, key.pk, at, number) for at, number in asked] == [1, 2, 7, 2, 3]
    row = KeyMinute.objects.get()
    assert (row.organization, row.key, row.minute, row.count) == (key.organization, key, later, 3)


def test_events_of_a_period_are_counted_and_the_period_before_forgotten(key: Key) -> None:
    hour, later = NOON.replace(microsecond=0), NOON.replace(hour=13, microsecond=0)
    asked = [(hour, 100), (hour, 1), (later, 2)]
    place = (key.organization_id, key.project_id)
    assert [statements.spend_quota(*place, at, number) for at, number in asked] == [100, 101, 2]
    row = QuotaSpent.objects.get()
    assert (row.organization, row.project, row.begins, row.count) == (key.organization, key.project, later, 2)


def test_counts_are_added_up_as_the_orm_reads_them(key: Key) -> None:
    hour, next_hour = NOON.replace(microsecond=0), NOON.replace(hour=13, microsecond=0)
    place = (key.organization_id, key.project_id)
    statements.add_counts([(*place, "event", "accepted", 2), (*place, "session", "counted", 1)], hour)
    statements.add_counts([(*place, "event", "accepted", 3), (*place, "event", "duplicate", 1)], hour)
    statements.add_counts([(*place, "event", "accepted", 5)], next_hour)
    assert {(row.hour, row.kind, row.outcome): row.count for row in ItemCount.objects.filter(project=key.project)} == {
        (hour, "event", "accepted"): 5,
        (hour, "event", "duplicate"): 1,
        (hour, "session", "counted"): 1,
        (next_hour, "event", "accepted"): 5,
    }


def accept(key: Key, *events: tuple[str, bytes], grouping: str = "v1", **fields: str) -> list[int]:
    Project.objects.filter(pk=key.project_id).update(grouping=grouping)
    made = [
        Accepted.objects.create(
            organization=key.organization,
            project=key.project,
            event_id=event_id * 32,
            accepted_at=NOON,
            payload=payload,
            **fields,
        )
        for event_id, payload in events
    ]
    return [row.pk for row in made]


def test_what_waits_is_read_as_the_orm_reads_it(key: Key) -> None:
    fields = {"encoding": "zlib", "snapshot": "1:9:4", "address": "203.0.113.9"}
    pks = accept(key, ("b", bytes(range(256))), ("a", b""), grouping="v9", **fields)
    names = [field.name for field in dataclasses.fields(statements.Waiting)]
    found = [[getattr(one, name) for name in names] for one in statements.read_waiting([*reversed(pks), 10**9])]
    rows = Accepted.objects.filter(pk__in=pks).order_by("pk").annotate(grouping=F("project__grouping"))
    assert [[bytes(value) if isinstance(value, memoryview) else value for value in row] for row in found] == [
        [bytes(value) if name == "payload" else value for name, value in zip(names, row, strict=True)]
        for row in rows.values_list(*names)
    ]
    assert len(found) == 2
    assert statements.read_waiting([]) == []


@pytest.mark.parametrize(
    ("size", "most", "expected"),
    [(9, 99, 4), (2, 99, 2), (9, 30, 3), (9, 29, 2), (9, 5, 1), (1, 0, 1)],
)
def test_the_oldest_are_claimed_up_to_a_number_and_a_size(key: Key, size: int, most: int, expected: int) -> None:
    aside = accept(key, ("f", b"x"), state="set_aside")
    pks = accept(key, *((letter, b"x" * 10) for letter in "dbca"))
    waiting = Accepted.objects.filter(state=Accepted.State.WAITING).order_by("pk").values_list("pk", flat=True)
    assert list(waiting) == pks
    with transaction.atomic():
        assert statements.claim(size, most) == pks[:expected]
    assert not set(aside) & set(pks)


def test_nothing_is_claimed_where_nothing_waits(key: Key) -> None:
    with transaction.atomic():
        assert statements.claim(9, 99) == []


def test_what_is_digested_is_forgotten_and_what_is_set_aside_waits_no_more(key: Key) -> None:
    pks = accept(key, ("a", b"x"), ("b", b"x"), ("c", b"x"))
    Accepted.objects.filter(pk=pks[1]).update(state=Accepted.State.SET_ASIDE)
    assert statements.still_waiting([*pks, 10**9]) == {pks[0], pks[2]}
    statements.forget([pks[0], pks[1]])
    statements.forget([])
    assert list(Accepted.objects.values_list("pk", flat=True)) == [pks[2]]


@pytest.mark.parametrize("call", [True, False])
def test_accepting_begins_with_the_databases_clock(database: None, call: bool) -> None:
    before = database_now()
    assert before <= statements.begin().at <= database_now()
