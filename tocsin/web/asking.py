"""What the buttons and menus of an issue's page ask for, as commands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar

from tocsin.accounts.models import User
from tocsin.errors import DomainError, Invalid
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
from tocsin.issues.models import Issue
from tocsin.projects import releases
from tocsin.web import assignees


class Until(StrEnum):
    """How the page asks what ends an archive: hours are a choice of their own there."""

    ESCALATING = "until_escalating"
    HOURS = "hours"
    TIME = "time"
    EVENTS = "events"
    USERS = "users"
    RATE = "rate"
    FOREVER = "forever"


OTHER_HOURS = "other"  # then `typed_hours` has them


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was sent: `values` are those of ActionForm, cleaned. `user` asks it of `issue`."""

    issue: Issue
    user: User
    values: Mapping[str, Any]

    @property
    def target(self) -> dict[str, Any]:
        """The issue, and the version that the person looked at."""
        return {"issue_id": self.issue.pk, "seen_version": self.values["seen_version"]}

    def number(self, name: str) -> int | None:
        """None for what is no whole number: the command says what to give instead."""
        typed = self.values[name]
        return int(typed) if typed.isascii() and typed.isdigit() and len(typed) <= 9 else None


def command_of(asked: Asked) -> Command:
    """Raises Invalid, its field that of the page; or DomainError for an action that no page offers."""
    action = COMMANDS.get(asked.values["action"])
    if action is None:
        raise DomainError("This page asked for something that Tocsin does not know. Reload it and try again.")
    return action(asked)


def shown_at(field: str, values: Mapping[str, Any]) -> str:
    """The field of the page that shows what is wrong with that field of the command."""
    if field == "events" and values.get("until") == Until.RATE:
        return "rate_events"
    return {"typed_hours": "hours", "offset": "until_at"}.get(field, field)


# --- resolve ---------------------------------------------------------------------------------------------------------


def _resolve(asked: Asked) -> Command:
    when = _choice(asked, "when", ResolveIn, ResolveIn.NOW)
    release = _release(asked) if when is ResolveIn.RELEASE else ""
    return Resolve(when=when, release=release, **asked.target)


def _release(asked: Asked) -> str:
    """The version as the project has it: "1.4.2" is enough for "shop@1.4.2" where it is the only one."""
    typed: str = asked.values["release"]
    known = releases.of_project(asked.issue.project)
    if not typed or known.filter(version=typed).exists():
        return typed
    longer = list(known.filter(version__endswith=f"@{typed}").values_list("version", flat=True)[:2])
    return longer[0] if len(longer) == 1 else typed


# --- archive ---------------------------------------------------------------------------------------------------------


def _archive(asked: Asked) -> Command:
    until = _choice(asked, "until", Until, Until.ESCALATING)
    return Archive(**ARCHIVES[until](asked), **asked.target)


def _hours(asked: Asked) -> dict[str, Any]:
    name = "typed_hours" if asked.values["hours"] == OTHER_HOURS else "hours"
    return {"until": ArchiveUntil.TIME, "hours": asked.number(name) or 0}


def _time(asked: Asked) -> dict[str, Any]:
    return {"until": ArchiveUntil.TIME, "until_at": _moment(asked.values["until_at"], asked.values["offset"] or 0)}


def _moment(typed: str, offset: int) -> datetime | None:
    """What a clock showed that is so many minutes ahead of UTC. None when it is no date and time."""
    try:
        at = datetime.fromisoformat(typed)
        return at if at.tzinfo else at.replace(tzinfo=UTC) - timedelta(minutes=offset)
    except (ValueError, OverflowError):
        return None


def _rate(asked: Asked) -> dict[str, Any]:
    return {
        "until": ArchiveUntil.RATE,
        "events": asked.number("rate_events"),
        "minutes": asked.number("minutes"),
    }


ARCHIVES: dict[Until, Callable[[Asked], dict[str, Any]]] = {
    Until.ESCALATING: lambda _: {"until": ArchiveUntil.UNTIL_ESCALATING},
    Until.HOURS: _hours,
    Until.TIME: _time,
    Until.EVENTS: lambda asked: {"until": ArchiveUntil.EVENTS, "events": asked.number("events")},
    Until.USERS: lambda asked: {"until": ArchiveUntil.USERS, "users": asked.number("users")},
    Until.RATE: _rate,
    Until.FOREVER: lambda _: {"until": ArchiveUntil.FOREVER},
}


# --- the others ------------------------------------------------------------------------------------------------------


def _assign(asked: Asked) -> Command:
    found = assignees.find(asked.values["assignee"], asked.issue, asked.user)
    if found == assignees.Found():
        return Unassign(**asked.target)
    return Assign(user_id=found.user_id, team_id=found.team_id, **asked.target)


def _reopen(asked: Asked) -> Command:
    return Reopen(**asked.target)


def _set_priority(asked: Asked) -> Command:
    return SetPriority(priority=asked.values["priority"], **asked.target)


def _acknowledge(asked: Asked) -> Command:
    return Acknowledge(issue_id=asked.issue.pk)


def _comment(asked: Asked) -> Command:
    return Comment(issue_id=asked.issue.pk, text=asked.values["text"])


def _undo(asked: Asked) -> Command:
    return Undo(issue_id=asked.issue.pk, activity_id=asked.values["activity"] or 0)


COMMANDS: dict[str, Callable[[Asked], Command]] = {
    "resolve": _resolve,
    "reopen": _reopen,
    "archive": _archive,
    "assign": _assign,
    "priority": _set_priority,
    "acknowledge": _acknowledge,
    "comment": _comment,
    "undo": _undo,
}

Choice = TypeVar("Choice", bound=StrEnum)


def _choice(asked: Asked, name: str, choices: type[Choice], default: Choice) -> Choice:
    try:
        return choices(asked.values[name] or default)
    except ValueError:
        raise Invalid("Choose one of the entries.", field=name) from None
