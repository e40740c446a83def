"""JSON as SDKs really send it.

The fast parser refuses lone surrogates, NaN, numbers beyond 64 bits, bytes that are not UTF-8, and deep nesting. Real programs
send all of them in the very events that somebody has to see. So what the fast parser refuses is read again, slowly: odd numbers
become floats or text, broken bytes become U+FFFD, and what is nested deeper than DEPTH_MAX is cut out.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from typing import Any

import msgspec

from tocsin.intake.limits import DEPTH_MAX, DIGITS_MAX
from tocsin.intake.refusals import Malformed

TOO_DEEP = '"[nested too deep]"'

# A string (to its end, or to the end of all when it has none) or a bracket. Possessive: linear on any input.
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[\[{]|[\]}]', re.DOTALL)


_PLAIN_ID = re.compile(r"[0-9a-f]{32}")


class _Peek(msgspec.Struct):
    event_id: msgspec.Raw = msgspec.Raw(b"null")


_peek = msgspec.json.Decoder(_Peek)
_decode = msgspec.json.Decoder()


def decode_json(raw: bytes) -> Any:
    """The value. Raises Malformed when it is not JSON by any reading.

    Strings may hold NUL and lone surrogates, floats may be NaN and infinite.
    """
    try:
        return _decode.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _decode_slowly(raw)


def _decode_slowly(raw: bytes) -> Any:
    text = raw.decode("utf-8-sig", "replace")
    try:
        return json.loads(text, strict=False, parse_int=_integer)
    except RecursionError:
        pass  # then without its depths
    except ValueError as error:
        raise _not_json(error) from error
    try:
        return json.loads(_shallow(text), strict=False, parse_int=_integer)
    except (ValueError, RecursionError) as error:
        raise _not_json(error) from error


def _not_json(error: Exception) -> Malformed:
    return Malformed(f"This is not JSON: {str(error)[:100]}")


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= DIGITS_MAX else digits


def _shallow(text: str) -> str:
    """The text with every array and object that lies deeper than DEPTH_MAX replaced by a word about it."""
    kept: list[str] = []
    depth = start = 0
    for token in _TOKEN.finditer(text):
        first = token[0][0]
        if first in "[{":
            depth += 1
            if depth == DEPTH_MAX + 1:
                kept += (text[start : token.start()], TOO_DEEP)
        elif first in "]}":
            if depth == DEPTH_MAX + 1:
                start = token.end()
            depth -= 1
    kept.append(text[start:] if depth <= DEPTH_MAX else "")
    return "".join(kept)


def decode_object(raw: bytes, what: str) -> dict[str, Any]:
    """A JSON object. Raises Malformed, naming `what`."""
    value = decode_json(raw)
    if not isinstance(value, dict):
        raise Malformed(f"{what} is not a JSON object.")
    return value


def event_id_inside(raw: bytes) -> str | None:
    """The id that an event's JSON says it has, if any; raises Malformed when the bytes are no JSON object.

    The rest of a well-behaved event is only skipped through, not built.
    """
    try:
        value: Any = _decode.decode(_peek.decode(raw).event_id)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        value = decode_object(raw, "The event").get("event_id")
    return event_id(value)


def event_id(value: object) -> str | None:
    """32 lower-case hex digits for any spelling of a UUID; for any other text, a digest of it; else None.

    The same odd id thus always gives the same result, and an event that is sent twice is stored once, whatever its id looks like.
    """
    if not isinstance(value, str) or not value.strip():
        return None
    if _PLAIN_ID.fullmatch(value):
        return value
    try:
        return uuid.UUID(value.strip()).hex
    except ValueError:
        return hashlib.blake2b(value.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
