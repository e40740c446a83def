"""What may be asked of an issue. Pure: a command says what, `service.perform` does it.

`seen_version`, where given, is the version that the asking person looked at: when somebody else has since changed the field that
the command would overwrite, it is refused as stale instead of being applied. None asks for no such check.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ResolveIn(StrEnum):
    """From when on the error should be gone."""

    NOW = "now"
    NEXT_RELEASE = "next_release"  # newer than the newest of today
    CURRENT_RELEASE = "current_release"  # the newest of today, and later ones
    RELEASE = "release"  # the one named, and later ones


class ArchiveUntil(StrEnum):
    """What brings an archived issue back."""

    UNTIL_ESCALATING = "until_escalating"  # more events an hour than its past lets expect
    TIME = "time"  # `until_at`, or `hours` from now
    EVENTS = "events"  # so many more `events`
    USERS = "users"  # so many more `users`
    RATE = "rate"  # so many `events` within `minutes`
    FOREVER = "forever"  # only a person


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolve:
    issue_id: int
    when: ResolveIn = ResolveIn.NOW
    release: str = ""  # the version's name, for ResolveIn.RELEASE
    seen_version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopen:
    issue_id: int
    seen_version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """Only the numbers that belong to `until` may be given."""

    issue_id: int
    until: ArchiveUntil = ArchiveUntil.FOREVER
    until_at: datetime | None = None  # aware
    hours: int | None = None
    events: int | None = None
    users: int | None = None
    minutes: int | None = None
    seen_version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assign:
    """To a person or to a team: one of the two."""

    issue_id: int
    user_id: int | None = None
    team_id: int | None = None
    seen_version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unassign:
    issue_id: int
    seen_version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPriority:
    issue_id: int
    priority: str  # models.Priority
    seen_version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledge:
    """Somebody looks at it. Changes no status; ends with the episode."""

    issue_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    issue_id: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """Put back what an activity overwrote."""

    issue_id: int
    activity_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One issue of a list, at the version that the list showed."""

    issue_id: int
    seen_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bulk:
    """Ask the same of several issues of one organization. `shape` says what; which issue it names does not matter.

    Stricter than a command alone: an issue that has changed in any way since the list was drawn is left as it is.
    """

    organization_id: int
    shape: Command
    issues: tuple[Listed, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoBulk:
    """Put back what a bulk action changed, wherever nothing else has changed the issue since."""

    bulk_id: int


Command = Resolve | Reopen | Archive | Assign | Unassign | SetPriority | Acknowledge | Comment | Undo
BulkCommand = Bulk | UndoBulk

BULK_MAX = 100  # issues
COMMENT_MAX = 10_000  # characters
ARCHIVE_HOURS_MAX = 24 * 365
ARCHIVE_COUNT_MAX = 1_000_000  # events or users
ARCHIVE_RATE_MAX = 10_000  # events
ARCHIVE_MINUTES_MAX = 7 * 24 * 60
UNDO_MINUTES = 10
