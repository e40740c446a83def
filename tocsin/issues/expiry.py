"""The clock: issues whose archive ends at a time come back then, and what can no longer be undone is announced."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime

from django.db import InterfaceError, OperationalError, connection, transaction

from tocsin import bus
from tocsin.accounts.actor import system
from tocsin.clock import database_now
from tocsin.issues.changes import UNDO_ENDED, IssueChanged
from tocsin.issues.models import Issue, Status
from tocsin.issues.returning import unarchived
from tocsin.issues.service import apply
from tocsin.logs import get_logger

log = get_logger(__name__)

LOOKS_EVERY = 1.0  # seconds
AT_ONCE = 100  # issues


def run_expiry(stop: threading.Event, clocks: Sequence[Callable[[datetime], int]]) -> None:
    """Until `stop` is set, let each clock end what is over: it is told the database's time, and says how many it ended. Survives
    a database that goes away.
    """
    while not stop.is_set():
        try:
            while any(clock(database_now()) for clock in clocks) and not stop.is_set():
                pass
        except (OperationalError, InterfaceError) as error:
            log.warning("expiry: the database failed; trying again", error=str(error))
            connection.close()
        else:
            connection.close_if_unusable_or_obsolete()
        stop.wait(LOOKS_EVERY)
    connection.close()


def expire(now: datetime) -> int:
    """End archives whose time is over, each in a transaction of its own: a hundred at most, the longest overdue first.

    Returns how many. `now` is the database's clock.
    """
    ended = Issue.objects.filter(archived_until__lte=now, status=Status.ARCHIVED).order_by("archived_until", "pk")
    return sum(_end(pk, now) for pk in list(ended.values_list("pk", flat=True)[:AT_ONCE]))


def _end(issue_id: int, now: datetime) -> bool:
    """Whether it was this worker that brought it back: somebody may have changed the issue meanwhile."""
    with transaction.atomic():
        issue = (
            Issue.objects.select_for_update()
            .filter(pk=issue_id, archived_until__lte=now, status=Status.ARCHIVED)
            .first()
        )
        if issue is None:
            return False
        apply(issue, unarchived("time"), system(now), began_episode=True)
        return True


def end_undos(now: datetime) -> int:
    """Announce the issues whose last action can no longer be undone: a hundred at most. Returns how many."""
    ended = Issue.objects.filter(undo_until__lte=now).order_by("undo_until", "pk")
    return sum(_end_undo(pk, now) for pk in list(ended.values_list("pk", flat=True)[:AT_ONCE]))


def _end_undo(issue_id: int, now: datetime) -> bool:
    with transaction.atomic():
        issue = Issue.objects.select_for_update().filter(pk=issue_id, undo_until__lte=now).first()
        if issue is None:
            return False
        Issue.objects.filter(pk=issue_id).update(undo_until=None)
        bus.publish(
            IssueChanged(
                organization_id=issue.organization_id,
                issue_id=issue.pk,
                kind=UNDO_ENDED,
                now=now,
                episode=issue.episode,
            )
        )
        return True
