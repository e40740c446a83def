"""What a message shows. Plain values: `reading` fills them from the database, `blocks` draws them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Marker(StrEnum):
    """The sign before a title, as Slack names its emoji."""

    RED = "red_circle"
    YELLOW = "large_yellow_circle"
    BLUE = "large_blue_circle"
    BUG = "bug"
    WHITE = "white_circle"  # somebody acted on it


class CardStatus(StrEnum):
    UNRESOLVED = "unresolved"
    RESOLVED = "resolved"
    ARCHIVED = "archived"


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """A person on a card: by name, or, with `slack_user_id`, mentioned. Both empty: Tocsin itself."""

    name: str = ""
    slack_user_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionTaken:
    """One line of what was done: `did` says it in words, which go on with a time or a person ("Archived until", "Assigned to")."""

    did: str
    until: datetime | None = None
    whom: Who = Who()
    who: Who
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueCard:
    """An issue as a channel sees it. Strings are as they came from outside: `blocks` escapes them, once."""

    issue_id: int
    version: int
    short_id: str
    url: str  # of the issue's page
    project: str
    level: str
    marker: Marker
    status: CardStatus
    title: str  # the whole of it: what phones preview
    heading: str = ""  # what the card shows instead where the message follows below; empty: the title
    culprit: str = ""
    message: str = ""
    message_limit: int = 256
    tags: tuple[tuple[str, str], ...] = ()
    actions_taken: tuple[ActionTaken, ...] = ()
    earlier_actions: int = 0  # how many more there were
    state: str = ""  # "New", "Regressed", "Archived until"
    state_until: datetime | None = None  # goes on with it
    events: int = 0
    users: int = 0
    comments: int = 0
    first_seen: datetime
    assignee: Who = Who()
    is_acknowledged: bool = False
    has_releases: bool = False
    undo: int = 0  # the activity that may be undone; 0: none
    priority: str = ""
    note: str = ""
    rule: str = ""  # "Production errors +1 other"
    environment: str = ""
    release: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletedCard:
    """What is left of a card whose subject was deleted."""

    what: str  # "This issue"


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadReply:
    """A line in a card's thread."""

    short_id: str
    url: str
    title: str
    said: str  # "is back: it happened again after it was resolved"
    broadcast: bool = False


# --- modals ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveForm:
    """Since when, or in which release, the issue is resolved. `asks_release`: another release is to be chosen."""

    key: str
    short_id: str
    newest: str  # release
    asks_release: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveForm:
    """What ends the archive. `until` is the entry that is chosen, `values` what is typed below it so far."""

    key: str
    short_id: str
    until: str
    values: tuple[tuple[str, str], ...] = ()
    tomorrow: datetime  # what the date begins with


@dataclass(frozen=True, slots=True, kw_only=True)
class CommentForm:
    key: str
    short_id: str
    limit: int  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Something that is said instead of a form, in finished mrkdwn. `anyway`: the form that may be submitted all the same."""

    key: str
    text: str
    anyway: str = ""  # a Form


View = ResolveForm | ArchiveForm | CommentForm | Told
