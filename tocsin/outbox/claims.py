"""Which delivery may be sent now, and claiming it."""

from __future__ import annotations

import secrets
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

from django.db import connection, transaction

from tocsin.clock import database_now
from tocsin.outbox import pace, statements
from tocsin.outbox.lease import LEASE, Lease
from tocsin.outbox.models import RENDERINGS, Delivery, Pace
from tocsin.outbox.statements import Candidate

PROBE_EVERY = timedelta(seconds=5)  # how often a failing pool is tried
MOST_PER_POOL = 4  # in flight at once, so that a slow outside leaves threads to the others
LOOKED_AT = 100  # candidates of one claim
CLAIMING = 0x70C51  # the advisory lock of PostgreSQL under which budgets are read and charged


def claim(
    kinds: Collection[str],
    *,
    limit: int,
    in_flight: Mapping[str, int] | None = None,
    now: datetime | None = None,
) -> list[Lease]:
    """Lease up to `limit` deliveries of these kinds that may be sent now, the most urgent first.

    `in_flight`: how many sends of each pool this worker has under way. `now`: of the database's clock, which is asked for
    it otherwise. Candidates are read before the transaction that leases them, so that a long outbox holds up no writer;
    what has changed in between, its UPDATE sees.
    """
    began = time.monotonic()
    busy = in_flight or {}
    now = now or database_now()
    full = [pool for pool, number in busy.items() if number >= MOST_PER_POOL]
    candidates = statements.candidates(kinds, full, now, max(LOOKED_AT, limit))
    if not candidates:
        return []
    with transaction.atomic():
        _take_turns()
        paces = pace.Paces(statements.paces(pace.keys_of(candidates)), now)
        chosen = _choose(candidates, paces, limit, busy)
        claimed = _lease(chosen, now)
        _save(paces, now)
        covered = _covered(claimed, now)
    return [
        Lease(
            delivery,
            claimed_at=began,
            covers=tuple(covered[delivery.kind, delivery.subject]),
            is_probe=paces.is_failing(delivery.pool),
        )
        for delivery in claimed
    ]


def _take_turns() -> None:
    """Two workers must not spend the same budget. On SQLite a transaction has the database to itself anyway."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CLAIMING])


def _choose(
    candidates: Iterable[Candidate], paces: pace.Paces, limit: int, in_flight: Mapping[str, int]
) -> list[Candidate]:
    chosen: list[Candidate] = []
    subjects: set[str] = set()
    pools = Counter(in_flight)
    for candidate in candidates:
        if len(chosen) == limit:
            break
        if candidate.subject in subjects or pools[candidate.pool] >= MOST_PER_POOL or not paces.take(candidate):
            continue
        chosen.append(candidate)
        subjects.add(candidate.subject)
        pools[candidate.pool] += 1
    return chosen


def _lease(chosen: list[Candidate], now: datetime) -> list[Delivery]:
    """Those that nobody else has taken meanwhile, in the order of `chosen`."""
    rows = [(candidate.id, candidate.lease_token, secrets.token_hex(16)) for candidate in chosen]
    ours = {delivery.pk: delivery for delivery in statements.lease(rows, now, now + LEASE)}
    return [ours[candidate.id] for candidate in chosen if candidate.id in ours]


def _save(paces: pace.Paces, now: datetime) -> None:
    statements.save_paces(paces.changed())
    if probed := paces.probed():
        Pace.objects.filter(key__in=probed).update(blocked_until=now + PROBE_EVERY)


def _covered(claimed: Iterable[Delivery], now: datetime) -> dict[tuple[str, str], list[int]]:
    """By kind and subject: what one rendering will do for. Rows that are to come later are left for then."""
    covered: dict[tuple[str, str], list[int]] = defaultdict(list)
    subjects = [delivery.subject for delivery in claimed if delivery.priority in RENDERINGS]
    for id_, kind, subject in statements.covered(subjects, now):
        covered[kind, subject].append(id_)
    return covered
