"""What Slack sends, as values. The only file that knows Slack's field names.

Ids are read flat or nested; `team: null` is normal (org-wide installations). Shapes: https://docs.slack.dev/reference/interaction-payloads
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

ID = re.compile(r"[A-Za-z0-9._:-]{1,40}")
NAME_MAX = 100
URL_MAX = 1000
VALUE_MAX = 2000
TYPED_MAX = 12_000  # what somebody types: more than any field takes, so that the field can say so
CLICKS_MAX = 100
BIGINT_MAX = 2**63 - 1


class Malformed(Exception):
    """This is not of a shape that Slack sends. The text is the reason, for the log; it holds nothing of the payload."""


class Kind(StrEnum):
    """How it arrived: what Socket Mode calls the type of an envelope."""

    INTERACTIVE = "interactive"
    EVENT = "events_api"
    COMMAND = "slash_commands"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Whose installation it is for. Empty: not said."""

    team_id: str = ""
    enterprise_id: str = ""
    is_org_wide: bool = False

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of the installations that may be meant, the likeliest first."""
        both = (f"{self.enterprise_id}/{self.team_id}",) if self.enterprise_id and self.team_id else ()
        org_wide = (f"{self.enterprise_id}/",) if self.enterprise_id and self.is_org_wide else ()
        team = (self.team_id,) if self.team_id else ()
        return both + org_wide + team


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """The Slack user who did it. The name is for showing only."""

    id: str
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where it was done: a message (`channel` and `ts`, `thread_ts` in a thread) or a view."""

    channel: str = ""
    ts: str = ""
    thread_ts: str = ""
    view_id: str = ""
    is_ephemeral: bool = False
    is_unfurl: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueSeen:
    """The issue that an element is about (0: it names none), and the version that the person looked at (None: unknown).

    `undo`: the activity that the element would undo; 0: none.
    """

    id: int = 0
    version: int | None = None
    undo: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewSeen:
    """A modal as the person left it. `values` holds what is chosen or typed, by the block's id; what is empty is not there."""

    id: str
    form: str  # callback_id
    key: str  # private_metadata
    hash: str
    fields: frozenset[str]  # ids of its blocks
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Click:
    """One element that was used."""

    action_id: str
    block_id: str = ""
    value: str = ""
    chosen: str = ""  # the value of the option that was chosen in a menu
    action_ts: str = ""
    issue: IssueSeen
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Clicks:
    """Elements of one message or view that one person used: `block_actions`."""

    source: Source
    sender: Sender
    place: Place
    clicks: tuple[Click, ...]
    response_url: str = ""
    trigger_id: str = ""
    view: ViewSeen | None = None  # the modal that they are in


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A modal that somebody submitted: `view_submission`."""

    source: Source
    sender: Sender
    view: ViewSeen
    trigger_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """A modal that somebody closed without submitting it: `view_closed`."""

    source: Source
    sender: Sender
    view: ViewSeen


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionsQuery:
    """Somebody types into a menu whose options we have: `block_suggestion`."""

    source: Source
    sender: Sender
    action_id: str
    typed: str
    issue: IssueSeen
    view: ViewSeen | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """Interactivity of a kind that nothing handles: dialogs, shortcuts, or what Slack invents next."""

    source: Source
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event of the Events API, by its type."""

    source: Source
    name: str
    event_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlashCommand:
    source: Source
    sender: Sender
    name: str
    text: str = ""
    channel: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlVerification:
    """Slack asks whether this address is ours."""

    challenge: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimited:
    """Slack held back events of a team, because there were too many in that minute (Unix seconds)."""

    team_id: str
    minute: int


Payload = Clicks | Submission | Closed | OptionsQuery | Callback | Event | SlashCommand | UrlVerification | RateLimited
Json = Mapping[str, Any]


def read(kind: Kind, payload: Json) -> Payload:
    """The payload as a value. Raises Malformed."""
    return READERS[kind](payload)


def is_goodbye(payload: Payload) -> bool:
    """Whether it tells that an installation ends: then it may well be gone already."""
    return isinstance(payload, Event) and payload.name in ("app_uninstalled", "tokens_revoked")


# --- interactivity ---------------------------------------------------------------------------------------------------


def _interactive(payload: Json) -> Payload:
    name = _text(payload, "type", most=NAME_MAX)
    if read_one := INTERACTIONS.get(name):
        return read_one(payload)
    return Callback(source=_source(payload), name=name)


