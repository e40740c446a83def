"""What happened to an issue, and how it is, in words. Cards, pages and whispers say it with these."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime

from tocsin.issues.commands import Acknowledge, Assign, SetPriority, Unassign
from tocsin.issues.models import Activity, Issue, Resolution, Status, Substatus

Kind = Activity.Kind
About = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A few words, followed by a person (`user_id`, `name`) or by a time (`at`), which each place shows in its own way."""

    words: str
    at: datetime | None = None
    user_id: int | None = None
    name: str = ""

    def __str__(self) -> str:
        """As plain text, the time in UTC."""
        after = self.name or (f"{self.at:%Y-%m-%d %H:%M} UTC" if self.at else "")
        return f"{self.words} {after}".strip()


def did(kind: str, about: About) -> Said:
    """What was done: words that "by Alice" can follow."""
    return DEEDS[Kind(kind)](about)


def _always(words: str) -> Callable[[About], Said]:
    return lambda _: Said(words=words)


def _resolved(about: About) -> Said:
    release = about.get("release", "")
    if about.get("resolution") == Resolution.AFTER:
        return Said(words=f"Resolved in the release after {release}")
    return Said(words=f"Resolved in {release}" if release else "Resolved")


def _archived(about: About) -> Said:
    return Said(words="Archived forever") if "until" not in about else _archive(about)


def _archive(about: About) -> Said:
    if about.get("archived_until"):
        return Said(words="Archived until", at=parse_datetime(about["archived_until"]))
    return Said(words=f"Archived {_condition(about)}")


def _condition(about: About) -> str:
    events, users, minutes = (about.get(f"archived_{name}") for name in ("events", "users", "minutes"))
    if events and minutes:
        return f"until {_count(events, 'event')} come within {_count(minutes, 'minute')}"
    if events:
        return f"until {_more(events, 'event')}"
    if users:
        return f"until {_more(users, 'user')}"
    return "until it escalates" if about.get("until") == "until_escalating" else "forever"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _more(number: int, what: str) -> str:
    return f"{number:,} more {what}{'' if number == 1 else 's'}"


def _assigned(about: About) -> Said:
    return Said(words="Assigned to", user_id=about.get("user"), name=about.get("name", ""))


def _priority(about: About) -> Said:
    return Said(words=f"Set priority to {about.get('priority', '')}")


def _unarchived(about: About) -> Said:
    return Said(words=f"Back from the archive: {REASONS.get(about.get('because', ''), 'its end has come')}")


REASONS = {
    "events": "the events came",
    "users": "the users came",
    "rate": "the events came",
    "time": "its time is over",
}


def _undone(about: About) -> Said:
    undid = about.get("kind", "")
    return Said(words=f"Undid: {UNDID.get(undid, undid)}")


UNDID = {
    Kind.RESOLVED: "resolved",
    Kind.REOPENED: "reopened",
    Kind.ARCHIVED: "archived",
    Kind.ASSIGNED: "assigned",
    Kind.UNASSIGNED: "unassigned",
    Kind.PRIORITY: "priority",
}

DEEDS: dict[Kind, Callable[[About], Said]] = {
    Kind.FIRST_SEEN: _always("Seen for the first time"),
    Kind.RESOLVED: _resolved,
    Kind.REOPENED: _always("Reopened"),
    Kind.REGRESSED: _always("Came back after it was resolved"),
    Kind.ARCHIVED: _archived,
    Kind.COMMENTED: _always("Commented"),
    Kind.ASSIGNED: _assigned,
    Kind.UNASSIGNED: _always("Unassigned"),
    Kind.PRIORITY: _priority,
    Kind.ACKNOWLEDGED: _always("Acknowledged"),
    Kind.ESCALATED: _always("Back from the archive: it escalates"),
    Kind.UNARCHIVED: _unarchived,
    Kind.UNDONE: _undone,
}


# --- how it is -------------------------------------------------------------------------------------------------------

