"""What the issue list asks for several issues at once, and what is said of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from tocsin.accounts.access import Right
from tocsin.accounts.models import Organization, User
from tocsin.errors import DomainError, NotFound
from tocsin.issues.access import visible_issues
from tocsin.issues.bulk import BulkPerformed
from tocsin.issues.commands import (
    Archive,
    ArchiveUntil,
    Assign,
    Bulk,
    BulkCommand,
    Command,
    Listed,
    Reopen,
    Resolve,
    Unassign,
    UndoBulk,
)
from tocsin.web import assignees

TICKED = re.compile(r"([1-9][0-9]{0,17}):([1-9][0-9]{0,17})")
LEFT_SHOWN = 8  # sentences about issues that were left as they are


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The list's form: a button, what was ticked ("issue:version"), and who was typed. `undo` is a bulk action, or 0."""

    user: User
    organization: Organization
    action: str = ""
    ticked: tuple[str, ...] = ()
    assignee: str = ""
    undo: int = 0

    @property
    def listed(self) -> tuple[Listed, ...]:
        """What is no tick of ours is left out."""
        found = (TICKED.fullmatch(each) for each in self.ticked)
        return tuple(Listed(issue_id=int(each[1]), seen_version=int(each[2])) for each in found if each)

    @property
    def issue_ids(self) -> frozenset[int]:
        return frozenset(listed.issue_id for listed in self.listed)


def command_of(sent: Sent) -> BulkCommand:
    """Raises a DomainError for what the list does not offer, Invalid for who cannot be meant."""
    if sent.undo:
        return UndoBulk(bulk_id=sent.undo)
    shape = SHAPES.get(sent.action)
    if shape is None:
        raise DomainError("This page asked for something that Tocsin does not know. Reload it and try again.")
    return Bulk(organization_id=sent.organization.pk, shape=shape(sent), issues=sent.listed)


def _assign(sent: Sent) -> Command:
    """Whoever is meant has to be one of the first issue's project; of the others the command finds out."""
    issues = visible_issues(sent.user, Right.TRIAGE).filter(organization=sent.organization, pk__in=sent.issue_ids)
    first = issues.select_related("project").order_by("pk").first()
    if first is None:
        raise NotFound("Tick issues first, then say who looks after them.")
    found = assignees.find(sent.assignee, first, sent.user)
    if found == assignees.Found():
        return Unassign(issue_id=0)
    return Assign(issue_id=0, user_id=found.user_id, team_id=found.team_id)


SHAPES: dict[str, Callable[[Sent], Command]] = {
    "resolve": lambda _: Resolve(issue_id=0),
    "archive": lambda _: Archive(issue_id=0, until=ArchiveUntil.UNTIL_ESCALATING),
    "reopen": lambda _: Reopen(issue_id=0),
    "assign": _assign,
}


UNDO_TAG = "undo-bulk-"


def undo_tag(bulk_id: int) -> str:
    """Stands on the message about a bulk action, for its Undo button; empty when there is nothing to undo."""
    return f"{UNDO_TAG}{bulk_id}" if bulk_id else ""


def left_sentence(performed: BulkPerformed) -> str:
    """Why some are as they were; empty when there are none."""
    if not performed.left:
        return ""
    told = list(dict.fromkeys(str(each) for each in performed.left))
    more = f" And {len(told) - LEFT_SHOWN} more." if len(told) > LEFT_SHOWN else ""
    many = len(performed.left) > 1
    how = f"{len(performed.left)} issues were left as they are." if many else "1 issue was left as it is."
    return f"{how} {' '.join(told[:LEFT_SHOWN])}{more}"
