"""Accepting: what an SDK sent is made durable before it is answered. `digest` makes it part of an issue later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from tocsin.group_commit import GroupCommit
from tocsin.intake import counts, quotas, statements
from tocsin.intake.auth import Sender
from tocsin.intake.counts import EVENT, REQUEST, Outcome, Tally
from tocsin.intake.packing import Packed
from tocsin.intake.refusals import OverQuota, Refused
from tocsin.intake.statements import Moment
from tocsin.outbox import wakeup


@dataclass(frozen=True, slots=True, kw_only=True)
class RawEvent:
    """An event's JSON, packed, under the id that it will have (32 hex digits)."""

    event_id: str
    encoding: str
    payload: bytes

    @classmethod
    def of(cls, event_id: str, packed: Packed) -> RawEvent:
        encoding, payload = packed
        return cls(event_id=event_id, encoding=encoding, payload=payload)


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What one request brought, and from which address (empty: unknown). `counted` are the types of the items that are counted
    and not stored."""

    sender: Sender
    address: str = ""
    events: tuple[RawEvent, ...] = ()
    counted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A request with a good key that was refused: counted, so that a project sees what it loses."""

    sender: Sender
    outcome: Outcome


def accept(submission: Submission) -> None:
    """Returns when all of it is durable. An event whose id is known already is stored once and counted as a duplicate.

    Raises TooMany, OverQuota, and django.db.Error when the database is not available: then nothing of it was stored.
    """
    _writer.submit(submission)


def count_refused(sender: Sender, why: Refused) -> None:
    """Write down that a request was refused. Raises django.db.Error."""
    outcome = Outcome.OVER_QUOTA if isinstance(why, OverQuota) else Outcome.REFUSED
    _writer.submit(Refusal(sender=sender, outcome=outcome))


def _commit(works: Sequence[Submission | Refusal]) -> list[Refused | None]:
    """One transaction for all. `accepted_at` is the database's clock inside it: a resolution decides by it."""
    with transaction.atomic():
        submitted = [work for work in works if isinstance(work, Submission)]
        moment = statements.begin(call=any(work.events for work in submitted))
        refused = quotas.spend([(work.sender, len(work.events)) for work in submitted], moment.at)
        tally = _insert([work for work, why_not in zip(submitted, refused, strict=True) if why_not is None], moment)
        tally.update(_tallied(work.sender, REQUEST, work.outcome) for work in works if isinstance(work, Refusal))
        counts.add(tally, moment.at)
    outcomes = iter(refused)
    return [next(outcomes) if isinstance(work, Submission) else None for work in works]


def _insert(taken: Sequence[Submission], moment: Moment) -> Tally:
    rows = [
        (
            work.sender.organization_id,
            work.sender.project_id,
            event.event_id,
            event.encoding,
            event.payload,
            work.address,
        )
        for work in taken
        for event in work.events
    ]
    inserted = statements.insert_accepted(rows, moment) if rows else set()
    if inserted and not moment.has_called:
        wakeup.on_commit(wakeup.DIGEST)
    tally: Tally = Tally()
    for organization_id, project_id, event_id, *_ in rows:
        is_new = (project_id, event_id) in inserted
        inserted.discard((project_id, event_id))  # the same id twice in one envelope: the second is a duplicate
        tally[organization_id, project_id, EVENT, Outcome.ACCEPTED if is_new else Outcome.DUPLICATE] += 1
    tally.update(
        _tallied(work.sender, counts.kind_of(item), Outcome.COUNTED) for work in taken for item in work.counted
    )
    return tally


def _tallied(sender: Sender, kind: str, outcome: Outcome) -> tuple[int, int, str, Outcome]:
    return sender.organization_id, sender.project_id, kind, outcome


_writer: GroupCommit[Submission | Refusal, None] = GroupCommit(_commit)
