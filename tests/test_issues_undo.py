"""Undo, assigning, acknowledging, priorities, releases: what each leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F

from tests.people import Person
from tests.samples import sample_event
from tests.test_intake_digest import send
from tests.threads import at_once
from tocsin import bus
from tocsin.accounts.models import Team, User
from tocsin.clock import database_now
from tocsin.errors import DomainError, Forbidden, Invalid, NotFound, Stale
from tocsin.intake.digest import digest_batch
from tocsin.issues import saying
from tocsin.issues.commands import (
    Acknowledge,
    Archive,
    ArchiveUntil,
    Assign,
    Command,
    Comment,
    Reopen,
    Resolve,
    ResolveIn,
    SetPriority,
    Unassign,
    Undo,
)
from tocsin.issues.effects import UNDOABLE
from tocsin.issues.models import Activity, Issue, Resolution, Status, Subscription, Substatus
from tocsin.projects import releases
from tocsin.projects.models import Key, Release
from tocsin.slack.facts import ACTIONS

MAY_DIFFER = {"version", "status_changed_at", "undo_until"}


def row_of(issue: Issue) -> dict[str, Any]:
    row = Issue.objects.get(pk=issue.pk)
    names = [field.attname for field in Issue._meta.concrete_fields]
    return {name: getattr(row, name) for name in names if name not in MAY_DIFFER}


def release(issue: Issue, *names: str) -> None:
    for number, name in enumerate(names):
        releases.ensure([(issue.organization_id, issue.project_id, name)], database_now() + timedelta(seconds=number))


BEFORE: dict[str, Callable[[Issue, Person], list[Command]]] = {
    "new": lambda *_: [],
    "assigned": lambda issue, person: [Assign(issue_id=issue.pk, user_id=person.user.pk)],
    "archived until events": lambda issue, _: [
        Archive(issue_id=issue.pk, until=ArchiveUntil.EVENTS, events=7),
    ],
    "archived until a time": lambda issue, _: [Archive(issue_id=issue.pk, until=ArchiveUntil.TIME, hours=4)],
    "resolved in a release": lambda issue, _: [Resolve(issue_id=issue.pk, when=ResolveIn.NEXT_RELEASE)],
}
THEN: dict[str, Callable[[Issue, Person], Command]] = {
    "resolve": lambda issue, _: Resolve(issue_id=issue.pk, when=ResolveIn.CURRENT_RELEASE),
    "archive": lambda issue, _: Archive(issue_id=issue.pk, until=ArchiveUntil.USERS, users=2),
    "assign": lambda issue, _: Assign(issue_id=issue.pk, team_id=Team.objects.get().pk),
    "priority": lambda issue, _: SetPriority(issue_id=issue.pk, priority="low"),
}


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("then", THEN)
def test_undo_puts_everything_back(
    make_issue: Callable[..., Issue], alice: Person, owner: Person, before: str, then: str
) -> None:
    issue = make_issue()
    release(issue, "1.0", "1.1")
    for command in BEFORE[before](issue, alice):
        bus.perform(command, by=alice.actor())
    Issue.objects.filter(archived_events__isnull=False).update(archived_events_seen=3)
    was, version = row_of(issue), Issue.objects.get().version
    done = bus.perform(THEN[then](issue, alice), by=alice.actor())
    assert row_of(issue) != was
    bus.perform(Comment(issue_id=issue.pk, text="Comments do not matter."), by=owner.actor())
    undone = bus.perform(Undo(issue_id=issue.pk, activity_id=done.activity.pk), by=owner.actor())
    assert row_of(issue) == {**was, "comment_count": 1}
    assert Issue.objects.get().version == version + 2
    assert undone.activity.about == {"undid": done.activity.pk, "kind": done.activity.kind}


def test_there_is_no_undo_of_an_undo_and_none_twice(make_issue: Callable[..., Issue], alice: Person) -> None:
    issue = make_issue()
    done = bus.perform(Resolve(issue_id=issue.pk), by=alice.actor())
    undone = bus.perform(Undo(issue_id=issue.pk, activity_id=done.activity.pk), by=alice.actor())
    with pytest.raises(NotFound):
        bus.perform(Undo(issue_id=issue.pk, activity_id=undone.activity.pk), by=alice.actor())
    with pytest.raises(Stale):
        bus.perform(Undo(issue_id=issue.pk, activity_id=done.activity.pk), by=alice.actor())


@pytest.mark.parametrize("minutes", [9.9, 10])
def test_undo_works_for_ten_minutes(make_issue: Callable[..., Issue], alice: Person, minutes: float) -> None:
    issue = make_issue()
    done = bus.perform(Resolve(issue_id=issue.pk), by=alice.actor())
    Activity.objects.update(created_at=F("created_at") - timedelta(minutes=minutes))
    undo = Undo(issue_id=issue.pk, activity_id=done.activity.pk)
    if minutes < 10:
        assert bus.perform(undo, by=alice.actor()).activity
    else:
        with pytest.raises(DomainError, match="10 minutes"):
            bus.perform(undo, by=alice.actor())


def test_what_has_changed_since_is_not_undone(make_issue: Callable[..., Issue], alice: Person) -> None:
    issue = make_issue()
    done = bus.perform(Resolve(issue_id=issue.pk), by=alice.actor())
    bus.perform(SetPriority(issue_id=issue.pk, priority="low"), by=alice.actor())
    with pytest.raises(Stale, match="has changed since"):
        bus.perform(Undo(issue_id=issue.pk, activity_id=done.activity.pk), by=alice.actor())
    assert Issue.objects.get().status == Status.RESOLVED


def test_undo_needs_the_right_at_that_time(make_issue: Callable[..., Issue], alice: Person, bob: Person) -> None:
    issue = make_issue()
    done = bus.perform(Resolve(issue_id=issue.pk), by=alice.actor())
    with pytest.raises(Forbidden):
        bus.perform(Undo(issue_id=issue.pk, activity_id=done.activity.pk), by=bob.actor())
    other = make_issue()
    with pytest.raises(NotFound):
        bus.perform(Undo(issue_id=other.pk, activity_id=done.activity.pk), by=alice.actor())
    with pytest.raises(NotFound):
        bus.perform(Undo(issue_id=issue.pk, activity_id=10**9), by=alice.actor())


def test_undo_begins_no_episode(make_issue: Callable[..., Issue], alice: Person) -> None:
    issue = make_issue(episode=3)
    done = bus.perform(Resolve(issue_id=issue.pk), by=alice.actor())
    bus.perform(Undo(issue_id=issue.pk, activity_id=done.activity.pk), by=alice.actor())
    assert (Issue.objects.get().episode, Issue.objects.get().substatus) == (3, Substatus.NEW)


def test_whoever_was_assigned_and_is_gone_is_not_put_back(
    make_issue: Callable[..., Issue], alice: Person, bob: Person
) -> None:
    issue = make_issue(assignee_user=bob.user)
    done = bus.perform(Unassign(issue_id=issue.pk), by=alice.actor())
    User.objects.filter(pk=bob.user.pk).delete()
    bus.perform(Undo(issue_id=issue.pk, activity_id=done.activity.pk), by=alice.actor())
    assert Issue.objects.get().assignee_user is None


def test_of_two_undos_at_once_one_is_applied(committed: None, make_issue: Callable[..., Issue], alice: Person) -> None:
    issue = make_issue()
    done = bus.perform(Resolve(issue_id=issue.pk), by=alice.actor())
    refused: list[Exception] = []

    def undo(_: int) -> None:
        try:
            bus.perform(Undo(issue_id=issue.pk, activity_id=done.activity.pk), by=alice.actor())
        except Stale as error:
            refused.append(error)

    at_once(undo, 3)
    assert len(refused) == 2
    assert Activity.objects.filter(kind="undone").count() == 1


# --- assign, acknowledge, priority -----------------------------------------------------------------------------------
def test_assigning_subscribes_both(make_issue: Callable[..., Issue], alice: Person, bob: Person) -> None:
    issue = make_issue()
    bus.perform(Assign(issue_id=issue.pk, user_id=bob.user.pk), by=alice.actor())
    assert set(Subscription.objects.values_list("user__email", "reason")) == {
        ("alice@example.com", "assigned"),
        ("bob@example.com", "assigned"),
    }
    assert bus.perform(Assign(issue_id=issue.pk, user_id=bob.user.pk), by=alice.actor()).activity is None


@pytest.mark.parametrize("who", ["eve", "mallory", "nobody", "deactivated"])
def test_who_cannot_see_the_project_is_no_assignee(
    request: pytest.FixtureRequest, make_issue: Callable[..., Issue], alice: Person, bob: Person, who: str
) -> None:
    issue = make_issue()
    User.objects.filter(pk=bob.user.pk).update(is_active=False)
    user_id = {"nobody": 10**9, "deactivated": bob.user.pk}.get(who) or request.getfixturevalue(who).user.pk
    with pytest.raises(Invalid, match="no access to the project shop"):
        bus.perform(Assign(issue_id=issue.pk, user_id=user_id), by=alice.actor())


def test_a_team_of_another_project_is_no_assignee(make_issue: Callable[..., Issue], alice: Person, team: Team) -> None:
    issue = make_issue()
    other = Team.objects.create(organization=team.organization, slug="other", name="Other")
    with pytest.raises(Invalid, match="does not look after"):
        bus.perform(Assign(issue_id=issue.pk, team_id=other.pk), by=alice.actor())
    for both in ({}, {"user_id": alice.user.pk, "team_id": team.pk}):
        with pytest.raises(Invalid, match="one person or one team"):
            bus.perform(Assign(issue_id=issue.pk, **both), by=alice.actor())
    bus.perform(Assign(issue_id=issue.pk, team_id=team.pk), by=alice.actor())
    bus.perform(Assign(issue_id=issue.pk, user_id=alice.user.pk), by=alice.actor())
    row = Issue.objects.get(pk=issue.pk)
    assert (row.assignee_user, row.assignee_team) == (alice.user, None)


def test_acknowledging_lasts_for_the_episode(
    make_issue: Callable[..., Issue], alice: Person, owner: Person, key: Key
) -> None:
    send(key, sample_event())
    digest_batch()
    issue = Issue.objects.get()
    bus.perform(Acknowledge(issue_id=issue.pk), by=alice.actor())
    assert bus.perform(Acknowledge(issue_id=issue.pk), by=owner.actor()).activity is None
    assert (Issue.objects.get().version, Issue.objects.get().acknowledged_by) == (1, alice.user)
    Issue.objects.update(
        status="resolved", substatus="", resolved_at=database_now() - timedelta(minutes=2), resolution="now"
    )
    send(key, sample_event())
    digest_batch()
    row = Issue.objects.get()
    assert (row.substatus, row.acknowledged_at, row.acknowledged_by) == ("regressed", None, None)


def test_a_priority_is_one_of_three(make_issue: Callable[..., Issue], alice: Person) -> None:
    issue = make_issue()
    with pytest.raises(Invalid):
        bus.perform(SetPriority(issue_id=issue.pk, priority="urgent"), by=alice.actor())
    assert bus.perform(SetPriority(issue_id=issue.pk, priority="high"), by=alice.actor()).activity is None
    bus.perform(SetPriority(issue_id=issue.pk, priority="low"), by=alice.actor())
    assert (Issue.objects.get().priority, Issue.objects.get().version) == ("low", 2)


def test_sides_of_an_issue_do_not_make_one_another_stale(
    make_issue: Callable[..., Issue], alice: Person, owner: Person
) -> None:
    issue = make_issue()
    bus.perform(SetPriority(issue_id=issue.pk, priority="low"), by=owner.actor())
    bus.perform(Assign(issue_id=issue.pk, user_id=alice.user.pk, seen_version=1), by=alice.actor())
    bus.perform(Resolve(issue_id=issue.pk, seen_version=1), by=alice.actor())
    with pytest.raises(Stale, match="already of low priority by Olga"):
        bus.perform(SetPriority(issue_id=issue.pk, priority="medium", seen_version=1), by=alice.actor())


# --- releases --------------------------------------------------------------------------------------------------------
def events_of(key: Key, *names: str) -> Issue:
    """An issue whose events came from these releases, one after the other."""
    for name in names:
        send(key, sample_event(release=name))
        digest_batch()
    return Issue.objects.get()


@pytest.mark.parametrize(
    ("when", "chosen", "event", "regresses"),
    [
        (ResolveIn.NEXT_RELEASE, "", "shop@1.1.0", False),  # the newest of then
        (ResolveIn.NEXT_RELEASE, "", "shop@1.0.0", False),
        (ResolveIn.NEXT_RELEASE, "", "shop@1.1.1", True),
        (ResolveIn.NEXT_RELEASE, "", "shop@1.0.9", False),  # released later, and older by its version
        (ResolveIn.NEXT_RELEASE, "", "admin@9.0.0", False),  # of another package
        (ResolveIn.NEXT_RELEASE, "", "", False),
        (ResolveIn.CURRENT_RELEASE, "", "shop@1.1.0", True),
        (ResolveIn.CURRENT_RELEASE, "", "shop@1.0.0", False),
        (ResolveIn.CURRENT_RELEASE, "", "shop@2.0.0", True),
        (ResolveIn.CURRENT_RELEASE, "", "", False),
        (ResolveIn.RELEASE, "shop@1.0.0", "shop@1.0.0", True),
        (ResolveIn.RELEASE, "shop@1.1.0", "shop@1.0.0", False),
        (ResolveIn.NOW, "", "", True),
        (ResolveIn.NOW, "", "shop@1.0.0", True),
    ],
)
def test_a_regression_goes_by_the_order_of_releases(
    key: Key, alice: Person, when: ResolveIn, chosen: str, event: str, regresses: bool
) -> None:
    issue = events_of(key, "shop@1.0.0", "shop@1.1.0")
    bus.perform(Resolve(issue_id=issue.pk, when=when, release=chosen), by=alice.actor())
    send(key, sample_event(**({"release": event} if event else {})))
    digest_batch()
    row = Issue.objects.get()
    assert (row.status, row.episode) == ((Status.UNRESOLVED, 2) if regresses else (Status.RESOLVED, 1))
    assert row.times_seen == 3
    if regresses:
        assert (row.resolution, row.resolved_in, row.resolved_at) == (Resolution.NONE, None, None)


def test_without_releases_a_sentence_says_so(make_issue: Callable[..., Issue], alice: Person) -> None:
    issue = make_issue()
    for when in (ResolveIn.NEXT_RELEASE, ResolveIn.CURRENT_RELEASE):
        with pytest.raises(Invalid, match="has no releases yet") as refused:
            bus.perform(Resolve(issue_id=issue.pk, when=when), by=alice.actor())
        assert refused.value.field == "when"
    with pytest.raises(Invalid, match="no release of that name") as refused:
        bus.perform(Resolve(issue_id=issue.pk, when=ResolveIn.RELEASE, release="9.9"), by=alice.actor())
    assert refused.value.field == "release"


def test_a_release_that_is_deleted_says_nothing_any_more(key: Key, alice: Person) -> None:
    issue = events_of(key, "shop@1.0.0")
    bus.perform(Resolve(issue_id=issue.pk, when=ResolveIn.NEXT_RELEASE), by=alice.actor())
    Release.objects.all().delete()
    send(key, sample_event())
    digest_batch()
    assert Issue.objects.get().substatus == "regressed"


def test_resolving_otherwise_is_a_change(make_issue: Callable[..., Issue], alice: Person) -> None:
    issue = make_issue()
    release(issue, "1.0")
    bus.perform(Resolve(issue_id=issue.pk), by=alice.actor())
    assert bus.perform(Resolve(issue_id=issue.pk), by=alice.actor()).activity is None
    assert bus.perform(Resolve(issue_id=issue.pk, when=ResolveIn.CURRENT_RELEASE), by=alice.actor()).activity
    assert str(saying.state(Issue.objects.get())) == "Resolved in 1.0"
    bus.perform(Reopen(issue_id=issue.pk), by=alice.actor())
    assert str(saying.state(Issue.objects.get())) == "Ongoing"


# --- words -----------------------------------------------------------------------------------------------------------
def test_every_kind_of_activity_has_words_and_is_on_the_card_or_known_not_to_be() -> None:
    assert set(saying.DEEDS) == set(Activity.Kind)
    assert set(Activity.Kind) - set(ACTIONS) == {Activity.Kind.FIRST_SEEN, Activity.Kind.COMMENTED}
    assert set(saying.UNDID) == UNDOABLE
    for kind in Activity.Kind:
        assert str(saying.did(kind, {}))
