"""Prompts: an app asks the person who posted a link to connect, before it shows them more.

https://docs.slack.dev/reference/methods/chat.unfurl
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tocsin.simulator.errors import ApiError, invalid_blocks
from tocsin.simulator.messages import authored
from tocsin.simulator.payloads import Target
from tocsin.simulator.state import Offer, Posted, User, Workspace
from tocsin.simulator.validation import faults_of_blocks

ASKING = ("user_auth_required", "user_auth_url", "user_auth_message", "user_auth_blocks")
BLOCK_ID = "slack_unfurl_prompt"  # where the buttons are that are Slack's own
CONNECT, NOT_NOW, NEVER = "connect", "not_now", "never_ask_again"


def refuse_wrong(workspace: Workspace, offer: Offer, args: Mapping[str, Any]) -> None:
    """Raise what chat.unfurl answers where that person cannot be asked, or not in this way."""
    if faults := faults_of_blocks(args.get("user_auth_blocks", []), "/user_auth_blocks"):
        raise invalid_blocks([str(fault) for fault in faults])
    user = workspace.users[offer.user]
    if user.deleted or user.is_stranger:
        raise ApiError("cannot_auth_user")
    if user.id in workspace.unprompted:
        raise ApiError("cannot_prompt")


def ask(workspace: Workspace, offer: Offer, args: Mapping[str, Any]) -> None:
    """For them alone, where they have posted; nobody is asked who is still writing."""
    posted = workspace.find(offer.channel, offer.ts)
    if posted is None:
        return
    sentence = args.get("user_auth_message") or f"Connect {workspace.app.name} to see more of this link."
    address = args.get("user_auth_url")
    content: dict[str, Any] = {
        "text": f"{sentence} <{address}|Connect>" if address else sentence,
        "blocks": args.get("user_auth_blocks") or _blocks(workspace, sentence, address),
        "thread_ts": posted.thread_ts,
    }
    message = authored(workspace, content, workspace.next_ts())
    workspace.store(Posted(channel=posted.channel, message=message, ephemeral_to=offer.user))


def _blocks(workspace: Workspace, sentence: str, address: str | None) -> list[dict[str, Any]]:
    """Without an address of the app, connecting is installing it."""
    where = address or f"{workspace.team.url}apps/{workspace.app.id}"
    buttons: tuple[tuple[str, str, dict[str, str]], ...] = (
        (CONNECT, "Connect", {"style": "primary", "url": where}),
        (NOT_NOW, "Not now", {}),
        (NEVER, "Never ask again", {}),
    )
    elements = [
        {"type": "button", "action_id": name, "text": {"type": "plain_text", "text": label}, **more}
        for name, label, more in buttons
    ]
    return [
        {"type": "section", "text": {"type": "mrkdwn", "text": sentence}},
        {"type": "actions", "block_id": BLOCK_ID, "elements": elements},
    ]


def is_meant(target: Target) -> bool:
    """Whether it is a button of Slack's own, of which the app hears nothing."""
    return target.block_id == BLOCK_ID


def answer(workspace: Workspace, user: User, posted: Posted, target: Target) -> None:
    """Either way of putting it away is for good: then chat.unfurl is told so."""
    if target.action_id in (NOT_NOW, NEVER):
        workspace.unprompted.add(user.id)
        workspace.remove(posted)
