"""conversations.*: channels and what was said in them."""

from __future__ import annotations

from typing import Any

from tocsin.simulator.arguments import Arguments, Signature, flag, names, nested, number, text, timestamp
from tocsin.simulator.errors import ApiError
from tocsin.simulator.methods.method import Method, need_scope, page_of, visible_channel
from tocsin.simulator.state import Channel, Message, Posted, Workspace, copied

KINDS = ("public_channel", "private_channel", "mpim", "im")
READ = {"public_channel": "channels:read", "private_channel": "groups:read", "mpim": "mpim:read", "im": "im:read"}
HISTORY = {"public_channel": "channels:history", "private_channel": "groups:history", "im": "im:history"}


def kind_of(channel: Channel) -> str:
    if channel.is_im:
        return "im"
    return "private_channel" if channel.is_private else "public_channel"


def described(workspace: Workspace, channel: Channel) -> dict[str, Any]:
    """A conversation as Slack describes it."""
    if channel.is_im:
        return {
            "id": channel.id,
            "created": channel.created,
            "is_archived": channel.is_archived,
            "is_im": True,
            "is_org_shared": False,
            "context_team_id": workspace.team.id,
            "updated": channel.created * 1000,
            "user": channel.user,
            "is_user_deleted": workspace.users[channel.user].deleted,
            "priority": 0,
        }
    empty = {"value": "", "creator": "", "last_set": 0}
    return {
        "id": channel.id,
        "name": channel.name,
        "is_channel": not channel.is_private,
        "is_group": False,
        "is_im": False,
        "is_mpim": False,
        "is_private": channel.is_private,
        "created": channel.created,
        "is_archived": channel.is_archived,
        "is_general": channel.name == "general",
        "unlinked": 0,
        "name_normalized": channel.name,
        "is_shared": channel.is_connect,
        "is_org_shared": False,
        "is_ext_shared": channel.is_connect,
        "is_pending_ext_shared": False,
        "pending_shared": [],
        "pending_connected_team_ids": [],
        "shared_team_ids": [workspace.team.id],
        "context_team_id": workspace.team.id,
        "updated": channel.created * 1000,
        "parent_conversation": None,
        "creator": next(iter(channel.members), ""),
        "is_member": workspace.bot_is_in(channel),
        "topic": empty,
        "purpose": dict(empty),
        "previous_names": [],
    }


def list_(workspace: Workspace, args: Arguments) -> dict[str, Any]:
    wanted = args.get("types") or ["public_channel"]
    if set(wanted) - set(KINDS):
        raise ApiError("invalid_types")
    for kind in wanted:
        need_scope(workspace, READ[kind])
    found = [
        channel
        for channel in workspace.channels.values()
        if kind_of(channel) in wanted
        and (not channel.is_private or workspace.bot_is_in(channel))
        and not (channel.is_archived and args.get("exclude_archived"))
    ]
    page, cursor = page_of(found, args)
    channels = [{**described(workspace, channel), "num_members": len(channel.members)} for channel in page]
    return {"channels": channels, "response_metadata": {"next_cursor": cursor}}


def info(workspace: Workspace, args: Arguments) -> dict[str, Any]:
    channel = visible_channel(workspace, args["channel"])
    need_scope(workspace, READ[kind_of(channel)])
    answer = described(workspace, channel)
    if args.get("include_num_members"):
        answer["num_members"] = len(channel.members)
    return {"channel": answer}


def members(workspace: Workspace, args: Arguments) -> dict[str, Any]:
    channel = visible_channel(workspace, args["channel"])
    need_scope(workspace, READ[kind_of(channel)])
    page, cursor = page_of(channel.members, args)
    return {"members": page, "response_metadata": {"next_cursor": cursor}}


def join(workspace: Workspace, args: Arguments) -> dict[str, Any]:
    channel = visible_channel(workspace, args["channel"])
    if channel.is_im or channel.is_private:
        raise ApiError("method_not_supported_for_channel_type")
    if channel.is_archived:
        raise ApiError("is_archived")
    already: dict[str, Any] = {}
    if workspace.bot_is_in(channel):
        already = {"warning": "already_in_channel", "response_metadata": {"warnings": ["already_in_channel"]}}
    else:
        channel.members.append(workspace.app.bot_user_id)
        workspace.change()
    return {"channel": described(workspace, channel), **already}


def open_(workspace: Workspace, args: Arguments) -> dict[str, Any]:
    if args.get("channel"):
        channel = workspace.channels.get(args["channel"])
        if channel is None or not channel.is_im:
            raise ApiError("channel_not_found")
        is_new = False
    else:
        user_id = _one_person(workspace, args.get("users", []))
        is_new = all(channel.user != user_id for channel in workspace.channels.values())
        if is_new and args.get("prevent_creation"):
            raise ApiError("channel_not_found")
        channel = workspace.direct(user_id)
    full = described(workspace, channel) if args.get("return_im") else {"id": channel.id}
    return {"channel": full, **({} if is_new else {"no_op": True, "already_open": True})}


