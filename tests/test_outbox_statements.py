"""The statements of the outbox, beside the ORM's reading."""

from __future__ import annotations

import random
import secrets
from datetime import datetime, timedelta

import pytest
from django.db.models import Exists, OuterRef, Q

from tocsin.outbox import pace, service, statements
from tocsin.outbox.models import OPEN, RENDERINGS, Delivery, Pace, Priority
from tocsin.outbox.service import Route
from tocsin.outbox.statements import Candidate

NOON = datetime.fromisoformat("2026-01-02T12:00:00.123456+00:00")


@pytest.mark.parametrize("organization", [None, 7])
def test_what_is_to_be_sent_is_written_as_the_orm_reads_it(database: None, organization: int | None) -> None:
    written = service.add(
        "slack.whisper",
        {"text": "ünï\u2028code", "url": None, "id": 2**40},
        Route(subject="card:1", lane="slack:T1:C1", pool="slack:T1", method="chat.update"),
        now=NOON,
        organization=organization,
        priority=Priority.COUNTS,
        after=timedelta(seconds=3),
    )
    read = Delivery.objects.get()
    for field in Delivery._meta.concrete_fields:
        assert getattr(read, field.attname) == getattr(written, field.attname), field.attname
    assert (read.due_at - read.created_at, read.attempts, read.is_ambiguous) == (timedelta(seconds=3), 0, False)


# --- claiming --------------------------------------------------------------------------------------------------------
KINDS = ("post", "refresh")
METHODS = ("chat.postMessage", "chat.update", "views.publish")


@pytest.fixture(params=range(5))
def crowd(database: None, request: pytest.FixtureRequest) -> random.Random:
    """Two hundred deliveries of every sort, and budgets of every sort."""
    dice = random.Random(request.param)

    def sometime() -> datetime:
        return NOON + timedelta(seconds=dice.choice((-60, -1, 0, 1, 60)))

    for _ in range(200):
        is_leased = dice.random() < 0.2
        Delivery.objects.create(
            kind=dice.choice((*KINDS, "unknown")),
            about={"n": dice.random()},
            subject=f"card:{dice.randrange(60)}",
            lane=f"slack:T{dice.randrange(4)}:C{dice.randrange(5)}",
            pool=f"slack:T{dice.randrange(4)}",
            method=dice.choice(METHODS),
            priority=dice.choice(Priority.values),
            created_at=NOON - timedelta(hours=1),
            due_at=sometime(),
            attempts=dice.choice((0, 0, 3)),
            is_ambiguous=dice.random() < 0.2,
            lease_token=secrets.token_hex(4) if is_leased else "",
            lease_until=sometime() if is_leased else None,
            done_at=NOON if dice.random() < 0.1 else None,
            abandoned_at=NOON if dice.random() < 0.1 else None,
        )
    keys = {key for row in Delivery.objects.all() for key in pace.keys_of([row])}
    for key in sorted(keys):
        if dice.random() < 0.4:
            blocked = sometime() if dice.random() < 0.3 else None
            Pace.objects.create(key=key, ready_at=sometime(), blocked_until=blocked)
    return dice


def candidates_of_the_orm(full: list[str]) -> list[int]:
    same = Delivery.objects.filter(OPEN, subject=OuterRef("subject")).exclude(pk=OuterRef("pk"))
    patient = Q(priority__in=RENDERINGS, attempts=0)
    behind = Exists(same.filter(Q(lease_until__gt=NOON) | (Q(pk__lt=OuterRef("pk")) & ~patient)))
    due = (
        Delivery.objects.filter(OPEN, Q(lease_until__isnull=True) | Q(lease_until__lte=NOON), ~behind)
        .filter(due_at__lte=NOON, kind__in=KINDS)
        .exclude(pool__in=full)
        .order_by("priority", "due_at", "id")
    )
    closed = set(Pace.objects.filter(Q(ready_at__gt=NOON) | Q(blocked_until__gt=NOON)).values_list("key", flat=True))
    return [row.pk for row in due if not closed & pace.keys_of([row])]


def test_the_candidates_are_those_that_the_orm_finds_in_their_order(crowd: random.Random) -> None:
    for full in ([], ["slack:T1"], ["slack:T0", "slack:T2"]):
        expected = candidates_of_the_orm(full)
        found = statements.candidates(KINDS, full, NOON, 1000)
        assert [candidate.id for candidate in found] == expected
        assert expected
        for candidate in found:
            row = Delivery.objects.filter(pk=candidate.id).values_list(*Candidate._fields).get()
            assert tuple(candidate) == row
    assert statements.candidates(KINDS, [], NOON, 3) == statements.candidates(KINDS, [], NOON, 1000)[:3]
    assert statements.candidates((), [], NOON, 1000) == []


