"""Somebody uses a message: the payload is built, signed, sent to the app, and what the app answers is judged."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from tocsin.simulator import dialogs, legacy, modals, payloads, prompts, shortcuts, slash_commands
from tocsin.simulator.fields import NotThere, is_told
from tocsin.simulator.journal import Entry, Journal
from tocsin.simulator.judge import SECONDS, Answer, faults_of
from tocsin.simulator.payloads import Target
from tocsin.simulator.response_urls import ResponseUrls
from tocsin.simulator.signing import MODES, REFUSED
from tocsin.simulator.state import Posted, User, Workspace

PATIENCE = 30.0  # seconds until the connection is given up; the judgement falls after three
EVENT_PATIENCE = SECONDS + 0.1  # an event is told again then
EMPTY: Mapping[str, str] = {}
HEADERS = {
    "Content-Type": "application/x-www-form-urlencoded",
    "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
    "Accept": "application/json,*/*",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A request to the app, before it is sent."""

    kind: str
    payload: dict[str, Any]
    headers: Mapping[str, str]
    body: bytes
    is_genuine: bool  # signed as Slack signs
    noted: Mapping[str, str]  # what the journal has of it besides
    is_judged: bool  # false for bodies that a test has written itself: what is right then, the test knows


class Send(Protocol):
    """Brings a request to the app."""

    async def __call__(self, outgoing: Outgoing) -> Answer: ...


# What comes of something that the app does not hear of.
UNHEARD: Mapping[str, Any] = {
    "status": 200,
    "seconds": 0.0,
    "body": "",
    "headers": {},
    "judgement": {"ok": True, "faults": []},
    "payload": None,
}


