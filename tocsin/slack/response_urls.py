"""Answering at a response_url: a secret, good for half an hour and five uses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import F

from tocsin import crypto
from tocsin.clock import database_now
from tocsin.outbox.failures import DeliveryError
from tocsin.slack.line import Line
from tocsin.slack.models import ResponseUrl

USES = 5


def use(line: Line, response_url_id: int, message: Mapping[str, Any]) -> None:
    """Post there. Each use is counted before it is made; a spent address is deleted, for it is a secret.

    Raises DeliveryError, a permanent one when the address takes no more.
    """
    row = ResponseUrl.objects.filter(pk=response_url_id)
    if not row.filter(uses__lt=USES, expires_at__gt=database_now()).update(uses=F("uses") + 1):
        row.delete()
        raise DeliveryError("response_url_spent", "Slack takes no more answers to this click.", is_permanent=True)
    kept = row.get()
    try:
        line.respond(kept.clear_url, dict(message))
    except crypto.CannotOpen as error:
        row.delete()
        raise DeliveryError("response_url_sealed", "The address cannot be opened.", is_permanent=True) from error
    except DeliveryError as error:
        if error.is_permanent:
            row.delete()
        raise
    if kept.uses >= USES:
        row.delete()
