"""The same for many issues at once: what is done, what is left with its sentence, and one Undo for all of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F

from tests.guards import Statements
from tests.people import Person
from tests.test_issues_undo import row_of
from tests.threads import at_once
from tocsin import bus
from tocsin.accounts.models import Member, Organization, Role, Team
from tocsin.errors import DomainError, Invalid, NotFound, Stale
from tocsin.issues.bulk import BulkPerformed
from tocsin.issues.commands import (
    BULK_MAX,
    Archive,
    ArchiveUntil,
    Assign,
    Bulk,
    Command,
    Comment,
    Listed,
    Reopen,
    Resolve,
    SetPriority,
    Unassign,
    UndoBulk,
)
from tocsin.issues.models import Activity, BulkAction, Issue, Status
from tocsin.projects.models import Project

MakeIssue = Callable[..., Issue]
RESOLVE = Resolve(issue_id=0)
SHAPES: dict[str, Callable[[Person], Command]] = {
    "resolve": lambda _: RESOLVE,
    "archive": lambda _: Archive(issue_id=0, until=ArchiveUntil.UNTIL_ESCALATING),
    "assign": lambda person: Assign(issue_id=0, user_id=person.user.pk),
    "to a team": lambda _: Assign(issue_id=0, team_id=Team.objects.get().pk),
    "unassign": lambda _: Unassign(issue_id=0),
    "reopen": lambda _: Reopen(issue_id=0),
}


def bulk(person: Person, shape: Command, *issues: Issue, of: Organization | None = None) -> BulkPerformed:
    """What `person` asks for, of the issues as they were when they were given."""
    listed = tuple(Listed(issue_id=issue.pk, seen_version=issue.version) for issue in issues)
    command = Bulk(organization_id=(of or person.organization).pk, shape=shape, issues=listed)
    performed: BulkPerformed = bus.perform(command, by=person.actor())
    return performed


def undo(person: Person, performed: BulkPerformed) -> BulkPerformed:
    undone: BulkPerformed = bus.perform(UndoBulk(bulk_id=performed.bulk_id), by=person.actor())
    return undone


def changed(performed: BulkPerformed) -> list[int]:
    return [each.issue.pk for each in performed.done]


def left(performed: BulkPerformed) -> dict[str, str]:
    return {each.short_id: each.sentence for each in performed.left}


@pytest.mark.parametrize("shape", SHAPES)
def test_one_undo_puts_all_of_it_back(
    make_issue: MakeIssue, alice: Person, bob: Person, owner: Person, shape: str
) -> None:
    begin: dict[str, Any] = {
        "unassign": {"assignee_user": bob.user},
        "reopen": {
            "status": Status.ARCHIVED,
            "substatus": "until_condition",
            "archived_events": 7,
            "archived_events_seen": 3,
        },
    }.get(shape, {})
    issues = [make_issue(**begin) for _ in range(3)]
    before = [row_of(issue) for issue in issues]
    performed = bulk(alice, SHAPES[shape](alice), *issues)
    assert changed(performed) == [issue.pk for issue in issues]
    assert performed.left == ()
    assert performed.sentence.endswith(": 3 issues.")
    assert [row_of(issue) for issue in issues] != before
    undone = undo(owner, performed)
    assert (changed(undone), undone.left, undone.sentence) == (changed(performed), (), "Undone: 3 issues.")
    assert [row_of(issue) for issue in issues] == before
    assert Activity.objects.filter(kind="undone", user=owner.user).count() == 3


def test_what_cannot_be_done_is_told_of_each_and_holds_up_no_other(
    make_issue: MakeIssue, alice: Person, bob: Person, organization: Organization, elsewhere: Organization
) -> None:
    open_one, again = make_issue(), make_issue()
    done = make_issue(status=Status.RESOLVED, substatus="", resolution="now")
    gone, moved = make_issue(), make_issue()
    Issue.objects.filter(pk=gone.pk).delete()
    bus.perform(SetPriority(issue_id=moved.pk, priority="low"), by=alice.actor())
    foreign = make_issue(of=Project.objects.create(organization=elsewhere, slug="bakery", name="Bakery"))
    hidden = make_issue(of=Project.objects.create(organization=organization, slug="secret", name="Secret"))
    performed = bulk(alice, RESOLVE, open_one, done, gone, moved, foreign, hidden, again, open_one)
    assert changed(performed) == [open_one.pk, again.pk]
    assert [each.issue_id for each in performed.left] == [done.pk, gone.pk, moved.pk, foreign.pk, hidden.pk]
    assert left(performed)["SHOP-3"] == "SHOP-3 is already resolved. Nothing was changed."
    assert "SHOP-5 has changed since this list was drawn. It is now: New." in left(performed)["SHOP-5"]
    sentences = {each.issue_id: each.sentence for each in performed.left}
    assert sentences[gone.pk] == sentences[foreign.pk]
    assert "in no team of the project secret" in sentences[hidden.pk]
    assert Issue.objects.filter(status=Status.RESOLVED).count() == 3


def test_who_may_only_look_changes_nothing(make_issue: MakeIssue, bob: Person, mallory: Person, eve: Person) -> None:
    issues = [make_issue(), make_issue()]
    for person in (bob, mallory, eve):
        performed = bulk(person, RESOLVE, *issues, of=bob.organization)
        assert (changed(performed), len(performed.left), performed.bulk_id, performed.sentence) == ([], 2, 0, "")
    assert not Activity.objects.exists()
    assert not BulkAction.objects.exists()


def test_a_bulk_action_is_of_one_organization(make_issue: MakeIssue, alice: Person, elsewhere: Organization) -> None:
    Member.objects.create(organization=elsewhere, user=alice.user, role=Role.OWNER)
    here, there = make_issue(), make_issue(of=Project.objects.create(organization=elsewhere, slug="b", name="B"))
    performed = bulk(alice, RESOLVE, here, there)
    assert (changed(performed), [each.short_id for each in performed.left]) == ([here.pk], [""])
    assert changed(bulk(alice, RESOLVE, there, of=elsewhere)) == [there.pk]


@pytest.mark.parametrize("number", [0, BULK_MAX + 1])
def test_none_and_too_many_are_refused(alice: Person, number: int) -> None:
    listed = tuple(Listed(issue_id=pk, seen_version=1) for pk in range(1, number + 1))
    with pytest.raises(Invalid, match="from 1 to 100 issues"):
        bus.perform(Bulk(organization_id=alice.organization.pk, shape=RESOLVE, issues=listed), by=alice.actor())


def test_a_comment_is_not_for_many(make_issue: MakeIssue, alice: Person) -> None:
    with pytest.raises(Invalid, match="several issues"):
        bulk(alice, Comment(issue_id=0, text="x"), make_issue())


def test_a_person_without_the_project_is_told_of_each_issue(make_issue: MakeIssue, alice: Person, eve: Person) -> None:
    performed = bulk(alice, Assign(issue_id=0, user_id=eve.user.pk), make_issue(), make_issue())
    assert (
        list(left(performed).values())
        == ["They have no access to the project shop. Add them to one of its teams first."] * 2
    )


# --- undo ------------------------------------------------------------------------------------------------------------


def test_what_has_changed_since_is_listed_and_the_rest_is_put_back(make_issue: MakeIssue, alice: Person) -> None:
    issues = [make_issue() for _ in range(3)]
    performed = bulk(alice, RESOLVE, *issues)
    bus.perform(Comment(issue_id=issues[0].pk, text="Comments do not matter."), by=alice.actor())
    bus.perform(Reopen(issue_id=issues[1].pk), by=alice.actor())
    undone = undo(alice, performed)
    assert changed(undone) == [issues[0].pk, issues[2].pk]
    assert left(undone) == {
        "SHOP-2": "SHOP-2 has changed since, so that cannot be undone any more. Nothing was changed."
    }
    assert [issue.status for issue in Issue.objects.order_by("pk")] == ["unresolved"] * 3


def test_there_is_one_undo_and_none_of_an_undo(make_issue: MakeIssue, alice: Person) -> None:
    performed = bulk(alice, RESOLVE, make_issue())
    assert undo(alice, performed).bulk_id == 0
    with pytest.raises(Stale, match="undone already"):
        undo(alice, performed)


@pytest.mark.parametrize("minutes", [9.9, 10])
def test_it_works_for_ten_minutes(make_issue: MakeIssue, alice: Person, minutes: float) -> None:
    performed = bulk(alice, RESOLVE, make_issue())
    for rows in (Activity, BulkAction):
        rows.objects.update(created_at=F("created_at") - timedelta(minutes=minutes))
    if minutes < 10:
        assert undo(alice, performed).done
    else:
        with pytest.raises(DomainError, match="10 minutes"):
            undo(alice, performed)


def test_undo_needs_the_right_at_that_time(
    make_issue: MakeIssue, alice: Person, bob: Person, eve: Person, mallory: Person
) -> None:
    performed = bulk(alice, RESOLVE, make_issue(), make_issue())
    for stranger in (eve, mallory):
        with pytest.raises(NotFound):
            undo(stranger, performed)
    assert [each.sentence[:16] for each in undo(bob, performed).left] == ["You may look at "] * 2
    assert Issue.objects.filter(status=Status.RESOLVED).count() == 2
    alice.leave()
    with pytest.raises(NotFound):
        undo(alice, performed)
    with pytest.raises(NotFound):
        bus.perform(UndoBulk(bulk_id=10**9), by=bob.actor())


def test_of_two_undos_at_once_one_is_applied(committed: None, make_issue: MakeIssue, alice: Person) -> None:
    performed = bulk(alice, RESOLVE, make_issue(), make_issue())
    refused: list[Exception] = []

    def once(_: int) -> None:
        try:
            undo(alice, performed)
        except Stale as error:
            refused.append(error)

    at_once(once, 3)
    assert len(refused) == 2
    assert Activity.objects.filter(kind="undone").count() == 2


def test_two_bulk_actions_in_opposite_orders_both_end(committed: None, make_issue: MakeIssue, alice: Person) -> None:
    issues = [make_issue() for _ in range(6)]
    performed: list[BulkPerformed] = []
    at_once(lambda number: performed.append(bulk(alice, RESOLVE, *(issues[::-1] if number else issues))), 2)
    assert sorted(len(each.done) for each in performed) == [0, 6]
    assert Activity.objects.filter(kind="resolved").count() == 6


def test_a_hundred_are_done_at_once_in_so_many_statements_each(
    make_issue: MakeIssue, alice: Person, statements: Statements
) -> None:
    issues = [make_issue() for _ in range(BULK_MAX)]
    with statements.at_most(9 * BULK_MAX + 8):
        performed = bulk(alice, RESOLVE, *issues)
    assert len(performed.done) == BULK_MAX
    with statements.at_most(9 * BULK_MAX + 8):
        assert len(undo(alice, performed).done) == BULK_MAX
