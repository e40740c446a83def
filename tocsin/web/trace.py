"""A stack as a person reads it: newest call first, library calls folded, recursion said once. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from tocsin.issues.event import Event, ExceptionValue, Frame

LONGEST_CYCLE = 4  # calls that take turns in a recursion: a calls b calls c calls d calls a
FEWEST_TURNS = 3  # a cycle is folded when it comes round at least so often


class Fold(StrEnum):
    """How a part of the stack is shown."""

    OPEN = "open"  # one call, with its source
    LIBRARY = "library"  # calls into other people's code, folded together
    RECURSION = "recursion"  # calls that come round and round, shown for one turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    number: int | None
    text: str
    is_current: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One frame, with the source around it; `lines` is empty when the SDK sent none."""

    frame: Frame
    lines: tuple[Line, ...] = ()

    @property
    def file(self) -> str:
        return self.frame.filename or self.frame.abs_path or self.frame.module or "unknown file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    fold: Fold
    calls: tuple[Call, ...]
    turns: int = 1  # of a recursion

    @property
    def call(self) -> Call:
        """The only call of an open part; of others the newest."""
        return self.calls[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """One exception of the chain and its stack."""

    exception: ExceptionValue
    parts: tuple[Part, ...]
    is_cause: bool  # it stands below another that came of it


def raised(event: Event) -> tuple[Raised, ...]:
    """The event's exceptions, the outermost first, each with its folded stack."""
    return tuple(
        Raised(exception=exception, parts=fold(exception.frames), is_cause=position > 0)
        for position, exception in enumerate(reversed(event.exceptions))
    )


def fold(frames: Sequence[Frame]) -> tuple[Part, ...]:
    """Parts, newest call first, of frames that come oldest first, as SDKs send them.

    Where the SDK marks no call as the program's own, the newest one is open: something must be.
    """
    newest_first = list(reversed(frames))
    own = {id(frame) for frame in newest_first if frame.in_app} or {id(frame) for frame in newest_first[:1]}
    parts: list[Part] = []
    for is_own, run in groupby(_turns(newest_first), key=lambda part: part.turns > 1 or id(part.call.frame) in own):
        members = tuple(run)
        parts.extend(members if is_own else [_folded(members)])
    return tuple(parts)


def _folded(members: tuple[Part, ...]) -> Part:
    return Part(fold=Fold.LIBRARY, calls=tuple(call for part in members for call in part.calls))


def _turns(frames: list[Frame]) -> Iterator[Part]:
    """Every call as a part of its own, but each recursion as one part."""
    position = 0
    while position < len(frames):
        cycle, turns = _recursion(frames, position)
        calls = tuple(_call(frame) for frame in frames[position : position + cycle])
        yield Part(fold=Fold.RECURSION if turns > 1 else Fold.OPEN, calls=calls, turns=turns)
        position += cycle * turns


def _recursion(frames: list[Frame], start: int) -> tuple[int, int]:
    """(calls in the cycle, turns) of the recursion that begins at `start`; (1, 1) if none does."""
    for cycle in range(1, LONGEST_CYCLE + 1):
        turns = 1
        while _same(frames, start, start + turns * cycle, cycle):
            turns += 1
        if turns >= FEWEST_TURNS:
            return cycle, turns
    return 1, 1


def _same(frames: list[Frame], one: int, other: int, length: int) -> bool:
    if other + length > len(frames):
        return False
    return all(_place(frames[one + step]) == _place(frames[other + step]) for step in range(length))


def _place(frame: Frame) -> tuple[str, str, str, int | None]:
    return (frame.module, frame.filename, frame.function, frame.lineno)


def _call(frame: Frame) -> Call:
    if not (frame.context_line or frame.pre_context or frame.post_context):
        return Call(frame=frame)
    texts = (*frame.pre_context, frame.context_line, *frame.post_context)
    current = len(frame.pre_context)
    lines = tuple(
        Line(
            number=None if frame.lineno is None else frame.lineno + offset - current,
            text=text,
            is_current=offset == current,
        )
        for offset, text in enumerate(texts)
    )
    return Call(frame=frame, lines=lines)
