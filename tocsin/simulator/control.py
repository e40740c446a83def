"""`/control/…`: how tests, the demo and the page look into the workspace and act in it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
from aiohttp import web

from tocsin.simulator import dialogs, shortcuts, slash_commands, unfurls
from tocsin.simulator.clicks import OverHttp, new_session
from tocsin.simulator.entities import stored
from tocsin.simulator.events import Attempt
from tocsin.simulator.faults import UnknownFault
from tocsin.simulator.fields import NotThere
from tocsin.simulator.simulation import Simulation
from tocsin.simulator.state import Channel, Enterprise, Posted, User, copied

POLL_SECONDS = 25.0
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
APP_FIELDS = {
    "request_url",
    "options_url",
    "events_url",
    "commands_url",
    "commands",
    "is_org_wide",
    "unfurl_domains",
    "signing_secret",
    "bot_token",
    "scopes",
    "token_error",
    "response_url_gone",
    "name",
    "shortcuts",
}
OTHER_TEAM = "T0OTHER"  # of the company that shares a channel with ours
CHANNEL_CHANGES = ("create", "archive", "unarchive", "invite", "kick", "rename", "delete", "share", "unshare")


class Control:
    def __init__(self, simulation: Simulation) -> None:
        self.simulation = simulation
        self.workspace = simulation.workspace
        self.session: aiohttp.ClientSession | None = None
        self._telling: set[asyncio.Future[Any]] = set()  # events under way, held so that they are not forgotten

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/control/state", self.state),
            web.get("/control/changes", self.changes),
            web.post("/control/click", self.click),
            web.post("/control/post", self.post),
            web.post("/control/compose", self.compose),
            web.get("/control/faults", self.show_faults),
            web.post("/control/faults", self.plan_fault),
            web.delete("/control/faults", self.clear_faults),
            web.post("/control/release", self.release),
            web.post("/control/app", self.configure_app),
            web.post("/control/team", self.configure_team),
            web.post("/control/clock", self.move_clock),
            web.post("/control/limits", self.set_limits),
            web.post("/control/channel", self.change_channel),
            web.post("/control/user", self.change_user),
            web.get("/control/journal", self.show_journal),
            web.get("/control/judgements", self.show_judgements),
        ]

    # --- looking -----------------------------------------------------------------------------------------------------
    async def state(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(self.described(request.query.get("as", "")))

    def described(self, user_id: str = "") -> dict[str, Any]:
        """What that person sees; everything if nobody is named."""
        workspace = self.workspace
        channels = [
            channel for channel in workspace.channels.values() if not user_id or workspace.may_see(user_id, channel)
        ]
        return {
            "version": workspace.version,
            "now": workspace.clock.now(),
            "team": {"id": workspace.team.id, "name": workspace.team.name, "domain": workspace.team.domain},
            "enterprise": {"id": workspace.enterprise.id, "name": workspace.enterprise.name}
            if workspace.enterprise
            else None,
            "app": self._app(),
            "users": [_user(user) for user in workspace.users.values()],
            "channels": [self._channel(channel, user_id) for channel in channels],
            "views": [copied(view) for view in workspace.views.get(user_id, [])],
            "dialog": dialogs.public(workspace.dialogs.get(user_id)),
            "previews": [
                {"unfurl_id": offer.unfurl_id, "unfurls": copied(offer.previews)}
                for offer in workspace.offers.values()
                if offer.previews and user_id in ("", offer.user)
            ],
            "messages": {
                channel.id: [_message(posted, user_id) for posted in workspace.visible(channel, user_id)]
                for channel in channels
            },
        }

    def _app(self) -> dict[str, Any]:
        app = self.workspace.app
        return {
            "id": app.id,
            "name": app.name,
            "bot_id": app.bot_id,
            "bot_user_id": app.bot_user_id,
            "request_url": app.request_url,
            "options_url": app.options_url,
            "events_url": app.events_url,
            "unfurl_domains": app.unfurl_domains,
            "scopes": app.scopes,
            "commands": app.commands,
            "is_org_wide": app.is_org_wide,
            "shortcuts": app.shortcuts,
        }

    def _channel(self, channel: Channel, user_id: str) -> dict[str, Any]:
        return {
            "id": channel.id,
            "name": channel.name,
            "is_private": channel.is_private and not channel.is_im,
            "is_archived": channel.is_archived,
            "is_im": channel.is_im,
            "is_connect": channel.is_connect,
            "user": channel.user,
            "is_member": user_id in channel.members if user_id else self.workspace.bot_is_in(channel),
            "members": channel.members,
        }

    async def changes(self, request: web.Request) -> web.StreamResponse:
        since = int(request.query.get("since", "0"))
        return web.json_response({"version": await self.workspace.wait_for_change(since, POLL_SECONDS)})

    async def show_journal(self, request: web.Request) -> web.StreamResponse:
        since, method = int(request.query.get("since", "0")), request.query.get("method", "")
        return web.json_response(self.simulation.journal.since(since, method))

    async def show_judgements(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(self.simulation.judgements)

    # --- people act --------------------------------------------------------------------------------------------------
    async def click(self, request: web.Request) -> web.StreamResponse:
        asked = await _body(request)
        send = self._over_http()
        try:
            # A page that is closed meanwhile takes nothing back: the click has been sent.
            return web.json_response(await asyncio.shield(self.simulation.clicks.click(asked, send)))
        except NotThere as error:
            return _refused(str(error), status=404)

    def _over_http(self) -> OverHttp:
        if self.session is None:
            self.session = new_session()
        app = self.workspace.app
        return OverHttp(
            session=self.session,
            request_url=app.request_url,
            options_url=app.options_url,
            events_url=app.events_url,
            commands_url=app.commands_url,
        )

    async def post(self, request: web.Request) -> web.StreamResponse:
        asked = await _body(request)
        try:
            posted = self.say(asked)
        except NotThere as error:
            return _refused(str(error), status=404)
        self._tell(unfurls.link_shared(self.workspace, self.workspace.users[asked["as"]], posted))
        return web.json_response({"channel": posted.channel, "ts": posted.ts})

    async def compose(self, request: web.Request) -> web.StreamResponse:
        """A person writes something, and has not posted it; what the app shows of its links is in `previews` of the state."""
        asked = await _body(request)
        user = self.workspace.users.get(str(asked.get("as", "")))
        if user is None:
            return _refused("there is no such person", status=404)
        event = unfurls.composed(self.workspace, user, str(asked.get("text", "")))
        self._tell(event)
        return web.json_response({"unfurl_id": event["event"]["unfurl_id"] if event else ""})

    def _tell(self, event: dict[str, Any] | None) -> None:
        """Nobody waits for it: a message is posted whatever the app does."""
        app = self.workspace.app
        if event is None or not (app.events_url or app.request_url):
            return
        told = asyncio.ensure_future(self.simulation.events.tell(Attempt(event=event), self._over_http()))
        self._telling.add(told)
        told.add_done_callback(self._telling.discard)

    async def close(self) -> None:
        """Tell nothing any more."""
        telling = list(self._telling)
        for told in telling:
            told.cancel()
        await asyncio.gather(*telling, return_exceptions=True)
        if self.session is not None:
            await self.session.close()

    def say(self, asked: dict[str, Any]) -> Posted:
        """A person's message. Raises NotThere when they cannot write there."""
        workspace = self.workspace
        user = workspace.users.get(asked.get("as", ""))
        channel = workspace.channel_named(asked.get("channel", ""))
        if user is None or channel is None or user.id not in channel.members or channel.is_archived:
            raise NotThere("that person cannot write there")
        message = {
            "user": user.id,
            "type": "message",
            "ts": workspace.next_ts(),
            "text": stored(str(asked.get("text", "")), verbatim=False),
            "team": workspace.team.id,
        }
        if asked.get("thread_ts"):
            message["thread_ts"] = asked["thread_ts"]
        return workspace.store(Posted(channel=channel.id, message=message))

    # --- faults ------------------------------------------------------------------------------------------------------
    async def show_faults(self, request: web.Request) -> web.StreamResponse:
        faults = self.simulation.faults
        planned = [
            {"id": fault.id, "method": fault.method, "kind": fault.kind, "left": fault.left} for fault in faults.planned
        ]
        held = [
            {"id": held.id, "fault": held.fault, "method": held.method, "point": held.point, "args": held.args}
            for held in faults.held.values()
        ]
        return web.json_response({"planned": planned, "held": held})

    async def plan_fault(self, request: web.Request) -> web.StreamResponse:
        asked = await _body(request)
        try:
            id_ = self.simulation.faults.plan(asked.get("method", "*"), asked.get("fault", {}), asked.get("times", 1))
        except UnknownFault as error:
            return _refused(str(error))
        return web.json_response({"id": id_})

    async def clear_faults(self, request: web.Request) -> web.StreamResponse:
        self.simulation.faults.clear()
        return web.json_response({"ok": True})

    async def release(self, request: web.Request) -> web.StreamResponse:
        asked = await _body(request)
        if self.simulation.faults.release(int(asked.get("id", 0))):
            return web.json_response({"ok": True})
        return _refused("nothing is held under this number", status=404)

    # --- the world around --------------------------------------------------------------------------------------------
    async def configure_app(self, request: web.Request) -> web.StreamResponse:
        """Any of APP_FIELDS."""
        try:
            self.alter_app(await _body(request))
        except NotThere as error:
            return _refused(str(error))
        return web.json_response(self._app())

    def alter_app(self, asked: dict[str, Any]) -> None:
        """Raises NotThere for what cannot be configured."""
        if strange := asked.keys() - APP_FIELDS:
            raise NotThere(f"unknown: {', '.join(sorted(strange))}")
        if "shortcuts" in asked:
            shortcuts.refuse_faulty(asked["shortcuts"])
        if "commands" in asked:
            slash_commands.refuse_faulty(asked["commands"])
        if asked.get("is_org_wide") and self.workspace.enterprise is None:
            raise NotThere("only a workspace of an Enterprise Grid can be part of an org-wide installation")
        if "unfurl_domains" in asked:
            unfurls.refuse_faulty_domains(asked["unfurl_domains"])
        for name, value in asked.items():
            setattr(self.workspace.app, name, value)
        self.workspace.change()

    async def configure_team(self, request: web.Request) -> web.StreamResponse:
        """`enterprise`: {id, name} of the Grid that the workspace is part of, or null."""
        try:
            self.alter_team(await _body(request))
        except NotThere as error:
            return _refused(str(error))
        return web.json_response({"enterprise": self.described()["enterprise"]})

    def alter_team(self, asked: dict[str, Any]) -> None:
        """Raises NotThere for what is no Grid."""
        grid = asked.get("enterprise")
        if grid is not None and not (isinstance(grid, dict) and all(grid.get(name) for name in ("id", "name"))):
            raise NotThere("an enterprise has an id and a name")
        self.workspace.enterprise = Enterprise(id=str(grid["id"]), name=str(grid["name"])) if grid else None
        if grid is None:
            self.workspace.app.is_org_wide = False
        self.workspace.change()

    async def move_clock(self, request: web.Request) -> web.StreamResponse:
        """`advance` seconds, or `stop`: then only advancing moves it."""
        asked = await _body(request)
        if asked.get("stop"):
            self.workspace.clock.stop()
        self.workspace.clock.advance(float(asked.get("advance", 0)))
        self.workspace.change()
        return web.json_response({"now": self.workspace.clock.now()})

    async def set_limits(self, request: web.Request) -> web.StreamResponse:
        """`enforced`: whether calls are counted; they begin at nothing again."""
        asked = await _body(request)
        self.simulation.limits.enforced = bool(asked.get("enforced", True))
        self.simulation.limits.forget()
        return web.json_response({"enforced": self.simulation.limits.enforced})

    async def change_channel(self, request: web.Request) -> web.StreamResponse:
        try:
            channel = self.alter_channel(await _body(request))
        except NotThere as error:
            return _refused(str(error))
        return web.json_response(self._channel(channel, ""))

    def alter_channel(self, asked: dict[str, Any]) -> Channel:
        """`do`: one of CHANNEL_CHANGES; share and unshare are about other companies (Slack Connect). Raises NotThere."""
        do = asked.get("do")
        if do not in CHANNEL_CHANGES:
            raise NotThere(f"do one of: {', '.join(CHANNEL_CHANGES)}")
        if do == "create":
            return self._create_channel(asked)
        channel = self.workspace.channel_named(str(asked.get("channel", "")))
        if channel is None:
            raise NotThere("there is no such channel")
        user = asked.get("user") or self.workspace.app.bot_user_id
        if do in ("archive", "unarchive"):
            channel.is_archived = do == "archive"
        elif do in ("share", "unshare"):
            channel.is_connect = do == "share"
        elif do == "rename":
            channel.name = str(asked["name"])
        elif do == "delete":
            del self.workspace.channels[channel.id], self.workspace.posted[channel.id]
        elif do == "invite" and user not in channel.members:
            channel.members.append(user)
        elif do == "kick" and user in channel.members:
            channel.members.remove(user)
        self.workspace.change()
        return channel

    def _create_channel(self, asked: dict[str, Any]) -> Channel:
        """Everybody is in it, and the app, unless `members` says who."""
        name = str(asked["name"])
        return self.workspace.add_channel(
            Channel(
                id=asked.get("id") or f"C0{name.upper().replace('-', '')}",
                name=name,
                created=int(self.workspace.clock.now()),
                is_private=bool(asked.get("is_private", False)),
                members=list(asked.get("members", self.workspace.users)),
            )
        )

    async def change_user(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(_user(self.alter_user(await _body(request))))

    def alter_user(self, asked: dict[str, Any]) -> User:
        """Add a person by `id` or `name`, or change flags of one: deleted, is_restricted, is_stranger."""
        user = self.workspace.users.get(str(asked.get("id", ""))) or self._add_user(asked)
        for flag in ("deleted", "is_restricted", "is_stranger"):
            if flag in asked:
                setattr(user, flag, bool(asked[flag]))
        if "is_stranger" in asked and "team_id" not in asked:
            user.team_id = OTHER_TEAM if user.is_stranger else self.workspace.team.id
        if user.deleted:
            for channel in self.workspace.channels.values():
                if user.id in channel.members and not channel.is_im:
                    channel.members.remove(user.id)
        self.workspace.change()
        return user

    def _add_user(self, asked: dict[str, Any]) -> User:
        name = str(asked.get("name") or asked.get("id"))
        return self.workspace.add_user(
            User(
                id=str(asked.get("id") or f"U0{name.upper()}"),
                name=name.lower(),
                real_name=str(asked.get("real_name") or name.capitalize()),
                email=str(asked.get("email", f"{name.lower()}@example.com")),
                team_id=str(asked.get("team_id") or self.workspace.team.id),
            )
        )


def _user(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "name": user.name,
        "real_name": user.real_name,
        "is_bot": user.is_bot,
        "deleted": user.deleted,
        "is_restricted": user.is_restricted,
        "is_stranger": user.is_stranger,
    }


def _message(posted: Posted, user_id: str) -> dict[str, Any]:
    """`_chosen`: what that person has chosen in it, by block_id and action_id."""
    shown = copied(posted.message)
    for (who, block_id, action_id), entry in posted.choices.items():
        if who == user_id:
            shown.setdefault("_chosen", {}).setdefault(block_id, {})[action_id] = entry
    if posted.ephemeral_to:
        shown["_ephemeral_to"] = posted.ephemeral_to
    if posted.metadata:
        shown["metadata"] = posted.metadata
    return shown


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        value = json.loads(await request.read() or b"{}")
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise web.HTTPBadRequest(text='{"error": "a JSON object is expected"}', content_type="application/json")
    return value


def _refused(error: str, status: int = 400) -> web.Response:
    return web.json_response({"error": error}, status=status)