def test_leased_rows_are_as_the_orm_reads_them_and_only_those_that_still_stand_so(crowd: random.Random) -> None:
    found = statements.candidates(KINDS, [], NOON, 1000)
    chosen = list({candidate.subject: candidate for candidate in found}.values())
    rows = [(candidate.id, candidate.lease_token, secrets.token_hex(16)) for candidate in chosen]
    before = {row.pk: row for row in Delivery.objects.filter(pk__in=[row[0] for row in rows])}
    taken, done, behind, *others = rows
    Delivery.objects.filter(pk=taken[0]).update(lease_token="somebody else's")
    Delivery.objects.filter(pk=done[0]).update(done_at=NOON)
    rival = before[behind[0]]
    rival.pk, rival.lease_token, rival.lease_until = None, "another's", NOON + timedelta(seconds=5)
    rival.save(force_insert=True)

    ours = {delivery.pk: delivery for delivery in statements.lease(rows, NOON, NOON + timedelta(seconds=30))}
    assert set(ours) == {row[0] for row in others}
    for id_, stood, token in others:
        read = Delivery.objects.get(pk=id_)
        for field in Delivery._meta.concrete_fields:
            assert getattr(ours[id_], field.attname) == getattr(read, field.attname), field.attname
        assert (read.lease_token, read.lease_until) == (token, NOON + timedelta(seconds=30))
        assert read.attempts == before[id_].attempts + 1
        assert read.is_ambiguous == (before[id_].is_ambiguous or stood != "")
    assert statements.lease([], NOON, NOON) == []


def test_what_a_rendering_covers_is_what_the_orm_finds(crowd: random.Random) -> None:
    subjects = [f"card:{number}" for number in range(30)]
    expected = Delivery.objects.filter(
        OPEN, subject__in=subjects, priority__in=RENDERINGS, lease_token="", due_at__lte=NOON
    ).values_list("id", "kind", "subject")
    assert sorted(statements.covered(subjects, NOON)) == sorted(expected)
    assert expected
    assert statements.covered([], NOON) == []


# --- finishing -------------------------------------------------------------------------------------------------------
def test_what_is_finished_is_what_was_still_ours(crowd: random.Random) -> None:
    leased = list(Delivery.objects.filter(OPEN).exclude(lease_token=""))
    assert len(leased) > 5
    lost, *kept = leased
    rows = [(row.pk, row.lease_token) for row in kept] + [(lost.pk, "another's")]
    over = Delivery.objects.exclude(OPEN).exclude(lease_token="").first()
    assert over is not None
    assert statements.finish([*rows, (over.pk, over.lease_token)], NOON) == {row.pk for row in kept}
    for row in kept:
        row.refresh_from_db()
        assert (row.done_at, row.lease_token, row.lease_until) == (NOON, "", None)
    lost.refresh_from_db()
    assert lost.done_at is None
    assert statements.finish([], NOON) == set()


def test_what_was_covered_is_done_unless_somebody_has_it(crowd: random.Random) -> None:
    ids = list(Delivery.objects.values_list("pk", flat=True)[:100])
    expected = set(Delivery.objects.filter(OPEN, pk__in=ids, lease_token="").values_list("pk", flat=True))
    later = NOON + timedelta(days=1)
    statements.finish_covered(ids, later)
    assert set(Delivery.objects.filter(done_at=later).values_list("pk", flat=True)) == expected
    statements.finish_covered([], later)


# --- paces -----------------------------------------------------------------------------------------------------------
def test_paces_are_read_and_written_as_the_orm_does(crowd: random.Random) -> None:
    known = {row.key: (row.ready_at, row.blocked_until) for row in Pace.objects.all()}
    assert {key: (ready, blocked) for key, ready, blocked in statements.paces([*known, "new"])} == known
    later = NOON + timedelta(seconds=77, microseconds=123)
    some = sorted(known)[:5]
    statements.save_paces([(key, later) for key in (*some, "new")])
    for key in some:
        row = Pace.objects.get(key=key)
        assert (row.ready_at, row.blocked_until) == (later, known[key][1])
    new = Pace.objects.get(key="new")
    assert (new.ready_at, new.blocked_until) == (later, None)
    statements.save_paces([])
    assert statements.paces([]) == []
