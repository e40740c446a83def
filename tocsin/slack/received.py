"""What Slack sent before: the same delivery again has no second effect. And what of Slack's may be forgotten."""

from __future__ import annotations

import hashlib
import json
import threading
from datetime import datetime, timedelta
from typing import Any

from django.db import InterfaceError, OperationalError, connection

from tocsin.clock import database_now
from tocsin.logs import get_logger
from tocsin.outbox import retention
from tocsin.slack import statements
from tocsin.slack.models import Installation, LinkToken, OpenedView, Received, ResponseUrl, WaitingLink
from tocsin.slack.payloads import Clicks, DialogSubmission, LinksShared, Shortcut, SlashCommand, Submission

log = get_logger(__name__)

KEPT_FOR = timedelta(hours=48)
PURGED_AT_ONCE = 1000  # rows: a short transaction
PURGE_SECONDS = 600.0


def key_of(clicks: Clicks) -> str:
    """What tells this click apart from every other of the installation: 64 hex digits."""
    place = clicks.place
    parts = [
        "click",
        clicks.sender.id,
        place.view_id or place.channel,
        place.ts,
        [[click.action_id, click.block_id, click.action_ts or clicks.trigger_id] for click in clicks.clicks],
    ]
    return _digest(parts)


def key_of_submission(submission: Submission) -> str:
    """The same of a modal that was submitted."""
    return _digest(["view_submission", submission.sender.id, submission.view.id, submission.trigger_id])


def key_of_dialog(submission: DialogSubmission) -> str:
    """The same of a dialog of old."""
    return _digest(["dialog_submission", submission.sender.id, submission.callback_id, submission.action_ts])


def key_of_shortcut(shortcut: Shortcut) -> str:
    """The same of a shortcut."""
    return _digest(["shortcut", shortcut.sender.id, shortcut.name, shortcut.trigger_id])


def key_of_command(command: SlashCommand) -> str:
    """The same of a command."""
    return _digest(["command", command.sender.id, command.trigger_id])


def keys_of_links(links: LinksShared) -> tuple[str, ...]:
    """The same of an event: Slack may repeat it under the same id, or under another."""
    told = _digest(["link_shared", links.place.channel or links.unfurl_id, links.event_ts, links.sender.id])
    return (_digest(["event", links.event_id]), told) if links.event_id else (told,)


def _digest(parts: list[Any]) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def remember(installation: Installation, key: str, kind: str, outcome: str, now: datetime) -> int | None:
    """Write down that this delivery came, and how it will have ended; returns the row's id. None: it came before. In the
    transaction of its effect: a second one that comes meanwhile waits here until the first has ended.
    """
    return statements.insert_received(installation.pk, key, kind, {"kind": outcome}, now)


def outcome_of(installation: Installation, key: str) -> tuple[str, str]:
    """How a delivery ended that came before, and what was said to it."""
    outcome = Received.objects.get(installation=installation, key=key).outcome
    return str(outcome["kind"]), str(outcome.get("text", ""))


def ended(received_id: int, outcome: str, text: str = "") -> None:
    """It ended otherwise than was written down at first; `text` is what it is to be told again."""
    Received.objects.filter(pk=received_id).update(outcome={"kind": outcome, **({"text": text} if text else {})})


def forget(received_id: int) -> None:
    """It had no effect: the same delivery may come again."""
    Received.objects.filter(pk=received_id).delete()


def run_purge(stop: threading.Event) -> None:
    """Purge until `stop` is set, the outbox too. Survives a database that goes away."""
    while not stop.is_set():
        try:
            while (purge(database_now()) or retention.purge(database_now())) and not stop.is_set():
                pass
        except (OperationalError, InterfaceError) as error:
            log.warning("slack: the database failed; purging later", error=str(error))
            connection.close()
        else:
            connection.close_if_unusable_or_obsolete()
        stop.wait(PURGE_SECONDS)
    connection.close()


def purge(now: datetime) -> int:
    """Forget what is past its time: deliveries after 48 hours, response_urls and link tokens
    when they have expired, modals after two days.
    Returns how many rows went; a thousand of each at most, so call it again while there are any.
    """
    old = (
        Received.objects.filter(received_at__lt=now - KEPT_FOR),
        ResponseUrl.objects.filter(expires_at__lt=now),
        LinkToken.objects.filter(expires_at__lt=now - KEPT_FOR),
        OpenedView.objects.filter(created_at__lt=now - KEPT_FOR),
        WaitingLink.objects.filter(created_at__lt=now - KEPT_FOR),
    )
    gone = 0
    for rows in old:
        ids = list(rows.values_list("pk", flat=True)[:PURGED_AT_ONCE])
        if ids:
            rows.model._default_manager.filter(pk__in=ids).delete()
            gone += len(ids)
    return gone
