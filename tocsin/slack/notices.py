"""One message to a channel about what was arranged there. It is posted once, and stays as it is."""

from __future__ import annotations

import secrets
from datetime import datetime

from tocsin.clock import database_now
from tocsin.outbox import service as outbox
from tocsin.outbox.failures import DeliveryError
from tocsin.outbox.worker import Lease
from tocsin.slack import line as lines
from tocsin.slack import lookup, mrkdwn
from tocsin.slack.delivery import QUIET
from tocsin.slack.models import Installation
from tocsin.slack.payloads import Place
from tocsin.slack.telling import Listener, tell

KIND = "slack.notice"
NOTICE = "tocsin_notice"


def post(listener: Listener, text: str, now: datetime, *, organization_id: int) -> None:
    """Say it in the channel where they are, once this transaction is committed. `text` is finished mrkdwn. They are told if it
    cannot be said there.
    """
    team, channel = listener.workspace.team_id, listener.place.channel
    outbox.add(
        KIND,
        {
            "installation_id": listener.installation.pk,
            "channel": channel,
            "text": text,
            "user": listener.slack_user_id,
        },
        outbox.Route(
            subject=f"notice:{secrets.token_hex(8)}",  # none waits for another
            lane=f"slack:{team}:{channel}",
            pool=f"slack:{team}",
            method="chat.postMessage",
        ),
        now=now,
        organization=organization_id,
    )


def send(lease: Lease, *, installation_id: int, channel: str, text: str, user: str) -> None:
    """Post it; after a lost answer, look for it first."""
    installation = Installation.objects.select_related("workspace").filter(pk=installation_id).first()
    if installation is None or installation.workspace is None:
        return
    line = lines.to(lease, installation)
    key = f"notice-{lease.id}"
    if lease.is_ambiguous and lookup.find(line, channel, NOTICE, key, created_at=lease.created_at):
        return
    try:
        line.call("chat.postMessage", channel=channel, text=text, metadata=lookup.metadata(NOTICE, key), **QUIET)
    except DeliveryError as error:
        if error.is_permanent:
            listener = Listener(
                installation=installation, workspace=installation.workspace, slack_user_id=user, place=Place()
            )
            told = mrkdwn.escape(f"{error.sentence} {error.repair}".strip())
            tell(listener, f"Tocsin cannot write in <#{channel}>. {told}", database_now())
        raise
