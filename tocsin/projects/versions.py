"""The order of releases by their names alone. Pure.

A version is written `package@1.2.3-beta.1+build`; the package, the fourth number, the pre-release and the build may be missing.
Precedence is that of https://semver.org §11, with one addition: of two that differ only in the build, the one with the higher
build comes later, because that is how mobile apps number theirs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

VERSION_MAX = 200  # characters

_NUMBERS = r"(?P<numbers>\d+(?:\.\d+){1,3})"
_PARTS = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"  # none of them empty
_SEMVER = re.compile(rf"v?{_NUMBERS}(?:-(?P<pre>{_PARTS}))?(?:\+(?P<build>{_PARTS}))?", re.ASCII)

_END, _NUMBER, _WORD, _FINAL = b"\x00", b"\x01", b"\x02", b"\xff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A release's name, taken apart. `key` sorts as the versions do, byte by byte; empty when the name has no such order."""

    package: str
    number: str
    key: bytes


def parse(name: str) -> Version:
    """`name` is what the SDK calls its release."""
    package, at, number = name.rpartition("@")
    found = _SEMVER.fullmatch(number if at else name)
    return Version(package=package, number=number if at else name, key=_key(found) if found else b"")


def _key(found: re.Match[str]) -> bytes:
    numbers = [int(number) for number in found["numbers"].split(".")]
    key = b"".join(_of_number(number) for number in [*numbers, 0, 0][:4])
    key += _of_parts(found["pre"].split(".")) if found["pre"] else _FINAL
    return key + (_of_parts(found["build"].split(".")) if found["build"] else _END)


def _of_number(number: int) -> bytes:
    """Its length in bytes first, so that a longer number is a higher one."""
    digits = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return bytes([len(digits)]) + digits


def _of_parts(parts: list[str]) -> bytes:
    """Numbers below words, and what ends earlier below what goes on."""
    return b"".join(_of_part(part) for part in parts) + _END


def _of_part(part: str) -> bytes:
    return _NUMBER + _of_number(int(part)) if part.isdecimal() else _WORD + part.encode() + _END
