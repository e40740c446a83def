"""The statements that changing an issue and storing events repeat, in the SQL that both databases speak.

`tests/test_issues_statements.py` has the ORM's reading of each beside it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from django.db import connection

from tocsin import rows
from tocsin.accounts.models import Organization
from tocsin.clock import database_now
from tocsin.issues.models import Activity, Issue
from tocsin.projects.models import Project
from tocsin.rows import among, by_column, listed, parameter, unnested

# --- storing events --------------------------------------------------------------------------------------------------

Places = Iterable[tuple[int, int, str]]  # (organization, project, event id or hash)


def known_events(places: Places) -> set[tuple[int, str]]:
    """(project, event id) of those that are stored already, and of no others but by chance."""
    return set(_at(places, "SELECT project_id, event_id FROM issues_storedevent", "event_id"))


def issue_ids(places: Places) -> dict[tuple[int, str], int]:
    """(project, hash) → issue, for those that have one."""
    found = _at(places, "SELECT project_id, hash, issue_id FROM issues_issuehash", "hash")
    return {(project, hash_): issue for project, hash_, issue in found}


def _at(places: Places, select: str, name: str) -> list[Any]:
    wanted = list(places)
    if not wanted:
        return []
    organizations, projects, names = (set(values) for values in zip(*wanted, strict=True))
    where = (among("organization_id", "bigint"), among("project_id", "bigint"), among(name, "text"))
    with connection.cursor() as cursor:
        cursor.execute(
            f"{select} WHERE {' AND '.join(where)}", [listed(organizations), listed(projects), listed(names)]
        )
        return list(cursor.fetchall())


def lock_issues(pks: Iterable[int]) -> dict[int, Issue]:
    """Those of the issues that are there, each row held until the transaction ends, one after the other by id."""
    with connection.cursor() as cursor:
        cursor.execute(_lock_issues(connection.features.has_select_for_update), [listed(pks)])
        return {row[0]: rows.instance(Issue, row) for row in cursor.fetchall()}


@cache
def _lock_issues(is_locking: bool) -> str:
    """The kind of lock that lets others refer to the row meanwhile."""
    locking = " FOR NO KEY UPDATE" if is_locking else ""
    return (
        f"SELECT {rows.columns(Issue, 'i')} FROM issues_issue i WHERE {among('i.id', 'bigint')} ORDER BY i.id{locking}"
    )


EVENT = {
    "organization_id": "bigint",
    "project_id": "bigint",
    "issue_id": "bigint",
    "event_id": "text",
    "accepted_at": "timestamptz",
    "timestamp": "timestamptz",
    "encoding": "text",
    "payload": "bytea",
    "environment": "text",
    "release": "text",
}


def insert_events(events: Sequence[Sequence[Any]]) -> None:
    """Rows of EVENT's columns, at least one."""
    names = ", ".join(EVENT)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                f"INSERT INTO issues_storedevent ({names}) SELECT * FROM {unnested(EVENT)}", by_column(events)
            )
        else:
            marks = ", ".join(["%s"] * len(EVENT))
            cursor.executemany(
                f"INSERT INTO issues_storedevent ({names}) VALUES ({marks})",
                [[parameter(value) for value in event] for event in events],
            )


def insert_users(users: Sequence[tuple[int, int, str]]) -> set[tuple[int, str]]:
    """(organization, issue, hash of who was affected), at least one. Returns (issue, hash) of those who had not been before."""
    into = "INSERT INTO issues_issueuser (organization_id, issue_id, user_hash)"
    known = "ON CONFLICT DO NOTHING RETURNING issue_id, user_hash"
    kinds = {"organization_id": "bigint", "issue_id": "bigint", "user_hash": "text"}
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"{into} SELECT * FROM {unnested(kinds)} {known}", by_column(users))
        else:
            read = ", ".join(f"value ->> {index}" for index in range(3))
            cursor.execute(f"{into} SELECT {read} FROM json_each(%s) WHERE TRUE {known}", [listed(users)])
        return set(cursor.fetchall())


def add_hours(counts: Sequence[tuple[int, int, datetime, int]]) -> None:
    """Add (organization, issue, hour, count), at least one, to the issues' counts by hour."""
    into = "INSERT INTO issues_issuecount AS kept (organization_id, issue_id, hour, count)"
    known = "ON CONFLICT (organization_id, issue_id, hour) DO UPDATE SET count = kept.count + excluded.count"
    kinds = {"organization_id": "bigint", "issue_id": "bigint", "hour": "timestamptz", "count": "bigint"}
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"{into} SELECT * FROM {unnested(kinds)} {known}", by_column(counts))
            return
        cursor.executemany(
            f"{into} VALUES (%s, %s, %s, %s) {known}",
            [(organization, issue, parameter(hour), count) for organization, issue, hour, count in counts],
        )


