"""What the outbox calls to speak to Slack about a card: post, refresh, reply. Each reads the present, draws it, sends it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction

from tocsin.alerts.models import Destination
from tocsin.clock import database_now
from tocsin.issues.models import Activity
from tocsin.logs import get_logger
from tocsin.outbox import service as outbox
from tocsin.outbox.failures import DeliveryError, FencedOut
from tocsin.outbox.worker import Lease
from tocsin.slack import line as lines
from tocsin.slack import lookup, reading, statements
from tocsin.slack import refresh as refreshing
from tocsin.slack.blocks import Message
from tocsin.slack.drawing import Drawn, content_of, drawn
from tocsin.slack.line import Line
from tocsin.slack.models import Card, Installation
from tocsin.slack.refresh import REFRESH, next_number, siblings
from tocsin.slack.slack_errors import Meaning, SlackError
from tocsin.slack.statements import Given, Seen
from tocsin.slack.whispers import whisper as whisper

log = get_logger(__name__)

POST = "slack.post_card"
CARD = "tocsin_card"
REPLY = "tocsin_reply"
UNFURL_SETTLES = timedelta(seconds=5)
UNFURL_TRIES = 2
UNFURL_AGAIN_AFTER = timedelta(seconds=1)
SETTLES_AFTER = timedelta(seconds=3)  # a card whose state at Slack is unknown is sent once more then
PLAIN: dict[str, Any] = {"parse": "none", "link_names": False}
QUIET: dict[str, Any] = {**PLAIN, "unfurl_links": False, "unfurl_media": False}
CANNOT_BE_TOLD = frozenset({Meaning.DESTINATION, Meaning.CONFIGURATION})


# --- reading ---------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a send of a card is to know. `drawn` is None where nothing is to be sent."""

    card: Card | None
    installation: Installation | None = None
    drawn: Drawn | None = None


def read_cards(leases: Sequence[Lease]) -> None:
    """Read for all of them together what each needs. What they cover was read before."""
    card_ids = {lease.delivery.about["card_id"] for lease in leases}
    cards = Card.objects.select_related("workspace", "destination").in_bulk(card_ids)
    installations = lines.of_cards(cards.values())
    wanted = {
        lease.id: (card, lease.delivery.kind != POST and not _is_new_unfurl(card))
        for lease in leases
        if (card := cards.get(lease.delivery.about["card_id"])) is not None and _has_something_to_send(lease, card)
    }
    shown = dict(zip(wanted, reading.cards_of(list(wanted.values())), strict=True))
    for lease in leases:
        card = cards.get(lease.delivery.about["card_id"])
        lease.facts = Facts(
            card=card,
            installation=installations.get((card.workspace_id, card.organization_id)) if card else None,
            drawn=drawn(shown[lease.id], card.style) if card and lease.id in shown else None,
        )


def _is_new_unfurl(card: Card) -> bool:
    return bool(card.unfurl_url) and not card.version


def _has_something_to_send(lease: Lease, card: Card) -> bool:
    return not card.ts if lease.delivery.kind == POST else card.ts != "" and not card.is_gone


def _facts(lease: Lease) -> Facts:
    if lease.facts is None:
        read_cards([lease])
    facts: Facts = lease.facts
    return facts


# --- posting ---------------------------------------------------------------------------------------------------------
def post_card(lease: Lease, *, card_id: int) -> None:
    """Post a card that has no message yet; after a lost answer, look for it first."""
    facts = _facts(lease)
    if facts.card is not None and facts.drawn is not None:
        _post(lease, facts.card, facts.drawn, facts.installation)


def _post(lease: Lease, card: Card, what: Drawn, installation: Installation | None) -> None:
    with _faults_noted(card):
        line = lines.of_card(lease, card, installation)
        channel = card.address.partition("/")[2]
        found = None
        if lease.is_ambiguous:
            found = lookup.find(line, channel, CARD, card.delivery_key, created_at=card.created_at)
        if found is not None:
            _keep(lease, card, _given(card, found), _take_over)
        else:
            posted = _send_as_drawn(
                what,
                lambda message: line.call(
                    "chat.postMessage",
                    channel=channel,
                    metadata=lookup.metadata(CARD, card.delivery_key),
                    **message,
                    **QUIET,
                ),
            )
            _keep(lease, card, _given(card, posted, what), statements.store_posted)
    if not card.permalink:
        _fetch_permalink(line, card)


