"""What the auditor may look at: two journals, and the database by plain SQL."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection

from tests.driver import Journal

Row = tuple[Any, ...]
Query = Callable[..., list[Row]]
Message = Mapping[str, Any]

CLOCKS_DIFFER = 0.5  # seconds: a database's clock may be read a little before ours, and is rounded otherwise


def query(sql: str, *parameters: object) -> list[Row]:
    """The rows of a statement, in the words of both databases."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


def seconds(value: Any) -> float:
    """A time that a database gave, as Unix seconds: SQLite has text in UTC."""
    given = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return (given if given.tzinfo else given.replace(tzinfo=UTC)).timestamp()


def from_json(value: Any) -> Any:
    """A JSON column: both databases give text, unless a driver has read it already."""
    return json.loads(value) if isinstance(value, str) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call of the app that Slack's journal has. `effect`: which effect of all it was; 0: it had none."""

    n: int
    at: float
    method: str
    args: Mapping[str, Any]
    answer: Any
    status: int
    effect: int
    ts: str
    path: str  # of a response_url

    @property
    def is_clear(self) -> bool:
        """Whether whoever called was told what came of it."""
        return self.status == 200 and (self.answer == "ok" or (isinstance(self.answer, dict) and "ok" in self.answer))

    @property
    def text(self) -> str:
        return str(self.args.get("text", ""))

    @property
    def mark(self) -> tuple[str, str]:
        """Of a message that can be found again: what it is, and under which key. Empty texts for any other."""
        metadata = self.args.get("metadata") or {}
        return str(metadata.get("event_type", "")), str((metadata.get("event_payload") or {}).get("delivery", ""))


def calls_in(entries: Iterable[Mapping[str, Any]]) -> list[Call]:
    """What the app called, in the order in which the calls began."""
    return [
        Call(
            n=entry["n"],
            at=entry["at"],
            method=entry["method"],
            args=entry["args"],
            answer=entry["answer"],
            status=entry["status"] or 0,
            effect=entry.get("effect", 0),
            ts=entry.get("ts") or "",
            path=entry.get("path", ""),
        )
        for entry in entries
        if entry["direction"] == "in"
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """`renderings`, where given: what a card (by id) may show according to the database, as whole messages."""

    driver: Journal
    calls: Sequence[Call]
    query: Query = query
    renderings: Callable[[int], Sequence[Message]] | None = None

    def effects(self, method: str) -> list[Call]:
        """Calls of a method that took effect, in the order in which they did."""
        found = [call for call in self.calls if call.method == method and call.effect]
        return sorted(found, key=lambda call: call.effect)

    def was_killed_between(self, since: float, until: float) -> bool:
        """Whether some process was killed then: what it had under way may have had its effect."""
        return any(since <= kill <= until for kill in self.driver.kills)
