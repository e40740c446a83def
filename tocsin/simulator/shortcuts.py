"""Shortcuts: what the app has put into the menus by the composer and on messages, and what it hears when one is chosen.

https://docs.slack.dev/interactivity/implementing-shortcuts
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tocsin.simulator import installed
from tocsin.simulator.fields import NotThere
from tocsin.simulator.payloads import channel_name
from tocsin.simulator.shapes import Faults, Shape, listing, one_of, string
from tocsin.simulator.state import Posted, User, Workspace, copied

Payload = dict[str, Any]
ResponseUrl = Callable[[User, str], str]  # for this person, in the channel of that id

SHORTCUT = Shape(
    required={
        "name": string("shortcut.name"),
        "type": one_of("global", "message"),
        "callback_id": string("shortcut.callback_id"),
    },
    optional={"description": string("shortcut.description")},
)
SHORTCUTS = listing(SHORTCUT, "app.shortcuts", minimum=0)


def refuse_faulty(shortcuts: Any) -> None:
    """Raises NotThere for what an app's owner cannot configure."""
    faults: Faults = []
    SHORTCUTS(shortcuts, "/shortcuts", faults)
    if faults:
        raise NotThere("; ".join(str(fault) for fault in faults))


def chosen_by_the_composer(workspace: Workspace, user: User, asked: Mapping[str, Any]) -> Payload:
    """The payload of a global shortcut: it knows of no channel, and brings no response_url."""
    return {
        **_common(workspace, "shortcut", "global", asked),
        "user": {"id": user.id, "username": user.name, "team_id": user.team_id},
        "trigger_id": workspace.triggers.issue(user.id),
    }


def chosen_on(
    workspace: Workspace, user: User, posted: Posted, asked: Mapping[str, Any], response_url: ResponseUrl
) -> Payload:
    """The payload of a message shortcut, with the message as it is stored. What one person sees, or nobody, has none."""
    if posted.ephemeral_to or posted.message.get("subtype") == "tombstone":
        raise NotThere("that message has no shortcuts")
    return {
        **_common(workspace, "message_action", "message", asked),
        "user": {"id": user.id, "name": user.name},
        "channel": {"id": posted.channel, "name": channel_name(workspace.channels[posted.channel])},
        "trigger_id": workspace.triggers.issue(user.id, channel=posted.channel),
        "response_url": response_url(user, posted.channel),
        "message_ts": posted.ts,
        "message": copied(posted.message),
    }


def _common(workspace: Workspace, kind: str, place: str, asked: Mapping[str, Any]) -> Payload:
    callback_id = asked.get("callback_id")
    if all((one["type"], one["callback_id"]) != (place, callback_id) for one in workspace.app.shortcuts):
        raise NotThere(f"the app has no {place} shortcut {callback_id!r}")
    return {
        "type": kind,
        "token": workspace.app.verification_token,
        "action_ts": workspace.next_ts(),
        **installed.interactive(workspace),
        "callback_id": callback_id,
    }
