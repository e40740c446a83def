"""The statements by which issues are changed, beside the ORM's reading of what they did."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection, transaction

from tests.people import Person
from tocsin.accounts.access import Right
from tocsin.accounts.models import Role
from tocsin.clock import database_now
from tocsin.issues import statements
from tocsin.issues.models import Activity, Issue, Priority, Status, Subscription, Substatus
from tocsin.projects.access import has_project

NOON = datetime.fromisoformat("2026-01-02T12:00:00.123456+00:00")
WHO = ("alice", "bob", "carol", "eve", "mallory")


def values_of(row: object) -> dict[str, object]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}  # type: ignore[attr-defined]


@pytest.mark.parametrize("lock", [False, True])
def test_an_issue_is_read_as_the_orm_reads_it(make_issue: Callable[..., Issue], alice: Person, lock: bool) -> None:
    issue = make_issue(
        resolved_at=NOON, archived_until=NOON, archived_events=3, assignee_user=alice.user, priority=Priority.LOW
    )
    with transaction.atomic():
        seen = statements.see(issue.pk, alice.user.pk, lock=lock)
    assert seen is not None
    expected = Issue.objects.select_related("project", "organization").get(pk=issue.pk)
    assert values_of(seen.issue) == values_of(expected)
    assert values_of(seen.issue.project) == values_of(expected.project)
    assert values_of(seen.issue.organization) == values_of(expected.organization)


@pytest.mark.parametrize("issue_id", [0, -1, 10**9, 2**63 - 1, 2**63, 10**30])
def test_an_issue_that_is_not_there_is_not_seen(alice: Person, issue_id: int) -> None:
    assert statements.see(issue_id, alice.user.pk, lock=False) is None


@pytest.mark.parametrize("name", WHO)
@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("in_team", [True, False])
@pytest.mark.parametrize("right", Right)
def test_a_right_is_what_the_condition_for_queries_says(
    request: pytest.FixtureRequest, make_issue: Callable[..., Issue], name: str, role: Role, in_team: bool, right: Right
) -> None:
    from tocsin.issues import access

    person: Person = request.getfixturevalue(name)
    issue = make_issue()
    person.user.memberships.update(role=role)
    if not in_team:
        issue.project.project_teams.all().delete()
    condition = has_project(person.user, right, project="project", organization="organization")
    seen = statements.see(issue.pk, person.user.pk, lock=False)
    assert seen is not None
    assert access._has(right, seen) == Issue.objects.filter(condition, pk=issue.pk).exists()
    assert bool(seen.role) == person.user.memberships.filter(organization=issue.organization).exists()


def test_a_deactivated_person_is_nothing_to_an_issue(make_issue: Callable[..., Issue], alice: Person) -> None:
    alice.user.is_active = False
    alice.user.save()
    seen = statements.see(make_issue().pk, alice.user.pk, lock=False)
    assert seen is not None
    assert (seen.role, seen.is_in_team) == ("", False)


def test_columns_are_written_as_the_orm_reads_them(make_issue: Callable[..., Issue], alice: Person) -> None:
    issue, other = make_issue(), make_issue()
    changed = {
        "status": Status.RESOLVED,
        "substatus": Substatus.NONE,
        "resolved_at": NOON,
        "archived_until": None,
        "assignee_user_id": alice.user.pk,
        "version": 2**40,
    }
    before = values_of(other)
    for name, value in changed.items():
        setattr(issue, name, value)
    statements.write(issue, [*changed, "version"])
    read = Issue.objects.get(pk=issue.pk)
    assert values_of(read) == values_of(issue)
    assert values_of(Issue.objects.get(pk=other.pk)) == before


def test_an_activity_is_written_as_the_orm_reads_it(make_issue: Callable[..., Issue], alice: Person) -> None:
    issue = make_issue()
    activity = Activity(
        organization=issue.organization,
        issue=issue,
        kind=Activity.Kind.ARCHIVED,
        user=alice.user,
        origin="slack",
        identity="T1/U1",
        version=7,
        fields_changed=["status"],
        before={"status": "unresolved", "archived_until": None},
        text="ünï\u2028code",
        about={"until": "events", "archived_events": 5},
        created_at=NOON,
    )
    statements.insert_activity(activity)
    assert values_of(Activity.objects.get()) == values_of(activity)
    activity.text = "another"
    activity.save()
    assert Activity.objects.get().text == "another"


def test_whoever_hears_of_an_issue_already_keeps_the_reason(make_issue: Callable[..., Issue], alice: Person) -> None:
    issue = make_issue()
    for reason in ("assigned", "resolved"):
        statements.subscribe(issue.organization_id, issue.pk, alice.user.pk, reason)
    row = Subscription.objects.get()
    assert (row.organization, row.issue, row.user, row.reason) == (issue.organization, issue, alice.user, "assigned")


def test_the_moment_of_a_change_is_the_databases(database: None) -> None:
    before = database_now()
    moment, xid = statements.moment_of_change()
    assert before <= moment <= database_now() + timedelta(seconds=1)
    assert (xid is not None) == (connection.vendor == "postgresql")
