"""How far digesting is behind: how many events wait, and for how long the oldest of them has.

Accepting goes on whatever digest does, so this is what tells that something is wrong with it, or that a flood is being worked off.
"""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import Error as DatabaseError
from django.db import connection
from django.db.models import QuerySet

from tocsin.clock import database_now
from tocsin.intake.models import Accepted
from tocsin.logs import get_logger

log = get_logger(__name__)

WORTH_A_WORD = timedelta(seconds=10)
LOOK_EVERY = 5.0  # seconds
SAY_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """`waiting` events, the oldest for `age`."""

    waiting: int = 0
    age: timedelta = timedelta()

    @property
    def is_worth_a_word(self) -> bool:
        return self.age > WORTH_A_WORD


def lag(now: datetime) -> Lag:
    """Of the whole installation."""
    return _measured(_waiting(), now)


def lag_of(organization_id: int, projects: Collection[int], now: datetime) -> Lag:
    """Of these projects of an organization. Counts nothing while the oldest event of all is young, which is nearly always."""
    first = _first(_waiting())
    if not projects or first is None or now - first <= WORTH_A_WORD:
        return Lag()
    return _measured(_waiting().filter(organization=organization_id, project__in=projects), now)


def _first(waiting: QuerySet[Accepted]) -> datetime | None:
    """When the oldest was accepted: by id, for that is what the index has."""
    return waiting.order_by("id").values_list("accepted_at", flat=True).first()


def _waiting() -> QuerySet[Accepted]:
    return Accepted.objects.filter(state=Accepted.State.WAITING)


def _measured(waiting: QuerySet[Accepted], now: datetime) -> Lag:
    first = _first(waiting)
    return Lag() if first is None else Lag(waiting=waiting.count(), age=max(timedelta(), now - first))


class LagLog:
    """Says once a minute that digest is behind, while it is; and once that it no longer is."""

    def __init__(self) -> None:
        self.said_at: datetime | None = None

    def look(self) -> None:
        now = database_now()
        measured = lag(now)
        if not measured.is_worth_a_word:
            if self.said_at is not None:
                log.info("digest: no longer behind")
            self.said_at = None
        elif self.said_at is None or now - self.said_at >= SAY_EVERY:
            log.warning(
                "digest: events wait", waiting=measured.waiting, oldest_seconds=round(measured.age.total_seconds())
            )
            self.said_at = now


def run_lag_log(stop: threading.Event) -> None:
    """Look every few seconds until `stop` is set. A database that is away is for others to complain about."""
    watching = LagLog()
    while not stop.wait(LOOK_EVERY):
        try:
            watching.look()
        except DatabaseError:
            connection.close()
