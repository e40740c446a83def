"""The same for many issues, and one Undo for all of it. Each goes through `service.perform`, in a savepoint of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

from tocsin.accounts.access import Right, is_member
from tocsin.accounts.actor import Actor
from tocsin.errors import DomainError, Invalid, NotFound, Stale
from tocsin.issues import saying, service
from tocsin.issues.access import visible_issues
from tocsin.issues.commands import (
    BULK_MAX,
    UNDO_MINUTES,
    Archive,
    Assign,
    Bulk,
    Command,
    Listed,
    Reopen,
    Resolve,
    Unassign,
    Undo,
    UndoBulk,
)
from tocsin.issues.effects import UNDO_FOR
from tocsin.issues.models import Activity, BulkAction, Issue
from tocsin.issues.service import Performed

# What may be asked of many at once.
SHAPES: tuple[type[Any], ...] = (Resolve, Reopen, Archive, Assign, Unassign)


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """An issue that was left as it is. `short_id` is empty for who may not know it."""

    issue_id: int
    short_id: str
    sentence: str

    def __str__(self) -> str:
        """The sentence, with the issue's name where it does not say it."""
        return self.sentence if self.short_id in self.sentence else f"{self.short_id}: {self.sentence}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkPerformed:
    """What became of each issue. `bulk_id` is what Undo takes; 0: there is nothing to undo."""

    done: tuple[Performed, ...]
    left: tuple[Left, ...]
    bulk_id: int = 0

    @property
    def sentence(self) -> str:
        """How many are how now; empty when none was changed."""
        activity = self.done[0].activity if self.done else None
        if activity is None:
            return ""
        words = "Undone" if activity.kind == Activity.Kind.UNDONE else str(saying.did(activity.kind, activity.about))
        return f"{words}: {len(self.done)} issue{'' if len(self.done) == 1 else 's'}."


def perform(command: Bulk, *, by: Actor) -> BulkPerformed:
    """Do it to each issue that can be changed, in one transaction. What is refused for one issue is told, and holds up no other.

    Raises Invalid for no issue, too many, or a shape that is not for many.
    """
    issues = tuple({listed.issue_id: listed for listed in command.issues}.values())
    if not 1 <= len(issues) <= BULK_MAX:
        raise Invalid(f"Choose from 1 to {BULK_MAX} issues.", field="issues")
    if type(command.shape) not in SHAPES:
        raise Invalid("This cannot be done to several issues at once.", field="action")
    served = frozenset({command.organization_id})
    within = replace(by, within=served if by.within is None else served & by.within)
    with transaction.atomic():
        known = _locked([listed.issue_id for listed in issues], within)
        result = _each(issues, known, lambda listed: _asked(command.shape, listed, known), within)
        return replace(result, bulk_id=_record(command, result, by)) if result.done else result


def _locked(issue_ids: Sequence[int], by: Actor) -> dict[int, Issue]:
    """Those that this person may change, held in the order of their ids: two at once do not wait for each other for ever."""
    rows = _changeable(by).filter(pk__in=issue_ids).select_related("project").order_by("pk")
    if connection.features.has_select_for_update_of:
        rows = rows.select_for_update(of=("self",), no_key=True)
    return {issue.pk: issue for issue in rows}


def _changeable(by: Actor) -> QuerySet[Issue]:
    issues = Issue.objects.all() if by.user is None else visible_issues(by.user, Right.TRIAGE)
    return issues.filter(organization__in=by.within or ())


def _asked(shape: Command, listed: Listed, known: dict[int, Issue]) -> Command:
    issue = known.get(listed.issue_id)
    if issue is not None and issue.version > listed.seen_version:
        raise Stale(
            f"{issue.short_id} has changed since this list was drawn. It is now: {saying.state(issue)}. Nothing was changed."
        )
    return replace(shape, issue_id=listed.issue_id)


def _each(
    issues: Sequence[Listed], known: dict[int, Issue], asked: Callable[[Listed], Command], by: Actor
) -> BulkPerformed:
    done, left = [], []
    for listed in issues:
        short_id = known[listed.issue_id].short_id if listed.issue_id in known else ""
        try:
            performed = service.perform(asked(listed), by=by)
        except DomainError as error:
            left.append(Left(issue_id=listed.issue_id, short_id=short_id, sentence=str(error)))
            continue
        if performed.activity is None:
            left.append(Left(issue_id=listed.issue_id, short_id=short_id, sentence=performed.sentence))
        else:
            done.append(performed)
    return BulkPerformed(done=tuple(done), left=tuple(left))


def _record(command: Bulk, result: BulkPerformed, by: Actor) -> int:
    changed = [[each.issue.pk, each.activity.pk] for each in result.done if each.activity is not None]
    row = BulkAction.objects.create(
        organization_id=command.organization_id, user=by.user, activities=changed, created_at=by.now
    )
    return row.pk


# --- undo ------------------------------------------------------------------------------------------------------------


def undo(command: UndoBulk, *, by: Actor) -> BulkPerformed:
    """Put each issue back that nothing has changed since, with the rights of now; the others are told. Once, for ten minutes.

    Raises NotFound, or a DomainError that says why nothing is put back.
    """
    with transaction.atomic():
        row = _found(command, by)
        if row.undone_at is not None:
            raise Stale("That was undone already. Nothing was changed.")
        if by.now - row.created_at >= UNDO_FOR:
            raise DomainError(f"Undo works for {UNDO_MINUTES} minutes, and they are over. Nothing was changed.")
        activities: dict[int, int] = dict(row.activities)
        within = replace(by, within=frozenset({row.organization_id}))
        known = _locked(list(activities), within)
        issues = [Listed(issue_id=issue_id, seen_version=0) for issue_id in activities]
        result = _each(
            issues,
            known,
            lambda listed: Undo(issue_id=listed.issue_id, activity_id=activities[listed.issue_id]),
            within,
        )
        if result.done:
            row.undone_at = by.now
            row.save(update_fields=["undone_at"])
        return result


def _found(command: UndoBulk, by: Actor) -> BulkAction:
    """The row, held: of two Undos at once the second finds that it was undone."""
    row = BulkAction.objects.select_for_update().filter(pk=command.bulk_id).first()
    is_theirs = row is not None and (by.within is None or row.organization_id in by.within)
    if row is None or not is_theirs or (by.user is not None and not is_member(by.user, row.organization_id)):
        raise NotFound("There is nothing here that could be undone.")
    return row
