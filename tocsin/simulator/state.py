"""What a workspace holds: people, channels, messages. Changes are counted, so that a page can wait for the next one."""

from __future__ import annotations

import asyncio
import copy
import secrets
from dataclasses import dataclass, field
from typing import Any

from tocsin.simulator.clock import Clock
from tocsin.simulator.triggers import Triggers

Message = dict[str, Any]


@dataclass(slots=True, kw_only=True)
class User:
    id: str
    name: str
    real_name: str
    email: str = ""
    team_id: str
    is_bot: bool = False
    deleted: bool = False
    is_restricted: bool = False  # a guest
    is_stranger: bool = False  # somebody of another workspace, met in a shared channel


@dataclass(slots=True, kw_only=True)
class Channel:
    id: str
    name: str
    created: int
    is_private: bool = False
    is_archived: bool = False
    is_connect: bool = False  # shared with another company
    user: str = ""  # a direct conversation between the app and this person
    members: list[str] = field(default_factory=list)

    @property
    def is_im(self) -> bool:
        return bool(self.user)


@dataclass(slots=True, kw_only=True)
class Posted:
    """A message as it is stored. `ephemeral_to` is the one person who sees it, or empty."""

    channel: str
    message: Message
    ephemeral_to: str = ""
    metadata: dict[str, Any] | None = None
    # (person, block_id, action_id) → what they have chosen there
    choices: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)

    @property
    def ts(self) -> str:
        ts: str = self.message["ts"]
        return ts

    @property
    def thread_ts(self) -> str:
        """The parent's ts if this is a reply, else empty."""
        thread: str = self.message.get("thread_ts", "")
        return "" if thread == self.ts else thread

    @property
    def is_in_channel(self) -> bool:
        """Whether it hangs in the channel itself, not only in a thread."""
        return not self.thread_ts or self.message.get("subtype") == "thread_broadcast"


@dataclass(slots=True, kw_only=True)
class App:
    """The app that is installed, as its owner has configured it."""

    id: str
    name: str
    bot_id: str
    bot_user_id: str
    bot_token: str
    signing_secret: str
    scopes: list[str]
    request_url: str = ""
    is_org_wide: bool = False  # installed in the whole Grid
    commands: list[dict[str, Any]] = field(default_factory=list)  # see slash_commands.COMMAND
    commands_url: str = ""  # as options_url
    shortcuts: list[dict[str, Any]] = field(default_factory=list)  # name, type, callback_id: see shortcuts.SHORTCUT
    events_url: str = ""  # as options_url
    unfurl_domains: list[str] = field(default_factory=list)  # whose links the app hears of; their subdomains, too
    options_url: str = ""  # where menus are asked for; empty: see clicks.address()
    verification_token: str = field(default_factory=lambda: secrets.token_hex(12))
    token_error: str = ""  # account_inactive, token_revoked …: what every call is answered with
    response_url_gone: dict[str, Any] = field(default_factory=lambda: {"status": 404, "error": "expired_url"})


@dataclass(slots=True, kw_only=True)
class Team:
    id: str
    name: str
    domain: str

    @property
    def url(self) -> str:
        return f"https://{self.domain}.slack.com/"


@dataclass(slots=True, kw_only=True)
class Enterprise:
    """The Enterprise Grid that the workspace is part of."""

    id: str
    name: str


@dataclass(slots=True, kw_only=True)
class Offer:
    """Links that the app was told of and may unfurl: in a message, or in what somebody is writing."""

    unfurl_id: str
    source: str
    user: str
    channel: str
    ts: str
    urls: tuple[str, ...]
    previews: dict[str, Any]  # what the composer shows