def _clicks(payload: Json) -> Clicks:
    place = _place(payload)
    used = payload.get("actions")
    if not isinstance(used, list) or not 1 <= len(used) <= CLICKS_MAX:
        raise Malformed("actions is no list of actions")
    return Clicks(
        source=_source(payload),
        sender=_sender(payload),
        place=place,
        clicks=tuple(_click(action, place) for action in used),
        response_url=_optional(payload, "response_url", most=URL_MAX),
        trigger_id=_optional(payload, "trigger_id", most=200),
        view=_view(payload) if _id(_object(payload, "view"), "id") else None,
    )


def _submission(payload: Json) -> Submission:
    return Submission(
        source=_source(payload),
        sender=_sender(payload),
        view=_view(payload),
        trigger_id=_optional(payload, "trigger_id", most=200),
    )


def _closed(payload: Json) -> Closed:
    return Closed(source=_source(payload), sender=_sender(payload), view=_view(payload))


def _options_query(payload: Json) -> OptionsQuery:
    block_id = _optional(payload, "block_id", most=255)
    return OptionsQuery(
        source=_source(payload),
        sender=_sender(payload),
        action_id=_text(payload, "action_id", most=255),
        typed=_optional(payload, "value", most=VALUE_MAX),
        issue=issue_seen(block_id),
        view=_view(payload) if _id(_object(payload, "view"), "id") else None,
    )


INTERACTIONS: dict[str, Callable[[Json], Payload]] = {
    "block_actions": _clicks,
    "view_submission": _submission,
    "view_closed": _closed,
    "block_suggestion": _options_query,
}


def _view(payload: Json) -> ViewSeen:
    view = _object(payload, "view")
    view_id = _id(view, "id")
    if not view_id:
        raise Malformed("no view")
    return ViewSeen(
        id=view_id,
        form=_optional(view, "callback_id", most=255),
        key=_optional(view, "private_metadata", most=3000),
        hash=_optional(view, "hash", most=100),
        fields=_fields(view.get("blocks")),
        values=_values(_object(_object(view, "state"), "values")),
    )


def _fields(blocks: object) -> frozenset[str]:
    shown = blocks if isinstance(blocks, list) else []
    return frozenset(_optional(block, "block_id", most=255) for block in shown if isinstance(block, dict))


def _values(by_block: Json) -> dict[str, str]:
    """Our blocks have one element each. Slack says what it holds under a name of the element's type."""
    values: dict[str, str] = {}
    for block_id, by_action in list(by_block.items())[:CLICKS_MAX]:
        elements = list(by_action.values()) if isinstance(by_action, dict) else []
        if elements and isinstance(elements[0], dict) and (value := _value_of(elements[0])):
            values[block_id] = value
    return values


def _value_of(element: Json) -> str:
    """What was chosen, typed or picked, as text; a moment as Unix seconds. Empty when nothing was."""
    if chosen := _object(element, "selected_option"):
        return _optional(chosen, "value", most=VALUE_MAX)
    moment = _whole(element.get("selected_date_time"))
    return str(moment) if moment else _optional(element, "value", most=TYPED_MAX)


def _click(action: object, place: Place) -> Click:
    if not isinstance(action, dict):
        raise Malformed("an action is no object")
    value = _optional(action, "value", most=TYPED_MAX)
    block_id = _optional(action, "block_id", most=255)
    seen = issue_seen(value)
    return Click(
        action_id=_text(action, "action_id", most=255),
        block_id=block_id,
        value=value,
        chosen=_optional(_object(action, "selected_option"), "value", most=VALUE_MAX),
        action_ts=_optional(action, "action_ts", most=40),
        issue=seen if seen.id else issue_seen(block_id),
        place=place,
    )


def issue_seen(value: str) -> IssueSeen:
    """What a button's value or a row's block_id carries: JSON with `issue` and, where it is known, the version `v`."""
    try:
        carried = json.loads(value)
    except (ValueError, RecursionError):
        return IssueSeen()
    if not isinstance(carried, dict):
        return IssueSeen()
    return IssueSeen(
        id=_whole(carried.get("issue")) or 0,
        version=_whole(carried.get("v")),
        undo=_whole(carried.get("undo")) or 0,
    )


