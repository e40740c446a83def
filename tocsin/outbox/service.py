"""Adding to the outbox: in the transaction that makes the delivery necessary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from tocsin.outbox import statements, wakeup
from tocsin.outbox.models import OPEN, Delivery, Priority


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where a delivery goes, as far as order, pace and budgets are concerned."""

    subject: str  # "card:12": order holds within it
    lane: str  # "slack:T1:C1": pace holds within it
    pool: str  # "slack:T1": it fails as a whole
    method: str  # "chat.update": its budget within the pool


def add(
    kind: str,
    about: Mapping[str, Any],
    route: Route,
    *,
    now: datetime,
    organization: int | None,
    priority: Priority = Priority.POST,
    after: timedelta = timedelta(0),
) -> Delivery:
    """Write down something to send. `about` becomes the sender's keyword arguments: ids, because the sender reads the present.

    The worker is woken when the transaction commits.
    """
    delivery = Delivery(
        organization=organization,
        kind=kind,
        about=dict(about),
        subject=route.subject,
        lane=route.lane,
        pool=route.pool,
        method=route.method,
        priority=priority,
        created_at=now,
        due_at=now + after,
    )
    if connection.vendor == "postgresql":
        statements.insert(delivery, calls=wakeup.channel(wakeup.DELIVER))
    else:
        statements.insert(delivery)
        wakeup.on_commit(wakeup.DELIVER)
    return delivery


def postpone(kind: str, subject: str, until: datetime) -> bool:
    """What is waiting of this kind, and nobody has begun, is not sent before `until`. Whether there is such a delivery."""
    waiting = Delivery.objects.filter(OPEN, kind=kind, subject=subject, attempts=0, lease_token="")
    return waiting.update(due_at=until) > 0


def is_waiting(kind: str, subject: str) -> bool:
    """Whether such a delivery is there that nobody has begun."""
    return Delivery.objects.filter(
        OPEN, kind=kind, subject=subject, attempts=0, lease_token="", lease_until__isnull=True
    ).exists()


def is_open(kind: str, subject: str) -> bool:
    """Whether such a delivery is there that is not done, waiting or under way."""
    return Delivery.objects.filter(OPEN, kind=kind, subject=subject).exists()