def set_sums(sums: Sequence[tuple[int, int, int, datetime, datetime]]) -> None:
    """Write (issue, times seen, users seen, first seen, last seen), at least one. The caller holds the rows' locks."""
    kinds = {"id": "bigint", "times": "bigint", "users": "bigint", "first": "timestamptz", "last": "timestamptz"}
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "UPDATE issues_issue SET times_seen = given.times, users_seen = given.users, first_seen = given.first,"
                f" last_seen = given.last FROM {unnested(kinds)} WHERE issues_issue.id = given.id",
                by_column(sums),
            )
            return
        cursor.executemany(
            "UPDATE issues_issue SET times_seen = %s, users_seen = %s, first_seen = %s, last_seen = %s WHERE id = %s",
            [(times, users, parameter(first), parameter(last), issue) for issue, times, users, first, last in sums],
        )


BIGINT_MAX = 2**63 - 1


# --- changing an issue -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """An issue, and what somebody is to it: their role in its organization (empty: none), and whether they are in a team of its
    project.
    """

    issue: Issue
    role: str
    is_in_team: bool


def see(issue_id: int, user_id: int, *, lock: bool) -> Seen | None:
    """The issue with its project and organization, and who that person is to it now; None when there is no such issue.

    `lock` holds the issue's row until the transaction ends.
    """
    if not 0 < issue_id <= BIGINT_MAX:
        return None
    found = rows.run(_see(lock and connection.features.has_select_for_update_of), (user_id, issue_id))
    if not found:
        return None
    row = found[0]
    at = rows.width(Issue)
    middle = at + rows.width(Project)
    end = middle + rows.width(Organization)
    issue = rows.instance(Issue, row[:at])
    issue.project = rows.instance(Project, row[at:middle])
    issue.organization = rows.instance(Organization, row[middle:end])
    return Seen(issue=issue, role=row[end] or "", is_in_team=bool(row[end + 1]))


@cache
def _see(is_locking: bool) -> str:
    return (
        f"SELECT {rows.columns(Issue, 'i')}, {rows.columns(Project, 'p')}, {rows.columns(Organization, 'o')}, m.role,"
        " EXISTS (SELECT 1 FROM projects_projectteam pt JOIN accounts_teammember tm ON tm.team_id = pt.team_id"
        " WHERE pt.organization_id = i.organization_id AND pt.project_id = i.project_id AND tm.member_id = m.id)"
        " FROM issues_issue i"
        " JOIN projects_project p ON p.id = i.project_id"
        " JOIN accounts_organization o ON o.id = i.organization_id"
        " LEFT JOIN (accounts_member m JOIN accounts_user u ON u.id = m.user_id AND u.is_active)"
        " ON m.organization_id = i.organization_id AND m.user_id = %s"
        f" WHERE i.id = %s{' FOR UPDATE OF i' if is_locking else ''}"
    )


def write(issue: Issue, names: Iterable[str]) -> None:
    """Write these columns of a row that the caller has locked."""
    columns = sorted(set(names))
    assignments = ", ".join(f"{name} = %s" for name in columns)
    rows.run(
        f"UPDATE issues_issue SET {assignments} WHERE id = %s",
        (*(parameter(getattr(issue, name)) for name in columns), issue.pk),
    )


def insert_activity(activity: Activity) -> None:
    """Insert it, and give it its id."""
    ((pk,),) = rows.run(
        "INSERT INTO issues_activity (organization_id, issue_id, kind, user_id, origin, identity, version,"
        " fields_changed, before, text, about, created_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id",
        (
            activity.organization_id,
            activity.issue_id,
            parameter(activity.kind),
            activity.user_id,
            parameter(activity.origin),
            activity.identity,
            activity.version,
            json.dumps(activity.fields_changed),
            json.dumps(activity.before),
            activity.text,
            json.dumps(activity.about),
            parameter(activity.created_at),
        ),
    )
    rows.inserted(activity, pk)


def subscribe(organization_id: int, issue_id: int, user_id: int, reason: str) -> None:
    """They hear of the issue from now on; whoever does already keeps their reason."""
    rows.run(
        "INSERT INTO issues_subscription (organization_id, issue_id, user_id, reason) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT (organization_id, issue_id, user_id) DO NOTHING",
        (organization_id, issue_id, user_id, str(reason)),
    )


def moment_of_change() -> tuple[datetime, int | None]:
    """The database's clock, and on PostgreSQL the number of this transaction: what `returning` compares events with."""
    if connection.vendor != "postgresql":
        return database_now(), None
    ((now, xid),) = rows.run("SELECT clock_timestamp(), pg_current_xact_id()::text::bigint", ())
    return now, xid
