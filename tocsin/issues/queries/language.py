"""The language in which issues are looked for: what somebody typed, as values. Pure.

    is:unresolved !level:info release:latest "division by zero" checkout

Terms stand apart by blanks, and all of them must hold. `!` before a term negates it. A value with blanks stands in double quotes,
in which a backslash makes the next character a plain one. What has no key is looked for in title, culprit and short id.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from tocsin.errors import Invalid

QUERY_MAX = 500  # characters
TERMS_MAX = 30
SHOWN_MAX = 40  # characters of a term in a sentence about it


class Key(StrEnum):
    """What a term is about. TEXT has no key before it."""

    TEXT = ""
    IS = "is"
    ASSIGNED = "assigned"
    LEVEL = "level"
    RELEASE = "release"
    ENVIRONMENT = "environment"
    PROJECT = "project"


class State(StrEnum):
    """What an issue may be."""

    UNRESOLVED = "unresolved"
    RESOLVED = "resolved"
    ARCHIVED = "archived"
    NEW = "new"
    ONGOING = "ongoing"
    ESCALATING = "escalating"
    REGRESSED = "regressed"
    UNTIL_ESCALATING = "until_escalating"
    UNTIL_CONDITION = "until_condition"
    FOREVER = "forever"
    ASSIGNED = "assigned"
    UNASSIGNED = "unassigned"
    ACKNOWLEDGED = "acknowledged"


# Those that say nothing of an issue's status.
BESIDE_STATUS = frozenset({State.ASSIGNED, State.UNASSIGNED, State.ACKNOWLEDGED})
LEVELS = ("fatal", "error", "warning", "info", "debug")
ME, NONE, LATEST = "me", "none", "latest"
SAME: dict[tuple[Key, str], str] = {(Key.IS, "ignored"): State.ARCHIVED, (Key.ASSIGNED, "nobody"): NONE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    key: Key = Key.TEXT
    value: str  # never empty
    is_negated: bool = False

    def __str__(self) -> str:
        value = self.value if PLAIN.fullmatch(self.value) else _quoted(self.value)
        return f"{'!' if self.is_negated else ''}{self.key}{':' if self.key else ''}{value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """All of the terms must hold; none is every issue. `str()` writes it so that it is read as the same again."""

    terms: tuple[Term, ...] = ()

    def __str__(self) -> str:
        return " ".join(map(str, self.terms))

    @property
    def says_status(self) -> bool:
        """Whether it says itself which statuses it wants."""
        return any(term.key is Key.IS and term.value not in BESIDE_STATUS for term in self.terms)


EVERYTHING = Query()
PLAIN = re.compile(r"[\w.@#/+%-]+")
QUOTED = r'"(?P<quoted>(?:[^"\\]|\\.)*)"'
TERM = re.compile(
    rf"(?P<negated>!(?=\S))?+(?:(?P<key>[A-Za-z][A-Za-z0-9_]*):)?+(?:{QUOTED}|(?P<bare>[^\s\"]\S*)|)(?=\s|\Z)",
    re.DOTALL,
)
BLANKS = re.compile(r"\s*")
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # no database keeps these


def parse(text: str) -> Query:
    """What was typed, as a query. Raises Invalid: the sentence says which term is wrong, and what may stand there."""
    if len(text) > QUERY_MAX:
        raise _wrong(f"A search may have {QUERY_MAX} characters, and this one has {len(text):,}. Leave something out.")
    if UNSTORABLE.search(text):
        raise _wrong("There is something in this search that is no character. Type it anew.")
    terms: list[Term] = []
    at = _after_blanks(text, 0)
    while at < len(text):
        found = TERM.match(text, at)
        if found is None:
            raise _wrong(_about_quotes(text[at:]))
        terms.append(_term(found))
        at = _after_blanks(text, found.end())
    if len(terms) > TERMS_MAX:
        raise _wrong(f"A search may have {TERMS_MAX} terms, and this one has {len(terms)}. Leave some out.")
    return Query(terms=tuple(terms))


def _after_blanks(text: str, at: int) -> int:
    found = BLANKS.match(text, at)
    return found.end() if found else at


def _wrong(sentence: str) -> Invalid:
    return Invalid(sentence, field="query")


def _shown(text: str) -> str:
    return text if len(text) <= SHOWN_MAX else f"{text[: SHOWN_MAX - 1]}…"


def _about_quotes(rest: str) -> str:
    if re.match(rf"!?(?:\w+:)?{QUOTED}", rest, re.DOTALL):
        return f"Leave a blank after the closing quote: {_shown(rest)}"
    return f'A quote is not closed: {_shown(rest)}. Put a " at its end.'


# --- one term --------------------------------------------------------------------------------------------------------


def _term(found: re.Match[str]) -> Term:
    whole, name, is_negated = found[0], (found["key"] or "").lower(), found["negated"] is not None
    is_quoted = found["quoted"] is not None
    value = re.sub(r"\\(.)", r"\1", found["quoted"], flags=re.DOTALL) if is_quoted else found["bare"] or ""
    if name and name not in set(Key):
        if value or is_quoted:
            raise _wrong(_unknown(whole, found["key"]))
        return Term(value=f"{found['key']}:", is_negated=is_negated)  # of an error's title: "KeyError: 'sku'"
    key = Key(name)
    if not value:
        raise _wrong(f"{_shown(whole)} lacks a value. {TAKES[key]}")
    return Term(key=key, value=READ[key](value, whole), is_negated=is_negated)


def _unknown(whole: str, key: str) -> str:
    known = ", ".join(f"{key}:" for key in Key if key)
    return (
        f"{_shown(whole)} makes no sense. There is no {_shown(key)}: to search by, only {known}. "
        "What is to be found as text stands in double quotes."
    )


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _one_of(key: Key, *allowed: str) -> Callable[[str, str], str]:
    def read(value: str, whole: str) -> str:
        known = SAME.get((key, value.lower()), value.lower())
        if known not in allowed:
            raise _wrong(f"{_shown(whole)} makes no sense. {TAKES[key]}")
        return str(known)

    return read


def _assigned(value: str, whole: str) -> str:
    known = SAME.get((Key.ASSIGNED, value.lower()), value.lower())
    if known in (ME, NONE) or "@" in known or (known.startswith("#") and len(known) > 1):
        return known
    raise _wrong(f"{_shown(whole)} makes no sense. {TAKES[Key.ASSIGNED]}")


def _any(value: str, whole: str) -> str:
    return value


def _folded(value: str, whole: str) -> str:
    return value.lower()


TAKES: dict[Key, str] = {
    Key.TEXT: "Put a text between the quotes.",
    Key.IS: f"is: takes {', '.join(State)}.",
    Key.ASSIGNED: "assigned: takes me, none, an e-mail address, or a #team.",
    Key.LEVEL: f"level: takes {', '.join(LEVELS)}.",
    Key.RELEASE: "release: takes a version, or latest.",
    Key.ENVIRONMENT: "environment: takes the name of one, such as production.",
    Key.PROJECT: "project: takes a project's short name.",
}
READ: dict[Key, Callable[[str, str], str]] = {
    Key.TEXT: _any,
    Key.IS: _one_of(Key.IS, *State),
    Key.ASSIGNED: _assigned,
    Key.LEVEL: _one_of(Key.LEVEL, *LEVELS),
    Key.RELEASE: _any,
    Key.ENVIRONMENT: _any,
    Key.PROJECT: _folded,
}
