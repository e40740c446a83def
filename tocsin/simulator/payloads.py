"""What the app is sent when somebody uses a message: payloads of the shapes that Slack documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tocsin.simulator import installed, unfurls
from tocsin.simulator.fields import STATELESS, VALUES, NotThere, chosen, initial
from tocsin.simulator.state import Channel, Posted, User, Workspace, copied
from tocsin.simulator.validation import elements_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One element of a message or view. `attachment` is the number of the attachment that holds it, or 0."""

    block: Mapping[str, Any]
    element: Mapping[str, Any]
    attachment: int = 0

    @property
    def block_id(self) -> str:
        found: str = self.block["block_id"]
        return found

    @property
    def action_id(self) -> str:
        found: str = self.element["action_id"]
        return found


# --- finding what was clicked ----------------------------------------------------------------------------------------
def targets(holder: Mapping[str, Any]) -> Iterator[Target]:
    """Everything in a message or view that a person can use, from top to bottom."""
    yield from _targets_in(holder.get("blocks", []), 0)
    for attachment in holder.get("attachments", []):
        yield from _targets_in(attachment.get("blocks", []), attachment["id"])


def _targets_in(blocks: list[dict[str, Any]], attachment: int) -> Iterator[Target]:
    for block in blocks:
        for _, element in elements_of(block):
            if "action_id" in element:
                yield Target(block=block, element=element, attachment=attachment)


def find(
    message: Mapping[str, Any],
    *,
    block_id: str = "",
    action_id: str = "",
    attachment: int | None = None,
    index: int | None = None,
) -> Target:
    """The first that fits, or the one at `index` of all; `attachment` is the number of the one that it is in. Raises NotThere."""
    fitting = [
        target
        for target in targets(message)
        if block_id in ("", target.block_id)
        and action_id in ("", target.action_id)
        and attachment in (None, target.attachment)
    ]
    try:
        return fitting[index or 0]
    except IndexError:
        raise NotThere(f"there is no element {action_id!r} in a block {block_id!r} of this message") from None


# --- what stands in it -----------------------------------------------------------------------------------------------
def state(user: User, posted: Posted) -> dict[str, Any]:
    """What stands in every menu and field of the message for this person: chosen by them, or given by the app."""
    values: dict[str, dict[str, Any]] = {}
    for target in targets(posted.message):
        if target.element["type"] not in STATELESS:
            entry = posted.choices.get((user.id, target.block_id, target.action_id)) or held(target.element)
            values.setdefault(target.block_id, {})[target.action_id] = entry
    return {"values": values}


def held(element: Mapping[str, Any], value: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What stands in an element, as it is told: the value, or what it begins with."""
    return {"type": element["type"], **(initial(element) if value is None else value)}


def forget_choices(posted: Posted) -> None:
    """After a message has changed: a choice stays where block_id, action_id and type have stayed."""
    there = {(target.block_id, target.action_id, target.element["type"]) for target in targets(posted.message)}
    for key, entry in list(posted.choices.items()):
        if (key[1], key[2], entry["type"]) not in there:
            del posted.choices[key]


def choose(user: User, posted: Posted, target: Target, selected: Any) -> dict[str, Any]:
    """What choosing this puts into the action. It stays chosen there, for this person."""
    value = chosen(target.element, selected)
    if target.element["type"] not in STATELESS:
        posted.choices[user.id, target.block_id, target.action_id] = held(target.element, value)
    return value


# --- block_actions ---------------------------------------------------------------------------------------------------
def block_actions(
    workspace: Workspace,
    *,
    user: User,
    posted: Posted,
    target: Target,
    value: Mapping[str, Any],
    trigger_id: str,
    response_url: str,
) -> dict[str, Any]:
    """The payload of a click in a message. `value`: what was chosen with it, see choose()."""
    payload: dict[str, Any] = {
        "type": "block_actions",
        "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": user.team_id},
        "api_app_id": workspace.app.id,
        "token": workspace.app.verification_token,
        "container": _container(posted, target),
        "trigger_id": trigger_id,
        **installed.interactive(workspace),
        "channel": {"id": posted.channel, "name": channel_name(workspace.channels[posted.channel])},
        "message": copied(posted.message),
        "state": state(user, posted),
        "response_url": response_url,
        "actions": [action(target, value, workspace.next_ts())],
    }
    return _without_message(payload, posted, target)


def _without_message(payload: dict[str, Any], posted: Posted, target: Target) -> dict[str, Any]:
    """What only one person sees is not sent, nor is what somebody else has written: of that the unfurl alone."""
    unfurl = unfurls.of(posted.message, target.attachment)
    if posted.ephemeral_to or unfurl is not None:
        del payload["message"]
    if unfurl is not None:
        payload["app_unfurl"] = {name: value for name, value in unfurl.items() if name != "from_url"}
    return payload


def suggestion(target: Target, asked: Mapping[str, Any]) -> dict[str, Any] | None:
    """What is said of an external menu and of what was typed; None when that is too little for Slack to ask."""
    typed = str(asked.get("value", ""))
    if not target.element["type"].endswith("external_select"):
        raise NotThere("that menu has its options already")
    if len(typed) < target.element.get("min_query_length", 3):
        return None
    return {"action_id": target.action_id, "block_id": target.block_id, "value": typed}


def block_suggestion(
    workspace: Workspace, *, user: User, posted: Posted, target: Target, about: Mapping[str, Any]
) -> dict[str, Any]:
    """The payload of typing into an external menu of a message. `about`: see suggestion()."""
    payload = {
        "type": "block_suggestion",
        "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": user.team_id},
        "api_app_id": workspace.app.id,
        "token": workspace.app.verification_token,
        "container": _container(posted, target),
        **installed.interactive(workspace),
        "channel": {"id": posted.channel, "name": channel_name(workspace.channels[posted.channel])},
        "message": copied(posted.message),
        **about,
    }
    return _without_message(payload, posted, target)


def _container(posted: Posted, target: Target) -> dict[str, Any]:
    container: dict[str, Any] = {
        "type": "message",
        "message_ts": posted.ts,
        "channel_id": posted.channel,
        "is_ephemeral": bool(posted.ephemeral_to),
    }
    if target.attachment:
        container |= {"type": "message_attachment", "attachment_id": target.attachment, "is_app_unfurl": False}
        if (unfurl := unfurls.of(posted.message, target.attachment)) is not None:
            container |= {"is_app_unfurl": True, "app_unfurl_url": unfurl["app_unfurl_url"]}
    if "thread_ts" in posted.message:
        container["thread_ts"] = posted.message["thread_ts"]
    return container


# what Slack repeats of an element in its action
_REPEATED = ("text", "value", "style", "url", "placeholder", "confirm", "accessibility_label")


def _repeated_of(element: Mapping[str, Any]) -> dict[str, Any]:
    names = [*_REPEATED]
    kind = element["type"]
    if kind in VALUES and VALUES[kind][1]:
        names.append(VALUES[kind][1])
    return {name: element[name] for name in names if name in element}


def action(target: Target, value: Mapping[str, Any], action_ts: str) -> dict[str, Any]:
    """What is said of what was used, and of the value that it has now."""
    element = target.element
    return {
        "action_id": target.action_id,
        "block_id": target.block_id,
        **_repeated_of(element),
        **value,
        "type": element["type"],
        "action_ts": action_ts,
    }


def channel_name(channel: Channel) -> str:
    """What stands in payloads: private conversations have no name there."""
    if channel.is_im:
        return "directmessage"
    return "privategroup" if channel.is_private else channel.name
