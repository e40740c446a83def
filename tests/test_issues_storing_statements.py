"""The statements by which events are stored, beside the ORM's reading of what they did."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import transaction

from tocsin.accounts.models import Organization
from tocsin.issues import statements
from tocsin.issues.models import Issue, IssueCount, IssueHash, IssueUser, StoredEvent
from tocsin.projects.models import Project

NOON = datetime.fromisoformat("2026-01-02T12:00:00.123456+00:00")
HOUR = NOON.replace(microsecond=0)
MakeIssue = Callable[..., Issue]


@pytest.fixture
def far(elsewhere: Organization) -> Project:
    """A project of another organization."""
    return Project.objects.create(organization=elsewhere, slug="far", name="Far")


def values_of(row: object) -> dict[str, object]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}  # type: ignore[attr-defined]


def test_events_are_written_as_the_orm_reads_them(make_issue: MakeIssue) -> None:
    issue = make_issue()
    StoredEvent.objects.all().delete()
    place = (issue.organization_id, issue.project_id, issue.pk)
    events = [
        (*place, "a" * 32, NOON, NOON - timedelta(days=1), "gzip+env", bytes(range(256)), "production", "shop@1"),
        (*place, "b" * 32, NOON + timedelta(seconds=1), NOON, "identity", b"", "", ""),
        (*place, "c" * 32, NOON, NOON, "zlib", b"\0" * 3000, "ünï 'x'", '{"a",NULL}'),
    ]
    statements.insert_events(events)
    rows = StoredEvent.objects.order_by("pk").values_list(*statements.EVENT)
    assert [tuple(bytes(value) if isinstance(value, memoryview) else value for value in row) for row in rows] == events


def test_known_events_are_those_that_the_orm_finds(make_issue: MakeIssue, far: Project) -> None:
    stored = [(each.organization_id, each.project_id, each.event_id) for each in _events(make_issue, far)]
    asked = [*stored[:2], (*stored[0][:2], "f" * 32)]
    rows = StoredEvent.objects.filter(event_id__in=[event_id for *_, event_id in asked])
    assert statements.known_events(asked) == set(rows.values_list("project_id", "event_id"))
    assert statements.known_events([]) == set()


def _events(make_issue: MakeIssue, far: Project) -> list[StoredEvent]:
    make_issue()
    make_issue(far)
    make_issue()
    return list(StoredEvent.objects.order_by("pk"))


def test_the_issues_of_hashes_are_those_that_the_orm_finds(make_issue: MakeIssue, far: Project) -> None:
    issues = [make_issue(), make_issue(), make_issue(far)]
    places = []
    for issue, hash_ in ((issues[0], "a"), (issues[1], "b"), (issues[1], "c"), (issues[2], "a")):
        place = {"organization": issue.organization, "project": issue.project, "hash": hash_ * 32}
        IssueHash.objects.create(issue=issue, **place)
        places.append((issue.organization_id, issue.project_id, hash_ * 32))
    rows = {(row.project_id, row.hash): row.issue_id for row in IssueHash.objects.all()}
    assert statements.issue_ids([*places, (*places[0][:2], "f" * 32)]) == rows
    assert statements.issue_ids(places[:1]) == {places[0][1:]: issues[0].pk}
    assert statements.issue_ids([]) == {}


def test_issues_are_locked_and_read_as_the_orm_reads_them(make_issue: MakeIssue) -> None:
    issues = [make_issue(resolved_at=NOON), make_issue(archived_until=NOON, archived_events=3), make_issue()]
    with transaction.atomic():
        locked = statements.lock_issues([issues[1].pk, issues[0].pk, 10**9])
    assert {pk: values_of(issue) for pk, issue in locked.items()} == {
        issue.pk: values_of(Issue.objects.get(pk=issue.pk)) for issue in issues[:2]
    }
    assert list(locked) == sorted(locked)
    with transaction.atomic():
        assert statements.lock_issues([]) == {}


def test_whoever_was_affected_before_is_not_written_again(make_issue: MakeIssue) -> None:
    issue, other = make_issue(), make_issue()
    organization = issue.organization_id
    IssueUser.objects.create(organization_id=organization, issue=issue, user_hash="a" * 32)
    wanted = [
        (organization, issue.pk, "a" * 32),
        (organization, issue.pk, "b" * 32),
        (organization, other.pk, "a" * 32),
    ]
    new = {(issue.pk, "b" * 32), (other.pk, "a" * 32)}
    assert statements.insert_users(wanted) == new
    assert statements.insert_users(wanted) == set()
    rows = IssueUser.objects.values_list("organization_id", "issue_id", "user_hash")
    assert sorted(rows) == sorted(wanted)


def test_hours_are_added_up_as_the_orm_reads_them(make_issue: MakeIssue) -> None:
    issue, other = make_issue(), make_issue()
    organization, next_hour = issue.organization_id, HOUR + timedelta(hours=1)
    statements.add_hours([(organization, issue.pk, HOUR, 2), (organization, other.pk, HOUR, 1)])
    statements.add_hours([(organization, issue.pk, HOUR, 3), (organization, issue.pk, next_hour, 2**40)])
    assert {(row.issue_id, row.hour): row.count for row in IssueCount.objects.all()} == {
        (issue.pk, HOUR): 5,
        (issue.pk, next_hour): 2**40,
        (other.pk, HOUR): 1,
    }


def test_sums_are_written_as_the_orm_reads_them(make_issue: MakeIssue) -> None:
    issues = [make_issue() for _ in range(3)]
    untouched = values_of(Issue.objects.get(pk=issues[2].pk))
    later = NOON + timedelta(days=1)
    sums = [(issues[0].pk, 2**40, 7, NOON, later), (issues[1].pk, 1, 0, NOON, NOON)]
    statements.set_sums(sums)
    names = ("pk", "times_seen", "users_seen", "first_seen", "last_seen")
    assert list(Issue.objects.filter(pk__in=[pk for pk, *_ in sums]).order_by("pk").values_list(*names)) == sums
    assert values_of(Issue.objects.get(pk=issues[2].pk)) == untouched
