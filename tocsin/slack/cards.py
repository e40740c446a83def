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


class Style(StrEnum):
    """How a message is made, for as long as it hangs."""

    BLOCKS = "blocks"
    ATTACHMENTS = "attachments"  # of old


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
class Muted:
    """A rule that posts nothing where the card hangs. `held`: how many alerts it would have posted so far."""

    rule: str
    until: datetime
    who: Who = Who()
    held: int = 0


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
    assignee_option: str = ""  # what a menu calls them: "user:1", "team:2"
    is_acknowledged: bool = False
    has_releases: bool = False
    undo: int = 0  # the activity that may be undone; 0: none
    priority: str = ""
    note: str = ""
    rule: str = ""  # "Production errors +1 other"
    mutes: tuple[Muted, ...] = ()
    can_mute: bool = False  # a rule of it is not muted here
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
class PriorityForm:
    key: str
    short_id: str
    choices: tuple[tuple[str, str], ...]  # (value, label), from the highest
    priority: str  # a value: what it is now


@dataclass(frozen=True, slots=True, kw_only=True)
class MuteForm:
    """For how long a rule posts nothing here, and which, where there are several."""

    key: str
    place: str  # "#alerts"
    rules: tuple[tuple[int, str], ...]  # (id, name), one at least
    rule_id: int  # that is chosen
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class UnmuteForm:
    """All rules of the card are muted here."""

    key: str
    mutes: tuple[Muted, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundIssue:
    """An issue as a search shows it."""

    issue_id: int
    version: int
    short_id: str
    url: str
    title: str
    culprit: str
    level: Marker
    state: str
    state_until: datetime | None = None
    assignee: str = ""
    events: int
    last_seen: datetime
    is_open: bool = True  # neither resolved nor archived


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchForm:
    """A search, and what it found. `form`: that of finding, or of triage. `picked`: the one that is looked at alone."""

    key: str
    form: str
    query: str
    wrong: str = ""  # why the query cannot be read
    found: tuple[FoundIssue, ...] = ()
    total: int = 0  # how many there are in all, up to `total_most`
    total_most: int
    picked: FoundIssue | None = None
    may_triage: bool
    what: str = "resolve"  # a Many
    organizations: tuple[tuple[int, str], ...] = ()  # to choose from; empty: there is one
    organization: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkDone:
    """What was done to many, in finished mrkdwn. `can_undo`: submitting it undoes that."""

    key: str
    text: str
    left: str = ""
    can_undo: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageForm:
    """A comment made of somebody's message. `short_id` is empty when the issue is yet to be chosen."""

    key: str
    short_id: str
    author: str
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Something that is said instead of a form, in finished mrkdwn. `anyway`: the form that may be submitted all the same."""

    key: str
    text: str
    anyway: str = ""  # a Form


View = (
    ResolveForm
    | ArchiveForm
    | CommentForm
    | PriorityForm
    | MuteForm
    | UnmuteForm
    | SearchForm
    | BulkDone
    | MessageForm
    | Told
)
