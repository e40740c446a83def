"""Text with what differs from one occurrence to the next taken out: "order 4711 failed" and "order 815 failed" become one.

Frozen with grouping v1: another rule is another version.
"""

from __future__ import annotations

import re
from typing import Final

TEXT_MAX: Final = 1024  # characters that decide; what follows is a dump more often than words

# In this order: a longer pattern comes before one that would match a part of it. Each is linear on any input.
_DAYS = "Mon|Tue|Wed|Thu|Fri|Sat|Sun"
_GROUP = "[0-9a-fA-F]{1,4}"
_PATTERNS: tuple[tuple[str, str], ...] = (
    ("email", r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}"),
    ("url", r"\b[a-z][a-z0-9+.-]{1,20}://[^\s'\"<>)\]]{1,2000}"),
    ("uuid", r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b"),
    ("date", r"\b\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:Z| ?[+-]\d{2}:?\d{2})?)?\b"),
    ("date", r"\b\d{1,2}/[A-Z][a-z]{2}/\d{4}\b"),
    (
        "date",
        rf"\b(?:{_DAYS})[a-z]{{0,6}},? \d{{1,2}} [A-Z][a-z]{{2}} \d{{4}}(?: \d{{2}}:\d{{2}}:\d{{2}}(?: [A-Z]{{3}}| [+-]\d{{4}})?)?",
    ),
    ("time", r"\b\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?\b"),
    ("ip", r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?\b"),
    ("ip", r"(?<![\w:])(?:[0-9a-fA-F]{1,4}:){3,7}[0-9a-fA-F]{0,4}(?![\w:])"),
    ("ip", rf"(?<![\w:])(?:[0-9a-fA-F]{{1,4}}:){{1,7}}:(?:{_GROUP}(?::{_GROUP}){{0,6}})?(?![\w:])"),
    ("address", r"\b0x[0-9a-fA-F]{1,32}\b"),
    ("path", r"(?<![\w.:/])(?:[A-Za-z]:\\|/)(?:[\w.@+-]{1,255}[/\\]){1,30}[\w.@+-]{0,255}"),
    ("hex", r"\b(?=[0-9a-fA-F]{0,63}\d)(?=[0-9a-fA-F]{0,63}[a-fA-F])[0-9a-fA-F]{8,128}\b"),
    # An id in quotes has digits; "utf8" and "mp3" are words.
    ("id", r"(?<=['\"`])(?=[^'\"`\s]{0,60}\d[^'\"`\s]{0,60}\d)[^'\"`\s]{5,64}(?=['\"`])"),
    ("version", r"\bv\d{1,9}(?:\.\d{1,9}){1,3}\b"),
    ("duration", r"\b\d{1,18}(?:\.\d{1,18})? ?(?:ns|us|µs|ms|s|sec|secs|seconds?|min|mins|minutes?|h|hours?|days?)\b"),
    ("size", r"\b\d{1,18}(?:\.\d{1,18})? ?(?:[kKMGT]i?B|bytes?|px)\b"),
    ("number", r"(?<![A-Za-z_0-9])[-+]?\d{1,400}(?:[.,]\d{1,400}){0,9}(?:[eE][+-]?\d{1,5})?(?![A-Za-z_0-9])"),
    ("number", r"(?:(?<=[A-Za-z])\d{6,400}|(?<=_)\d{3,400})(?![A-Za-z_0-9])"),
    ("id", r"\b(?=\w{0,80}\d)(?=\w{0,80}[A-Za-z])[A-Za-z0-9_]{16,128}\b"),
)
_ALL = re.compile("|".join(f"(?P<p{number}>{pattern})" for number, (_, pattern) in enumerate(_PATTERNS)))
_NAMES = {f"p{number}": f"<{name}>" for number, (name, _) in enumerate(_PATTERNS)}


def parameterise(text: str) -> str:
    """`text` with numbers, ids, addresses, dates and the like replaced by what they are: "order <number> failed"."""
    return " ".join(_ALL.sub(lambda match: _NAMES[match.lastgroup or ""], text[:TEXT_MAX]).split())
