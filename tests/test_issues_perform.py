"""`perform`: the only door through which an issue changes for somebody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import get_args

import pytest

from tests.people import Person
from tocsin import bus
from tocsin.accounts.actor import Origin, system
from tocsin.alerts import commands as alerts
from tocsin.clock import database_now
from tocsin.errors import DomainError, Forbidden, NotFound, Stale
from tocsin.issues.changes import IssueChanged
from tocsin.issues.commands import COMMENT_MAX, Archive, BulkCommand, Command, Comment, Reopen, Resolve
from tocsin.issues.effects import CHANGES, Change
from tocsin.issues.models import Activity, Issue, Status, Subscription, Substatus
from tocsin.issues.service import apply
from tocsin.wiring import PERFORM

COMMANDS: list[type[Command]] = [Resolve, Reopen, Archive]


@pytest.fixture
def changes() -> Iterator[list[IssueChanged]]:
    """Every IssueChanged of the test."""
    heard: list[IssueChanged] = []
    listener = heard.append
    bus.listen(IssueChanged, listener)
    yield heard
    bus.stop_listening(IssueChanged, listener)


def test_every_command_has_a_door_and_a_change() -> None:
    assert set(CHANGES) == set(get_args(Command))
    assert set(PERFORM) == {*get_args(Command), *get_args(BulkCommand), *get_args(alerts.Command)}


def test_resolving_writes_one_activity_and_announces_it(
    alice: Person, make_issue: Callable[..., Issue], changes: list[IssueChanged]
) -> None:
    issue = make_issue()
    performed = bus.perform(Resolve(issue_id=issue.pk), by=alice.actor(Origin.SLACK))

    issue.refresh_from_db()
    assert (issue.status, issue.substatus, issue.version) == (Status.RESOLVED, Substatus.NONE, 2)
    assert issue.resolved_at is not None
    assert issue.status_changed_at is not None
    assert issue.resolved_at >= issue.status_changed_at
    (activity,) = Activity.objects.all()
    assert activity == performed.activity
    assert (activity.kind, activity.user, activity.origin, activity.version) == ("resolved", alice.user, "slack", 2)
    assert activity.identity == "T0TOCSIN/U0ALICE"
    assert activity.before["status"] == "unresolved"
    assert activity.before["substatus"] == "new"
    assert activity.before["resolved_at"] is None
    assert activity.fields_changed == ["status"]
    assert [(change.kind, change.issue_id, change.activity_id) for change in changes] == [
        ("resolved", issue.pk, activity.pk)
    ]
    assert Subscription.objects.get().user == alice.user


@pytest.mark.parametrize(
    ("before", "command", "after"),
    [
        (("unresolved", "new"), Archive, ("archived", "forever")),
        (("resolved", ""), Reopen, ("unresolved", "ongoing")),
        (("archived", "forever"), Reopen, ("unresolved", "ongoing")),
        (("archived", "forever"), Resolve, ("resolved", "")),
        (("resolved", ""), Archive, ("archived", "forever")),
    ],
)
def test_a_command_leads_from_one_status_to_another(
    alice: Person, make_issue: Callable[..., Issue], before: tuple[str, str], command: type, after: tuple[str, str]
) -> None:
    issue = make_issue(status=before[0], substatus=before[1])
    bus.perform(command(issue_id=issue.pk), by=alice.actor())
    issue.refresh_from_db()
    assert (issue.status, issue.substatus) == after
    assert (issue.resolved_at is not None) == (after[0] == "resolved")


@pytest.mark.parametrize(
    ("status", "substatus", "command"),
    [("resolved", "", Resolve), ("unresolved", "new", Reopen), ("archived", "forever", Archive)],
)
def test_a_command_that_would_change_nothing_says_so_quietly(
    alice: Person,
    make_issue: Callable[..., Issue],
    changes: list[IssueChanged],
    status: str,
    substatus: str,
    command: type,
) -> None:
    issue = make_issue(status=status, substatus=substatus)
    performed = bus.perform(command(issue_id=issue.pk), by=alice.actor())
    assert performed.activity is None
    assert "Nothing was changed" in performed.sentence
    assert not Activity.objects.exists()
    assert changes == []


def test_the_second_of_two_people_is_told_who_was_first(
    alice: Person, bob: Person, make_issue: Callable[..., Issue]
) -> None:
    issue = make_issue()
    bus.perform(Resolve(issue_id=issue.pk), by=alice.actor())
    with pytest.raises(Stale, match="already resolved by Alice, since "):
        bus.perform(Archive(issue_id=issue.pk, seen_version=1), by=system(database_now()))
    issue.refresh_from_db()
    assert (issue.status, issue.version) == (Status.RESOLVED, 2)


def test_ones_own_earlier_change_is_not_somebody_elses(alice: Person, make_issue: Callable[..., Issue]) -> None:
    issue = make_issue()
    bus.perform(Resolve(issue_id=issue.pk), by=alice.actor())
    bus.perform(Archive(issue_id=issue.pk, seen_version=1), by=alice.actor())
    issue.refresh_from_db()
    assert issue.status == Status.ARCHIVED


def test_a_comment_does_not_make_a_click_stale(alice: Person, make_issue: Callable[..., Issue]) -> None:
    issue = make_issue()
    bus.perform(Comment(issue_id=issue.pk, text="I am on it."), by=alice.actor())
    issue.refresh_from_db()
    assert (issue.version, issue.comment_count) == (1, 1)
    bus.perform(Resolve(issue_id=issue.pk, seen_version=1), by=system(database_now()))
    issue.refresh_from_db()
    assert issue.status == Status.RESOLVED


@pytest.mark.parametrize(
    ("text", "sentence"), [("", "empty"), ("  \n", "empty"), ("x" * (COMMENT_MAX + 1), "10,000 characters")]
)
def test_a_comment_that_is_empty_or_too_long_is_refused(
    alice: Person, make_issue: Callable[..., Issue], text: str, sentence: str
) -> None:
    issue = make_issue()
    with pytest.raises(DomainError, match=sentence):
        bus.perform(Comment(issue_id=issue.pk, text=text), by=alice.actor())
    assert not Activity.objects.exists()


@pytest.mark.parametrize("command", [*COMMANDS, Comment])
@pytest.mark.parametrize(
    ("who", "refusal", "says"),
    [
        ("bob", Forbidden, "role"),
        ("eve", NotFound, "gone"),
        ("mallory", NotFound, "gone"),
    ],
)
def test_who_may_not_changes_nothing(
    request: pytest.FixtureRequest,
    make_issue: Callable[..., Issue],
    command: type,
    who: str,
    refusal: type[Exception],
    says: str,
) -> None:
    person: Person = request.getfixturevalue(who)
    issue = make_issue(status="archived", substatus="until_escalating")
    arguments = {"issue_id": issue.pk} | ({"text": "Hello"} if command is Comment else {})
    with pytest.raises(refusal, match=says):
        bus.perform(command(**arguments), by=person.actor())
    assert not Activity.objects.exists()
    assert Issue.objects.get(pk=issue.pk).version == 1


def test_a_member_of_another_team_is_told_which_project_is_missing(
    alice: Person, make_issue: Callable[..., Issue]
) -> None:
    issue = make_issue()
    issue.project.project_teams.all().delete()
    with pytest.raises(Forbidden, match="no team of the project shop"):
        bus.perform(Resolve(issue_id=issue.pk), by=alice.actor())


def test_a_deactivated_person_may_nothing(alice: Person, make_issue: Callable[..., Issue]) -> None:
    issue = make_issue()
    alice.user.is_active = False
    alice.user.save()
    with pytest.raises(NotFound):
        bus.perform(Resolve(issue_id=issue.pk), by=alice.actor())


def test_rights_are_read_in_the_select_that_fetches_the_issue(
    alice: Person, make_issue: Callable[..., Issue], django_assert_num_queries: Callable[..., object]
) -> None:
    from django.db import transaction

    from tocsin.accounts.access import Right
    from tocsin.issues.access import access_issue

    issue = make_issue()
    with transaction.atomic(), django_assert_num_queries(1):
        found = access_issue(issue.pk, alice.user, Right.TRIAGE, lock=True)
        assert found.short_id == "SHOP-1"
        assert found.organization.slug == "acme"


def test_a_new_episode_is_announced_as_one(make_issue: Callable[..., Issue], changes: list[IssueChanged]) -> None:
    issue = make_issue(status="resolved", substatus="")
    change = Change(
        kind=Activity.Kind.REGRESSED, values={"status": Status.UNRESOLVED, "substatus": Substatus.REGRESSED}
    )
    apply(issue, change, system(database_now(), Origin.SDK), began_episode=True)
    issue.refresh_from_db()
    assert (issue.episode, issue.version) == (2, 2)
    assert [(heard.began_episode, heard.episode) for heard in changes] == [(True, 2)]
