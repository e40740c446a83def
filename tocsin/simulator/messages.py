"""A message from what was sent to what is stored: Slack names its blocks, fills in its defaults and its author."""

from __future__ import annotations

import copy
import secrets
from collections.abc import Mapping
from typing import Any

from tocsin.simulator.entities import escape, stored
from tocsin.simulator.errors import ApiError, invalid_blocks, with_messages
from tocsin.simulator.limits import LIMITS
from tocsin.simulator.state import App, Message, Workspace
from tocsin.simulator.validation import (
    elements_of,
    faults_of_attachments,
    faults_of_blocks,
    faults_of_metadata,
    faults_of_nested_blocks,
)

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/"


def refuse_faulty(content: Mapping[str, Any]) -> None:
    """Raise the error that Slack answers for this text, these blocks, attachments and metadata."""
    blocks, attachments = content.get("blocks", []), content.get("attachments", [])
    if isinstance(attachments, list) and len(attachments) > LIMITS["message.attachments"]:
        raise ApiError("too_many_attachments")
    faults = faults_of_blocks(blocks) + faults_of_nested_blocks(attachments)
    if faults:
        raise invalid_blocks([str(fault) for fault in faults])
    if faults := faults_of_attachments(attachments):
        raise with_messages("invalid_attachments", [str(fault) for fault in faults])
    if content.get("metadata") and (faults := faults_of_metadata(content["metadata"])):
        too_large = "bytes" in faults[0].sentence
        raise with_messages(
            "metadata_too_large" if too_large else "invalid_metadata_format", [str(fault) for fault in faults]
        )
    if not (content.get("text") or blocks or attachments or content.get("markdown_text")):
        raise ApiError("no_text")


def authored(workspace: Workspace, content: Mapping[str, Any], ts: str) -> Message:
    """A new message of the app's bot."""
    app = workspace.app
    message: Message = {
        "user": app.bot_user_id,
        "type": "message",
        "ts": ts,
        "bot_id": app.bot_id,
        "app_id": app.id,
        "text": "",
        "team": workspace.team.id,
        "bot_profile": bot_profile(workspace),
    }
    if content.get("username") or content.get("icon_emoji") or content.get("icon_url"):
        message |= {"subtype": "bot_message", "username": content.get("username") or app.name}
        icons = {"emoji": content.get("icon_emoji"), "image_48": content.get("icon_url")}
        message["icons"] = {name: value for name, value in icons.items() if value}
        del message["bot_profile"]
    if content.get("thread_ts"):
        message["thread_ts"] = content["thread_ts"]
        if content.get("reply_broadcast"):
            message["subtype"] = "thread_broadcast"
    return fill(message, content)


def fill(message: Message, content: Mapping[str, Any]) -> Message:
    """Put text, blocks and attachments in, in the form in which they are stored."""
    written = content.get("text") or content.get("markdown_text") or ""
    verbatim = content.get("parse") == "none"
    text = stored(written, verbatim=verbatim) if content.get("mrkdwn", True) else escape(written)
    message["text"] = text[: LIMITS["message.text"]]
    if content.get("markdown_text"):
        blocks = [{"type": "markdown", "text": content["markdown_text"]}]
    else:
        blocks = content.get("blocks") or []
    message.pop("blocks", None)
    if blocks:
        message["blocks"] = stored_blocks(blocks)
    attachments = content.get("attachments")
    if attachments is not None:
        message.pop("attachments", None)
    if attachments:
        message["attachments"] = [stored_attachment(each, number) for number, each in enumerate(attachments, 1)]
    return message


def bot_profile(workspace: Workspace) -> dict[str, Any]:
    app: App = workspace.app
    return {
        "id": app.bot_id,
        "app_id": app.id,
        "user_id": app.bot_user_id,
        "name": app.name,
        "icons": {f"image_{size}": f"https://a.slack-edge.com/bot_{size}.png" for size in (36, 48, 72)},
        "deleted": False,
        "updated": 1_700_000_000,
        "team_id": workspace.team.id,
    }


# --- blocks ----------------------------------------------------------------------------------------------------------
def stored_blocks(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """With a block_id on every block, an action_id on every element, every flag of an input, texts in entity form."""
    made = []
    for block in copy.deepcopy(blocks):
        filled = {"type": block["type"], "block_id": short_id(), **block}
        if block["type"] == "input":
            filled = {"optional": False, "dispatch_action": False, **filled}
        for _, element in elements_of(filled):
            if element["type"] not in ("image", "plain_text", "mrkdwn"):
                element.setdefault("action_id", short_id())
        made.append(stored_texts(filled))
    return made


def stored_texts(value: Any) -> Any:
    """Text objects anywhere below, in entity form and with their flag."""
    if isinstance(value, list):
        return [stored_texts(each) for each in value]
    if not isinstance(value, dict):
        return value
    if value.get("type") == "plain_text":
        return {"emoji": True, **value, "text": escape(value["text"])}
    if value.get("type") == "mrkdwn":
        flagged = {"verbatim": False, **value}
        return {**flagged, "text": stored(value["text"], verbatim=flagged["verbatim"])}
    return {name: stored_texts(each) for name, each in value.items()}


def short_id() -> str:
    """As Slack makes them up for blocks and elements that were sent without."""
    return "".join(secrets.choice(_LETTERS) for _ in range(5))


# --- attachments -----------------------------------------------------------------------------------------------------
def stored_attachment(attachment: Mapping[str, Any], number: int) -> dict[str, Any]:
    """Numbered from 1 within its message, its actions too; as text."""
    made = {**copy.deepcopy(dict(attachment)), "id": number}
    for name in ("text", "pretext", "fallback"):
        if made.get(name):
            made[name] = stored(made[name], verbatim=True)
    for name in ("title", "footer", "author_name"):
        if made.get(name):
            made[name] = escape(made[name])
    made["fallback"] = made.get("fallback") or made.get("text") or "[no preview available]"
    if isinstance(made.get("color"), str):
        made["color"] = made["color"].removeprefix("#")
    if "fields" in made:
        made["fields"] = [_stored_field(field) for field in made["fields"]]
    if "actions" in made:
        made["actions"] = [{"id": str(at), "style": "", **action} for at, action in enumerate(made["actions"], 1)]
    if "blocks" in made:
        made["blocks"] = stored_blocks(made["blocks"])
    return made


def _stored_field(field: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "title": escape(field.get("title", "")),
        "value": stored(field.get("value", ""), verbatim=True),
        "short": bool(field.get("short", False)),
    }
