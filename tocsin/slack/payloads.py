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

from tocsin.slack.cards import Style

ID = re.compile(r"[A-Za-z0-9._:-]{1,40}")
NAME_MAX = 100
URL_MAX = 1000
VALUE_MAX = 2000
SAID_MAX = 6_000  # of a message that somebody comments with
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
TYPED_MAX = 12_000  # what somebody types: more than any field takes, so that the field can say so
CLICKS_MAX = 100
LINKS_MAX = 20
COMPOSER = "COMPOSER"  # the channel of what somebody is writing
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
    """Elements of one message or view that one person used: `block_actions`, or `interactive_message` in attachments.

    `is_message`: a message of an app with attachments, seen by all; not an unfurl, nor one that only they see.
    """

    source: Source
    sender: Sender
    place: Place
    clicks: tuple[Click, ...]
    style: Style = Style.BLOCKS
    is_message: bool = False
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
class DialogSubmission:
    """A dialog of old that somebody submitted: `dialog_submission`. What was left empty is not among the values."""

    source: Source
    sender: Sender
    place: Place
    callback_id: str
    state: str
    values: Mapping[str, str]
    action_ts: str = ""
    response_url: str = ""  # its own: what it says is for them alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """A modal that somebody closed without submitting it: `view_closed`."""

    source: Source
    sender: Sender
    view: ViewSeen


