"""Connecting workspaces. For now: the one of TOCSIN_SLACK_BOT_TOKEN, at start."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import transaction

from tocsin.accounts.models import Organization
from tocsin.clock import database_now
from tocsin.errors import DomainError
from tocsin.outbox.failures import DeliveryError
from tocsin.slack import client
from tocsin.slack.models import Connection, Installation, Workspace


def connect_from_settings() -> Installation | None:
    """Connect the workspace of TOCSIN_SLACK_BOT_TOKEN to TOCSIN_SLACK_ORGANIZATION, else to the only organization
    there is.

    Returns None when no token is set, or no organization is there yet. Raises DomainError, with what to do, when
    Slack refuses
    the token or does not answer; what was connected before stays so.
    """
    if not settings.TOCSIN_SLACK_BOT_TOKEN:
        return None
    organization = _organization()
    if organization is None:
        return None
    return connect_workspace(settings.TOCSIN_SLACK_BOT_TOKEN, organization, database_now())


def _organization() -> Organization | None:
    slug = settings.TOCSIN_SLACK_ORGANIZATION
    if slug:
        named = Organization.objects.filter(slug=slug).first()
        if named is None:
            raise DomainError(f"TOCSIN_SLACK_ORGANIZATION names {slug!r}, and there is no such organization.")
        return named
    first_two = list(Organization.objects.order_by("pk")[:2])
    return first_two[0] if len(first_two) == 1 else None


def connect_workspace(token: str, organization: Organization, now: datetime) -> Installation:
    """Ask Slack whose token this is, and keep it, sealed. Connecting again replaces the token and keeps
    everything else.
    """
    try:
        answer = client.call(token, "auth.test")
    except DeliveryError as error:
        raise DomainError(f"{error.sentence} {error.repair}".strip()) from error
    with transaction.atomic():
        workspace, _ = Workspace.objects.update_or_create(
            team_id=answer["team_id"],
            defaults={"name": answer.get("team", "")[:100], "url": answer.get("url", "")[:200]},
        )
        installation = Installation.objects.filter(key=workspace.team_id).first() or Installation(
            key=workspace.team_id, workspace=workspace, installed_at=now
        )
        installation.seal_token(token)
        installation.bot_user_id = answer.get("user_id", "")
        installation.bot_id = answer.get("bot_id", "")
        installation.state = Installation.State.CONNECTED
        installation.save()
        Connection.objects.get_or_create(organization=organization, installation=installation)
    return installation
