"""What each command makes of an issue. Each reads, and changes nothing: `service.perform` writes what it returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Field

from tocsin.accounts.actor import Actor
from tocsin.accounts.models import Team, User
from tocsin.errors import DomainError, Invalid, NotFound, Stale
from tocsin.issues import statements
from tocsin.issues.commands import (
    ARCHIVE_COUNT_MAX,
    ARCHIVE_HOURS_MAX,
    ARCHIVE_MINUTES_MAX,
    ARCHIVE_RATE_MAX,
    COMMENT_MAX,
    UNDO_MINUTES,
    Acknowledge,
    Archive,
    ArchiveUntil,
    Assign,
    Comment,
    Reopen,
    Resolve,
    ResolveIn,
    SetPriority,
    Unassign,
    Undo,
)
from tocsin.issues.models import Activity, Issue, Priority, Resolution, Status, Substatus
from tocsin.projects import releases
from tocsin.projects.access import people_of, teams_of
from tocsin.projects.models import Release

Kind = Activity.Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a command makes of an issue: new values by column, and what to write down of it. Without values and text nothing
    changes but that it happened.
    """

    kind: Activity.Kind
    values: dict[str, Any] = field(default_factory=dict)
    text: str = ""
    about: dict[str, Any] = field(default_factory=dict)

    @property
    def facets(self) -> list[str]:
        """Which sides of the issue it overwrites: the issue's version grows with them."""
        return sorted({FACETS[name] for name in self.values if name in FACETS})


NOT_RESOLVED: dict[str, Any] = {"resolved_at": None, "resolution": Resolution.NONE, "resolved_in_id": None}
NOT_ARCHIVED: dict[str, Any] = {
    "archived_at": None,
    "archived_until": None,
    "archived_events": None,
    "archived_minutes": None,
    "archived_users": None,
    "archived_events_seen": 0,
    "archived_users_seen": 0,
}
STATUS = ("status", "substatus", "status_xid", *NOT_RESOLVED, *NOT_ARCHIVED)
FACETS: dict[str, str] = {
    **dict.fromkeys(STATUS, "status"),
    **dict.fromkeys(("assignee_user_id", "assignee_team_id"), "assignee"),
    "priority": "priority",
}
NOT_ACKNOWLEDGED: dict[str, Any] = {"acknowledged_by_id": None, "acknowledged_at": None}


def reopened(substatus: Substatus) -> dict[str, Any]:
    """The values of an open issue."""
    return {
        "status": Status.UNRESOLVED,
        "substatus": substatus,
        "status_xid": None,
        **NOT_RESOLVED,
        **NOT_ARCHIVED,
    }


# --- resolve, reopen -------------------------------------------------------------------------------------------------


def _resolve(command: Resolve, issue: Issue, by: Actor) -> Change | None:
    resolution, release = AGAINST[command.when](command, issue)
    is_so = issue.status == Status.RESOLVED and (issue.resolution or Resolution.NOW) == resolution
    if is_so and issue.resolved_in_id == (release.pk if release else None):
        return None
    # Not the time of the request: an event that was accepted while this waited for the row was not fixed later.
    now, xid = statements.moment_of_change()
    values = {
        "status": Status.RESOLVED,
        "substatus": Substatus.NONE,
        "status_xid": xid,
        "resolved_at": now,
        "resolution": resolution,
        "resolved_in_id": release.pk if release else None,
        **NOT_ARCHIVED,
    }
    about = {"resolution": resolution.value, **({"release": release.version} if release else {})}
    return Change(kind=Kind.RESOLVED, values=values, about=about)


Against = tuple[Resolution, Release | None]


def _now(command: Resolve, issue: Issue) -> Against:
    return Resolution.NOW, None


def _next(command: Resolve, issue: Issue) -> Against:
    return Resolution.AFTER, _newest(issue)


def _current(command: Resolve, issue: Issue) -> Against:
    return Resolution.IN, _newest(issue)


def _chosen(command: Resolve, issue: Issue) -> Against:
    release = releases.of_project(issue.project).filter(version=command.release).first() if command.release else None
    if release is None:
        raise Invalid(f"{issue.project.slug} has no release of that name. Choose one of the list.", field="release")
    return Resolution.IN, release


def _newest(issue: Issue) -> Release:
    release = releases.newest(issue.project)
    if release is None:
        raise Invalid(
            f"{issue.project.slug} has no releases yet. Resolve it now, or set `release` where the SDK is started.",
            field="when",
        )
    return release


AGAINST: dict[ResolveIn, Callable[[Resolve, Issue], Against]] = {
    ResolveIn.NOW: _now,
    ResolveIn.NEXT_RELEASE: _next,
    ResolveIn.CURRENT_RELEASE: _current,
    ResolveIn.RELEASE: _chosen,
}


