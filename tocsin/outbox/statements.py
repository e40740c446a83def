"""The statements of the outbox that every change and every send repeats, in the SQL that both databases speak.

`tests/test_outbox_statements.py` has the ORM's reading of each beside it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from django.db import connection

from tocsin.outbox import pace
from tocsin.outbox.models import RENDERINGS, Delivery, Priority
from tocsin.rows import among, columns, given, inserted, instance, listed, listed_rows, parameter, run, time

OPEN = "d.done_at IS NULL AND d.abandoned_at IS NULL"
OPEN_OTHER = "other.subject = d.subject AND other.id <> d.id AND other.done_at IS NULL AND other.abandoned_at IS NULL"
RENDERED = f"priority IN ({', '.join(str(int(priority)) for priority in RENDERINGS)})"


def insert(delivery: Delivery, *, calls: str = "") -> None:
    """Insert it, and give it its id. `calls`: whom on PostgreSQL the commit wakes (`outbox.wakeup`)."""
    written = (
        "INSERT INTO outbox_delivery (organization, kind, about, subject, lane, pool, method, priority, created_at,"
        " due_at, attempts, lease_token, lease_until, is_ambiguous, done_at, abandoned_at, error_code, error)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 0, '', NULL, FALSE, NULL, NULL, '', '') RETURNING id"
    )
    values = (
        delivery.organization,
        delivery.kind,
        json.dumps(delivery.about),
        delivery.subject,
        delivery.lane,
        delivery.pool,
        delivery.method,
        int(delivery.priority),
        parameter(delivery.created_at),
        parameter(delivery.due_at),
    )
    if calls:
        found = run(f"WITH written AS ({written}) SELECT id, pg_notify(%s, '') FROM written", (*values, calls))
    else:
        found = run(written, values)
    inserted(delivery, found[0][0])


# --- claiming --------------------------------------------------------------------------------------------------------
class Candidate(NamedTuple):
    """What is to be known of a delivery to decide whether it may go now."""

    id: int
    subject: str
    lane: str
    pool: str
    method: str
    priority: int
    lease_token: str


def candidates(kinds: Collection[str], full: Collection[str], now: datetime, limit: int) -> list[Candidate]:
    """What is due, free, not behind another of its subject, and whose budgets are open: the most urgent first.

    `full`: pools of which nothing is wanted. What cannot go never hides what can.
    """
    at = parameter(now)
    found = run(_candidates(), (at, at, at, at, listed(kinds), listed(full), at, limit))
    return [Candidate(*row) for row in found]


@cache
def _candidates() -> str:
    lanes = ", ".join(f"'{method}'" for method in sorted(pace.LANE_METHODS))
    return (
        "WITH closed AS (SELECT key FROM outbox_pace WHERE ready_at > %s OR blocked_until > %s)"
        " SELECT d.id, d.subject, d.lane, d.pool, d.method, d.priority, d.lease_token FROM outbox_delivery d"
        f" WHERE {OPEN} AND d.due_at <= %s AND (d.lease_until IS NULL OR d.lease_until <= %s)"
        f" AND {among('d.kind', 'text')} AND NOT ({among('d.pool', 'text')})"
        f" AND {_key(pace.POOL_KEY)} NOT IN (SELECT key FROM closed)"
        f" AND {_key(pace.METHOD_KEY)} NOT IN (SELECT key FROM closed)"
        f" AND (d.method NOT IN ({lanes}) OR {_key(pace.LANE_KEY)} NOT IN (SELECT key FROM closed))"
        f" AND (d.priority <> {int(Priority.COUNTS)} OR {_key(pace.COUNTS_KEY)} NOT IN (SELECT key FROM closed))"
        f" AND NOT EXISTS (SELECT 1 FROM outbox_delivery other WHERE {OPEN_OTHER} AND (other.lease_until > %s"
        f" OR (other.id < d.id AND NOT (other.{RENDERED} AND other.attempts = 0))))"
        " ORDER BY d.priority, d.due_at, d.id LIMIT %s"
    )


def _key(prefix: str) -> str:
    """The key of Pace that begins with `prefix`, of the delivery d."""
    names = " || ' ' || ".join(f"d.{column}" for column in pace.KEYS_IN_SQL[prefix])
    return f"('{prefix}' || {names})"


def lease(chosen: Sequence[tuple[int, str, str]], now: datetime, until: datetime) -> list[Delivery]:
    """Lease rows, given as (id, token that stands in it, new token), unless somebody was faster. Returns those that are ours.

    A token that still stands in a row is of a worker that never said how it ended: it may have had its effect.
    """
    if not chosen:
        return []
    found = run(_lease(), (parameter(until), *listed_rows(chosen), parameter(now)))
    return [_read(row) for row in found]


@cache
def _lease() -> str:
    return (
        "UPDATE outbox_delivery AS d SET lease_token = given.taken, lease_until = %s, attempts = d.attempts + 1,"
        " is_ambiguous = (d.is_ambiguous OR d.lease_token <> '')"
        f" FROM {given(id='bigint', stands='text', taken='text')}"
        f" WHERE d.id = given.id AND d.lease_token = given.stands AND {OPEN}"
        f" AND NOT EXISTS (SELECT 1 FROM outbox_delivery other WHERE {OPEN_OTHER} AND other.lease_until > %s)"
        f" RETURNING {columns(Delivery, 'd' if _is_postgresql() else 'outbox_delivery')}"
    )


def _read(row: Sequence[Any]) -> Delivery:
    delivery = instance(Delivery, row)
    if isinstance(delivery.about, str):
        delivery.about = json.loads(delivery.about)
    return delivery


def covered(subjects: Collection[str], now: datetime) -> list[tuple[int, str, str]]:
    """(id, kind, subject) of the renderings of these subjects that are due and that nobody has."""
    if not subjects:
        return []
    found = run(
        f"SELECT d.id, d.kind, d.subject FROM outbox_delivery d WHERE {OPEN} AND {among('d.subject', 'text')}"
        f" AND d.{RENDERED} AND d.lease_token = '' AND d.due_at <= %s",
        (listed(subjects), parameter(now)),
    )
    return [(id_, kind, subject) for id_, kind, subject in found]


# --- finishing -------------------------------------------------------------------------------------------------------
def finish(leases: Sequence[tuple[int, str]], now: datetime) -> set[int]:
    """Mark (id, token) rows as done. Returns the ids of those that were still this token's."""
    if not leases:
        return set()
    found = run(
        f"UPDATE outbox_delivery AS d SET done_at = %s, lease_token = '', lease_until = NULL"
        f" FROM {given(id='bigint', stands='text')}"
        f" WHERE d.id = given.id AND d.lease_token = given.stands AND {OPEN}"
        f" RETURNING {'d.id' if _is_postgresql() else 'id'}",
        (parameter(now), *listed_rows(leases)),
    )
    return {id_ for (id_,) in found}


