"""Plain values of hostile JSON: texts, numbers, times, objects and lists, valid, cut, and without secrets. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from tocsin.intake.caps import DEPTH_MAX, ENTRIES_MAX, NAME_MAX, VALUE_MAX
from tocsin.intake.scrub import FILTERED, is_card, is_secret_name, scrub_text

CUT: Final = "…"
BEYOND: Final = 512  # characters behind a cut that are still searched: a secret may lie across it

EXACT = 2**53  # from here on a float, and so a browser, no longer tells whole numbers apart
FIRST_YEAR, LAST_YEAR = 1970, 9000  # years that every time zone and database can show
MILLISECONDS_FROM = 1e11  # seconds since 1970 would be the year 5138
_SURROGATE = re.compile("[\ud800-\udfff]")


def text(value: Any, limit: int = NAME_MAX) -> str:
    """Valid Unicode without NUL, at most `limit` characters; empty for what is no text, number or truth."""
    written: str = value if isinstance(value, str) else _written(value)
    if len(written) > limit:
        written = written[: limit - 1] + CUT
    if written.isascii():
        return written.replace("\0", "") if "\0" in written else written
    return _SURROGATE.sub("\ufffd", written.replace("\0", ""))


def said(value: Any, limit: int = VALUE_MAX) -> str:
    """As `text`, without the secrets in it. For what a program writes about itself: messages, addresses, values."""
    valid = text(value, limit + BEYOND)
    return text(scrub_text(valid), limit) if len(valid) > 5 else valid


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return number(value)
    return str(value) if isinstance(value, float) else ""


def number(value: int) -> str:
    """In full up to 77 digits, else its size: Python refuses to write numbers of thousands of digits, and nobody reads them."""
    if value.bit_length() <= 256:
        return str(value)
    exponent = math.log10(abs(value))
    return f"{'-' if value < 0 else ''}{10 ** (exponent % 1):.5f}e+{int(exponent)}"


def as_object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def as_values(value: Any) -> list[Any]:
    """A list, or the list in {"values": …}; both are sent. One object alone is a list of one."""
    if isinstance(value, dict):
        value = value.get("values", value)
    return [value] if isinstance(value, dict) else as_list(value)


def both_ends(values: list[Any], most: int) -> list[Any]:
    """At most `most`: the middle is left out."""
    return values if len(values) <= most else values[: most // 2] + values[-(most - most // 2) :]


def as_time(value: Any) -> datetime | None:
    """Seconds (or milliseconds) since 1970, or ISO 8601, in UTC; None for nonsense."""
    try:
        moment = _moment(value)
    except (ValueError, OverflowError, OSError):
        return None
    return moment if FIRST_YEAR <= moment.year <= LAST_YEAR else None


def _moment(value: Any) -> datetime:
    if isinstance(value, str):
        parsed = datetime.fromisoformat(value.strip()[:40])
        return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError("neither a number nor a text")
    return datetime.fromtimestamp(value / 1000 if value >= MILLISECONDS_FROM else value, UTC)


def as_line_number(value: Any) -> int | None:
    """A number of a line or column: 0 to 2³¹, also when sent as text or as a float."""
    is_decimal = value.isdecimal() and len(value) < 11 if isinstance(value, str) else False
    if is_decimal or (isinstance(value, float) and value.is_integer()):
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else None


def scrubbed(value: Any, name: str = "", depth: int = DEPTH_MAX) -> Any:
    """JSON that can be stored and shown: cut in width, depth and length, without secrets. `name` is what it stands under."""
    if name and value not in (None, "", [], {}) and is_secret_name(name):
        return FILTERED
    if isinstance(value, str):
        return said(value)
    if isinstance(value, dict):
        return _scrubbed_object(value, depth - 1) if depth else CUT
    if isinstance(value, list):
        return [_scrubbed_entry(inner, depth - 1) for inner in value[:ENTRIES_MAX]] if depth else CUT
    return value if value is None or isinstance(value, bool) else _scrubbed_number(value)


def scrubbed_object(value: Any) -> dict[str, Any]:
    return _scrubbed_object(value, DEPTH_MAX - 1) if isinstance(value, dict) else {}


def _scrubbed_object(value: dict[str, Any], depth: int) -> dict[str, Any]:
    if "value" in value and is_secret_name(text(value.get("name")) or text(value.get("key"))):
        value = value | {"value": FILTERED}  # {"name": "Cookie", "value": …}
    entries = list(value.items())[:ENTRIES_MAX] if len(value) > ENTRIES_MAX else value.items()
    return {(key := text(name)): scrubbed(inner, key, depth) for name, inner in entries}


def _scrubbed_entry(value: Any, depth: int) -> Any:
    """Headers and forms come as lists of [name, value] from some SDKs."""
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and depth:
        return [said(value[0]), scrubbed(value[1], text(value[0]), depth - 1)]
    return scrubbed(value, depth=depth)


def _scrubbed_number(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if 10**12 <= value < 10**19 and is_card(str(value)):
        return FILTERED
    return value if abs(value) < EXACT else number(value)
