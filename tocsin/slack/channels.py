"""Channels of a workspace, as the bot sees them."""

from __future__ import annotations

from typing import Any

from tocsin.slack import client
from tocsin.slack.models import Installation

PAGE = 200
PAGES_MAX = 50  # ten thousand channels


def all_of(installation: Installation) -> list[dict[str, Any]]:
    """Every channel that is not archived: `id`, `name`, `is_member`, as Slack tells. Raises DeliveryError."""
    found: list[dict[str, Any]] = []
    cursor = ""
    for _ in range(PAGES_MAX):
        answer = client.call(
            installation.token,
            "conversations.list",
            types="public_channel,private_channel",
            exclude_archived=True,
            limit=PAGE,
            cursor=cursor or None,
        )
        found += answer.get("channels") or []
        cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
        if not cursor:
            break
    return found


def find(installation: Installation, name: str) -> str | None:
    """The id of the channel of that name, or None when the bot sees none."""
    return next((channel["id"] for channel in all_of(installation) if channel.get("name") == name), None)
