"""The workspace's clock: the machine's, moved forward by hand."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(slots=True)
class Clock:
    """Seconds since 1970 as this workspace has them.

    Rate limits, lifetimes and the ts of messages go by it. Signatures go by the machine's clock, because the app has
    no other.
    """

    ahead: float = 0.0  # seconds before the machine's clock
    stopped_at: float | None = None  # for tests that count to the second

    def now(self) -> float:
        return (time.time() if self.stopped_at is None else self.stopped_at) + self.ahead

    def advance(self, seconds: float) -> None:
        self.ahead += seconds

    def stop(self) -> None:
        """From here on only advance() moves it."""
        if self.stopped_at is None:
            self.stopped_at = time.time()
