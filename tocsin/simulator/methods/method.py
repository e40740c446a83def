"""What is known of a method before it runs, and what several of them need."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from tocsin.simulator.arguments import Arguments, Signature
from tocsin.simulator.errors import ApiError
from tocsin.simulator.state import Channel, Workspace

Run = Callable[[Workspace, Arguments], dict[str, Any]]
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """`scopes`: one of them is needed, unless there are none. `run` returns the answer without `ok`."""

    name: str
    tier: str
    signature: Signature
    run: Run
    scopes: tuple[str, ...] = ()
    takes_json: bool = False
    posts: bool = False  # has a limit for each channel, too


def need_scope(workspace: Workspace, *scopes: str) -> None:
    """Raises missing_scope unless the app has one of them."""
    if scopes and not set(scopes) & set(workspace.app.scopes):
        raise ApiError("missing_scope", needed=",".join(scopes), provided=",".join(workspace.app.scopes))


def visible_channel(workspace: Workspace, channel_id: str) -> Channel:
    """By id only. A private channel that the bot is not in is not there."""
    channel = workspace.channels.get(channel_id)
    if channel is None or (channel.is_private and not workspace.bot_is_in(channel)):
        raise ApiError("channel_not_found")
    return channel


def page_of(
    items: Sequence[Item], args: Arguments, *, default: int = 100, maximum: int = 1000
) -> tuple[list[Item], str]:
    """The items that `cursor` and `limit` ask for, and the next cursor, empty at the end."""
    limit = args.get("limit", default) or default
    if not 1 <= limit <= maximum:
        raise ApiError("invalid_limit")
    start = _start(args.get("cursor", ""))
    after = start + limit
    return list(items[start:after]), _cursor(after) if after < len(items) else ""


def _cursor(start: int) -> str:
    return base64.b64encode(f"next:{start}".encode()).decode()


def _start(cursor: str) -> int:
    if not cursor:
        return 0
    try:
        word, _, number = base64.b64decode(cursor, validate=True).decode("ascii").partition(":")
        if word == "next":
            return int(number)
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise ApiError("invalid_cursor") from None
    raise ApiError("invalid_cursor")
