"""chat.*: posting, changing and deleting messages."""

from __future__ import annotations

from typing import Any

from tocsin.simulator.arguments import Arguments, Signature, flag, nested, parse_mode, text, timestamp
from tocsin.simulator.errors import ApiError
from tocsin.simulator.limits import LIMITS
from tocsin.simulator.messages import authored, fill, refuse_faulty
from tocsin.simulator.methods.method import Method, need_scope, visible_channel
from tocsin.simulator.payloads import forget_choices
from tocsin.simulator.state import Channel, Message, Posted, Workspace, copied

_CONTENT = {
    "text": text,
    "blocks": nested("invalid_blocks_format"),
    "attachments": nested("invalid_attachments"),
    "markdown_text": text,
    "parse": parse_mode,
    "link_names": flag,
    "as_user": flag,
}
_STYLE = {"username": text, "icon_emoji": text, "icon_url": text}
_UNFURL = {"unfurl_links": flag, "unfurl_media": flag, "mrkdwn": flag}
_METADATA = {"metadata": nested("invalid_metadata_format")}


def post_message(workspace: Workspace, args: Arguments) -> dict[str, Any]:
    channel = _destination(workspace, args["channel"])
    content = _content(workspace, args)
    _refuse_ghost_thread(workspace, channel, args)
    posted = Posted(
        channel=channel.id,
        message=authored(workspace, content, workspace.next_ts()),
        metadata=args.get("metadata") or None,
    )
    workspace.store(posted)
    return {"channel": channel.id, "ts": posted.ts, "message": _answered(posted)}


def update(workspace: Workspace, args: Arguments) -> dict[str, Any]:
    channel = visible_channel(workspace, args["channel"])
    posted = _own(workspace, channel, args["ts"], "cant_update_message")
    if channel.is_archived:
        raise ApiError("is_inactive")
    if len(args.get("text", "")) > LIMITS["update.text"]:
        raise ApiError("msg_too_long")
    content = _content(workspace, {"parse": "client", **args})
    if args.get("reply_broadcast"):
        if not posted.thread_ts:
            raise ApiError("cant_broadcast_message")
        posted.message["subtype"] = "thread_broadcast"
    _change(workspace, posted, content)
    if "metadata" in args:
        posted.metadata = args["metadata"] or None
    workspace.change()
    answered = _answered(posted)
    return {"channel": channel.id, "ts": posted.ts, "text": answered["text"], "message": answered}


def _change(workspace: Workspace, posted: Posted, content: Arguments) -> None:
    """Text without blocks takes the blocks away; attachments alone leave text and blocks alone."""
    message = posted.message
    if content.get("text") or content.get("markdown_text") or "blocks" in content:
        fill(message, content)
        if not content.get("blocks"):
            message["edited"] = {"user": workspace.app.bot_id, "ts": workspace.next_ts()}
    else:
        kept = {"text": message["text"], "blocks": message.get("blocks")}
        fill(message, content)
        message |= {name: value for name, value in kept.items() if value is not None}
    forget_choices(posted)


def post_ephemeral(workspace: Workspace, args: Arguments) -> dict[str, Any]:
    channel = visible_channel(workspace, args["channel"])
    if channel.is_archived:
        raise ApiError("is_archived")
    if not workspace.bot_is_in(channel):
        raise ApiError("not_in_channel")
    user = workspace.users.get(args["user"])
    if user is None or user.deleted or user.id not in channel.members:
        raise ApiError("user_not_in_channel")
    if len(args.get("text", "")) > LIMITS["message.text"]:
        raise ApiError("msg_too_long")
    content = _content(workspace, args)
    if any("blocks" in attachment for attachment in content.get("attachments") or []):
        raise ApiError("invalid_attachments")
    posted = Posted(channel=channel.id, message=authored(workspace, content, workspace.next_ts()), ephemeral_to=user.id)
    workspace.store(posted)
    return {"message_ts": posted.ts}


def delete(workspace: Workspace, args: Arguments) -> dict[str, Any]:
    channel = visible_channel(workspace, args["channel"])
    posted = _own(workspace, channel, args["ts"], "cant_delete_message")
    workspace.remove(posted)
    return {"channel": channel.id, "ts": posted.ts}