OPEN: dict[str, str] = {
    Substatus.NEW: "New",
    Substatus.ONGOING: "Ongoing",
    Substatus.ESCALATING: "Escalating",
    Substatus.REGRESSED: "Regressed",
}


def state(issue: Issue) -> Said:
    """The status with what it waits for."""
    return STATES[Status(issue.status)](issue)


def _open(issue: Issue) -> Said:
    return Said(words=OPEN.get(issue.substatus, "Open"))


def _is_resolved(issue: Issue) -> Said:
    release = issue.resolved_in.version if issue.resolved_in else ""
    return _resolved({"resolution": issue.resolution, "release": release})


def _is_archived(issue: Issue) -> Said:
    if issue.substatus == Substatus.UNTIL_ESCALATING:
        return Said(words="Archived until it escalates")
    if issue.archived_until:
        return Said(words="Archived until", at=issue.archived_until)
    about = {name: getattr(issue, name) for name in ("archived_events", "archived_users", "archived_minutes")}
    return Said(words=f"Archived {_condition(about)}{_progress(issue)}")


def _progress(issue: Issue) -> str:
    seen = issue.archived_users_seen if issue.archived_users else issue.archived_events_seen
    return f" ({seen:,} so far)" if seen and not issue.archived_minutes else ""


STATES: dict[Status, Callable[[Issue], Said]] = {
    Status.UNRESOLVED: _open,
    Status.RESOLVED: _is_resolved,
    Status.ARCHIVED: _is_archived,
}


# --- what somebody is told whose request came too late ---------------------------------------------------------------

OF_STATUS = (
    Kind.RESOLVED,
    Kind.REOPENED,
    Kind.REGRESSED,
    Kind.ARCHIVED,
    Kind.ESCALATED,
    Kind.UNARCHIVED,
    Kind.UNDONE,
)
KINDS: dict[type[Any], tuple[Kind, ...]] = {
    Assign: (Kind.ASSIGNED, Kind.UNASSIGNED, Kind.UNDONE),
    Unassign: (Kind.ASSIGNED, Kind.UNASSIGNED, Kind.UNDONE),
    SetPriority: (Kind.PRIORITY, Kind.UNDONE),
    Acknowledge: (Kind.ACKNOWLEDGED,),
}
NOW: dict[str, str] = {Status.UNRESOLVED: "open", Status.RESOLVED: "resolved", Status.ARCHIVED: "archived"}


def as_it_is(issue: Issue, command: object) -> str:
    """What the issue is now, by whom, and since when, on the side that the command would have changed."""
    kinds = KINDS.get(type(command), OF_STATUS)
    of_issue = Activity.objects.filter(organization_id=issue.organization_id, issue=issue, kind__in=kinds)
    latest = of_issue.select_related("user").order_by("-id").first()
    how = HOW.get(type(command), _status_words)(issue, latest)
    if latest is None:
        return f"{issue.short_id} is already {how}. Nothing was changed."
    by = f" by {latest.user.display_name}" if latest.user else ""
    return f"{issue.short_id} is already {how}{by}, since {latest.created_at:%Y-%m-%d %H:%M} UTC. Nothing was changed."


def _status_words(issue: Issue, latest: Activity | None) -> str:
    if latest is not None and latest.kind == Kind.REGRESSED:
        return "back after it was resolved"
    if latest is not None and latest.kind == Kind.REOPENED:
        return "reopened"
    return NOW[issue.status]


def _assignee_words(issue: Issue, latest: Activity | None) -> str:
    assignee = issue.assignee_user.display_name if issue.assignee_user else str(issue.assignee_team or "")
    return f"assigned to {assignee}" if assignee else "assigned to nobody"


def _priority_words(issue: Issue, latest: Activity | None) -> str:
    return f"of {issue.priority} priority"


def _acknowledged_words(issue: Issue, latest: Activity | None) -> str:
    return "acknowledged"


HOW: dict[type[Any], Callable[[Issue, Activity | None], str]] = {
    Assign: _assignee_words,
    Unassign: _assignee_words,
    SetPriority: _priority_words,
    Acknowledge: _acknowledged_words,
}
