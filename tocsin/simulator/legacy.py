"""Buttons and menus of old, in attachments: `interactive_message`, what it asks of menus, and what an answer replaces."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tocsin.simulator import installed
from tocsin.simulator.fields import NotThere
from tocsin.simulator.judge import Answer
from tocsin.simulator.payloads import channel_name
from tocsin.simulator.response_urls import ResponseUrls
from tocsin.simulator.state import Posted, User, Workspace, copied

KIND = "interactive_message"
OPTIONS = "interactive_message options"  # the same type on the wire; goes to another address, and is answered otherwise
UNFURL = ("is_app_unfurl", "app_unfurl_url")  # what is said of an unfurl beside its content


@dataclass(frozen=True, slots=True, kw_only=True)
class OldTarget:
    """One button or menu, and the attachment that it is in."""

    attachment: Mapping[str, Any]
    action: Mapping[str, Any]

    @property
    def is_unfurl(self) -> bool:
        return bool(self.attachment.get("is_app_unfurl"))


# --- finding what was clicked ----------------------------------------------------------------------------------------
def is_meant(asked: Mapping[str, Any]) -> bool:
    """Whether the control API names a button of an attachment: `attachment` and `action`, both by number."""
    return asked.get("attachment") is not None


def targets(message: Mapping[str, Any]) -> Iterator[OldTarget]:
    """All of a message, from top to bottom."""
    for attachment in message.get("attachments", []):
        for action in attachment.get("actions", []):
            yield OldTarget(attachment=attachment, action=action)


def find(message: Mapping[str, Any], asked: Mapping[str, Any]) -> OldTarget:
    """The one that is named. Raises NotThere."""
    named = (str(asked.get("attachment")), str(asked.get("action")))
    for target in targets(message):
        if (str(target.attachment["id"]), target.action["id"]) == named:
            return target
    raise NotThere(f"there is no action {named[1]} in an attachment {named[0]} of this message")


# --- payloads --------------------------------------------------------------------------------------------------------
def interactive_message(
    workspace: Workspace,
    *,
    user: User,
    posted: Posted,
    target: OldTarget,
    selected: Any,
    trigger_id: str,
    response_url: str,
) -> dict[str, Any]:
    """The payload of a click, or of a choice in a menu. Raises NotThere for what the menu does not offer."""
    return {
        "type": KIND,
        "actions": [_used(workspace, target.action, selected)],
        **_common(workspace, user, posted, target),
        "is_app_unfurl": target.is_unfurl,
        **_original(posted, target),
        "response_url": response_url,
        "trigger_id": trigger_id,
    }


def options_load(
    workspace: Workspace, *, user: User, posted: Posted, target: OldTarget, typed: str
) -> dict[str, Any] | None:
    """The payload of typing into an external menu; None when that is too little for Slack to ask."""
    if target.action.get("data_source") != "external":
        raise NotThere("that menu has its options already")
    if len(typed) < target.action.get("min_query_length", 1):
        return None
    return {
        "type": KIND,
        "name": target.action["name"],
        "value": typed,
        **_common(workspace, user, posted, target),
    }


def _common(workspace: Workspace, user: User, posted: Posted, target: OldTarget) -> dict[str, Any]:
    return {
        "callback_id": target.attachment.get("callback_id", ""),
        **installed.interactive(workspace),
        "channel": {"id": posted.channel, "name": channel_name(workspace.channels[posted.channel])},
        "user": {"id": user.id, "name": user.name, "team_id": user.team_id},
        "action_ts": workspace.next_ts(),
        "message_ts": posted.ts,
        "attachment_id": str(target.attachment["id"]),
        "token": workspace.app.verification_token,
    }


def _original(posted: Posted, target: OldTarget) -> dict[str, Any]:
    """The message as it is stored; of an unfurl the attachment alone; of one that only they see nothing."""
    if posted.ephemeral_to:
        return {}
    if not target.is_unfurl:
        return {"original_message": copied(posted.message)}
    about = {name: target.attachment[name] for name in UNFURL}
    shown = {name: value for name, value in target.attachment.items() if name not in UNFURL}
    return {
        "original_message": {"attachments": [copied(shown)], **about},
        "app_unfurl_url": target.attachment["app_unfurl_url"],
    }


def _used(workspace: Workspace, action: Mapping[str, Any], selected: Any) -> dict[str, Any]:
    if action["type"] == "button":
        return {"name": action["name"], "type": "button", "value": action.get("value", "")}
    if not isinstance(selected, str) or not selected:
        raise NotThere("choose an entry of the menu: `selected` is its value")
    source = action.get("data_source", "static")
    if selected not in _offered(workspace, action, source, selected):
        raise NotThere(f"there is no option with the value {selected!r}")
    return {"name": action["name"], "type": "select", "selected_options": [{"value": selected}]}


def _offered(workspace: Workspace, action: Mapping[str, Any], source: str, selected: str) -> set[str]:
    """The values that can be chosen. What an external menu lists is known to nobody but the app."""
    conversations = set(workspace.channels)
    found = {
        "static": {option["value"] for option in offered(action)},
        "external": {selected},
        "users": set(workspace.users),
        "channels": conversations,
        "conversations": conversations,
    }
    return found[source]


def offered(action: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The options that the app has put into the menu, those in groups too."""
    groups = action.get("option_groups", [])
    return [*action.get("options", []), *(each for group in groups for each in group["options"])]


# --- what the answer does --------------------------------------------------------------------------------------------
def answered(workspace: Workspace, hooks: ResponseUrls, payload: Mapping[str, Any], answer: Answer) -> None:
    """After a click: a message in the answer takes the place of the one that was clicked, unless it says otherwise."""
    if not answer.body:
        return
    asked = json.loads(answer.body)
    posted = workspace.find(payload["channel"]["id"], payload["message_ts"])
    if posted is None:
        return
    unfurl = int(payload["attachment_id"]) if payload["is_app_unfurl"] else 0
    unsaid = {} if asked.get("delete_original") else {"replace_original": True, "response_type": "in_channel"}
    hooks.apply(user=payload["user"]["id"], posted=posted, args={**unsaid, **asked}, unfurl=unfurl)
