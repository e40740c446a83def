"""The buttons and menus of an issue's page: what makes sense now, what they hold, and what was wrong with what was sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tocsin.accounts.models import User
from tocsin.errors import DomainError, Stale
from tocsin.issues import saying
from tocsin.issues.effects import UNDOABLE, can_be_undone
from tocsin.issues.models import Activity, Issue, Priority, Resolution, Status
from tocsin.issues.service import Performed
from tocsin.projects import releases
from tocsin.web.asking import OTHER_HOURS
from tocsin.web.assignees import assignees

RELEASES_SUGGESTED = 100
RELEASE_MAX = 40  # characters of a release in a sentence

# What makes sense now, as on the cards in Slack: (action, label) of buttons, and the menus beside them.
BUTTONS: dict[str, tuple[tuple[str, str], ...]] = {
    Status.UNRESOLVED: (("resolve", "Resolve"),),
    Status.RESOLVED: (("reopen", "Reopen"),),
    Status.ARCHIVED: (("resolve", "Resolve"), ("reopen", "Stop archiving")),
}
MENUS: dict[str, frozenset[str]] = {
    Status.UNRESOLVED: frozenset({"resolve", "archive", "assign", "priority"}),
    Status.RESOLVED: frozenset({"archive", "assign", "priority"}),
    Status.ARCHIVED: frozenset({"resolve", "assign", "priority"}),
}
# Which fields each form shows, and can show an error at.
FIELDS: dict[str, frozenset[str]] = {
    "resolve": frozenset({"when", "release"}),
    "archive": frozenset({"until", "hours", "until_at", "events", "users", "rate_events", "minutes"}),
    "assign": frozenset({"assignee"}),
    "priority": frozenset({"priority"}),
    "comment": frozenset({"text"}),
}
HOURS = (("1", "1 hour"), ("4", "4 hours"), ("24", "1 day"), ("168", "1 week"), (OTHER_HOURS, "Another number…"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """What was sent and not done: `wrong` are sentences by field of the page."""

    action: str
    typed: Mapping[str, str]
    error: DomainError
    wrong: Mapping[str, str] = field(default_factory=dict)


def context(issue: Issue, user: User, now: datetime, refused: Refused | None) -> dict[str, Any]:
    """Template context, for somebody who may change the issue."""
    menus, resolve = MENUS[issue.status], _resolve_menu(issue) if "resolve" in MENUS[issue.status] else {}
    if not resolve:
        menus = menus - {"resolve"}
    typed = {**_blank(issue, now), **(refused.typed if refused else {})}
    return {
        "buttons": BUTTONS[issue.status],
        "menus": menus,
        **resolve,
        "hours": HOURS,
        "priorities": Priority.choices,
        "assignees": assignees(issue, user, refused.typed.get("assignee", "") if refused else ""),
        "typed": typed,
        **said(refused, menus),
    }


def _resolve_menu(issue: Issue) -> dict[str, Any]:
    """Nothing for a project without releases: there it can only be resolved now."""
    newest = releases.newest(issue.project)
    if newest is None:
        return {}
    name = newest.version if len(newest.version) <= RELEASE_MAX else f"{newest.version[: RELEASE_MAX - 1]}…"
    return {
        "after_newest": f"Only releases after {name} bring it back.",
        "from_newest": f"{name} and later ones bring it back.",
        "versions": list(releases.of_project(issue.project).values_list("version", flat=True)[:RELEASES_SUGGESTED]),
    }


def _blank(issue: Issue, now: datetime) -> dict[str, str]:
    """What the fields begin with."""
    tomorrow = (now + timedelta(days=1)).replace(minute=0)
    return {
        "when": "now",
        "until": "until_escalating",
        "hours": HOURS[0][0],
        "until_at": f"{tomorrow:%Y-%m-%dT%H:%M}",
        "offset": "0",
        "priority": issue.priority,
    }


def said(refused: Refused | None, menus: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Why it was refused: at the fields where the page has them, else above everything."""
    if refused is None:
        return {}
    fields = FIELDS.get(refused.action, frozenset()) if refused.action in {*menus, "comment"} else frozenset()
    if refused.wrong and refused.wrong.keys() <= fields:
        return {"wrong": refused.wrong, "opened": refused.action}
    is_stale = isinstance(refused.error, Stale) and refused.action != "undo"
    return {
        "refusal": " ".join(refused.wrong.values()) or str(refused.error),
        "anyway": _anyway(refused) if is_stale else (),
    }


def _anyway(refused: Refused) -> list[tuple[str, str]]:
    """The form again, without the version that the person looked at."""
    return [(name, value) for name, value in refused.typed.items() if value and name != "seen_version"]


# --- what was done ---------------------------------------------------------------------------------------------------


def undoable(issue: Issue, activity: list[Activity], now: datetime) -> Activity | None:
    """What Undo would undo now; there is one at most."""
    return next((done for done in activity if can_be_undone(done, issue, now)), None)


def undo_tag(activity: Activity | None) -> str:
    """Stands on the message about an activity, so that the page finds out whether it can still be undone."""
    return f"undo-{activity.pk}" if activity and activity.kind in UNDOABLE else ""


def sentence(done: Performed, activity: Activity) -> str:
    """What was done, for the person who did it."""
    return SENTENCES[Activity.Kind(activity.kind)](done.issue, activity)


def _resolved(issue: Issue, activity: Activity) -> str:
    back = " If it happens again, it comes back." if issue.resolution == Resolution.NOW else ""
    return f"{issue.short_id} is {_small(str(saying.state(issue)))}.{back}"


def _small(words: str) -> str:
    return words[:1].lower() + words[1:]


SENTENCES: dict[Activity.Kind, Callable[[Issue, Activity], str]] = {
    Activity.Kind.RESOLVED: _resolved,
    Activity.Kind.REOPENED: lambda issue, _: f"{issue.short_id} is open again.",
    Activity.Kind.ARCHIVED: lambda issue, _: (
        f"{issue.short_id} is archived. New events are counted, and nobody is told."
    ),
    Activity.Kind.ASSIGNED: lambda issue, done: f"{issue.short_id} is assigned to {done.about['name']}.",
    Activity.Kind.UNASSIGNED: lambda issue, _: f"{issue.short_id} is assigned to nobody.",
    Activity.Kind.PRIORITY: lambda issue, _: f"{issue.short_id} has {issue.priority} priority now.",
    Activity.Kind.ACKNOWLEDGED: lambda issue, _: (
        f"{issue.short_id} is acknowledged: everybody sees that you look at it."
    ),
    Activity.Kind.COMMENTED: lambda *_: "Your comment is there.",
    Activity.Kind.UNDONE: lambda issue, _: f"Undone: {issue.short_id} is as it was before.",
}