def _reopen(command: Reopen, issue: Issue, by: Actor) -> Change | None:
    if issue.status == Status.UNRESOLVED:
        return None
    return Change(kind=Kind.REOPENED, values=reopened(Substatus.ONGOING))


# --- archive ---------------------------------------------------------------------------------------------------------


def _archive(command: Archive, issue: Issue, by: Actor) -> Change | None:
    _refuse_what_would_be_ignored(command)
    now, xid = statements.moment_of_change()
    condition = CONDITIONS[command.until](command, now)
    substatus = SUBSTATUS.get(command.until, Substatus.UNTIL_CONDITION)
    if _is_archived_so(issue, substatus, condition):
        return None
    values = {
        "status": Status.ARCHIVED,
        "substatus": substatus,
        "status_xid": xid,
        **NOT_RESOLVED,
        **NOT_ARCHIVED,
        "archived_at": now,
        **condition,
    }
    about = {"until": command.until.value, **{name: _plain(value) for name, value in condition.items()}}
    return Change(kind=Kind.ARCHIVED, values=values, about=about)


SUBSTATUS: dict[ArchiveUntil, Substatus] = {
    ArchiveUntil.UNTIL_ESCALATING: Substatus.UNTIL_ESCALATING,
    ArchiveUntil.FOREVER: Substatus.FOREVER,
}


NUMBERS: dict[ArchiveUntil, tuple[str, ...]] = {
    ArchiveUntil.UNTIL_ESCALATING: (),
    ArchiveUntil.TIME: ("hours", "until_at"),
    ArchiveUntil.EVENTS: ("events",),
    ArchiveUntil.USERS: ("users",),
    ArchiveUntil.RATE: ("events", "minutes"),
    ArchiveUntil.FOREVER: (),
}


def _refuse_what_would_be_ignored(command: Archive) -> None:
    given = [name for name in ("until_at", "hours", "events", "users", "minutes") if getattr(command, name) is not None]
    ignored = [name for name in given if name not in NUMBERS[command.until]]
    if ignored or {"until_at", "hours"} <= set(given):
        name = (ignored or given)[0]
        raise Invalid(f"`{name}` does not go with the rest of how the archive is to end. Leave it out.", field=name)


def _is_archived_so(issue: Issue, substatus: Substatus, condition: dict[str, Any]) -> bool:
    """Whether it is archived in the same way already. Another "10 more events" begins to count anew, so it is another."""
    is_so = issue.status == Status.ARCHIVED and issue.substatus == substatus
    return is_so and condition in ({}, {"archived_until": issue.archived_until})


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _unconditional(command: Archive, now: datetime) -> dict[str, Any]:
    return {}


def _until_time(command: Archive, now: datetime) -> dict[str, Any]:
    if command.hours is not None:
        hours = _whole(command.hours, "hours", most=ARCHIVE_HOURS_MAX, what="hours")
        return {"archived_until": now + timedelta(hours=hours)}
    if command.until_at is None:
        raise Invalid("Say until when: a date and a time.", field="until_at")
    if not now < command.until_at <= now + timedelta(hours=ARCHIVE_HOURS_MAX):
        raise Invalid("Choose a time that is to come, within a year.", field="until_at")
    return {"archived_until": command.until_at}


def _until_events(command: Archive, now: datetime) -> dict[str, Any]:
    return {"archived_events": _whole(command.events, "events", most=ARCHIVE_COUNT_MAX, what="events")}


def _until_users(command: Archive, now: datetime) -> dict[str, Any]:
    return {"archived_users": _whole(command.users, "users", most=ARCHIVE_COUNT_MAX, what="users")}


def _until_rate(command: Archive, now: datetime) -> dict[str, Any]:
    return {
        "archived_events": _whole(command.events, "events", most=ARCHIVE_RATE_MAX, what="events"),
        "archived_minutes": _whole(command.minutes, "minutes", most=ARCHIVE_MINUTES_MAX, what="minutes"),
    }


def _whole(value: int | None, name: str, *, most: int, what: str) -> int:
    if value is None or not 1 <= value <= most:
        raise Invalid(f"Give a whole number of {what} from 1 to {most:,}.", field=name)
    return value


CONDITIONS: dict[ArchiveUntil, Callable[[Archive, datetime], dict[str, Any]]] = {
    ArchiveUntil.UNTIL_ESCALATING: _unconditional,
    ArchiveUntil.TIME: _until_time,
    ArchiveUntil.EVENTS: _until_events,
    ArchiveUntil.USERS: _until_users,
    ArchiveUntil.RATE: _until_rate,
    ArchiveUntil.FOREVER: _unconditional,
}


# --- assign ----------------------------------------------------------------------------------------------------------


