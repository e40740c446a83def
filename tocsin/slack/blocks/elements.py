"""The pieces that messages are drawn with. Text given here is finished mrkdwn, unless it says plain."""

from __future__ import annotations

import json
from typing import Any

from tocsin.slack.action_ids import Action

Block = dict[str, Any]


def mrkdwn(text: str) -> Block:
    """`verbatim` keeps Slack from making links and mentions out of what it finds in the text."""
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def section(text: str) -> Block:
    return {"type": "section", "text": mrkdwn(text)}


def context(*texts: str) -> Block:
    """Small grey text; empty ones are left out, at most ten are shown."""
    return {"type": "context", "elements": [mrkdwn(text) for text in texts if text][:10]}


def state(issue_id: int, version: int, **more: str | int) -> str:
    """What a button or a row carries: the issue first, the version that the person sees, and what else it needs."""
    return json.dumps({"issue": issue_id, "v": version, **more}, separators=(",", ":"))


def button(label: str, action: Action, value: str, *, style: str = "") -> Block:
    """`style` is empty, "primary" or "danger"."""
    drawn = {
        "type": "button",
        "action_id": action.value,
        "text": {"type": "plain_text", "text": label, "emoji": True},
        "value": value,
    }
    return drawn | ({"style": style} if style else {})


def plain(text: str) -> Block:
    return {"type": "plain_text", "text": text, "emoji": True}


def option(label: str, value: str, *, url: str = "", note: str = "") -> Block:
    """`url`: what the choice opens, in overflow menus only. `note`: smaller, below the label."""
    drawn: Block = {"text": plain(label), "value": value}
    return drawn | ({"url": url} if url else {}) | ({"description": plain(note)} if note else {})


def overflow(action: Action, options: list[Block]) -> Block:
    return {"type": "overflow", "action_id": action.value, "options": options}


def search_menu(label: str, action: Action) -> Block:
    """A menu whose options Slack asks for, from the first letter on and before."""
    return {
        "type": "external_select",
        "action_id": action.value,
        "placeholder": plain(label),
        "min_query_length": 0,
    }


def actions(block_id: str, *elements: Block) -> Block:
    return {"type": "actions", "block_id": block_id, "elements": list(elements)}
