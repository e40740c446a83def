"""What becomes of a delivery after a try: done, again later, or abandoned."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from django.db import transaction

from tocsin.clock import database_now
from tocsin.logs import get_logger
from tocsin.outbox import pace
from tocsin.outbox.claims import PROBE_EVERY
from tocsin.outbox.failures import DeliveryError, Scope
from tocsin.outbox.lease import Lease
from tocsin.outbox.models import OPEN, Delivery

log = get_logger(__name__)

FIRST_BACKOFF = timedelta(seconds=1)
LONGEST_BACKOFF = timedelta(hours=1)
LEAST_BACKOFF = timedelta(milliseconds=250)  # full jitter may draw nought, and a row must not spin
LOOK_UP_AFTER = timedelta(seconds=2)  # what may have had its effect shows up at the outside a little later
GIVES_UP_AFTER = timedelta(hours=72)
METHOD_PAUSE = timedelta(seconds=30)  # of a rate limit that does not say how long

# A row that fails so often while its pool serves others is the fault itself, and no longer speaks for the pool.
SPEAKS_FOR_POOL = 3


def backoff(attempts: int) -> timedelta:
    """Full jitter: anything up to a ceiling that doubles from a second to an hour. `attempts` counts from 1."""
    doublings: int = 2 ** min(attempts - 1, 20)
    ceiling = min(LONGEST_BACKOFF, FIRST_BACKOFF * doublings)
    return max(LEAST_BACKOFF, ceiling * random.random())


def succeed(lease: Lease) -> None:
    """Done. Raises FencedOut."""
    lease.finish()
    _pool_answered(lease)


def _pool_answered(lease: Lease) -> None:
    """If it was the probe of a failing pool, the pool's other deliveries are due: those that have to be looked for as soon
    as what they may have done shows.
    """
    pool = lease.delivery.pool
    if not (lease.is_probe and lease.has_called):
        return
    with transaction.atomic():
        if pace.unblock(pace.pool_key(pool)):
            now = database_now()
            tried = Delivery.objects.filter(OPEN, pool=pool, attempts__gt=0, lease_token="").exclude(pk=lease.id)
            for is_ambiguous, due_at in ((False, now), (True, now + LOOK_UP_AFTER)):
                tried.filter(is_ambiguous=is_ambiguous, due_at__gt=due_at).update(due_at=due_at)
            log.info("outbox: a pool answers again", pool=pool)


def fail(lease: Lease, error: DeliveryError) -> None:
    """Record why, and try again later or give up. Raises FencedOut."""
    now = database_now()
    with transaction.atomic():
        delay = _delay(lease, error, now)
        values = {
            "error_code": error.code[:64],
            "error": f"{error.sentence} {error.repair}".strip()[:500],
            "is_ambiguous": lease.is_ambiguous or error.is_ambiguous,
        }
        is_over = error.is_permanent or now + delay - lease.created_at > GIVES_UP_AFTER
        if is_over:
            lease.close(abandoned_at=now, **values)
        else:
            # A rate limit says nothing against the row: it does not count as a try.
            tries = lease.attempts - (error.scope is Scope.METHOD)
            lease.close(due_at=now + delay, attempts=tries, **values)
    if error.scope is not Scope.POOL:
        _pool_answered(lease)
    what = "outbox: abandoned" if is_over else "outbox: to be tried again"
    log.warning(
        what,
        delivery=lease.id,
        kind=lease.delivery.kind,
        subject=lease.delivery.subject,
        pool=lease.delivery.pool,
        attempts=lease.attempts,
        error_code=error.code,
        scope=error.scope.value,
    )


def _delay(lease: Lease, error: DeliveryError, now: datetime) -> timedelta:
    """How long this row waits; marks what waits with it."""
    delivery = lease.delivery
    if error.scope is Scope.POOL and _speaks_for_pool(lease):
        delay = max(PROBE_EVERY, error.retry_after or PROBE_EVERY)
        pace.block(pace.pool_key(delivery.pool), now + delay, now)
        return delay
    if error.scope is Scope.METHOD:
        delay = error.retry_after or METHOD_PAUSE
        pace.block(pace.method_key(delivery.pool, error.method or delivery.method), now + delay, now)
        return delay
    if error.scope is Scope.LANE:
        delay = error.retry_after or backoff(lease.attempts)
        pace.block(pace.lane_key(delivery.lane), now + delay, now)
        return delay
    delay = error.retry_after or backoff(lease.attempts)
    return max(delay, LOOK_UP_AFTER) if error.is_ambiguous else delay


def _speaks_for_pool(lease: Lease) -> bool:
    return lease.is_probe or lease.attempts <= SPEAKS_FOR_POOL or pace.is_blocked(pace.pool_key(lease.delivery.pool))
