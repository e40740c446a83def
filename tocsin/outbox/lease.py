"""The right to send one delivery, for a while."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import QuerySet

from tocsin.clock import database_now
from tocsin.group_commit import GroupCommit
from tocsin.logs import get_logger
from tocsin.outbox import statements
from tocsin.outbox.failures import FencedOut
from tocsin.outbox.models import OPEN, Delivery

log = get_logger(__name__)

LEASE = timedelta(seconds=30)
SEND_SECONDS = 10.0  # the time-out of one call; a call starts only while more than that is left of the lease
WRITES_AGAIN_AFTER = (0.05, 0.25, 1.0, 2.0)  # seconds: what the outside answered is worth more than one try to keep it

# What is written with the end of a send: a function, and a row for it. It is called once with the rows of all sends that end
# in the same transaction.
Also = tuple[Callable[[Sequence[Any]], None], Any]


def release_connection() -> None:
    """Back to the pool with it, where there is one: few connections serve many threads that wait for the outside."""
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()


class Lease:
    """One claimed row. `token` is the fence: whoever claims the row next writes another one into it.

    `covers`: rows that ask for the same rendering, read before anything was rendered; they are done with this one.
    `is_ambiguous`: an earlier try may have had its effect. `facts`: what a reader has read for the sender.
    """

    def __init__(
        self, delivery: Delivery, *, claimed_at: float, covers: tuple[int, ...] = (), is_probe: bool = False
    ) -> None:
        self.delivery = delivery
        self.id: int = delivery.pk
        self.token = delivery.lease_token
        self.covers = covers
        self.is_probe = is_probe  # its pool was failing when it was claimed
        self.facts: Any = None
        self.has_called = False
        self.is_finished = False
        self._ends = claimed_at + LEASE.total_seconds()
        self._renewing = threading.Lock()

    @property
    def is_ambiguous(self) -> bool:
        return self.delivery.is_ambiguous

    @property
    def attempts(self) -> int:
        """How often it was claimed, this time included."""
        return self.delivery.attempts

    @property
    def created_at(self) -> datetime:
        return self.delivery.created_at

    def time_left(self) -> float:
        """Seconds of the lease, by this host's monotonic clock; it began before the claim was written."""
        return self._ends - time.monotonic()

    def renew(self) -> None:
        """Raises FencedOut when another worker has the row."""
        with self._renewing:
            began = time.monotonic()
            if not self._mine().update(lease_until=database_now() + LEASE):
                raise self.fenced_out()
            self._ends = began + LEASE.total_seconds()

    def before_call(self) -> None:
        """To be called before every call to the outside: is there time for it, and no database connection held meanwhile.

        Raises FencedOut.
        """
        if self.time_left() <= SEND_SECONDS:
            self.renew()
        self.has_called = True
        release_connection()

    def finish(self, *also: Also) -> None:
        """Done, and `also` is written in the same transaction, which others that end now share. Raises FencedOut, and then
        nothing of it was written.
        """
        if self.is_finished:
            return
        _write(_End(lease=self, also=also))
        self.is_finished = True

    def close(self, **values: object) -> None:
        """Give the row back with these values. Raises FencedOut."""
        if not self._mine().update(**{"lease_token": "", "lease_until": None, **values}):
            raise self.fenced_out()
        self.is_finished = True

    def fenced_out(self) -> FencedOut:
        return FencedOut(f"delivery {self.id} is another worker's")

    def _mine(self) -> QuerySet[Delivery]:
        return Delivery.objects.filter(OPEN, pk=self.id, lease_token=self.token)


# --- the end of sends ------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class _End:
    lease: Lease
    also: tuple[Also, ...]


def _write(end: _End) -> None:
    """Raises FencedOut, or what the database raises when it fails for long."""
    for pause in WRITES_AGAIN_AFTER:
        try:
            return _ENDS.submit(end)
        except (OperationalError, InterfaceError) as error:
            if connection.in_atomic_block:
                raise
            log.warning("outbox: an end could not be written; trying again", delivery=end.lease.id, error=str(error))
            connection.close()
            threading.Event().wait(pause)
    return _ENDS.submit(end)


def _write_together(ends: Sequence[_End]) -> list[FencedOut | None]:
    now = database_now()
    with transaction.atomic():
        ours = statements.finish([(end.lease.id, end.lease.token) for end in ends], now)
        written = [end for end in ends if end.lease.id in ours]
        statements.finish_covered([id_ for end in written for id_ in end.lease.covers], now)
        rows: dict[Callable[[Sequence[Any]], None], list[Any]] = defaultdict(list)
        for end in written:
            for function, row in end.also:
                rows[function].append(row)
        for function, given in rows.items():
            function(given)
    return [None if end.lease.id in ours else end.lease.fenced_out() for end in ends]


_ENDS: GroupCommit[_End, None] = GroupCommit(_write_together)
