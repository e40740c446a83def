"""The statements of the accept and digest paths, in the SQL that both databases speak."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import Any

from django.db import connection

from tocsin.clock import database_now
from tocsin.outbox import wakeup
from tocsin.rows import among, by_column, listed, parameter, time, unnested

LOCK_SECONDS = 5  # how long accepting waits for a lock before it asks the SDK to come back


def find_key(public_key: str) -> tuple[int, int, int, int | None, int | None, str, int] | None:
    """(organization, project, key, requests a minute or None, quota or None, its period, how much was spent of it in the latest
    period in which any was) of an active key."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT own.organization_id, own.project_id, own.id, own.rate_limit_per_minute, project.quota, project.quota_period,"
            " CASE WHEN project.quota IS NULL THEN 0 ELSE COALESCE((SELECT spent.count FROM intake_quotaspent spent"
            " WHERE spent.organization_id = own.organization_id AND spent.project_id = own.project_id), 0) END"
            " FROM projects_key own JOIN projects_project project ON project.id = own.project_id"
            " WHERE own.public_key = %s AND own.is_active",
            [public_key],
        )
        row: tuple[int, int, int, int | None, int | None, str, int] | None = cursor.fetchone()
        return row


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When something is accepted: by the database's clock, and on PostgreSQL in which snapshot (`issues.returning` asks).

    `has_called`: the commit will wake whoever digests.
    """

    at: datetime
    snapshot: str = ""
    has_called: bool = False


def begin(*, call: bool = False) -> Moment:
    """The first statement of accepting: the database's clock. From here on no lock is waited for longer than LOCK_SECONDS.
    PostgreSQL calls whoever digests by the same statement, when the transaction commits.

    On SQLite the one lock there is has been taken already, with the engine's own patience, which is the same.
    """
    if connection.vendor != "postgresql":
        return Moment(at=database_now())
    called = f", pg_notify('{wakeup.channel(wakeup.DIGEST)}', '')" if call else ""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT clock_timestamp(), concat_ws(':', pg_current_snapshot(), pg_current_xact_id_if_assigned()),"
            f" set_config('lock_timeout', %s, true){called}",
            [f"{LOCK_SECONDS}s"],
        )
        now, snapshot, *_ = cursor.fetchone()
    return Moment(at=now, snapshot=snapshot, has_called=call)


GIVEN = {
    "organization_id": "bigint",
    "project_id": "bigint",
    "event_id": "text",
    "encoding": "text",
    "payload": "bytea",
    "address": "text",
}


def insert_accepted(rows: Sequence[Sequence[Any]], moment: Moment) -> set[tuple[int, str]]:
    """Insert rows of GIVEN's columns, at least one, whose event is not waiting yet.

    Returns (project, event_id) of those that were inserted.
    """
    into = f"INSERT INTO intake_accepted ({', '.join(GIVEN)}, accepted_at, snapshot, state, reason)"
    known = "ON CONFLICT DO NOTHING RETURNING project_id, event_id"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                f"{into} SELECT given.*, %s, %s, 'waiting', '' FROM {unnested(GIVEN)} {known}",
                [moment.at, moment.snapshot, *by_column(rows)],
            )
        else:
            at = parameter(moment.at)
            values = ", ".join(["(%s, %s, %s, %s, %s, %s, %s, %s, 'waiting', '')"] * len(rows))
            cursor.execute(
                f"{into} VALUES {values} {known}", [value for row in rows for value in (*row, at, moment.snapshot)]
            )
        return set(cursor.fetchall())


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """An accepted event that waits to be digested, and the version of its project's grouping."""

    pk: int
    organization_id: int
    project_id: int
    event_id: str
    accepted_at: datetime
    snapshot: str
    encoding: str
    payload: bytes
    address: str
    grouping: str


