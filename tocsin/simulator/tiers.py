"""How often a method may be called: token buckets on the workspace's clock."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from tocsin.simulator.clock import Clock
from tocsin.simulator.errors import RateLimited

TIERS: Mapping[str, int] = MappingProxyType({"1": 1, "2": 20, "3": 50, "4": 100, "special": 300})  # calls a minute
CHANNEL_BURST = 4  # messages at once in one channel, before one a second


@dataclass(slots=True)
class Bucket:
    """`full` calls at once, then one every `seconds_each`."""

    full: float
    seconds_each: float
    tokens: float
    since: float

    def take(self, now: float) -> float:
        """0 when the call may pass, else the seconds until one may. A refused call takes nothing."""
        self.tokens = min(self.full, self.tokens + max(0.0, now - self.since) / self.seconds_each)
        self.since = now
        if self.tokens >= 1:
            self.tokens -= 1
            return 0.0
        return (1 - self.tokens) * self.seconds_each

    def give_back(self) -> None:
        self.tokens = min(self.full, self.tokens + 1)


@dataclass(slots=True, kw_only=True)
class RateLimits:
    """The buckets of one workspace: one for each method, one for each channel that is posted to."""

    clock: Clock
    enforced: bool = True
    _buckets: dict[str, Bucket] = field(default_factory=dict)

    def check(self, method: str, tier: str, channel: str = "") -> None:
        """Count a call; raises RateLimited when there were too many. `channel` is given for methods that post."""
        if not self.enforced:
            return
        bucket = self._bucket(method, TIERS[tier], 60 / TIERS[tier])
        self._take(bucket)
        if channel:
            try:
                self._take(self._bucket(f"{method}:{channel}", CHANNEL_BURST, 1.0))
            except RateLimited:
                bucket.give_back()
                raise

    def check_responses(self, channel: str) -> None:
        """Count an answer through a response_url, by the channel it goes to."""
        if self.enforced:
            self._take(self._bucket(f"response_url:{channel}", CHANNEL_BURST, 1.0))

    def forget(self) -> None:
        """As if nothing had been called."""
        self._buckets.clear()

    def _bucket(self, name: str, full: float, seconds_each: float) -> Bucket:
        now = self.clock.now()
        return self._buckets.setdefault(name, Bucket(full, seconds_each, full, now))

    def _take(self, bucket: Bucket) -> None:
        wait = bucket.take(self.clock.now())
        if wait:
            raise RateLimited(max(1, math.ceil(wait - 1e-6)))