def get_permalink(workspace: Workspace, args: Arguments) -> dict[str, Any]:
    channel = visible_channel(workspace, args["channel"])
    posted = workspace.find(channel.id, args["message_ts"])
    if posted is None or posted.ephemeral_to:
        raise ApiError("message_not_found")
    link = f"{workspace.team.url}archives/{channel.id}/p{posted.ts.replace('.', '')}"
    if posted.thread_ts:
        link += f"?thread_ts={posted.thread_ts}&cid={channel.id}"
    return {"channel": channel.id, "permalink": link}


# --- what they share -------------------------------------------------------------------------------------------------
def _destination(workspace: Workspace, name: str) -> Channel:
    """Where chat.postMessage may post: a conversation by id or name, or a person."""
    if name in workspace.users:
        user = workspace.users[name]
        if user.is_bot:
            raise ApiError("cannot_dm_bot")
        if user.deleted or user.is_stranger:
            raise ApiError("channel_not_found")
        return workspace.direct(user.id)
    channel = workspace.channel_named(name)
    if channel is None:
        raise ApiError("channel_not_found")
    visible_channel(workspace, channel.id)
    if channel.is_archived:
        raise ApiError("is_archived")
    if not workspace.bot_is_in(channel) and "chat:write.public" not in workspace.app.scopes:
        raise ApiError("not_in_channel")
    return channel


def _content(workspace: Workspace, args: Arguments) -> Arguments:
    """The arguments that make a message, after everything that Slack refuses in them."""
    if args.get("as_user"):
        raise ApiError("as_user_not_supported")
    if args.get("markdown_text") and (args.get("text") or args.get("blocks")):
        raise ApiError("markdown_text_conflict")
    if len(args.get("markdown_text", "")) > LIMITS["markdown_text"]:
        raise ApiError("msg_too_long")
    if any(args.get(name) for name in _STYLE):
        need_scope(workspace, "chat:write.customize")
    refuse_faulty(args)
    return args


def _refuse_ghost_thread(workspace: Workspace, channel: Channel, args: Arguments) -> None:
    """A reply goes to a message that is there and is no reply itself."""
    if not args.get("thread_ts"):
        return
    parent = workspace.find(channel.id, args["thread_ts"])
    if parent is None or parent.thread_ts or parent.ephemeral_to:
        raise ApiError("cannot_reply_to_message")


def _own(workspace: Workspace, channel: Channel, ts: str, not_mine: str) -> Posted:
    """A message of the app that everybody sees."""
    posted = workspace.find(channel.id, ts)
    if posted is None or posted.ephemeral_to or posted.message.get("subtype") == "tombstone":
        raise ApiError("message_not_found")
    if posted.message.get("bot_id") != workspace.app.bot_id:
        raise ApiError(not_mine)
    return posted


def _answered(posted: Posted) -> Message:
    return copied({**posted.message, **({"metadata": posted.metadata} if posted.metadata else {})})


METHODS = (
    Method(
        name="chat.postMessage",
        tier="special",
        scopes=("chat:write",),
        takes_json=True,
        posts=True,
        run=post_message,
        signature=Signature(
            {"channel": text},
            {**_CONTENT, **_STYLE, **_UNFURL, **_METADATA, "thread_ts": timestamp, "reply_broadcast": flag},
        ),
    ),
    Method(
        name="chat.update",
        tier="3",
        scopes=("chat:write",),
        takes_json=True,
        run=update,
        signature=Signature({"channel": text, "ts": timestamp}, {**_CONTENT, **_METADATA, "reply_broadcast": flag}),
    ),
    Method(
        name="chat.postEphemeral",
        tier="4",
        scopes=("chat:write",),
        takes_json=True,
        run=post_ephemeral,
        signature=Signature({"channel": text, "user": text}, {**_CONTENT, **_STYLE, "thread_ts": timestamp}),
    ),
    Method(
        name="chat.delete",
        tier="3",
        scopes=("chat:write",),
        takes_json=True,
        run=delete,
        signature=Signature({"channel": text, "ts": timestamp}, {"as_user": flag}),
    ),
    Method(
        name="chat.getPermalink",
        tier="special",
        run=get_permalink,
        signature=Signature({"channel": text, "message_ts": timestamp}, {}),
    ),
)
