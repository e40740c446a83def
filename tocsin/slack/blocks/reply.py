"""A line in a card's thread."""

from __future__ import annotations

from typing import Any

from tocsin.slack import mrkdwn
from tocsin.slack.blocks.elements import section
from tocsin.slack.cards import ThreadReply


def draw(reply: ThreadReply) -> dict[str, Any]:
    text = f"{mrkdwn.link(reply.url, reply.short_id)} {mrkdwn.line(reply.said, 500)}"
    preview = f"{mrkdwn.line(reply.short_id, 100)} {mrkdwn.line(reply.said, 500)}"
    title = mrkdwn.line(reply.title, 200)
    body = f"{text}\n{title}" if title else text
    return {"text": preview, "blocks": [section(body)], "attachments": []}
