"""Slash commands: what the app has registered, what it hears when a person types one, and what becomes of its answer.

https://docs.slack.dev/interactivity/implementing-slash-commands
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from tocsin.simulator import installed
from tocsin.simulator.entities import escape
from tocsin.simulator.fields import NotThere
from tocsin.simulator.judge import Answer
from tocsin.simulator.payloads import channel_name
from tocsin.simulator.response_urls import ResponseUrls
from tocsin.simulator.shapes import Faults, Shape, boolean, listing, pattern, string
from tocsin.simulator.state import User, Workspace

KIND = "slash_command"
Payload = dict[str, Any]
ResponseUrl = Callable[[User, str], str]  # for this person, in the channel of that id

COMMAND = Shape(
    required={"command": pattern(r"/[a-z0-9_-]{1,31}", "a slash and lower-case letters, digits, - or _")},
    optional={
        "description": string("command.description"),
        "usage_hint": string("command.usage_hint"),
        "should_escape": boolean,
    },
)
COMMANDS = listing(COMMAND, "app.commands", minimum=0)
MENTION = re.compile(r"(?<![\w@#])([@#])([a-z0-9._-]+)")


def refuse_faulty(commands: Any) -> None:
    """Raises NotThere for what an app's owner cannot configure."""
    faults: Faults = []
    COMMANDS(commands, "/commands", faults)
    if faults:
        raise NotThere("; ".join(str(fault) for fault in faults))


def known(workspace: Workspace, typed: str) -> Mapping[str, Any] | None:
    """The registered command that this begins with."""
    name = typed.split(maxsplit=1)[0] if typed.strip() else ""
    return next((each for each in workspace.app.commands if each["command"] == name), None)


def typed(workspace: Workspace, user: User, asked: Mapping[str, Any], response_url: ResponseUrl) -> Payload:
    """The fields of a command that somebody types in a conversation that they are in. Raises NotThere."""
    channel = workspace.channel_named(str(asked.get("channel", "")))
    if channel is None or user.id not in channel.members or channel.is_archived:
        raise NotThere("that person cannot write there")
    if asked.get("thread_ts"):
        raise NotThere("an app's commands are not offered in threads")
    line = str(asked.get("text", "")).strip()
    command = known(workspace, line)
    if command is None or "commands" not in workspace.app.scopes:
        raise NotThere(f"{line.split(maxsplit=1)[0] if line else 'that'} is not a command of an app here")
    rest = line[len(command["command"]) :].strip()
    return {
        "token": workspace.app.verification_token,
        **installed.command(workspace),
        "channel_id": channel.id,
        "channel_name": channel_name(channel),
        "user_id": user.id,
        "user_name": user.name,
        "command": command["command"],
        "text": escaped(workspace, rest) if command.get("should_escape") else rest,
        "api_app_id": workspace.app.id,
        "response_url": response_url(user, channel.id),
        "trigger_id": workspace.triggers.issue(user.id, channel=channel.id),
    }


def escaped(workspace: Workspace, text: str) -> str:
    """People and channels that are named in it as their ids."""
    people = {user.name: user.id for user in workspace.users.values()}
    places = {channel.name: channel for channel in workspace.channels.values() if not channel.is_im}

    def named(found: re.Match[str]) -> str:
        sign, name = found.groups()
        if sign == "@" and name in people:
            return f"<@{people[name]}|{name}>"
        if sign == "#" and name in places:
            return f"<#{places[name].id}|{'' if places[name].is_private else name}>"
        return found.group()

    return MENTION.sub(named, escape(text))


def answered(workspace: Workspace, hooks: ResponseUrls, payload: Payload, answer: Answer) -> None:
    """Show what the app says: to the person who typed it, or to all. An answer that Slack does not take is not shown."""
    if not answer.body:
        return
    said = said_in(answer)
    if said.get("response_type") == "in_channel":
        hooks.say(user=payload["user_id"], channel=payload["channel_id"], args={"text": _line(payload)}, as_user=True)
    if set(said) - {"response_type", "replace_original", "delete_original"}:
        hooks.say(user=payload["user_id"], channel=payload["channel_id"], args=said)


def _line(payload: Payload) -> str:
    return f"{payload['command']} {payload['text']}".strip()


def said_in(answer: Answer) -> dict[str, Any]:
    """A message as JSON, or plain text."""
    try:
        value = json.loads(answer.body)
    except ValueError:
        value = None
    return value if isinstance(value, dict) else {"text": answer.body.decode("utf-8", "replace")}
