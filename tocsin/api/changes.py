"""What a change of an issue is called in JSON: Sentry's names and ours, as commands; and the state it is in, as they name it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime

from tocsin.accounts.models import Team, User
from tocsin.api.endpoint import BadRequest
from tocsin.issues.commands import (
    Archive,
    ArchiveUntil,
    Assign,
    Command,
    Reopen,
    Resolve,
    ResolveIn,
    SetPriority,
    Unassign,
)
from tocsin.issues.models import Issue, Priority, Resolution, Status, Substatus
from tocsin.projects.access import people_of, teams_of

Json = Mapping[str, Any]

STATUSES = {"unresolved": Status.UNRESOLVED, "resolved": Status.RESOLVED, "ignored": Status.ARCHIVED}
NAMES = {status: name for name, status in STATUSES.items()}
SUBSTATUSES: dict[str, str] = {
    Substatus.UNTIL_ESCALATING: "archived_until_escalating",
    Substatus.UNTIL_CONDITION: "archived_until_condition_met",
    Substatus.FOREVER: "archived_forever",
}

ACTOR = re.compile(r"(user|team):([1-9][0-9]{0,17})")
NUMBER_MAX = 10**9


def commands_of(asked: Json, issue: Issue) -> list[Command]:
    """What is asked of the issue, in the order in which it is done. Raises BadRequest for what is not of the form."""
    if strange := set(asked) - {*CHANGES, *WITH_STATUS}:
        raise BadRequest(
            f"Unknown: {', '.join(sorted(strange))}. An issue takes {', '.join([*CHANGES, *WITH_STATUS])}."
        )
    if not set(asked) & set(CHANGES):
        raise BadRequest(f"Send at least one of {', '.join(CHANGES)}.")
    return [change(asked, issue) for name, change in CHANGES.items() if name in asked]


# --- status ----------------------------------------------------------------------------------------------------------


def _status(asked: Json, issue: Issue) -> Command:
    details = asked.get("statusDetails")
    if details is not None and not isinstance(details, dict):
        raise BadRequest("statusDetails is an object.")
    name = asked["status"]
    if not isinstance(name, str) or name not in BECOMES:
        raise BadRequest(f"status is one of {', '.join(BECOMES)}.")
    return BECOMES[name](asked, details or {}, issue.pk)


def _unresolved(asked: Json, details: Json, issue_id: int) -> Command:
    _only(details)
    return Reopen(issue_id=issue_id)


def _resolved(asked: Json, details: Json, issue_id: int) -> Command:
    _only(details, "inNextRelease", "inRelease")
    if details.get("inNextRelease"):
        return _in_next(asked, {}, issue_id)
    release = details.get("inRelease", "")
    if not isinstance(release, str):
        raise BadRequest('inRelease is the name of a release, or "latest".')
    if release == "latest":
        return Resolve(issue_id=issue_id, when=ResolveIn.CURRENT_RELEASE)
    if release:
        return Resolve(issue_id=issue_id, when=ResolveIn.RELEASE, release=release)
    return Resolve(issue_id=issue_id)


def _in_next(asked: Json, details: Json, issue_id: int) -> Command:
    _only(details)
    return Resolve(issue_id=issue_id, when=ResolveIn.NEXT_RELEASE)


def _ignored(asked: Json, details: Json, issue_id: int) -> Command:
    """Without more: until it escalates, as Sentry's own "ignored" does since it has a substatus."""
    if details:
        return _until_condition(details, issue_id)
    substatus = asked.get("substatus", SUBSTATUSES[Substatus.UNTIL_ESCALATING])
    if not isinstance(substatus, str) or substatus not in ARCHIVES:
        raise BadRequest(f"substatus is one of {', '.join(ARCHIVES)}; for a condition, send statusDetails.")
    return Archive(issue_id=issue_id, until=ARCHIVES[substatus])


ARCHIVES = {
    SUBSTATUSES[Substatus.UNTIL_ESCALATING]: ArchiveUntil.UNTIL_ESCALATING,
    SUBSTATUSES[Substatus.FOREVER]: ArchiveUntil.FOREVER,
}


def _until_condition(details: Json, issue_id: int) -> Command:
    """One condition; `ignoreWindow` (minutes) makes a rate of `ignoreCount`."""
    _only(details, "ignoreDuration", "ignoreUntil", "ignoreCount", "ignoreWindow", "ignoreUserCount")
    conditions = set(details) - {"ignoreWindow"}
    if len(conditions) != 1 or ("ignoreWindow" in details and conditions != {"ignoreCount"}):
        raise BadRequest(
            "statusDetails takes one of ignoreDuration, ignoreUntil, ignoreCount, ignoreUserCount; "
            "ignoreWindow goes with ignoreCount."
        )
    if "ignoreUntil" in details:
        return Archive(issue_id=issue_id, until=ArchiveUntil.TIME, until_at=_time(details["ignoreUntil"]))
    if "ignoreDuration" in details:
        return _for_minutes(_number(details, "ignoreDuration"), issue_id)
    if "ignoreUserCount" in details:
        return Archive(issue_id=issue_id, until=ArchiveUntil.USERS, users=_number(details, "ignoreUserCount"))
    events = _number(details, "ignoreCount")
    if "ignoreWindow" in details:
        minutes = _number(details, "ignoreWindow")
        return Archive(issue_id=issue_id, until=ArchiveUntil.RATE, events=events, minutes=minutes)
    return Archive(issue_id=issue_id, until=ArchiveUntil.EVENTS, events=events)