def _given(card: Card, answer: dict[str, Any], what: Drawn | None = None) -> Given:
    """What Slack gave us, and what it shows, where that is known."""
    channel, ts = answer["channel"], answer["ts"]
    card.channel, card.ts, card.permalink = channel, ts, permalink(card.workspace.url, channel, ts)
    known: dict[str, Any] = {}
    if what is not None:
        known = {"content_hash": what.content_hash, "version": what.version(card)}
    return Given(card_id=card.pk, channel=channel, ts=ts, permalink=card.permalink, **known)


def permalink(workspace_url: str, channel: str, ts: str) -> str:
    """The message's address, as Slack makes it: https://api.slack.com/methods/chat.getPermalink. Empty where it has to be asked
    for, because we do not know the workspace's own address.
    """
    return f"{workspace_url}archives/{channel}/p{ts.replace('.', '')}" if workspace_url.endswith("/") else ""


def _keep(lease: Lease, card: Card, given: Given, store: Callable[[Sequence[Given]], None]) -> None:
    """Store what Slack gave, and be done. A worker that was fenced out keeps its message as a further card."""
    try:
        lease.finish((store, given))
    except FencedOut:
        _keep_further(card, given)
        raise


def _take_over(found: Sequence[Given]) -> None:
    """A message that was found may have been kept as a further card meanwhile; and what it shows is not known."""
    for given in found:
        card = Card.objects.select_related("workspace").filter(pk=given.card_id).first()
        if card is not None:
            Card.objects.filter(workspace=card.workspace, channel=given.channel, ts=given.ts).delete()
            statements.store_posted([given])
            _refresh_later(card)


def _keep_further(card: Card, given: Given) -> None:
    """Another worker has the row, and Slack has given us a message all the same: it hangs there, so it is kept true."""
    with transaction.atomic():
        same = {each.pk: each for each in siblings(card).select_for_update().order_by("pk")}
        if any((each.channel, each.ts) == (given.channel, given.ts) for each in same.values()):
            return  # another worker has found it
        further = same.get(card.pk)
        if further is None:  # its organization was deleted, and nobody is left to tell
            return
        further.number = next_number(further)
        further.pk = None
        further.is_current = False
        further.channel, further.ts, further.permalink = given.channel, given.ts, given.permalink
        further.posted_at = database_now()
        further.content_hash = further.error = ""
        further.save(force_insert=True)
        _refresh_later(further)
    log.warning("slack: a message of a worker that was fenced out is kept", card=card.pk, further=further.pk)


# --- refreshing ------------------------------------------------------------------------------------------------------
def refresh_card(lease: Lease, *, card_id: int) -> None:
    """Bring a message in line with what it shows; nothing is sent when Slack has that already."""
    facts = _facts(lease)
    card, what = facts.card, facts.drawn
    if card is None or card.is_gone:
        return
    if what is None:
        raise DeliveryError("not_posted", card.error or "The card could not be posted.", is_permanent=True)
    if lease.is_ambiguous or card.content_hash != what.content_hash:
        _update(lease, card, what, facts.installation)
    else:
        lease.finish((statements.store_seen, _seen(card, what)))


def _seen(card: Card, what: Drawn) -> Seen:
    return Seen(card_id=card.pk, content_hash=what.content_hash, version=what.version(card))


def _update(lease: Lease, card: Card, what: Drawn, installation: Installation | None) -> None:
    with _faults_noted(card):
        line = lines.of_card(lease, card, installation)
        try:
            _send_as_drawn(what, lambda message: SHOW[bool(card.unfurl_url)](line, card, message))
        except SlackError as error:
            if error.meaning is Meaning.GONE:
                lease.finish((_mark_gone, (card.pk, error.sentence)))
                return
            if error.meaning is Meaning.BENIGN:
                return
            raise
    try:
        lease.finish((statements.store_seen, _seen(card, what)))
    except FencedOut:
        _forget_what_slack_shows(card)
        raise
    if not card.permalink and not card.unfurl_url:
        _fetch_permalink(line, card)


def _update_message(line: Line, card: Card, message: Message) -> dict[str, Any]:
    metadata = lookup.metadata(CARD, card.delivery_key)
    return line.call("chat.update", channel=card.channel, ts=card.ts, metadata=metadata, **message, **PLAIN)


def _unfurl(line: Line, card: Card, message: Message) -> dict[str, Any]:
    """Below the link of somebody's message. Slack may not have noted yet that it told us of it: then a little later."""
    try:
        return line.call(
            "chat.unfurl", channel=card.channel, ts=card.ts, unfurls={card.unfurl_url: content_of(message)}
        )
    except SlackError as error:
        is_early = database_now() - card.created_at < UNFURL_SETTLES
        if error.code == "cannot_unfurl_url" and is_early and line.lease.delivery.attempts <= UNFURL_TRIES:
            raise DeliveryError(error.code, error.sentence, retry_after=UNFURL_AGAIN_AFTER) from error
        raise


