"""Grouping, version 1. Frozen once released: projects that began with it keep it, so a change here is a new version.

What decides, first that applies: the SDK's fingerprint · the exceptions of the chain with their own frames (of libraries, where the
program has none in it) · types and values with what differs taken out · the message's template · the message with what differs
taken out · where a message without words was logged. Line numbers never decide: code moves.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tocsin.issues.event import Event, ExceptionValue, Frame
from tocsin.issues.grouping.parameterise import parameterise
from tocsin.issues.grouping.places import is_telling, place

DEFAULT = re.compile(r"\{\{\s*default\s*\}\}")
GROUPS = frozenset({"ExceptionGroup", "BaseExceptionGroup", "AggregateError"})
LONGEST_CYCLE = 8  # calls that take turns in a recursion
CHAIN_MAX = 40  # exceptions
_OVERFLOW = re.compile(
    r"^(?:RecursionError|StackOverflow(?:Error|Exception)?)$|^(?:Maximum call stack size exceeded|too much recursion)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the hash is made of, and why these."""

    parts: tuple[str, ...]
    why: str


def parts_of(event: Event) -> Parts:
    if not event.fingerprint:
        return _default(event)
    is_default = [bool(DEFAULT.fullmatch(part.strip())) for part in event.fingerprint]
    if is_default == [True]:
        return _default(event)
    default = _default(event).parts if any(is_default) else ()
    parts: list[str] = []
    for part, stands_for_default in zip(event.fingerprint, is_default, strict=True):
        parts += default if stands_for_default else (part,)
    return Parts(parts=("fingerprint", *parts), why="the SDK's fingerprint")


def _default(event: Event) -> Parts:
    if event.type == "csp":
        blocked = (event.csp.get("directive", ""), event.csp.get("blocked_host", ""))
        return Parts(parts=("csp", *blocked), why="the policy that was broken, and by whom")
    if event.exceptions:
        return _of_exceptions(event.exceptions)
    if event.message_template.strip():
        return Parts(parts=("template", event.message_template.strip()), why="the message's template")
    if event.message.strip() or not event.stacktrace:
        return Parts(parts=("message", parameterise(event.message)), why="the message")
    frames = [frame for frame in event.stacktrace if frame.in_app] or event.stacktrace
    return Parts(parts=("stack", *_described(frames)), why="where it was logged")


def _of_exceptions(exceptions: tuple[ExceptionValue, ...]) -> Parts:
    """One exception of the chain after the other, the first cause first."""
    has_own = any(frame.in_app for exception in exceptions for frame in exception.frames)
    units = [_unit(exception, only_own=has_own) for exception in exceptions[-CHAIN_MAX:]]
    if any(frames for _, frames in units):
        told = [(kind, *frames) for kind, frames in units]
        if any(exception.type in GROUPS for exception in exceptions):
            told = sorted(set(told))  # tasks fail in any order, and any number of them
        parts = [part for unit in told for part in (f"{len(unit)}", *unit)]
        return Parts(
            parts=("exceptions", *parts), why="the stack" if has_own else "the stack, which is of libraries alone"
        )
    said = [part for exception in exceptions for part in (exception.type, parameterise(exception.value))]
    return Parts(parts=("values", *said), why="type and message")


def _unit(exception: ExceptionValue, *, only_own: bool) -> tuple[str, tuple[str, ...]]:
    frames = [frame for frame in exception.frames if frame.in_app] if only_own else exception.frames
    described = _described(frames)
    if _OVERFLOW.match(exception.type) or _OVERFLOW.match(exception.value):
        described = list(dict.fromkeys(described))  # the stack ends wherever it happened to be full
    if described and not any(map(is_telling, described)):
        described.append(
            parameterise(exception.value)
        )  # of a built file: neither names nor lines, so its words must do
    return exception.type or exception.mechanism, tuple(described)


def _described(frames: list[Frame] | tuple[Frame, ...]) -> list[str]:
    return _without_repeats([described for frame in frames if (described := place(frame))])


def _without_repeats(places: list[str]) -> list[str]:
    """a b a b a b c → a b c: a recursion is the same error however deep it went."""
    kept: list[str] = []
    for one in places:
        kept.append(one)
        for length in range(1, min(LONGEST_CYCLE, len(kept) // 2) + 1):
            if kept[-1 - length] == one and kept[-length:] == kept[-2 * length : -length]:
                del kept[-length:]
                break
    return kept