def _for_minutes(minutes: int, issue_id: int) -> Command:
    """Sentry counts minutes, we count hours."""
    if minutes % 60:
        raise BadRequest("ignoreDuration is in minutes, and a whole number of hours: 60, 120 …")
    return Archive(issue_id=issue_id, until=ArchiveUntil.TIME, hours=minutes // 60)


BECOMES: dict[str, Callable[[Json, Json, int], Command]] = {
    "resolved": _resolved,
    "resolvedInNextRelease": _in_next,
    "unresolved": _unresolved,
    "ignored": _ignored,
}


def _only(details: Json, *known: str) -> None:
    if strange := set(details) - set(known):
        raise BadRequest(f"statusDetails does not take {', '.join(sorted(strange))} with this status.")


def _number(details: Json, name: str) -> int:
    value = details[name]
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= NUMBER_MAX:
        raise BadRequest(f"{name} is a whole number from 1 on.")
    return value


def _time(value: object) -> datetime:
    try:
        at = parse_datetime(value) if isinstance(value, str) else None
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise BadRequest("ignoreUntil is a time with its zone: 2026-03-01T12:00:00Z.")
    return at


# --- assignee, priority ----------------------------------------------------------------------------------------------


def _assigned(asked: Json, issue: Issue) -> Command:
    """`user:1`, `team:2`, the e-mail of a person, `#` and the name of a team; null or empty for nobody."""
    value = asked["assignedTo"]
    if value is None or value == "":
        return Unassign(issue_id=issue.pk)
    if not isinstance(value, str):
        raise BadRequest("assignedTo is user:<id>, team:<id>, an e-mail address, #team, or null.")
    if named := ACTOR.fullmatch(value):
        kind, number = named[1], int(named[2])
        return Assign(issue_id=issue.pk, **{f"{kind}_id": number})
    if value.startswith("#"):
        return Assign(issue_id=issue.pk, team_id=_team(value[1:], issue).pk)
    return Assign(issue_id=issue.pk, user_id=_user(value, issue).pk)


def _team(slug: str, issue: Issue) -> Team:
    team = teams_of(issue.project).filter(slug=slug).first()
    if team is None:
        raise BadRequest(f"No team of this project is called #{slug}.")
    return team


def _user(email: str, issue: Issue) -> User:
    user = people_of(issue.project).filter(email__iexact=email).first()
    if user is None:
        raise BadRequest(f"Nobody who has access to this project is called {email}.")
    return user


def _priority(asked: Json, issue: Issue) -> Command:
    value = asked["priority"]
    if value not in Priority.values:
        raise BadRequest(f"priority is one of {', '.join(Priority.values)}.")
    return SetPriority(issue_id=issue.pk, priority=value)


CHANGES: dict[str, Callable[[Json, Issue], Command]] = {
    "status": _status,
    "assignedTo": _assigned,
    "priority": _priority,
}
WITH_STATUS = ("statusDetails", "substatus")  # say more about a status


# --- the state it is in ----------------------------------------------------------------------------------------------


def state_of(issue: Issue) -> dict[str, Any]:
    """Status, its details, assignee and priority, as they are asked for."""
    return {
        "status": NAMES[Status(issue.status)],
        "substatus": SUBSTATUSES.get(issue.substatus, issue.substatus) or None,
        "statusDetails": DETAILS.get(issue.status, _no_details)(issue),
        "assignedTo": _assignee(issue),
        "priority": issue.priority,
    }


def _no_details(issue: Issue) -> dict[str, Any]:
    return {}


def _resolution(issue: Issue) -> dict[str, Any]:
    if issue.resolution == Resolution.AFTER:
        return {"inNextRelease": True}
    return {"inRelease": issue.resolved_in.version} if issue.resolution == Resolution.IN and issue.resolved_in else {}


def _condition(issue: Issue) -> dict[str, Any]:
    found = {
        "ignoreUntil": issue.archived_until and issue.archived_until.isoformat(),
        "ignoreCount": issue.archived_events,
        "ignoreWindow": issue.archived_minutes,
        "ignoreUserCount": issue.archived_users,
    }
    return {name: value for name, value in found.items() if value is not None}


DETAILS: dict[str, Callable[[Issue], dict[str, Any]]] = {Status.RESOLVED: _resolution, Status.ARCHIVED: _condition}


def _assignee(issue: Issue) -> dict[str, Any] | None:
    if issue.assignee_user is not None:
        user = issue.assignee_user
        return {"type": "user", "id": str(user.pk), "name": user.display_name, "email": user.email}
    if issue.assignee_team is not None:
        return {"type": "team", "id": str(issue.assignee_team.pk), "name": issue.assignee_team.slug}
    return None
