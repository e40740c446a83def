"""What a JSON value has to look like, as values that check: pieces of which the tables in `validation` are made.

A check is called with the value, where it stands (a JSON pointer) and the list to which it adds what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tocsin.simulator.limits import LIMITS


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and where."""

    sentence: str
    pointer: str

    def __str__(self) -> str:
        return f"{self.sentence} [json-pointer:{self.pointer or '/'}]"


Faults = list[Fault]
Check = Callable[[Any, str, Faults], None]

IMAGE_FORMATS = ("png", "jpg", "jpeg", "gif")


def anything(value: Any, at: str, faults: Faults) -> None:
    """No rule."""


def string(limit: str = "", *, minimum: int = 1, name: str = "") -> Check:
    """Text of `minimum` characters up to LIMITS[limit]."""

    def check(value: Any, at: str, faults: Faults) -> None:
        if not isinstance(value, str):
            faults.append(Fault(f"must be a string, not {_kind(value)}", at))
        elif len(value) < minimum:
            faults.append(Fault(f"must be more than {minimum - 1} characters", at))
        elif limit and len(value) > LIMITS[limit]:
            faults.append(Fault(f"must be less than {LIMITS[limit] + 1} characters", at))

    return check


def boolean(value: Any, at: str, faults: Faults) -> None:
    if not isinstance(value, bool):
        faults.append(Fault(f"must be a boolean, not {_kind(value)}", at))


def integer(minimum: int, maximum: int) -> Check:
    def check(value: Any, at: str, faults: Faults) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            faults.append(Fault(f"must be an integer, not {_kind(value)}", at))
        elif not minimum <= value <= maximum:
            faults.append(Fault(f"must be between {minimum} and {maximum}", at))

    return check


def one_of(*allowed: str) -> Check:
    def check(value: Any, at: str, faults: Faults) -> None:
        if value not in allowed:
            faults.append(Fault(f"must be one of: {', '.join(allowed)}", at))

    return check


def pattern(expression: str, description: str) -> Check:
    compiled = re.compile(expression)

    def check(value: Any, at: str, faults: Faults) -> None:
        if not isinstance(value, str) or not compiled.fullmatch(value):
            faults.append(Fault(f"must be {description}", at))

    return check


def url(limit: str, *, schemes: Collection[str] = ("http", "https")) -> Check:
    """An absolute address that a browser would open."""
    length = string(limit)

    def check(value: Any, at: str, faults: Faults) -> None:
        before = len(faults)
        length(value, at, faults)
        if len(faults) == before and not is_url(value, schemes):
            faults.append(Fault("invalid url", at))

    return check


def is_url(value: str, schemes: Collection[str] = ("http", "https")) -> bool:
    if any(character.isspace() or ord(character) < 0x20 for character in value):
        return False
    try:
        parts = urlsplit(value)
        return parts.scheme in schemes and bool(parts.hostname or parts.scheme == "mailto")
    except ValueError:
        return False


def text(limit: str, *kinds: str) -> Check:
    """A text object of these types (both if none is named)."""
    allowed = kinds or ("plain_text", "mrkdwn")
    characters = string(limit)

    def check(value: Any, at: str, faults: Faults) -> None:
        if not is_object(value, at, faults):
            return
        kind = value.get("type")
        if kind not in allowed:
            faults.append(Fault(f"must be a text object of type {' or '.join(allowed)}, not {kind!r}", f"{at}/type"))
            return
        flag = "emoji" if kind == "plain_text" else "verbatim"
        fields(value, at, faults, required={"type": anything, "text": characters}, optional={flag: boolean})

    return check


def listing(item: Check, limit: str = "", *, minimum: int = 1) -> Check:
    def check(value: Any, at: str, faults: Faults) -> None:
        if not isinstance(value, list):
            faults.append(Fault(f"must be an array, not {_kind(value)}", at))
            return
        if len(value) < minimum:
            faults.append(Fault(f"no fewer than {minimum} items allowed", at))
        if limit and len(value) > LIMITS[limit]:
            faults.append(Fault(f"no more than {LIMITS[limit]} items allowed", at))
        for index, each in enumerate(value):
            item(each, f"{at}/{index}", faults)

    return check


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """An object: its fields, and a rule about the whole, if there is one."""

    required: Mapping[str, Check]
    optional: Mapping[str, Check]
    rule: Check = anything

    def __call__(self, value: Any, at: str, faults: Faults) -> None:
        if not is_object(value, at, faults):
            return
        before = len(faults)
        fields(value, at, faults, required=self.required, optional=self.optional)
        if len(faults) == before:
            self.rule(value, at, faults)


def fields(
    value: dict[str, Any], at: str, faults: Faults, *, required: Mapping[str, Check], optional: Mapping[str, Check]
) -> None:
    faults += [Fault(f"missing required field: {name}", at) for name in required if name not in value]
    for name, each in value.items():
        check = required.get(name) or optional.get(name)
        if check is None:
            faults.append(Fault(f"invalid additional property: {name}", at))
        else:
            check(each, f"{at}/{name}", faults)


def by_type(shapes: Mapping[str, Check], allowed: Collection[str] | None = None) -> Check:
    """An object whose `type` says which shape it has to have, out of those allowed here."""

    def check(value: Any, at: str, faults: Faults) -> None:
        if not is_object(value, at, faults):
            return
        if "type" not in value:
            faults.append(Fault("missing required field: type", at))
            return
        kind = value["type"]
        if not isinstance(kind, str) or kind not in shapes or (allowed is not None and kind not in allowed):
            faults.append(Fault(f"unsupported type: {kind}", f"{at}/type"))
            return
        shapes[kind](value, at, faults)

    return check


def exactly_one(*names: str) -> Check:
    """A rule about a whole object."""

    def check(value: Any, at: str, faults: Faults) -> None:
        if sum(name in value for name in names) != 1:
            faults.append(Fault(f"exactly one of these fields is required: {', '.join(names)}", at))

    return check


def at_least_one(*names: str) -> Check:
    def check(value: Any, at: str, faults: Faults) -> None:
        if not any(name in value for name in names):
            faults.append(Fault(f"one of these fields is required: {', '.join(names)}", at))

    return check


def every(*checks: Check) -> Check:
    def check(value: Any, at: str, faults: Faults) -> None:
        for each in checks:
            each(value, at, faults)

    return check


def is_object(value: Any, at: str, faults: Faults) -> bool:
    if isinstance(value, dict):
        return True
    faults.append(Fault(f"must be an object, not {_kind(value)}", at))
    return False


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")