def claim(size: int, most: int) -> list[int]:
    """The ids of the oldest that wait: no more than `size`, and no more than `most` bytes together unless the first alone has more.

    Where the database locks rows, they are locked, and those that others have locked are passed over.
    """
    locking = " FOR UPDATE SKIP LOCKED" if connection.features.has_select_for_update_skip_locked else ""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, length(payload) FROM intake_accepted WHERE state = 'waiting' ORDER BY id LIMIT %s" + locking,
            [size],
        )
        found = cursor.fetchall()
    totals = accumulate(length for _, length in found)
    return [pk for (pk, _), total in zip(found, totals, strict=True) if total <= most] or [pk for pk, _ in found[:1]]


def read_waiting(pks: Sequence[int]) -> list[Waiting]:
    """Those of the rows that are still there, the oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT a.id, a.organization_id, a.project_id, a.event_id, a.accepted_at, a.snapshot, a.encoding, a.payload, a.address,"
            " p.grouping FROM intake_accepted a JOIN projects_project p ON p.id = a.project_id"
            f" WHERE {among('a.id', 'bigint')} ORDER BY a.id",
            [listed(pks)],
        )
        found = cursor.fetchall()
    return [
        Waiting(
            pk=pk,
            organization_id=organization,
            project_id=project,
            event_id=event_id,
            accepted_at=time(accepted_at),
            snapshot=snapshot,
            encoding=encoding,
            payload=bytes(payload),
            address=address,
            grouping=grouping,
        )
        for pk, organization, project, event_id, accepted_at, snapshot, encoding, payload, address, grouping in found
    ]


def still_waiting(pks: Sequence[int]) -> set[int]:
    """Those of the rows that nobody else has digested or set aside meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id FROM intake_accepted WHERE {among('id', 'bigint')} AND state = 'waiting'", [listed(pks)]
        )
        return {pk for (pk,) in cursor.fetchall()}


def forget(pks: Sequence[int]) -> None:
    """Remove rows that have been digested."""
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM intake_accepted WHERE {among('id', 'bigint')}", [listed(pks)])


def spend_minute(organization_id: int, key_id: int, minute: datetime, number: int) -> int:
    """Count so many more requests of the key in this minute; returns how many there are now. Earlier minutes are forgotten."""
    return _spend("intake_keyminute", "key_id", "minute", (organization_id, key_id, minute, number))


def spend_quota(organization_id: int, project_id: int, begins: datetime, number: int) -> int:
    """Likewise, events of the project in this period."""
    return _spend("intake_quotaspent", "project_id", "begins", (organization_id, project_id, begins, number))


def _spend(table: str, whose: str, when: str, row: tuple[int, int, datetime, int]) -> int:
    organization, owner, moment, number = row
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} AS kept (organization_id, {whose}, {when}, count) VALUES (%s, %s, %s, %s)"
            f" ON CONFLICT (organization_id, {whose}) DO UPDATE SET {when} = excluded.{when}, count ="
            f" CASE WHEN kept.{when} = excluded.{when} THEN kept.count + excluded.count ELSE excluded.count END"
            " RETURNING count",
            [organization, owner, parameter(moment), number],
        )
        (count,) = cursor.fetchone()
        return int(count)


COUNTED = {
    "organization_id": "bigint",
    "project_id": "bigint",
    "kind": "text",
    "outcome": "text",
    "count": "bigint",
    "hour": "timestamptz",
}


def add_counts(rows: Sequence[tuple[int, int, str, str, int]], hour: datetime) -> None:
    """Add (organization, project, kind, outcome, count), at least one, to that hour's counts."""
    into = f"INSERT INTO intake_itemcount AS kept ({', '.join(COUNTED)})"
    known = (
        "ON CONFLICT (organization_id, project_id, hour, kind, outcome)"
        " DO UPDATE SET count = kept.count + excluded.count"
    )
    given = [(*row, parameter(hour)) for row in rows]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"{into} SELECT * FROM {unnested(COUNTED)} {known}", by_column(given))
        else:
            cursor.executemany(f"{into} VALUES (%s, %s, %s, %s, %s, %s) {known}", given)
