"""A line to one workspace: calls with its token, and what it means when the token is refused."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tocsin import crypto
from tocsin.logs import get_logger
from tocsin.outbox.failures import DeliveryError, Scope
from tocsin.outbox.worker import Lease
from tocsin.slack import client, slack_errors
from tocsin.slack.models import Card, Connection, Installation
from tocsin.slack.slack_errors import Meaning, SlackError

log = get_logger(__name__)

TRIED_AGAIN_AFTER = timedelta(seconds=30)  # a workspace that has disconnected us
TOKEN_REFUSED = frozenset({Meaning.INSTALLATION, Meaning.TOKEN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What a sender calls Slack through: every call needs enough of the lease, and holds no database connection."""

    lease: Lease
    installation: Installation
    token: str

    def call(self, method: str, **arguments: Any) -> dict[str, Any]:
        """As client.call. An installation that Slack refuses twice is marked as disconnected."""
        self.lease.before_call()
        try:
            return client.call(self.token, method, **arguments)
        except SlackError as error:
            if error.meaning in TOKEN_REFUSED and self._is_confirmed():
                _set_state(self.installation, Installation.State.DISCONNECTED)
            elif error.meaning in TOKEN_REFUSED:
                error.scope, error.retry_after = Scope.ROW, None
            raise

    def respond(self, url: str, message: dict[str, Any]) -> None:
        """As client.respond."""
        self.lease.before_call()
        client.respond(url, message)

    def is_mine(self, message: dict[str, Any]) -> bool:
        """Whether our bot wrote it."""
        bots = {self.installation.bot_id, self.installation.bot_user_id} - {""}
        return bool(bots & {message.get("bot_id"), message.get("user")})

    def _is_confirmed(self) -> bool:
        self.lease.before_call()
        try:
            client.call(self.token, "auth.test")
        except SlackError as error:
            return error.meaning in TOKEN_REFUSED
        except DeliveryError:
            return False
        return False


def of_cards(cards: Iterable[Card]) -> dict[tuple[int, int], Installation]:
    """By (workspace, organization): the installation that serves the organization there."""
    found = Connection.objects.select_related("installation").filter(
        installation__workspace__in={card.workspace_id for card in cards},
        organization__in={card.organization_id for card in cards},
    )
    return {
        (connection.installation.workspace_id, connection.organization_id): connection.installation
        for connection in found
        if connection.installation.workspace_id is not None
    }


def serving(card: Card) -> Installation | None:
    """The installation that serves the card's organization in its workspace."""
    return of_cards([card]).get((card.workspace_id, card.organization_id))


def of_card(lease: Lease, card: Card, installation: Installation | None) -> Line:
    """The line to the card's workspace, as far as it serves the card's organization. Raises DeliveryError."""
    if installation is None:
        raise DeliveryError(
            "not_connected",
            "The workspace is not connected to the organization any more.",
            repair="Connect it again.",
            is_permanent=True,
        )
    return to(lease, installation)


def to(lease: Lease, installation: Installation) -> Line:
    """The line to a workspace. One that was lost is tried first, so that it comes back by itself. Raises DeliveryError."""
    try:
        token = installation.token
    except crypto.CannotOpen as error:
        raise DeliveryError(
            "token_sealed",
            "The stored bot token cannot be opened.",
            repair="Put the earlier key back into TOCSIN_SECRET_KEY, behind the new one, or connect the workspace again.",
            scope=Scope.POOL,
            retry_after=TRIED_AGAIN_AFTER,
        ) from error
    if installation.state == Installation.State.DISCONNECTED:
        lease.before_call()
        client.call(token, "auth.test")
        _set_state(installation, Installation.State.CONNECTED)
    return Line(lease=lease, installation=installation, token=token)


def _set_state(installation: Installation, state: Installation.State) -> None:
    Installation.objects.filter(pk=installation.pk).update(state=state)
    log.warning("slack: an installation changed", installation=installation.key, state=state.value)


def for_the_row_only(error: slack_errors.SlackError) -> slack_errors.SlackError:
    """A rate limit of a method that is not the delivery's own must not stop the delivery's method."""
    if error.scope is Scope.METHOD:
        error.scope = Scope.ROW
    return error