class Workspace:
    """All that there is. Used from one event loop."""

    def __init__(self, *, team: Team, app: App, clock: Clock) -> None:
        self.team = team
        self.app = app
        self.clock = clock
        self.enterprise: Enterprise | None = None
        self.users: dict[str, User] = {}
        self.channels: dict[str, Channel] = {}
        self.posted: dict[str, dict[str, Posted]] = {}  # channel → ts → message, in order of ts
        self.triggers = Triggers(clock=clock)
        self.views: dict[str, list[dict[str, Any]]] = {}  # person → what is open in front of them, last on top
        self.dialogs: dict[str, dict[str, Any]] = {}  # person → the dialog of old in front of them
        self.offers: dict[str, Offer] = {}  # unfurl_id → links that the app may unfurl
        self.unprompted: set[str] = set()  # people who want no invitation to connect any more
        self.version = 1
        self._changed = asyncio.Event()
        self._last_ts = 0

    # --- changes -----------------------------------------------------------------------------------------------------
    def change(self) -> None:
        """Something that can be seen has changed."""
        self.version += 1
        self._changed.set()
        self._changed = asyncio.Event()

    async def wait_for_change(self, since: int, seconds: float) -> int:
        """The version, as soon as it is above `since`, or after `seconds`."""
        deadline = asyncio.get_running_loop().time() + seconds
        while self.version <= since:
            left = deadline - asyncio.get_running_loop().time()
            try:
                async with asyncio.timeout(left):  # which, unlike wait_for, never swallows that it was cancelled
                    await self._changed.wait()
            except TimeoutError:
                break
        return self.version

    # --- people and channels -----------------------------------------------------------------------------------------
    def add_user(self, user: User) -> User:
        self.users[user.id] = user
        self.change()
        return user

    def add_channel(self, channel: Channel) -> Channel:
        self.channels[channel.id] = channel
        self.posted.setdefault(channel.id, {})
        self.change()
        return channel

    def channel_named(self, name: str) -> Channel | None:
        """By id, or by name with or without "#"."""
        if name in self.channels:
            return self.channels[name]
        bare = name.removeprefix("#")
        return next((channel for channel in self.channels.values() if not channel.is_im and channel.name == bare), None)

    def direct(self, user_id: str) -> Channel:
        """The conversation between the app and that person; opened if there is none."""
        for channel in self.channels.values():
            if channel.user == user_id:
                return channel
        opened = Channel(
            id=f"D0{user_id.removeprefix('U0')}",
            name=user_id,
            created=int(self.clock.now()),
            user=user_id,
            is_private=True,
            members=[user_id, self.app.bot_user_id],
        )
        return self.add_channel(opened)

    def bot_is_in(self, channel: Channel) -> bool:
        return self.app.bot_user_id in channel.members

    def may_see(self, user_id: str, channel: Channel) -> bool:
        user = self.users.get(user_id)
        if user is None or user.deleted:
            return False
        is_open = not channel.is_private and not user.is_restricted and not user.is_stranger
        return user_id in channel.members or is_open

    # --- messages ----------------------------------------------------------------------------------------------------
    def next_ts(self) -> str:
        """Later than every ts before, to the microsecond."""
        self._last_ts = max(self._last_ts + 1, int(self.clock.now() * 1_000_000))
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06}"

    def store(self, posted: Posted) -> Posted:
        self.posted[posted.channel][posted.ts] = posted
        parent = self.find(posted.channel, posted.thread_ts) if posted.thread_ts else None
        if parent is not None and not posted.ephemeral_to:
            self._count_replies(parent)
            posted.message["parent_user_id"] = parent.message.get("user", "")
        self.change()
        return posted

    def find(self, channel: str, ts: str) -> Posted | None:
        return self.posted.get(channel, {}).get(ts)

    def replies(self, parent: Posted) -> list[Posted]:
        return [
            reply
            for reply in self.posted[parent.channel].values()
            if reply.thread_ts == parent.ts and not reply.ephemeral_to
        ]

    def remove(self, posted: Posted) -> None:
        """Delete; of a message that was replied to a tombstone stays."""
        replies = [] if posted.ephemeral_to else self.replies(posted)
        if replies:
            posted.message = {
                "type": "message",
                "subtype": "tombstone",
                "user": "USLACKBOT",
                "text": "This message was deleted.",
                "hidden": True,
                "ts": posted.ts,
                "thread_ts": posted.ts,
            }
            posted.metadata = None
            self._count_replies(posted)
        else:
            del self.posted[posted.channel][posted.ts]
            parent = self.find(posted.channel, posted.thread_ts) if posted.thread_ts else None
            if parent is not None:
                self._count_replies(parent)
        self.change()

    def _count_replies(self, parent: Posted) -> None:
        replies = self.replies(parent)
        if not replies:
            for key in ("thread_ts", "reply_count", "reply_users", "reply_users_count", "latest_reply"):
                parent.message.pop(key, None)
            return
        authors = list(dict.fromkeys(reply.message.get("user", "") for reply in replies))
        parent.message |= {
            "thread_ts": parent.ts,
            "reply_count": len(replies),
            "reply_users_count": len(authors),
            "latest_reply": replies[-1].ts,
            "reply_users": authors,
            "is_locked": False,
            "subscribed": False,
        }

    def visible(self, channel: Channel, user_id: str = "") -> list[Posted]:
        """In order of ts: what that person sees; without a person everything."""
        return [
            posted for posted in self.posted[channel.id].values() if not user_id or posted.ephemeral_to in ("", user_id)
        ]


def copied(message: Message) -> Message:
    """Nobody outside holds what is stored."""
    return copy.deepcopy(message)
