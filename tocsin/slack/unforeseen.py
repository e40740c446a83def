"""Faults of ours: logged once with ids, counted, and told with a reference that the log can be searched for."""

from __future__ import annotations

import secrets
from typing import Any

from prometheus_client import Counter

from tocsin.logs import get_logger

log = get_logger(__name__)

UNFORESEEN = Counter("tocsin_slack_unforeseen", "Deliveries of Slack's that Tocsin failed to handle.")


def unforeseen(**ids: Any) -> str:
    """To be called while the exception is handled. Returns what the person is told."""
    reference = secrets.token_hex(4)
    UNFORESEEN.inc()
    log.exception("slack: unforeseen", reference=reference, **ids)
    return (
        f"Something went wrong inside Tocsin, and nothing was changed. Reference: `{reference}`. "
        "Whoever runs Tocsin finds the reason in its log under that reference."
    )