class Dialect(StrEnum):
    """In which form the entries of a menu are answered."""

    BLOCKS = "blocks"
    ATTACHMENTS = "attachments"
    DIALOG = "dialog"


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionsQuery:
    """Somebody types into a menu whose options we have: `block_suggestion`, `dialog_suggestion`, or `interactive_message`
    without actions.
    """

    source: Source
    sender: Sender
    action_id: str
    typed: str
    issue: IssueSeen
    dialect: Dialect = Dialect.BLOCKS
    view: ViewSeen | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A message that somebody wrote: Slack's own escaped text. `user_id` is empty for an app, `name` is what it calls itself."""

    text: str = ""
    user_id: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortcut:
    """A shortcut that somebody chose: by the composer (`shortcut`, without a place), or on a message (`message_action`)."""

    source: Source
    sender: Sender
    name: str  # callback_id
    trigger_id: str
    place: Place = Place()
    said: Said = Said()
    response_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """Interactivity of a kind that nothing handles: what Slack invents next."""

    source: Source
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event of the Events API, by its type."""

    source: Source
    name: str
    event_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinksShared:
    """Somebody has posted links of ours, or is writing them (`unfurl_id`, and no message yet): `link_shared`. The addresses are
    as Slack names them, which is how it wants to hear of them again.
    """

    source: Source
    sender: Sender
    place: Place
    urls: tuple[str, ...]
    unfurl_id: str = ""  # of what is being written
    is_connect: bool = False  # in a channel that is shared with another company
    event_id: str = ""
    event_ts: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlashCommand:
    source: Source
    sender: Sender
    name: str
    text: str = ""
    place: Place = Place()
    channel_name: str = ""
    response_url: str = ""
    trigger_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlVerification:
    """Slack asks whether this address is ours."""

    challenge: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimited:
    """Slack held back events of a team, because there were too many in that minute (Unix seconds)."""

    team_id: str
    minute: int


Payload = (
    Clicks
    | Submission
    | DialogSubmission
    | Closed
    | OptionsQuery
    | Shortcut
    | Callback
    | Event
    | LinksShared
    | SlashCommand
    | UrlVerification
    | RateLimited
)
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


# --- attachments and dialogs of old ----------------------------------------------------------------------------------


def _old_message(payload: Json) -> Payload:
    """A click, or, without actions, typing into a menu: the type is the same."""
    return _old_clicks(payload) if "actions" in payload else _old_options_query(payload)


def _old_clicks(payload: Json) -> Clicks:
    place = _old_place(payload)
    used = payload.get("actions")
    if not isinstance(used, list) or not 1 <= len(used) <= CLICKS_MAX:
        raise Malformed("actions is no list of actions")
    about = issue_seen(_optional(payload, "callback_id", most=255))
    action_ts = _optional(payload, "action_ts", most=40)
    return Clicks(
        source=_source(payload),
        sender=_sender(payload),
        place=place,
        clicks=tuple(_old_click(action, about, action_ts, place) for action in used),
        style=Style.ATTACHMENTS,
        is_message=not place.is_unfurl and _object(payload, "original_message").get("type") == "message",
        response_url=_optional(payload, "response_url", most=URL_MAX),
        trigger_id=_optional(payload, "trigger_id", most=200),
    )


def _old_click(action: object, about: IssueSeen, action_ts: str, place: Place) -> Click:
    if not isinstance(action, dict):
        raise Malformed("an action is no object")
    return Click(
        action_id=_text(action, "name", most=255),
        value=_optional(action, "value", most=TYPED_MAX),
        chosen=_optional(_first(action.get("selected_options")), "value", most=VALUE_MAX),
        action_ts=action_ts,
        issue=about,
        place=place,
    )


def _old_place(payload: Json) -> Place:
    original = _object(payload, "original_message")
    is_unfurl = payload.get("is_app_unfurl") is True
    return Place(
        channel=_nested_id(payload, "channel"),
        ts=_id(payload, "message_ts"),
        thread_ts=_id(original, "thread_ts"),
        is_ephemeral=not original and not is_unfurl,
        is_unfurl=is_unfurl,
    )


def _old_options_query(payload: Json) -> OptionsQuery:
    return OptionsQuery(
        source=_source(payload),
        sender=_sender(payload),
        action_id=_text(payload, "name", most=255),
        typed=_optional(payload, "value", most=VALUE_MAX),
        issue=issue_seen(_optional(payload, "callback_id", most=255)),
        dialect=Dialect.DIALOG if payload.get("type") == "dialog_suggestion" else Dialect.ATTACHMENTS,
    )


def _dialog_submission(payload: Json) -> DialogSubmission:
    submitted = payload.get("submission")
    if not isinstance(submitted, dict):
        raise Malformed("submission is no object")
    return DialogSubmission(
        source=_source(payload),
        sender=_sender(payload),
        place=Place(channel=_nested_id(payload, "channel")),
        callback_id=_optional(payload, "callback_id", most=255),
        state=_optional(payload, "state", most=3000),
        values={name: value for name in list(submitted)[:10] if (value := _optional(submitted, name, most=TYPED_MAX))},
        action_ts=_optional(payload, "action_ts", most=40),
        response_url=_optional(payload, "response_url", most=URL_MAX),
    )


# --- shortcuts -------------------------------------------------------------------------------------------------------


def _shortcut(payload: Json) -> Shortcut:
    message = _object(payload, "message")
    return Shortcut(
        source=_source(payload),
        sender=_sender(payload),
        name=_text(payload, "callback_id", most=255),
        trigger_id=_text(payload, "trigger_id", most=200),
        place=Place(
            channel=_nested_id(payload, "channel"),
            ts=_id(payload, "message_ts") or _id(message, "ts"),
            thread_ts=_id(message, "thread_ts"),
        ),
        said=Said(
            text=_shown(message, "text", SAID_MAX),
            user_id=_id(message, "user"),
            name=_shown(message, "username", NAME_MAX),
        ),
        response_url=_optional(payload, "response_url", most=URL_MAX),
    )


def _shown(holder: Json, name: str, most: int) -> str:
    """Text that is only to be shown: what no database stores is left out, and what is too long is cut."""
    value = holder.get(name)
    return UNSTORABLE.sub("", value)[:most] if isinstance(value, str) else ""


INTERACTIONS: dict[str, Callable[[Json], Payload]] = {
    "shortcut": _shortcut,
    "message_action": _shortcut,
    "interactive_message": _old_message,
    "dialog_submission": _dialog_submission,
    "dialog_suggestion": _old_options_query,
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
    """What was chosen, typed or picked, as text; a moment as Unix seconds, several choices with commas between them. Empty when
    nothing was.
    """
    if chosen := _object(element, "selected_option"):
        return _optional(chosen, "value", most=VALUE_MAX)
    if isinstance(several := element.get("selected_options"), list):
        chosen_values = (
            _optional(each, "value", most=VALUE_MAX) for each in several[:CLICKS_MAX] if isinstance(each, dict)
        )
        return ",".join(value for value in chosen_values if value)
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
    name = _text(event, "type", most=NAME_MAX)
    if read_one := EVENTS.get(name):
        return read_one(payload, event)
    return Event(source=_source(payload), name=name, event_id=_optional(payload, "event_id", most=40))


def _links_shared(payload: Json, event: Json) -> Payload:
    told = event.get("links")
    links = told if isinstance(told, list) else []
    channel = _optional(event, "channel", most=40)
    is_written = event.get("source") == "composer" or channel == COMPOSER
    ts = "" if is_written else _id(event, "message_ts")
    return LinksShared(
        source=_source(payload),
        sender=Sender(id=_id(event, "user")),
        place=Place(channel="" if is_written else _id(event, "channel"), ts=ts, thread_ts=_id(event, "thread_ts")),
        urls=tuple(_text(link, "url", most=URL_MAX) for link in links[:LINKS_MAX] if isinstance(link, dict)),
        unfurl_id=_optional(event, "unfurl_id", most=200) if is_written else "",
        is_connect=payload.get("is_ext_shared_channel") is True,
        event_id=_optional(payload, "event_id", most=40),
        event_ts=_optional(event, "event_ts", most=40),
    )


EVENTS: dict[str, Callable[[Json, Json], Payload]] = {"link_shared": _links_shared}


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
        place=Place(channel=_id(payload, "channel_id")),
        channel_name=_shown(payload, "channel_name", NAME_MAX),
        response_url=_optional(payload, "response_url", most=URL_MAX),
        trigger_id=_optional(payload, "trigger_id", most=200),
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