def _whole(value: object) -> int | None:
    """A number that a row can have. JSON's true is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= BIGINT_MAX else None


def _place(payload: Json) -> Place:
    container = _object(payload, "container")
    message = _object(payload, "message")
    return Place(
        channel=_id(container, "channel_id") or _nested_id(payload, "channel"),
        ts=_id(container, "message_ts") or _id(message, "ts"),
        thread_ts=_id(container, "thread_ts") or _id(message, "thread_ts"),
        view_id=_id(container, "view_id") or _nested_id(payload, "view"),
        is_ephemeral=container.get("is_ephemeral") is True,
        is_unfurl=container.get("is_app_unfurl") is True,
    )


# --- events and commands ---------------------------------------------------------------------------------------------


def _event(payload: Json) -> Payload:
    name = _text(payload, "type", most=NAME_MAX)
    return OUTER_EVENTS.get(name, _other_event)(payload)


def _url_verification(payload: Json) -> Payload:
    return UrlVerification(challenge=_text(payload, "challenge", most=1000))


def _rate_limited(payload: Json) -> Payload:
    return RateLimited(team_id=_id(payload, "team_id"), minute=_whole(payload.get("minute_rate_limited")) or 0)


def _event_callback(payload: Json) -> Payload:
    event = payload.get("event")
    if not isinstance(event, dict):
        raise Malformed("event is no object")
    return Event(
        source=_source(payload),
        name=_text(event, "type", most=NAME_MAX),
        event_id=_optional(payload, "event_id", most=40),
    )


def _other_event(payload: Json) -> Payload:
    return Event(source=_source(payload), name=_text(payload, "type", most=NAME_MAX))


OUTER_EVENTS: dict[str, Callable[[Json], Payload]] = {
    "url_verification": _url_verification,
    "app_rate_limited": _rate_limited,
    "event_callback": _event_callback,
}


def _command(payload: Json) -> Payload:
    if not _id(payload, "team_id"):
        raise Malformed("a command without team_id")
    return SlashCommand(
        source=_source(payload),
        sender=Sender(id=_id(payload, "user_id"), name=_optional(payload, "user_name", most=NAME_MAX)),
        name=_text(payload, "command", most=NAME_MAX),
        text=_optional(payload, "text", most=10_000),
        channel=_id(payload, "channel_id"),
    )


READERS: dict[Kind, Callable[[Json], Payload]] = {
    Kind.INTERACTIVE: _interactive,
    Kind.EVENT: _event,
    Kind.COMMAND: _command,
}


# --- who, and for which installation ---------------------------------------------------------------------------------


def _sender(payload: Json) -> Sender:
    user = _object(payload, "user")
    user_id = _id(user, "id")
    if not user_id:
        raise Malformed("no user")
    shown = user.get("username") or user.get("name")
    return Sender(id=user_id, name=shown[:NAME_MAX] if isinstance(shown, str) else "")


def _source(payload: Json) -> Source:
    """The first that is said of: the view's installation, the event's authorization, the team.

    The user's own team never decides: in a shared channel it is another company's.
    """
    authorization = _first(payload.get("authorizations"))
    return Source(
        team_id=_id(_object(payload, "view"), "app_installed_team_id")
        or _id(authorization, "team_id")
        or _nested_id(payload, "team"),
        enterprise_id=_id(authorization, "enterprise_id")
        or _nested_id(payload, "enterprise")
        or _id(_object(payload, "team"), "enterprise_id"),
        is_org_wide=any(_is_true(each.get("is_enterprise_install")) for each in (authorization, payload)),
    )


def _is_true(value: object) -> bool:
    """JSON has a bool; a command's form has the word."""
    return value is True or value == "true"


def _first(value: object) -> Json:
    return value[0] if isinstance(value, list) and value and isinstance(value[0], dict) else {}


# --- fields ----------------------------------------------------------------------------------------------------------


def _object(holder: Json, name: str) -> Json:
    """The object of that name; empty when it is null, absent or something else (a flat id)."""
    value = holder.get(name)
    return value if isinstance(value, dict) else {}


def _nested_id(payload: Json, name: str) -> str:
    """`{name: {"id": …}}`, `{name: "…"}` or `{name_id: "…"}`."""
    value = payload.get(name)
    return _id(_object(payload, name), "id") or (
        _id(payload, name) if isinstance(value, str) else _id(payload, f"{name}_id")
    )


def _id(holder: Json, name: str) -> str:
    """An id or a ts; empty when there is none."""
    value = holder.get(name)
    if value is None or value == "":
        return ""
    if not isinstance(value, str) or not ID.fullmatch(value):
        raise Malformed(f"{name} is no id")
    return value


def _text(holder: Json, name: str, *, most: int) -> str:
    text = _optional(holder, name, most=most)
    if not text:
        raise Malformed(f"no {name}")
    return text


def _optional(holder: Json, name: str, *, most: int) -> str:
    """A text that a database can store, of at most `most` characters; empty when there is none."""
    value = holder.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > most:
        raise Malformed(f"{name} is no text of at most {most} characters")
    if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise Malformed(f"{name} holds what is no character")
    return value
