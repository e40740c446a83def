"""Guests of a workspace, and people of other companies in shared channels: they connect only where the organization allows it.

https://docs.slack.dev/reference/objects/user-object
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from tocsin import crypto
from tocsin.accounts import audit
from tocsin.accounts.access import manages, organizations_of
from tocsin.accounts.models import Organization, User
from tocsin.errors import DomainError, Forbidden, NotFound
from tocsin.outbox.failures import DeliveryError
from tocsin.slack import client
from tocsin.slack.models import Connection, LinkToken

SECONDS = 3.0
UNKNOWN = (
    "Slack does not tell Tocsin at the moment whether you are a guest there, and nothing was changed. {} Try again."
)


def connections_of(organization: Organization) -> QuerySet[Connection]:
    """The workspaces that serve it, with what each allows."""
    found = Connection.objects.filter(organization=organization, installation__workspace__isnull=False)
    return found.select_related("installation__workspace").order_by("installation__workspace__name", "pk")


def allow(organization: Organization, connection_id: int, visitor: User, now: datetime, *, allowed: bool) -> str:
    """Say whether outsiders may connect; those who are connected stay. Returns what was done. Raises NotFound."""
    with transaction.atomic():
        connection = connections_of(organization).filter(pk=connection_id).first()
        if connection is None or not manages(visitor, organization):
            raise NotFound("That workspace is not connected to this organization any more.")
        Connection.objects.filter(pk=connection.pk).update(allows_outsiders=allowed)
        who = f"Guests and people of other companies in {connection.installation.workspace}"
        sentence = f"{who} may connect." if allowed else f"{who} may not connect. Those who are connected stay."
        audit.record([organization], "slack.outsiders", sentence, by=visitor, now=now)
    return sentence


def refuse(row: LinkToken, user: User) -> None:
    """Raises Forbidden if the Slack user is an outsider and one of this person's organizations there does not let such people
    connect; DomainError when Slack does not say. Asks Slack, so it is called outside any transaction.
    """
    strict = Connection.objects.select_related("organization").filter(
        installation=row.installation, organization__in=organizations_of(user), allows_outsiders=False
    )
    closed = strict.order_by("organization__name").first()
    if closed is not None and (what := _what_they_are(row)):
        raise Forbidden(
            f"In {row.workspace} you are {what}, and {closed.organization.name} does not let such people connect. "
            "Nothing was changed. An owner or manager can allow it on the page People in Slack."
        )


def _what_they_are(row: LinkToken) -> str:
    """Empty for one of the company."""
    try:
        user = client.call(row.installation.token, "users.info", within=SECONDS, user=row.slack_user_id).get("user")
    except crypto.CannotOpen as error:
        raise DomainError(UNKNOWN.format("Its token cannot be opened: ask whoever runs Tocsin.")) from error
    except DeliveryError as error:
        if error.code in ("user_not_found", "user_not_visible"):
            return STRANGER
        raise DomainError(UNKNOWN.format(f"{error.sentence} {error.repair}".strip())) from error
    return _said_of(user if isinstance(user, dict) else {}, row)


GUEST = "a guest"
STRANGER = "of another company"


def _said_of(user: Mapping[str, Any], row: LinkToken) -> str:
    grid = user.get("enterprise_user")
    enterprise = grid.get("enterprise_id") if isinstance(grid, dict) else None
    homes = {row.workspace.team_id, row.installation.enterprise_id} - {""}
    if user.get("is_stranger") is True or not homes & {user.get("team_id"), enterprise}:
        return STRANGER
    return GUEST if user.get("is_restricted") is True or user.get("is_ultra_restricted") is True else ""