def _assign(command: Assign, issue: Issue, by: Actor) -> Change | None:
    if (command.user_id is None) == (command.team_id is None):
        raise Invalid("Choose one person or one team.", field="assignee")
    assignee = _person(command.user_id, issue) if command.user_id is not None else _team(command.team_id, issue)
    if (issue.assignee_user_id, issue.assignee_team_id) == (command.user_id, command.team_id):
        return None
    values = {"assignee_user_id": command.user_id, "assignee_team_id": command.team_id}
    name = assignee.display_name if isinstance(assignee, User) else str(assignee)
    return Change(kind=Kind.ASSIGNED, values=values, about={"user": command.user_id, "name": name})


def _person(user_id: int, issue: Issue) -> User:
    found = people_of(issue.project).filter(pk=user_id).first()
    if found is None:
        raise Invalid(
            f"They have no access to the project {issue.project.slug}. Add them to one of its teams first.",
            field="assignee",
        )
    return found


def _team(team_id: int | None, issue: Issue) -> Team:
    found = teams_of(issue.project).filter(pk=team_id or 0).first()
    if found is None:
        raise Invalid(
            f"That team does not look after the project {issue.project.slug}. Add the project to it first.",
            field="assignee",
        )
    return found


def _unassign(command: Unassign, issue: Issue, by: Actor) -> Change | None:
    if issue.assignee_user_id is None and issue.assignee_team_id is None:
        return None
    return Change(kind=Kind.UNASSIGNED, values={"assignee_user_id": None, "assignee_team_id": None})


# --- the others ------------------------------------------------------------------------------------------------------


def _set_priority(command: SetPriority, issue: Issue, by: Actor) -> Change | None:
    if command.priority not in Priority.values:
        raise Invalid(f"A priority is one of {', '.join(Priority.values)}.", field="priority")
    if issue.priority == command.priority:
        return None
    return Change(
        kind=Kind.PRIORITY, values={"priority": Priority(command.priority)}, about={"priority": command.priority}
    )


def _acknowledge(command: Acknowledge, issue: Issue, by: Actor) -> Change | None:
    if issue.acknowledged_at is not None:
        return None
    values = {"acknowledged_by_id": by.user.pk if by.user else None, "acknowledged_at": by.now}
    return Change(kind=Kind.ACKNOWLEDGED, values=values)


def _comment(command: Comment, issue: Issue, by: Actor) -> Change | None:
    text = command.text.strip()
    if not text:
        raise Invalid("Write a comment first: this one is empty.", field="text")
    if len(text) > COMMENT_MAX:
        raise Invalid(f"A comment may have {COMMENT_MAX:,} characters, and this one has {len(text):,}.", field="text")
    return Change(kind=Kind.COMMENTED, text=text)


# --- undo ------------------------------------------------------------------------------------------------------------

UNDOABLE = frozenset({Kind.RESOLVED, Kind.REOPENED, Kind.ARCHIVED, Kind.ASSIGNED, Kind.UNASSIGNED, Kind.PRIORITY})
UNDO_FOR = timedelta(minutes=UNDO_MINUTES)


def can_be_undone(activity: Activity, issue: Issue, now: datetime) -> bool:
    """Whether Undo would be applied to it now, for somebody who may change the issue."""
    is_action = activity.kind in UNDOABLE and activity.user_id is not None
    return is_action and activity.version == issue.version and now - activity.created_at < UNDO_FOR


def _undo(command: Undo, issue: Issue, by: Actor) -> Change | None:
    activity = Activity.objects.filter(
        organization_id=issue.organization_id, issue=issue, pk=command.activity_id
    ).first()
    if activity is None or activity.kind not in UNDOABLE or activity.user_id is None:
        raise NotFound("There is nothing here that could be undone.")
    if activity.version != issue.version:
        raise Stale(f"{issue.short_id} has changed since, so that cannot be undone any more. Nothing was changed.")
    if by.now - activity.created_at >= UNDO_FOR:
        raise DomainError(f"Undo works for {UNDO_MINUTES} minutes, and they are over. Nothing was changed.")
    values = {name: _restored(name, value) for name, value in activity.before.items()}
    return Change(kind=Kind.UNDONE, values=values, about={"undid": activity.pk, "kind": activity.kind})


REFERRED_TO: dict[str, Any] = {"assignee_user_id": User, "assignee_team_id": Team, "resolved_in_id": Release}


def _restored(name: str, value: Any) -> Any:
    """The value as the column holds it. What it referred to may be gone: then nothing."""
    if name in REFERRED_TO:
        return value if REFERRED_TO[name].objects.filter(pk=value).exists() else None
    column: Field[Any, Any] = Issue._meta.get_field(name)  # type: ignore[assignment]
    return column.to_python(value)


CHANGES: dict[type[Any], Callable[..., Change | None]] = {
    Resolve: _resolve,
    Reopen: _reopen,
    Archive: _archive,
    Assign: _assign,
    Unassign: _unassign,
    SetPriority: _set_priority,
    Acknowledge: _acknowledge,
    Comment: _comment,
    Undo: _undo,
}