def finish_covered(ids: Collection[int], now: datetime) -> None:
    """Mark renderings as done that another one did for, unless somebody has them."""
    if ids:
        run(
            f"UPDATE outbox_delivery AS d SET done_at = %s WHERE {among('d.id', 'bigint')} AND d.lease_token = ''"
            f" AND {OPEN}",
            (parameter(now), listed(ids)),
        )


# --- paces -----------------------------------------------------------------------------------------------------------
def paces(keys: Collection[str]) -> list[tuple[str, datetime, datetime | None]]:
    """(key, ready at, blocked until) of those of these budgets that were ever taken from."""
    found = run(f"SELECT key, ready_at, blocked_until FROM outbox_pace WHERE {among('key', 'text')}", (listed(keys),))
    return [(key, time(ready), time(blocked) if blocked else None) for key, ready, blocked in found]


def save_paces(rows: Sequence[tuple[str, datetime]]) -> None:
    """Write (key, ready at). What is blocked stays so."""
    if rows:
        run(
            f"INSERT INTO outbox_pace (key, ready_at) SELECT given.key, given.ready_at"
            f" FROM {given(key='text', ready_at='timestamptz')} WHERE TRUE"
            " ON CONFLICT (key) DO UPDATE SET ready_at = excluded.ready_at",
            listed_rows(rows),
        )


# --- parts -----------------------------------------------------------------------------------------------------------
def _is_postgresql() -> bool:
    return connection.vendor == "postgresql"
