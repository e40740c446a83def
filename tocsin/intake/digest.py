"""Digesting: events that were accepted become part of issues, a batch in one transaction.

Whatever kills the process, a batch is digested whole or not at all, and then again. An event that cannot be digested is set aside
with its reason, and its batch goes on; trouble of the database is nobody's fault and is tried again.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime

from django.db import Error as DatabaseError
from django.db import InterfaceError, OperationalError, connection, transaction

from tocsin.clock import database_now
from tocsin.intake import counts, filters, statements
from tocsin.intake.counts import EVENT, Outcome, Tally
from tocsin.intake.filters import Filters, Sent
from tocsin.intake.light import Glimpse, NotPlain, glance
from tocsin.intake.limits import MIB
from tocsin.intake.models import Accepted
from tocsin.intake.normalise import normalise
from tocsin.intake.odd_json import decode_object
from tocsin.intake.packing import unpack
from tocsin.intake.statements import Waiting
from tocsin.issues.event import Event
from tocsin.issues.grouping import fingerprint_hash
from tocsin.issues.storing import Incoming, store
from tocsin.logs import get_logger
from tocsin.outbox import wakeup

log = get_logger(__name__)

BATCH_SIZE = 100  # events
BATCH_BYTES = 8 * MIB  # of their packed JSON: what a batch may hold in memory
BACKOFF = (0.1, 0.5, 1.0, 2.0, 5.0)  # seconds, after the database failed this often in a row

NOT_THE_EVENTS_FAULT = (OperationalError, InterfaceError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """An accepted event, understood."""

    row: Waiting
    incoming: Incoming


@dataclass(frozen=True, slots=True, kw_only=True)
class Poisonous:
    """An accepted event that cannot be digested, and why."""

    row: Waiting
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unwanted:
    """An accepted event that its project does not want, and why."""

    row: Waiting
    outcome: Outcome


def run_digest(stop: threading.Event) -> None:
    """Digest until `stop` is set, and the batch under way is done. Survives a database that goes away."""
    failures = 0
    with wakeup.waiting(wakeup.DIGEST) as wait:
        while not stop.is_set():
            try:
                digested = digest_batch()
            except DatabaseError as error:
                log.warning("digest: the database failed; trying again", error=str(error))
                connection.close()
                stop.wait(BACKOFF[min(failures, len(BACKOFF) - 1)])
                failures += 1
            else:
                failures = 0
                if not digested:
                    wait(stop)


def digest_batch(size: int = BATCH_SIZE) -> int:
    """Digest up to `size` of the events that wait, the oldest first. Returns how many were done, set aside included.

    Any number of workers may do this at once. Raises django.db.Error; then nothing was done.
    """
    with _claiming():
        waiting = statements.read_waiting(statements.claim(size, BATCH_BYTES))
        if not waiting:
            return 0
        unwanted = filters.filters_of((row.organization_id, row.project_id) for row in waiting)
        understood = _without_discarded([_understand(row, unwanted.get(row.project_id, {})) for row in waiting])
        with nullcontext() if _locks() else transaction.atomic():
            return _finish(understood)


@contextmanager
def _claiming() -> Iterator[None]:
    """On PostgreSQL the rows stay locked while we think, so that workers share the work. SQLite has one lock for all, which is
    taken for writing only: thinking under it would keep everybody from accepting."""
    if _locks():
        with transaction.atomic():
            yield
    else:
        yield


def _locks() -> bool:
    """Whether the database locks rows, and passes over those that others have locked."""
    return bool(connection.features.has_select_for_update_skip_locked)


def _understand(row: Waiting, unwanted: Filters) -> Ready | Poisonous | Unwanted:
    try:
        glimpse = _glimpse(row)
        grouping = fingerprint_hash(glimpse.outline, row.grouping)
        sent = Sent(event=glimpse.outline, address=row.address)
        if outcome := filters.unwanted(sent, unwanted):
            return Unwanted(row=row, outcome=outcome)
    except Exception as error:  # noqa: BLE001 - whatever it is, the other events go on
        return _poisonous(row, error)
    return Ready(
        row=row,
        incoming=Incoming(
            organization_id=row.organization_id,
            project_id=row.project_id,
            hash=grouping.hash,
            event=glimpse.event,
            encoding=row.encoding,
            payload=row.payload,
            snapshot=row.snapshot,
        ),
    )


def _glimpse(row: Waiting) -> Glimpse:
    """What deciding needs; the whole is unpacked again when somebody asks for more, so that a batch holds no event as a whole."""

    def whole() -> Event:
        raw = decode_object(unpack(row.encoding, row.payload), "The event")
        return normalise(raw, accepted_at=row.accepted_at, event_id=row.event_id, address=row.address)

    try:
        return glance(
            unpack(row.encoding, row.payload),
            accepted_at=row.accepted_at,
            event_id=row.event_id,
            address=row.address,
            whole=whole,
        )
    except NotPlain:
        event = whole()
        return Glimpse(event=event, outline=event)


def _poisonous(row: Waiting, error: Exception) -> Poisonous:
    text = f"{type(error).__name__}: {error}".encode("utf-8", "replace").decode().replace("\0", "")
    return Poisonous(row=row, reason=text[:500])


def _without_discarded(understood: Sequence[Ready | Poisonous | Unwanted]) -> list[Ready | Poisonous | Unwanted]:
    """The same, with events of issues that were deleted for good marked."""
    gone = filters.discarded(
        ((one.row.organization_id, one.row.project_id), one.incoming.hash)
        for one in understood
        if isinstance(one, Ready)
    )
    return [
        Unwanted(row=one.row, outcome=Outcome.FILTERED_DELETED)
        if isinstance(one, Ready) and one.incoming.place in gone
        else one
        for one in understood
    ]


def _finish(understood: Sequence[Ready | Poisonous | Unwanted]) -> int:
    """Store, count, and remove what is still waiting: on SQLite another worker may have been faster."""
    if not _locks():
        still = statements.still_waiting([one.row.pk for one in understood])
        understood = [one for one in understood if one.row.pk in still]
    now = database_now()
    ready = [one for one in understood if isinstance(one, Ready)]
    poisonous = [one for one in understood if isinstance(one, Poisonous)]
    tally: Tally = Tally()
    for one in understood:
        if isinstance(one, Unwanted):
            tally[one.row.organization_id, one.row.project_id, EVENT, one.outcome] += 1
    poisonous += _store(ready, now, tally)
    _set_aside(poisonous, tally)
    aside = {one.row.pk for one in poisonous}
    statements.forget([one.row.pk for one in understood if one.row.pk not in aside])
    counts.add(tally, now)
    return len(understood)


def _store(ready: Sequence[Ready], now: datetime, tally: Tally) -> list[Poisonous]:
    """All at once, in a savepoint; when that fails, each half of them. Returns those that fail alone, too."""
    if not ready:
        return []
    try:
        with transaction.atomic():
            is_counted = store([one.incoming for one in ready], now=now)
    except NOT_THE_EVENTS_FAULT:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the other events go on
        if len(ready) == 1:
            return [_poisonous(ready[0].row, error)]
        half = len(ready) // 2
        return _store(ready[:half], now, tally) + _store(ready[half:], now, tally)
    for one, counted in zip(ready, is_counted, strict=True):
        if not counted:
            tally[one.row.organization_id, one.row.project_id, EVENT, Outcome.DUPLICATE] += 1
    return []


def _set_aside(poisonous: Sequence[Poisonous], tally: Tally) -> None:
    for one in poisonous:
        log.warning(
            "digest: an event was set aside", event_id=one.row.event_id, project=one.row.project_id, reason=one.reason
        )
        Accepted.objects.filter(pk=one.row.pk).update(state=Accepted.State.SET_ASIDE, reason=one.reason)
        tally[one.row.organization_id, one.row.project_id, EVENT, Outcome.SET_ASIDE] += 1
