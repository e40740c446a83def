"""The reconciliation pass: finds cards that do not show what is true, whatever it was that missed them."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import QuerySet

from tocsin.clock import database_now
from tocsin.logs import get_logger
from tocsin.outbox import service as outbox
from tocsin.outbox.models import Priority
from tocsin.slack import reading
from tocsin.slack.drawing import Drawn, drawn
from tocsin.slack.models import Card, Installation
from tocsin.slack.refresh import REFRESH, REOPENS_FOR, refresh_card

log = get_logger(__name__)

EVERY = timedelta(minutes=10)
AFTER_OUTAGE = timedelta(seconds=2)  # how soon the database is tried again; the pass that was cut short begins anew
AT_ONCE = 50  # cards
RESTS = 9.0  # times as long as a batch took: a tenth of a core, while everybody else works


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """`last`: the id of its last card; 0 when there was none. `stale`: how many refreshes were added."""

    last: int
    stale: int


def run_reconciliation(stop: threading.Event) -> None:
    """At once, and every ten minutes, until `stop` is set. A database that goes away cuts a pass short; it is made anew when
    the database is back, because what happened meanwhile may have been missed. The first pass tries again what Slack has refused.
    """
    pause, retries_refused = EVERY, True
    while not stop.is_set():
        try:
            _pass(stop, retries_refused=retries_refused)
            pause, retries_refused = EVERY, False
        except (OperationalError, InterfaceError) as error:
            log.warning("reconcile: the database failed; trying again", error=str(error))
            connection.close()
            pause = AFTER_OUTAGE
        stop.wait(pause.total_seconds())
    connection.close()


def _pass(stop: threading.Event, *, retries_refused: bool) -> None:
    after = stale = 0
    while not stop.is_set():
        began = time.monotonic()
        batch = reconcile(database_now(), after=after, retries_refused=retries_refused)
        connection.close_if_unusable_or_obsolete()
        if not batch.last:
            break
        after, stale = batch.last, stale + batch.stale
        stop.wait((time.monotonic() - began) * RESTS)
    if stale:
        log.info("reconcile: cards were not true, and are sent again", cards=stale)


def reconcile_all(now: datetime) -> int:
    """The whole pass, without rests. Returns how many refreshes were added."""
    after = stale = 0
    while (batch := reconcile(now, after=after)).last:
        after, stale = batch.last, stale + batch.stale
    return stale


def reconcile(now: datetime, *, after: int = 0, retries_refused: bool = True) -> Batch:
    """Compare what the next cards should show with what Slack is believed to show, and add a refresh for each that differs and
    has none under way. What is not known counts as different.

    `after`: the id after which to go on. `retries_refused`: whether cards are tried whose last message Slack has refused for good.
    """
    cards = list(_hanging(now, retries_refused=retries_refused).filter(pk__gt=after).order_by("pk")[:AT_ONCE])
    stale = [card for card, priority in _not_true(cards) if _add_refresh(card, priority)]
    return Batch(last=cards[-1].pk if cards else 0, stale=len(stale))


def _hanging(now: datetime, *, retries_refused: bool) -> QuerySet[Card]:
    """The cards that can be edited and that somebody still sees: younger than 30 days, in a workspace that is connected and a
    channel that can be written to.
    """
    cards = Card.objects.select_related("workspace", "destination").filter(
        is_gone=False,
        created_at__gt=now - REOPENS_FOR,
        workspace__installations__state=Installation.State.CONNECTED,
    )
    cards = cards.exclude(ts="").exclude(destination__fault__gt="").distinct()
    return cards if retries_refused else cards.filter(error="")


def _not_true(cards: Sequence[Card]) -> list[tuple[Card, Priority]]:
    """Those that differ, and how urgent it is: where the version is the issue's, it is but numbers.

    A card that was never edited names people without mentioning them; an edited one mentions them. Both are true.
    """
    edited, posted = (_drawn(cards, mention=mention) for mention in (True, False))
    return [
        (card, Priority.COUNTS if card.content_hash and card.version == now.version(card) else Priority.REFRESH)
        for card, now, then in zip(cards, edited, posted, strict=True)
        if card.content_hash not in (now.content_hash, then.content_hash)
    ]


def _drawn(cards: Sequence[Card], *, mention: bool) -> list[Drawn]:
    shown = reading.cards_of([(card, mention) for card in cards])
    return [drawn(each, card.style) for each, card in zip(shown, cards, strict=True)]


def _add_refresh(card: Card, priority: Priority) -> bool:
    """Whether one was needed: a change that comes at the same time has added its own."""
    with transaction.atomic():
        if outbox.is_open(REFRESH, card.outbox_subject):
            return False
        refresh_card(card, database_now(), priority=priority)
    return True
