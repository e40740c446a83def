"""One-time links to pages: random, kept as a hash only, good once and for a while."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.conf import settings

from tocsin import crypto
from tocsin.errors import DomainError
from tocsin.slack.models import LinkToken
from tocsin.slack.telling import Listener, keep_response_url

Purpose = LinkToken.Purpose

LIVES: dict[Purpose, timedelta] = {
    Purpose.LINK: timedelta(minutes=15),
    Purpose.UNLINK: timedelta(minutes=15),
    Purpose.LINK_TEAM: timedelta(hours=24),
    Purpose.UNLINK_TEAM: timedelta(hours=24),
}
OF_PEOPLE = (Purpose.LINK, Purpose.UNLINK)
OF_TEAMS = (Purpose.LINK_TEAM, Purpose.UNLINK_TEAM)
ONCE: dict[Purpose, str] = {
    purpose: f"The link works once, for {'15 minutes' if purpose in OF_PEOPLE else '24 hours'}, and is for you alone."
    for purpose in Purpose
}


class Spent(DomainError):
    """The link is wrong, was used, or has expired (410)."""

    def __init__(self) -> None:
        super().__init__(
            "This link does not work: it was used, it is too old, or it is not whole. For a new one, press the button on "
            "Tocsin's message in Slack again, or type the command again."
        )


def make(
    purpose: Purpose, listener: Listener, now: datetime, *, name: str = "", channel_name: str = ""
) -> tuple[str, LinkToken]:
    """A token, and its row. `name`: what Slack calls them; `channel_name`: where they are, if that is told."""
    token = secrets.token_urlsafe()
    row = LinkToken.objects.create(
        purpose=purpose,
        token_hash=crypto.digest(token),
        installation=listener.installation,
        workspace=listener.workspace,
        slack_user_id=listener.slack_user_id,
        slack_user_name=name,
        channel=listener.place.channel,
        channel_name=channel_name,
        response_url=keep_response_url(listener, now),
        created_at=now,
        expires_at=now + LIVES[purpose],
    )
    return token, row


def find(token: str, now: datetime, purposes: tuple[Purpose, ...]) -> LinkToken:
    """The row of a token that is still good. Raises Spent."""
    row = (
        LinkToken.objects.select_related("installation", "workspace", "response_url")
        .filter(token_hash=crypto.digest(token), purpose__in=purposes, used_at__isnull=True, expires_at__gt=now)
        .first()
    )
    if row is None:
        raise Spent
    return row


def use(row: LinkToken, now: datetime) -> None:
    """Of two that come at once, one gets through. Raises Spent."""
    if not LinkToken.objects.filter(pk=row.pk, used_at__isnull=True).update(used_at=now):
        raise Spent


def page_of(token: str, purpose: Purpose) -> str:
    """The address of its page."""
    place = "link" if purpose in OF_PEOPLE else "team"
    return f"{settings.TOCSIN_URL}/slack/{place}/{token}/"