@dataclass(slots=True, kw_only=True)
class Clicks:
    workspace: Workspace
    journal: Journal
    hooks: ResponseUrls
    judgements: list[dict[str, Any]]
    base_url: str = ""  # where the app finds this server

    # --- building ----------------------------------------------------------------------------------------------------
    def build(self, asked: Mapping[str, Any]) -> Outgoing | None:
        """The request for what somebody does, as the control API describes it: in the modal before them if `view` is true, in
        the dialog of old if `dialog` is, else in a message; or which shortcut they choose. None when the app hears nothing of
        it. Raises NotThere when it cannot be done.
        """
        do = asked.get("do") or "choose"
        if asked.get("view"):
            payload = self._in_view(do, asked)
        elif legacy.is_meant(asked):
            payload = self._in_attachment(do, asked)
        elif asked.get("dialog"):
            payload = dialogs.act(self.workspace, self._who(asked), do, asked, self._response_url)
        elif do == "shortcut":
            payload = shortcuts.chosen_by_the_composer(self.workspace, self._who(asked), asked)
        elif do == "message_shortcut":
            payload = shortcuts.chosen_on(self.workspace, *self._who_and_what(asked), asked, self._response_url)
        elif do == "command":
            return self._command(asked)
        elif do == "suggest":
            payload = self._suggest(asked)
        else:
            payload = self._click(asked)
        if payload is None:
            return None
        return self._sign(payload, asked.get("signing") or "ok", asked.get("raw") or {})

    def _in_attachment(self, do: str, asked: Mapping[str, Any]) -> dict[str, Any] | None:
        user, posted = self._who_and_what(asked)
        target = legacy.find(posted.message, asked)
        if do == "suggest":
            typed = str(asked.get("value", ""))
            return legacy.options_load(self.workspace, user=user, posted=posted, target=target, typed=typed)
        return legacy.interactive_message(
            self.workspace,
            user=user,
            posted=posted,
            target=target,
            selected=asked.get("selected"),
            trigger_id=self.workspace.triggers.issue(user.id, channel=posted.channel),
            response_url=self._message_url(user, posted, int(target.attachment["id"])),
        )

    def _command(self, asked: Mapping[str, Any]) -> Outgoing:
        payload = slash_commands.typed(self.workspace, self._who(asked), asked, self._command_url)
        return self._sign(payload, asked.get("signing") or "ok", asked.get("raw") or {})

    def _command_url(self, user: User, channel: str) -> str:
        return f"{self.base_url}/response/{self.hooks.issue_command(user=user.id, channel=channel)}"

    def _message_url(self, user: User, posted: Posted, attachment: int) -> str:
        path = self.hooks.issue(user=user.id, posted=posted, attachment=attachment)
        return f"{self.base_url}/response/{path}"

    def tell(self, event: dict[str, Any], *, signing: str = "ok", headers: Mapping[str, str] = EMPTY) -> Outgoing:
        """The request that tells the app of an event."""
        return self._sign(event, signing, {}, headers)

    def _in_view(self, do: str, asked: Mapping[str, Any]) -> dict[str, Any] | None:
        if do not in modals.ACTS:
            raise NotThere(f"do one of: {', '.join(modals.ACTS)}")
        return modals.ACTS[do](self.workspace, self._who(asked), asked)

    def _response_url(self, user: User, channel: str) -> str:
        """One that belongs to no message."""
        return f"{self.base_url}/response/{self.hooks.issue_in(user=user.id, channel=channel)}"

    def _suggest(self, asked: Mapping[str, Any]) -> dict[str, Any] | None:
        user, posted = self._who_and_what(asked)
        target = self._target(posted, asked)
        about = payloads.suggestion(target, asked)
        return about and payloads.block_suggestion(self.workspace, user=user, posted=posted, target=target, about=about)

    def _target(self, posted: Posted, asked: Mapping[str, Any]) -> Target:
        return payloads.find(
            posted.message,
            block_id=asked.get("block_id") or "",
            action_id=asked.get("action_id") or "",
            attachment=asked.get("attachment_id"),
            index=asked.get("action_index"),
        )

    def _click(self, asked: Mapping[str, Any]) -> dict[str, Any] | None:
        user, posted = self._who_and_what(asked)
        target = self._target(posted, asked)
        if prompts.is_meant(target):
            prompts.answer(self.workspace, user, posted, target)
            return None
        value = payloads.choose(user, posted, target, asked.get("selected"))
        self.workspace.change()
        if not is_told(target.block, target.element, has_entered=bool(asked.get("enter"))):
            return None
        return payloads.block_actions(
            self.workspace,
            user=user,
            posted=posted,
            target=target,
            value=value,
            trigger_id=self.workspace.triggers.issue(user.id, channel=posted.channel),
            response_url=self._message_url(user, posted, target.attachment),
        )

    def _who(self, asked: Mapping[str, Any]) -> User:
        user = self.workspace.users.get(str(asked.get("as", "")))
        if user is None or user.is_bot:
            raise NotThere(f"there is no person {asked.get('as')!r}")
        return user

    def _who_and_what(self, asked: Mapping[str, Any]) -> tuple[User, Posted]:
        user = self._who(asked)
        channel = self.workspace.channel_named(str(asked.get("channel", "")))
        posted = self.workspace.find(channel.id, str(asked.get("ts", ""))) if channel else None
        if channel is None or posted is None or posted.ephemeral_to not in ("", user.id):
            raise NotThere("there is no such message for this person")
        if not self.workspace.may_see(user.id, channel):
            raise NotThere(f"{user.name} does not see that channel")
        return user, posted

    def _sign(
        self, payload: dict[str, Any], mode: str, raw: Mapping[str, Any], noted: Mapping[str, str] = EMPTY
    ) -> Outgoing:
        """`raw` replaces fields of the payload, adds headers (null takes one away), or gives the whole body. `noted` are headers
        that the journal has, too.
        """
        payload = {**payload, **raw.get("payload", {})}
        kind = kind_of(payload)
        body = _body(kind, payload)
        if "body" in raw:
            body = str(raw["body"]).encode()
        if mode not in MODES:
            raise NotThere(f"there is no signing mode {mode!r}; there are: {', '.join(MODES)}")
        letter = MODES[mode](self.workspace.app.signing_secret, int(time.time()), body)
        headers = {**HEADERS, **TYPES.get(kind, {}), **letter.headers, **noted, **raw.get("headers", {})}
        return Outgoing(
            kind=kind,
            payload=payload,
            headers={name: value for name, value in headers.items() if value is not None},
            body=letter.body,
            noted=noted,
            is_genuine=mode not in REFUSED,
            is_judged=not raw and mode != "not_utf8",
        )

    # --- sending -----------------------------------------------------------------------------------------------------
    async def click(self, asked: Mapping[str, Any], send: Send) -> Mapping[str, Any]:
        """Build, send as often as asked (`times`, all at once if `at_once`), judge. Returns the last result, with all in
        `results` when there are several.
        """
        outgoing = self.build(asked)
        if outgoing is None:
            return UNHEARD
        times = int(asked.get("times") or 1)
        if asked.get("at_once"):
            results = list(await asyncio.gather(*(self.deliver(outgoing, send) for _ in range(times))))
        else:
            results = [await self.deliver(outgoing, send) for _ in range(times)]
        return {**results[-1], **({"results": results} if times > 1 else {})}

    async def deliver(self, outgoing: Outgoing, send: Send) -> dict[str, Any]:
        """Send it, judge the answer, write it down."""
        entry = self.begin(outgoing)
        return self.finish(outgoing, entry, await send(outgoing))

    def begin(self, outgoing: Outgoing) -> Entry:
        return self.journal.begin("out", outgoing.kind, outgoing.payload, **outgoing.noted)

    def finish(self, outgoing: Outgoing, entry: Entry, answer: Answer) -> dict[str, Any]:
        """Judge an answer and write it down."""
        faults = []
        if outgoing.is_judged:
            faults = faults_of(outgoing.kind, answer, outgoing.payload, is_genuine=outgoing.is_genuine)
            if outgoing.kind == slash_commands.KIND:
                if outgoing.is_genuine and not faults:
                    slash_commands.answered(self.workspace, self.hooks, outgoing.payload, answer)
            elif outgoing.is_genuine and outgoing.payload["type"] in modals.ANSWERED and "view" in outgoing.payload:
                modals.answered(self.workspace, outgoing.payload, answer, faults)
            elif outgoing.is_genuine and outgoing.kind == legacy.KIND and not faults:
                legacy.answered(self.workspace, self.hooks, outgoing.payload, answer)
            if outgoing.is_genuine and outgoing.kind != slash_commands.KIND:
                dialogs.answered(self.workspace, outgoing.payload, answer, faults)
        body = answer.body.decode("utf-8", "replace")
        entry |= {"status": answer.status, "answer": body, "seconds": answer.seconds, "faults": faults}
        if faults:
            self.judgements.append(
                {
                    "n": entry["n"],
                    "at": entry["at"],
                    "type": outgoing.kind,
                    "user": outgoing.payload.get("user_id") or outgoing.payload.get("user", {}).get("id", ""),
                    "status": answer.status,
                    "seconds": answer.seconds,
                    "faults": faults,
                }
            )
        self.workspace.change()
        return {
            "status": answer.status,
            "seconds": answer.seconds,
            "body": body,
            "headers": dict(answer.headers),
            "judgement": {"ok": not faults, "faults": faults},
            "payload": outgoing.payload,
        }


