"""How fast an outside may be told: budgets, and when the next send of a lane or of a method may start.

Every budget is a leaky bucket in its virtual-scheduling form (GCRA): one time a key, `Pace.ready_at`, says all there is to know.
What an outside asks for itself (Retry-After) and a pool that fails stand in `blocked_until`, which nothing here overwrites.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from tocsin.outbox.models import Pace, Priority


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """`burst` sends at once, then `per_minute` of them, evenly."""

    per_minute: float
    burst: int
    is_paced_by_lane: bool = False  # it puts a message where people read, so the lane's budget counts too

    @property
    def interval(self) -> timedelta:
        return timedelta(minutes=1) / self.per_minute

    @property
    def tolerance(self) -> timedelta:
        return self.interval * (self.burst - 1)


UPDATES_PER_MINUTE = 50

# By method, within a pool.
BUDGETS: dict[str, Budget] = {
    "chat.postMessage": Budget(per_minute=300, burst=20, is_paced_by_lane=True),
    "chat.postEphemeral": Budget(per_minute=100, burst=20),
    "chat.update": Budget(per_minute=UPDATES_PER_MINUTE, burst=10),
    "chat.unfurl": Budget(per_minute=50, burst=10),
    "response_url": Budget(per_minute=300, burst=20),
}
OTHER = Budget(per_minute=50, burst=5)  # a method that is not in the table
LANE = Budget(per_minute=60, burst=3)  # one message a second; a burst below what Slack bears, because networks bunch up
COUNTS = Budget(per_minute=UPDATES_PER_MINUTE / 4, burst=3)  # numbers alone get a quarter of the updates

LANE_METHODS = frozenset(method for method, budget in BUDGETS.items() if budget.is_paced_by_lane)

# The keys of Pace.
LANE_KEY = "lane "
METHOD_KEY = "method "
COUNTS_KEY = "counts "
POOL_KEY = "pool "


def method_key(pool: str, method: str) -> str:
    return f"{METHOD_KEY}{pool} {method}"


def pool_key(pool: str) -> str:
    return f"{POOL_KEY}{pool}"


def lane_key(lane: str) -> str:
    return f"{LANE_KEY}{lane}"


class Send(Protocol):
    """What is to be known of a delivery to charge its budgets."""

    @property
    def lane(self) -> str: ...
    @property
    def pool(self) -> str: ...
    @property
    def method(self) -> str: ...
    @property
    def priority(self) -> int: ...


def budgets_of(delivery: Send) -> dict[str, Budget]:
    """Every budget that this send takes from, by its key."""
    budget = BUDGETS.get(delivery.method, OTHER)
    taken = {method_key(delivery.pool, delivery.method): budget}
    if budget.is_paced_by_lane:
        taken[lane_key(delivery.lane)] = LANE
    if delivery.priority == Priority.COUNTS:
        taken[f"{COUNTS_KEY}{delivery.pool} {delivery.method}"] = COUNTS
    return taken


class Paces:
    """The budgets that some deliveries take from, as they stand at `now`; `known` are their rows: key, ready at, blocked until."""

    def __init__(self, known: Iterable[tuple[str, datetime, datetime | None]], now: datetime) -> None:
        self._now = now
        self._ready: dict[str, datetime] = {}
        self._failing: set[str] = set()
        self._changed: set[str] = set()
        for key, ready_at, blocked_until in known:
            self._ready[key] = ready_at
            if blocked_until is not None and blocked_until > now:
                self._ready[key] = max(ready_at, blocked_until)
            if key.startswith(POOL_KEY) and blocked_until is not None:
                self._failing.add(key)
        self._probed: set[str] = set()

    def is_failing(self, pool: str) -> bool:
        return pool_key(pool) in self._failing

    def take(self, delivery: Send) -> bool:
        """Whether it may be sent now; if so, its budgets are charged. Of a failing pool one is let through: the probe."""
        pool = pool_key(delivery.pool)
        budgets = budgets_of(delivery)
        if pool in self._probed or any(self._ready.get(key, self._now) > self._now for key in (pool, *budgets)):
            return False
        for key, budget in budgets.items():
            self._ready[key] = after_one(self._ready.get(key), budget, self._now)
            self._changed.add(key)
        if pool in self._failing:
            self._probed.add(pool)
        return True

    def changed(self) -> list[tuple[str, datetime]]:
        """The keys that were charged, in order, and when each is ready again."""
        return [(key, self._ready[key]) for key in sorted(self._changed)]

    def probed(self) -> set[str]:
        """The keys of the failing pools of which one was let through."""
        return self._probed


def keys_of(deliveries: Iterable[Send]) -> set[str]:
    """Every key that these deliveries have to do with."""
    return {key for delivery in deliveries for key in (*budgets_of(delivery), pool_key(delivery.pool))}


def after_one(ready_at: datetime | None, budget: Budget, now: datetime) -> datetime:
    """When the next send may start, after one has started `now`. `ready_at`: what this returned the last time."""
    arrival = now if ready_at is None else max(now, ready_at + budget.tolerance)
    return arrival + budget.interval - budget.tolerance


def block(key: str, until: datetime, now: datetime) -> None:
    """Nothing that takes from `key` starts before `until`."""
    Pace.objects.bulk_create(
        [Pace(key=key, ready_at=now, blocked_until=until)],
        update_conflicts=True,
        unique_fields=["key"],
        update_fields=["blocked_until"],
    )


def is_blocked(key: str) -> bool:
    """Whether a mark stands, though its time may have passed: a pool is failing until a send of it succeeds."""
    return Pace.objects.filter(key=key, blocked_until__isnull=False).exists()


def unblock(key: str) -> bool:
    """Take the mark away; False if there was none."""
    return bool(Pace.objects.filter(key=key, blocked_until__isnull=False).update(blocked_until=None))


KEYS_IN_SQL: Mapping[str, tuple[str, ...]] = {
    METHOD_KEY: ("pool", "method"),
    COUNTS_KEY: ("pool", "method"),
    LANE_KEY: ("lane",),
    POOL_KEY: ("pool",),
}
