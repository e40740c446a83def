"""`perform`: the only door through which an issue changes for somebody. `storing`, `returning` and `expiry` use its parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import transaction

from tocsin import bus
from tocsin.accounts.access import Right
from tocsin.accounts.actor import Actor
from tocsin.errors import Stale
from tocsin.issues import saying, statements
from tocsin.issues.access import access_issue
from tocsin.issues.changes import IssueChanged
from tocsin.issues.commands import Command
from tocsin.issues.effects import CHANGES, NOT_ACKNOWLEDGED, UNDO_FOR, UNDOABLE, Change
from tocsin.issues.models import Activity, Issue


@dataclass(frozen=True, slots=True, kw_only=True)
class Performed:
    """What `perform` did. `activity` is None when the issue already was as asked: `sentence` then says so."""

    issue: Issue
    activity: Activity | None
    sentence: str = ""


def perform(command: Command, *, by: Actor) -> Performed:
    """Do what was asked, for whoever asks, in one transaction: its own, or a savepoint of the caller's.

    Raises NotFound, Forbidden, Stale, or another DomainError whose text is for the person. A command that would
    change nothing
    returns quietly with `activity` None.
    """
    with transaction.atomic():
        issue = _locked(command.issue_id, by)
        change = CHANGES[type(command)](command, issue, by)
        if change is None:
            return Performed(issue=issue, activity=None, sentence=saying.as_it_is(issue, command))
        _refuse_if_stale(command, issue, change, by)
        activity = apply(issue, change, by)
        if by.user is not None:
            _subscribe(issue, by.user.pk, activity.kind)
        if (assignee := change.values.get("assignee_user_id")) is not None:
            _subscribe(issue, assignee, Activity.Kind.ASSIGNED)
        return Performed(issue=issue, activity=activity)


def _subscribe(issue: Issue, user_id: int, reason: str) -> None:
    statements.subscribe(issue.organization_id, issue.pk, user_id, reason)


def _locked(issue_id: int, by: Actor) -> Issue:
    if by.user is None:
        return Issue.objects.select_related("project", "organization").select_for_update(of=("self",)).get(pk=issue_id)
    return access_issue(issue_id, by.user, Right.TRIAGE, lock=True, within=by.within)


def apply(issue: Issue, change: Change, by: Actor, *, began_episode: bool = False) -> Activity:
    """Write the change, its Activity, and announce it. The caller holds the row's lock."""
    before = {name: _plain(getattr(issue, name)) for name in change.values}
    values = {**change.values, **(NOT_ACKNOWLEDGED if began_episode else {})}
    for name, value in values.items():
        setattr(issue, name, value)
    if change.facets:
        issue.version += 1
        issue.undo_until = by.now + UNDO_FOR if by.user is not None and change.kind in UNDOABLE else None
    if "status" in change.facets:
        issue.status_changed_at = by.now
    if began_episode:
        issue.episode += 1
    if change.kind == Activity.Kind.COMMENTED:
        issue.comment_count += 1
    statements.write(issue, [*values, "version", "status_changed_at", "episode", "comment_count", "undo_until"])
    activity = Activity(
        organization_id=issue.organization_id,
        issue=issue,
        kind=change.kind,
        user=by.user,
        origin=by.origin,
        identity=by.identity,
        version=issue.version,
        fields_changed=change.facets,
        before=before,
        text=change.text,
        about=change.about,
        created_at=by.now,
    )
    statements.insert_activity(activity)
    bus.publish(
        IssueChanged(
            organization_id=issue.organization_id,
            issue_id=issue.pk,
            kind=change.kind,
            now=by.now,
            episode=issue.episode,
            began_episode=began_episode,
            activity_id=activity.pk,
        )
    )
    return activity


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


# --- stale requests -------------------------------------------------------------------------------------------------


def _refuse_if_stale(command: Command, issue: Issue, change: Change, by: Actor) -> None:
    """Refuse when somebody else, or the system, has since overwritten a side of the issue that this change would overwrite."""
    seen = getattr(command, "seen_version", None)
    if seen is None or seen >= issue.version or not change.facets:
        return
    later = Activity.objects.filter(organization_id=issue.organization_id, issue=issue, version__gt=seen)
    by_others = [activity for activity in later if by.user is None or activity.user_id != by.user.pk]
    if any(set(activity.fields_changed) & set(change.facets) for activity in by_others):
        raise Stale(saying.as_it_is(issue, command))