SHOW: dict[bool, Callable[[Line, Card, Message], dict[str, Any]]] = {False: _update_message, True: _unfurl}


def _mark_gone(cards: Iterable[tuple[int, str]]) -> None:
    for pk, error in cards:
        Card.objects.filter(pk=pk).update(is_gone=True, error=error)


def _forget_what_slack_shows(card: Card, *, unless_waiting: bool = False) -> None:
    """An update may have come or not, or have come after a newer one of another worker: when things have settled, it is
    sent again. `unless_waiting`: not by a further row if one waits; right only while we hold the card's lease.
    """
    with transaction.atomic():
        Card.objects.filter(pk=card.pk).update(content_hash="")
        if not (unless_waiting and outbox.is_waiting(REFRESH, card.outbox_subject)):
            _refresh_later(card)


def _refresh_later(card: Card) -> None:
    refreshing.refresh_card(card, database_now(), after=SETTLES_AFTER)


# --- replying --------------------------------------------------------------------------------------------------------
def reply(lease: Lease, *, card_id: int, activity_id: int) -> None:
    """Tell a card's thread of an activity, and the channel too when it began an episode.

    Where the card was never posted there is no thread: what was to be a reply becomes the card.
    """
    card = _card(card_id)
    if card is None or card.is_gone:
        return
    if not card.ts:
        _post(lease, card, drawn(reading.card_of(card, mention=False), card.style), lines.serving(card))
        return
    activity = Activity.objects.filter(organization_id=card.organization_id, pk=activity_id).first()
    if activity is None:
        return
    key = f"{card.delivery_key}-{activity_id}"
    with _faults_noted(card):
        line = lines.of_card(lease, card, lines.serving(card))
        if lease.is_ambiguous and lookup.find(
            line, card.channel, REPLY, key, created_at=lease.created_at, thread_ts=card.ts
        ):
            return
        shown = reading.reply_of(card, activity)
        _send_as_drawn(
            drawn(shown, card.style),
            lambda message: line.call(
                "chat.postMessage",
                channel=card.channel,
                thread_ts=card.ts,
                reply_broadcast=shown.broadcast,
                metadata=lookup.metadata(REPLY, key),
                **message,
                **QUIET,
            ),
        )


# --- parts -----------------------------------------------------------------------------------------------------------
def _card(card_id: int) -> Card | None:
    return Card.objects.select_related("workspace", "destination").filter(pk=card_id).first()


def _send_as_drawn(what: Drawn, send: Callable[[Message], dict[str, Any]]) -> dict[str, Any]:
    """Slack's answer to the first drawing that it takes. Each that it refuses is a fault of ours, and logged."""
    message = what.message
    for plainer in what.plainer:
        try:
            return send(message)
        except SlackError as error:
            if error.meaning is not Meaning.REFUSED_MESSAGE:
                raise
            log.error("slack: a message was refused as drawn", next=plainer.__name__, error_code=error.code)
        message = plainer(what.shown)
    return send(message)


class _faults_noted:  # noqa: N801 - read as a sentence: with _faults_noted(card)
    """What a failed send says about the card and its destination is written where people look for it."""

    def __init__(self, card: Card) -> None:
        self._card = card

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        card = self._card
        if error is None:
            if card.destination is not None and card.destination.fault:
                Destination.objects.filter(pk=card.destination.pk).update(fault="", fault_at=None)
        elif isinstance(error, DeliveryError):
            told = f"{error.sentence} {error.repair}".strip()
            if error.is_permanent:
                Card.objects.filter(pk=card.pk).update(error=told[:500])
            elif error.is_ambiguous and card.ts:
                _forget_what_slack_shows(card, unless_waiting=True)
            if isinstance(error, SlackError) and error.meaning in CANNOT_BE_TOLD and card.destination is not None:
                Destination.objects.filter(pk=card.destination.pk).update(fault=told[:300], fault_at=database_now())


def _fetch_permalink(line: Line, card: Card) -> None:
    """After the card is stored: a card without a permalink is a card all the same. The next refresh tries again."""
    found = permalink(card.workspace.url, card.channel, card.ts)
    if not found:
        try:
            found = str(line.call("chat.getPermalink", channel=card.channel, message_ts=card.ts).get("permalink", ""))
        except (DeliveryError, FencedOut) as error:
            log.info("slack: no permalink", card=card.pk, error=str(error))
            return
    Card.objects.filter(pk=card.pk, ts=card.ts).update(permalink=found[:300])