def kind_of(payload: Mapping[str, Any]) -> str:
    """What it is called in the journal and by the judge. A command has no type; typing into a menu of old has that of a click
    on it.
    """
    if "command" in payload and "type" not in payload:
        return slash_commands.KIND
    kind: str = payload["type"]
    return legacy.OPTIONS if kind == legacy.KIND and "actions" not in payload else kind


def _body(kind: str, payload: Mapping[str, Any]) -> bytes:
    if kind == slash_commands.KIND:
        return urlencode(payload).encode()
    text = json.dumps(payload, separators=(",", ":"))
    return text.encode() if kind == EVENT else urlencode({"payload": text}).encode()


EVENT = "event_callback"
TYPES: Mapping[str, Mapping[str, str]] = {EVENT: {"Content-Type": "application/json"}}  # all else are forms
OPTIONS_LOADS = frozenset({"block_suggestion", "dialog_suggestion", legacy.OPTIONS})


def address(kind: str, request_url: str, options_url: str = "", events_url: str = "", commands_url: str = "") -> str:
    """Where a request of this kind goes. Menus are asked for at the options URL, events told at the events URL, commands sent to
    the commands URL; unless the app has one, beside the request URL if that is called "interactive", else there.
    """
    base, _, name = request_url.rpartition("/")
    is_interactive = name == "interactive"
    if kind in OPTIONS_LOADS:
        return options_url or (f"{base}/options" if is_interactive else request_url)
    if kind == EVENT:
        return events_url or (f"{base}/events" if is_interactive else request_url)
    if kind == slash_commands.KIND:
        return commands_url or (f"{base}/commands" if is_interactive else request_url)
    return request_url


def new_session() -> aiohttp.ClientSession:
    """Every request on a connection of its own: one kept from before the app was restarted would break on first use."""
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class OverHttp:
    """Sends to the addresses that the app is configured with."""

    session: aiohttp.ClientSession
    request_url: str
    options_url: str = ""
    events_url: str = ""
    commands_url: str = ""

    async def __call__(self, outgoing: Outgoing) -> Answer:
        url = address(outgoing.kind, self.request_url, self.options_url, self.events_url, self.commands_url)
        if not url:
            return Answer(headers={}, seconds=0.0, failure="the app has no request URL")
        began = time.monotonic()
        try:
            async with self.session.post(
                URL(url, encoded=True),
                data=outgoing.body,
                headers=outgoing.headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=EVENT_PATIENCE if outgoing.kind == EVENT else PATIENCE),
            ) as response:
                body = await response.read()
                return Answer(
                    status=response.status,
                    headers=dict(response.headers),
                    body=body,
                    seconds=time.monotonic() - began,
                )
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            reason = f"{type(error).__name__}: {error}"
            return Answer(headers={}, seconds=time.monotonic() - began, failure=reason)