def _one_person(workspace: Workspace, user_ids: list[str]) -> str:
    """This workspace has direct conversations with one person."""
    if not user_ids:
        raise ApiError("users_list_not_supplied")
    if len(user_ids) > 8:
        raise ApiError("too_many_users")
    if set(user_ids) - workspace.users.keys():
        raise ApiError("user_not_found")
    if len(user_ids) > 1:
        raise ApiError("invalid_user_combination")
    user = workspace.users[user_ids[0]]
    if user.is_bot:
        raise ApiError("cannot_dm_bot")
    if user.deleted:
        raise ApiError("user_disabled")
    if user.is_stranger:
        raise ApiError("user_not_visible")
    return user.id


# --- what was said ---------------------------------------------------------------------------------------------------
def history(workspace: Workspace, args: Arguments) -> dict[str, Any]:
    channel = _readable(workspace, args["channel"])
    said = [posted for posted in workspace.visible(channel) if posted.is_in_channel and not posted.ephemeral_to]
    page, cursor = page_of(_between(said, args)[::-1], args)
    return {
        "messages": [_shown(posted, args) for posted in page],
        "has_more": bool(cursor),
        "pin_count": 0,
        **({"response_metadata": {"next_cursor": cursor}} if cursor else {}),
    }


def replies(workspace: Workspace, args: Arguments) -> dict[str, Any]:
    """A reply's own ts gives that reply alone, as with Slack."""
    channel = _readable(workspace, args["channel"])
    parent = workspace.find(channel.id, args["ts"])
    if parent is None or parent.ephemeral_to:
        raise ApiError("thread_not_found")
    thread = [parent] if parent.thread_ts else [parent, *_between(workspace.replies(parent), args)]
    page, cursor = page_of(thread, args)
    return {
        "messages": [_shown(posted, args) for posted in page],
        "has_more": bool(cursor),
        **({"response_metadata": {"next_cursor": cursor}} if cursor else {}),
    }


def _readable(workspace: Workspace, channel_id: str) -> Channel:
    channel = visible_channel(workspace, channel_id)
    need_scope(workspace, HISTORY[kind_of(channel)])
    if not workspace.bot_is_in(channel):
        raise ApiError("not_in_channel")
    return channel


def _between(said: list[Posted], args: Arguments) -> list[Posted]:
    """What lies between `oldest` and `latest`, without the two unless `inclusive`."""
    oldest = _instant(args.get("oldest", "0"), "invalid_ts_oldest")
    latest = _instant(args.get("latest") or "999999999999", "invalid_ts_latest")
    if args.get("inclusive"):
        return [posted for posted in said if oldest <= _instant(posted.ts, "") <= latest]
    return [posted for posted in said if oldest < _instant(posted.ts, "") < latest]


def _instant(ts: str, error: str) -> int:
    """Microseconds: exact, where a float is not."""
    seconds, _, fraction = ts.partition(".")
    digits = fraction.ljust(6, "0")
    if not (seconds.isdecimal() and digits.isdecimal() and len(digits) == 6):
        raise ApiError(error)
    return int(seconds) * 1_000_000 + int(digits)


def _shown(posted: Posted, args: Arguments) -> Message:
    shown = copied(posted.message)
    if posted.metadata:
        wanted = args.get("include_all_metadata")
        shown["metadata"] = posted.metadata if wanted else {"event_type": posted.metadata["event_type"]}
    return shown


_CHANNEL = {"channel": text}
_PAGE = {"cursor": text, "limit": number}
_ANY_READ = tuple(READ.values())
_ANY_HISTORY = tuple(HISTORY.values())
_SPAN = {
    **_PAGE,
    "oldest": timestamp,
    "latest": timestamp,
    "inclusive": flag,
    "include_all_metadata": flag,
    "metadata_keys_to_include": nested("invalid_metadata_filter_keys"),
}

METHODS = (
    Method(
        name="conversations.list",
        tier="2",
        run=list_,
        scopes=_ANY_READ,
        signature=Signature({}, {**_PAGE, "types": names, "exclude_archived": flag, "team_id": text}),
    ),
    Method(
        name="conversations.info",
        tier="3",
        run=info,
        scopes=_ANY_READ,
        signature=Signature(_CHANNEL, {"include_locale": flag, "include_num_members": flag}),
    ),
    Method(name="conversations.members", tier="4", run=members, scopes=_ANY_READ, signature=Signature(_CHANNEL, _PAGE)),
    Method(
        name="conversations.join",
        tier="3",
        run=join,
        scopes=("channels:join",),
        takes_json=True,
        signature=Signature(_CHANNEL, {}),
    ),
    Method(
        name="conversations.open",
        tier="3",
        run=open_,
        scopes=("im:write", "mpim:write"),
        takes_json=True,
        signature=Signature({}, {"channel": text, "users": names, "return_im": flag, "prevent_creation": flag}),
    ),
    Method(
        name="conversations.history",
        tier="3",
        run=history,
        scopes=_ANY_HISTORY,
        signature=Signature(_CHANNEL, _SPAN),
    ),
    Method(
        name="conversations.replies",
        tier="3",
        run=replies,
        scopes=_ANY_HISTORY,
        signature=Signature({**_CHANNEL, "ts": timestamp}, _SPAN),
    ),
)
