"""Asking the outbox to tell one person something, by the roads that a click has opened."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from tocsin.outbox import service as outbox
from tocsin.outbox.models import Priority
from tocsin.slack.addresses import may_respond_to
from tocsin.slack.models import Installation, ResponseUrl, Workspace
from tocsin.slack.payloads import Place

RESPONSE_URL_LIVES = timedelta(minutes=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Whom, and by which roads. `response_url` is empty when there is none; it is kept only if something is said."""

    installation: Installation
    workspace: Workspace
    slack_user_id: str
    place: Place
    response_url: str = ""
    organizations: frozenset[int] = frozenset()  # that the installation serves


def tell(listener: Listener, text: str, now: datetime, *, kept_url: ResponseUrl | None = None) -> None:
    """Tell them, once this transaction is committed. `text` is finished mrkdwn."""
    url = kept_url or keep_response_url(listener, now)
    team = listener.workspace.team_id
    outbox.add(
        "slack.whisper",
        {
            "installation_id": listener.installation.pk,
            "text": text,
            "channel": listener.place.channel,
            "user": listener.slack_user_id,
            "thread_ts": listener.place.thread_ts,
            "response_url_id": url.pk if url else None,
        },
        outbox.Route(
            subject=f"whisper:{secrets.token_hex(8)}",  # none waits for another
            lane=f"slack:{team}:{listener.slack_user_id}",
            pool=f"slack:{team}",
            method="chat.postEphemeral",
        ),
        now=now,
        organization=None,
        priority=Priority.ANSWER,
    )


def keep_response_url(listener: Listener, now: datetime) -> ResponseUrl | None:
    """The response_url as a sealed row; None when there is none, or when it is not an address of Slack's."""
    if not listener.response_url or not may_respond_to(listener.response_url, settings.TOCSIN_SLACK_API_URL):
        return None
    row = ResponseUrl(
        installation=listener.installation, key=secrets.token_hex(16), expires_at=now + RESPONSE_URL_LIVES
    )
    row.seal_url(listener.response_url)
    row.save()
    return row
