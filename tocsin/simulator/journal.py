"""Everything that came in and went out, in order."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from tocsin.simulator.clock import Clock

KEPT = 100_000
Entry = dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Journal:
    """Entries are added when a call begins (status null) and completed when it has been answered. A call of the app that took
    effect has in `effect` which one it was: calls that are held take theirs in another order than they came.
    """

    clock: Clock
    _entries: deque[Entry] = field(default_factory=lambda: deque(maxlen=KEPT))
    _last: int = 0
    _effects: int = 0

    def begin(self, direction: str, method: str, args: dict[str, Any], **more: Any) -> Entry:
        """`direction` is "in" for calls of the app, "out" for what the workspace sends to it."""
        self._last += 1
        entry: Entry = {
            "n": self._last,
            "at": self.clock.now(),
            "direction": direction,
            "method": method,
            "args": args,
            "status": None,
            "answer": None,
            **more,
        }
        self._entries.append(entry)
        return entry

    def took_effect(self, entry: Entry) -> None:
        """Number the effects, from 1."""
        self._effects += 1
        entry["effect"] = self._effects

    def since(self, n: int = 0, method: str = "") -> list[Entry]:
        """Entries after number `n`, of that method if one is given."""
        return [entry for entry in self._entries if entry["n"] > n and method in ("", entry["method"])]
