"""An SDK's JSON → as much of the Event as digesting needs, in a tenth of the time. Pure.

Nearly all of an event is variables, source lines, breadcrumbs and modules, which decide nothing. So the parser passes over them,
and what it does read becomes the same values that `normalise` would have made, by the same functions. The rest of an event is
read when somebody asks for it: a rule, a message.

What is not built as current SDKs build it is not read here at all: `glance` raises NotPlain, and `normalise` does it. A test holds
the two together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from tocsin.intake import normalise, stacks
from tocsin.intake.caps import (
    CULPRIT_MAX,
    ENVIRONMENT_MAX,
    EXCEPTIONS_MAX,
    FRAMES_MAX,
    LINE_MAX,
    NAME_MAX,
    PATH_MAX,
    PLATFORM_MAX,
    VALUE_MAX,
)
from tocsin.intake.plain import as_object, as_time, both_ends, said, text
from tocsin.intake.scrub import scrub_source
from tocsin.issues.event import Event, ExceptionValue, Frame, Level

NULL = Raw(b"null")


class NotPlain(Exception):
    """It is none of the shapes that are read here."""


# --- what is read ----------------------------------------------------------------------------------------------------


class _Frame(Struct):
    function: str | None = None
    module: str | None = None
    filename: str | None = None
    abs_path: str | None = None
    context_line: str | None = None
    in_app: bool | None = None


class _Stack(Struct):
    frames: list[_Frame | None] | None = None


class _Mechanism(Struct):
    type: str | None = None


class _Exception(Struct):
    type: str | None = None
    value: str | None = None
    mechanism: _Mechanism | None = None
    stacktrace: _Stack | None = None


class _Exceptions(Struct):
    values: list[_Exception | None] | UnsetType | None = UNSET


class _Glance(Struct):
    exception: _Exceptions | None = None
    logentry: Any = None
    message: Any = None
    timestamp: Any = None
    transaction: Any = None
    culprit: Any = None
    level: Any = None
    platform: Any = None
    logger: Any = None
    release: Any = None
    environment: Any = None
    fingerprint: Any = None
    user: Any = None
    tags: Raw = NULL
    request: Raw = NULL
    # What makes it another's task when it is there.
    csp: Raw = NULL
    stacktrace: Raw = NULL
    threads: Raw = NULL
    former_exception: Raw = msgspec.field(default=NULL, name="sentry.interfaces.Exception")
    former_message: Raw = msgspec.field(default=NULL, name="sentry.interfaces.Message")
    former_stack: Raw = msgspec.field(default=NULL, name="sentry.interfaces.Stacktrace")
    former_user: Raw = msgspec.field(default=NULL, name="sentry.interfaces.User")
    former_request: Raw = msgspec.field(default=NULL, name="sentry.interfaces.Http")


_decoder = msgspec.json.Decoder(_Glance)
_decode = msgspec.json.Decoder().decode


# --- what it becomes -------------------------------------------------------------------------------------------------

# Read by itself, when asked for: what rules and filters look at.
PARTS: dict[str, Callable[[Any], Any]] = {
    "tags": normalise.tags_of,
    "request": lambda raw: normalise.request_of(as_object(raw)),
}


class LightEvent(Event):
    """An Event of which only some is there. The rest comes when it is asked for, and stays."""

    __slots__ = ("_parts", "_whole")

    def __init__(self, light: Mapping[str, Any], parts: Mapping[str, Raw], whole: Callable[[], Event]) -> None:
        for name, value in light.items():
            object.__setattr__(self, name, value)
        object.__setattr__(self, "_parts", parts)
        object.__setattr__(self, "_whole", whole)

    def __getattr__(self, name: str) -> Any:
        """Called for what is not there yet."""
        if name not in NAMES:
            raise AttributeError(name)
        if name in PARTS and self._read(name):
            return getattr(self, name)
        event = self._whole()
        for each in NAMES:
            if not self._has(each):
                object.__setattr__(self, each, getattr(event, each))
        return getattr(self, name)

    def _read(self, name: str) -> bool:
        """Whether the part could be read by itself."""
        try:
            raw = _decode(self._parts[name])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return False
        object.__setattr__(self, name, PARTS[name](raw))
        return True

    def _has(self, name: str) -> bool:
        """Whether it is there, without asking for it."""
        try:
            object.__getattribute__(self, name)
        except AttributeError:
            return False
        return True


NAMES = frozenset(field.name for field in fields(Event))


@dataclass(frozen=True, slots=True, kw_only=True)
class Glimpse:
    """`event`, for everybody. `outline` is the same, with stacks of which nothing is true but what grouping reads of them."""

    event: Event
    outline: Event


def glance(raw: bytes, *, accepted_at: datetime, event_id: str, address: str, whole: Callable[[], Event]) -> Glimpse:
    """What deciding needs. `whole()` is the whole event, for whoever asks for more. Raises NotPlain."""
    try:
        seen = _decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise NotPlain from error
    chained = _chained(seen)
    if any(map(_is_there, (seen.csp, seen.former_message, seen.former_user, seen.former_request))):
        raise NotPlain
    if b"PRIVATE KEY" in raw:
        raise NotPlain  # it may lie across the lines of a source
    message, template = normalise.message_of({"logentry": seen.logentry, "message": seen.message})
    if normalise.said_with_stack(chained, message):
        raise NotPlain
    transaction = said(seen.transaction, NAME_MAX)
    where = normalise.where_of(chained, ())
    light = {
        "event_id": event_id,
        "accepted_at": accepted_at,
        "timestamp": as_time(seen.timestamp) or accepted_at,
        "type": "error" if chained else "message",
        "title": normalise.title_of(chained, {}, message, where),
        "culprit": text(transaction or where or said(seen.culprit, CULPRIT_MAX), CULPRIT_MAX),
        "level": normalise.LEVELS.get(text(seen.level).strip().lower(), Level.ERROR),
        "platform": text(seen.platform, PLATFORM_MAX) or "other",
        "logger": text(seen.logger),
        "message": message,
        "message_template": template,
        "fingerprint": normalise.fingerprint_of(seen.fingerprint),
        "transaction": transaction,
        "release": text(seen.release).strip(),
        "environment": text(seen.environment, ENVIRONMENT_MAX).strip(),
        "user": normalise.user_of(as_object(seen.user), address),
        "csp": {},
    }
    parts = {"tags": seen.tags.copy(), "request": seen.request.copy()}
    outline = LightEvent({**light, "exceptions": chained, "stacktrace": ()}, parts, whole)
    return Glimpse(event=LightEvent(light, parts, whole), outline=outline)


def _is_there(raw: Raw) -> bool:
    return bytes(raw) != b"null"


# --- stacks ----------------------------------------------------------------------------------------------------------

Found = tuple[_Exception, list[tuple[_Frame, bool | None]]]  # and whether each frame is the program's own


def _chained(seen: _Glance) -> tuple[ExceptionValue, ...]:
    """The chain as `stacks.exceptions` gives it, of its frames what grouping and the culprit need."""
    if _is_there(seen.former_exception):
        raise NotPlain
    found = [_found(exception) for exception in both_ends(_sent(seen.exception), EXCEPTIONS_MAX)]
    others = _is_there(seen.threads) or _is_there(seen.stacktrace) or _is_there(seen.former_stack)
    if others and not (found and found[-1][1]):
        raise NotPlain  # whose stack it is has to be found out
    only_own = any(is_own for _, frames in found for _, is_own in frames)
    made = [_exception(exception, frames, only_own=only_own) for exception, frames in found]
    return tuple(exception for exception in made if exception.type or exception.value or exception.frames)


def _sent(exceptions: _Exceptions | None) -> list[_Exception]:
    if exceptions is None:
        return []
    if exceptions.values is UNSET:
        raise NotPlain  # one exception by itself
    return [exception for exception in exceptions.values or () if exception is not None]


def _found(exception: _Exception) -> Found:
    sent = exception.stacktrace.frames if exception.stacktrace is not None else None
    frames = both_ends([frame for frame in sent or () if frame is not None], FRAMES_MAX)
    return exception, [(frame, _is_own(frame)) for frame in frames]


def _is_own(frame: _Frame) -> bool | None:
    if frame.in_app is not None:
        return frame.in_app
    path = text(frame.abs_path, PATH_MAX) or text(frame.filename, PATH_MAX)
    return stacks.is_the_programs_own(path, text(frame.module))


def _exception(raw: _Exception, frames: list[tuple[_Frame, bool | None]], *, only_own: bool) -> ExceptionValue:
    """Frames of libraries have no line where they do not count."""
    return ExceptionValue(
        type=text(raw.type),
        value=said(raw.value, VALUE_MAX),
        mechanism=text(raw.mechanism.type) if raw.mechanism is not None else "",
        frames=tuple(_frame(frame, is_own, with_line=bool(is_own) or not only_own) for frame, is_own in frames),
    )


def _frame(raw: _Frame, is_own: bool | None, *, with_line: bool) -> Frame:
    line = raw.context_line if with_line else ""
    return _same_frame(
        (raw.function or "")[: NAME_MAX + 1],
        (raw.module or "")[: NAME_MAX + 1],
        (raw.filename or "")[: PATH_MAX + 1],
        (raw.abs_path or "")[: PATH_MAX + 1],
        is_own,
        (line or "")[: LINE_MAX + 1],
    )


@lru_cache(maxsize=4096)
def _same_frame(function: str, module: str, filename: str, abs_path: str, is_own: bool | None, line: str) -> Frame:
    """The same frames come again and again. What is given has been cut behind its cap, so that little is remembered."""
    return Frame(
        function=text(function),
        module=text(module),
        filename=text(filename, PATH_MAX),
        abs_path=text(abs_path, PATH_MAX),
        in_app=is_own,
        context_line=_line(line) if line else "",
    )


def _line(sent: str) -> str:
    """Without secrets, as `stacks` has it."""
    line = text(sent, LINE_MAX).replace("\n", " ")
    clean = scrub_source(line)
    return line if clean == line else text(clean, LINE_MAX)
