"""What the worker does, done here and now."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models import F

from tocsin import wiring
from tocsin.intake.digest import digest_batch
from tocsin.outbox import worker
from tocsin.outbox.models import Delivery, Pace


@pytest.fixture
def digest_all(database: None) -> Callable[[], int]:
    """`digest_all()`: digest until nothing waits. Returns how many events were digested, those set aside included."""

    def digest() -> int:
        done = 0
        while batch := digest_batch():
            done += batch
        return done

    return digest


@pytest.fixture
def deliver_all(database: None) -> Callable[..., int]:
    """`deliver_all()`: send until nothing may go now. Returns how many sends there were.

    `deliver_all(after=5)`: as if 5 seconds had passed for the outbox since everything in it was written.
    """

    def deliver(*, after: float = 0) -> int:
        if after:
            let_pass(timedelta(seconds=after))
        return worker.run_once(wiring.SENDERS)

    return deliver


def let_pass(time: timedelta) -> None:
    """What was to happen at some time happens that much earlier."""
    waiting = Delivery.objects.filter(done_at__isnull=True, abandoned_at__isnull=True)
    waiting.update(due_at=F("due_at") - time, lease_until=F("lease_until") - time, created_at=F("created_at") - time)
    Pace.objects.update(ready_at=F("ready_at") - time, blocked_until=F("blocked_until") - time)
