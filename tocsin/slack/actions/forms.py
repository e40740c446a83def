"""The modals: what is chosen and typed in them, as a command. Block ids are those that `blocks.forms` draws."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar

from tocsin.errors import Invalid
from tocsin.issues.commands import Archive, ArchiveUntil, Command, Comment, Resolve, ResolveIn, SetPriority
from tocsin.slack.action_ids import OTHER_HOURS, Field, Until
from tocsin.slack.payloads import Place, ViewSeen


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """The issue of a modal, the version that the person looked at (None: whatever it is now), and the message it was opened on."""

    issue_id: int
    seen_version: int | None
    workspace_id: int
    place: Place


def resolve(view: ViewSeen, about: About) -> Command:
    when = _choice(view, Field.WHEN, ResolveIn, ResolveIn.NOW)
    release = view.values.get(Field.RELEASE, "") if when is ResolveIn.RELEASE else ""
    return Resolve(issue_id=about.issue_id, when=when, release=release, seen_version=about.seen_version)


def comment(view: ViewSeen, about: About) -> Command:
    return Comment(issue_id=about.issue_id, text=view.values.get(Field.TEXT, ""))


def priority(view: ViewSeen, about: About) -> Command:
    chosen = view.values.get(Field.PRIORITY, "")
    return SetPriority(issue_id=about.issue_id, priority=chosen, seen_version=about.seen_version)


# --- archive ---------------------------------------------------------------------------------------------------------


def archive(view: ViewSeen, about: About) -> Command:
    return ARCHIVES[until_of(view)](view, about)


def until_of(view: ViewSeen) -> Until:
    """What is chosen to end the archive."""
    return _choice(view, Field.UNTIL, Until, Until.ESCALATING)


def _escalating(view: ViewSeen, about: About) -> Command:
    return Archive(issue_id=about.issue_id, until=ArchiveUntil.UNTIL_ESCALATING, seen_version=about.seen_version)


def _forever(view: ViewSeen, about: About) -> Command:
    return Archive(issue_id=about.issue_id, until=ArchiveUntil.FOREVER, seen_version=about.seen_version)


def _hours(view: ViewSeen, about: About) -> Command:
    field = Field.TYPED_HOURS if view.values.get(Field.HOURS) == OTHER_HOURS else Field.HOURS
    hours = number(view, field)
    return Archive(issue_id=about.issue_id, until=ArchiveUntil.TIME, hours=hours, seen_version=about.seen_version)


def _time(view: ViewSeen, about: About) -> Command:
    seconds = view.values.get(Field.UNTIL_AT, "")
    if not seconds.isdigit() or len(seconds) > 11:
        raise Invalid("Say until when: a date and a time.", field="until_at")
    until_at = datetime.fromtimestamp(int(seconds), UTC)
    return Archive(issue_id=about.issue_id, until=ArchiveUntil.TIME, until_at=until_at, seen_version=about.seen_version)


def _events(view: ViewSeen, about: About) -> Command:
    events = number(view, Field.EVENTS)
    return Archive(issue_id=about.issue_id, until=ArchiveUntil.EVENTS, events=events, seen_version=about.seen_version)


def _users(view: ViewSeen, about: About) -> Command:
    users = number(view, Field.USERS)
    return Archive(issue_id=about.issue_id, until=ArchiveUntil.USERS, users=users, seen_version=about.seen_version)


def _rate(view: ViewSeen, about: About) -> Command:
    return Archive(
        issue_id=about.issue_id,
        until=ArchiveUntil.RATE,
        events=number(view, Field.RATE_EVENTS),
        minutes=number(view, Field.MINUTES),
        seen_version=about.seen_version,
    )


ARCHIVES: dict[Until, Callable[[ViewSeen, About], Command]] = {
    Until.ESCALATING: _escalating,
    Until.HOURS: _hours,
    Until.TIME: _time,
    Until.EVENTS: _events,
    Until.USERS: _users,
    Until.RATE: _rate,
    Until.FOREVER: _forever,
}


Choice = TypeVar("Choice", bound=StrEnum)


# --- fields ----------------------------------------------------------------------------------------------------------


def _choice(view: ViewSeen, field: Field, choices: type[Choice], default: Choice) -> Choice:
    chosen = view.values.get(field, default.value)
    try:
        return choices(chosen)
    except ValueError:
        raise Invalid("Choose one of the entries.", field=field.value) from None


def number(view: ViewSeen, field: Field) -> int:
    typed = view.values.get(field, "").strip()
    if not (typed.isascii() and typed.isdigit() and len(typed) <= 9):
        raise Invalid("Give a whole number, such as 10.", field=field.value)
    return int(typed)


# Which field of the modal shows what is wrong with a field of the command, first come first served.
SHOWN_AT: dict[str, tuple[Field, ...]] = {
    **{field.value: (field,) for field in Field},
    "when": (Field.WHEN,),
    "release": (Field.RELEASE, Field.WHEN),
    "until_at": (Field.UNTIL_AT,),
    "hours": (Field.TYPED_HOURS, Field.HOURS, Field.MUTE_HOURS),
    "events": (Field.EVENTS, Field.RATE_EVENTS),
    "users": (Field.USERS,),
    "minutes": (Field.MINUTES,),
    "text": (Field.TEXT,),
}


def shown_at(name: str, view: ViewSeen) -> Field | None:
    """The field of this modal that shows what is wrong with that field of the command; None when it has none."""
    return next((field for field in SHOWN_AT.get(name, ()) if field in view.fields), None)
