"""Envelopes: a header line, then items, each a header line and a payload. Pure, and streaming: it holds one item at a time.

An item's payload is as long as its header's `length` says and a newline follows; without `length` it ends at the newline. Both may
end with the body instead. Blank lines between items are passed over.

**An envelope is taken whole or refused whole.** When one item cannot be read, there is no telling where the next one begins, and
an answer of 200 would bury what was lost; the reason in a 400 is for the SDK's log.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tocsin.intake.limits import EVENT_MAX, HEADER_MAX, ITEMS_MAX
from tocsin.intake.odd_json import decode_object
from tocsin.intake.refusals import Malformed, TooLarge

KEPT = frozenset({"event"})  # whose payload is wanted; any other item is only passed over


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One item. `payload` is empty for the kinds that nobody keeps."""

    kind: str
    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """The header, read; the items, yet to be read. Iterating raises Malformed and TooLarge, and what reading the body raises."""

    header: dict[str, Any]
    items: Iterator[Item]


def open_envelope(pieces: Iterable[bytes]) -> Envelope:
    """Read the header only, for the key may be in it. Raises Malformed and TooLarge."""
    source = _Source(pieces)
    if source.is_at_end():
        raise Malformed("The body is empty.")
    header = decode_object(source.line(HEADER_MAX, "The envelope's header"), "The envelope's header")
    return Envelope(header=header, items=_items(source))


def _items(source: _Source) -> Iterator[Item]:
    for number in range(1, ITEMS_MAX + 2):
        if not source.skip_blank_lines():
            return
        if number > ITEMS_MAX:
            raise TooLarge(f"The envelope has more than {ITEMS_MAX} items.")
        yield _item(source, f"Item {number}")


def _item(source: _Source, name: str) -> Item:
    header = decode_object(source.line(HEADER_MAX, f"{name}'s header"), f"{name}'s header")
    kind = header.get("type")
    if not isinstance(kind, str) or not kind:
        raise Malformed(f"{name} does not say its type.")
    length = header.get("length")
    if length is None:
        payload = source.line(EVENT_MAX, f"{name}, an event,") if kind in KEPT else source.pass_line()
    elif not isinstance(length, int) or isinstance(length, bool) or length < 0:
        raise Malformed(f"{name} has a length that is no number of bytes.")
    else:
        payload = _payload_of(source, length, name, is_kept=kind in KEPT)
    return Item(kind=kind, payload=payload)


def _payload_of(source: _Source, length: int, name: str, *, is_kept: bool) -> bytes:
    if is_kept and length > EVENT_MAX:
        raise TooLarge(f"{name}, an event, has more than {EVENT_MAX:,} bytes.")
    payload = source.take(length, name) if is_kept else source.pass_over(length, name)
    if not source.ends_line():
        raise Malformed(f"{name} goes on after the {length:,} bytes that its header promises.")
    return payload


class _Source:
    """Bytes that come in pieces, read by line and by length. It holds what was asked for, and the rest of one piece."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._held = bytearray()

    def _grow(self) -> bool:
        piece = next(self._pieces, None)
        self._held += piece or b""
        return piece is not None

    def is_at_end(self) -> bool:
        while not self._held:
            if not self._grow():
                return True
        return False

    def _cut(self, size: int) -> bytes:
        cut = bytes(self._held[:size])
        del self._held[:size]
        return cut

    def line(self, most: int, what: str) -> bytes:
        """To the next newline, which is dropped, or to the end. Raises TooLarge when it has more than `most` bytes."""
        searched = 0
        while (end := self._held.find(b"\n", searched)) < 0 and len(self._held) <= most:
            searched = len(self._held)
            if not self._grow():
                return self._cut(searched)
        if end < 0 or end > most:
            raise TooLarge(f"{what} has more than {most:,} bytes.")
        return self._cut(end + 1)[:-1]

    def pass_line(self) -> bytes:
        """As `line`, of any length, and thrown away."""
        while (end := self._held.find(b"\n")) < 0:
            self._held.clear()
            if not self._grow():
                return b""
        del self._held[: end + 1]
        return b""

    def ends_line(self) -> bool:
        """Whether a newline, which is dropped, or the end comes next."""
        return self.is_at_end() or self._cut(1) == b"\n"

    def skip_blank_lines(self) -> bool:
        """Whether something follows that is no blank line."""
        while not self.is_at_end():
            rest = self._held.lstrip(b"\r\n")
            if rest:
                self._held = rest
                return True
            self._held.clear()
        return False

    def take(self, size: int, what: str) -> bytes:
        while len(self._held) < size:
            if not self._grow():
                raise Malformed(
                    f"{what} should have {size:,} bytes, and the body ends after {len(self._held):,} of them."
                )
        return self._cut(size)

    def pass_over(self, size: int, what: str) -> bytes:
        """As `take`, thrown away."""
        left = size
        while len(self._held) < left:
            left -= len(self._held)
            self._held.clear()
            if not self._grow():
                raise Malformed(f"{what} should have {size:,} bytes, and {left:,} of them are missing.")
        del self._held[:left]
        return b""
