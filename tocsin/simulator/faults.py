"""Faults on purpose: a call is refused, delayed, cut off, or held until somebody lets it go."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

Perform = Callable[[], Awaitable[web.StreamResponse]]

# Kinds that take the place of the answer. With `"after": true` the call takes its effect first.
ANSWERING = frozenset({"status", "error", "429", "html", "truncated", "huge", "drip"})
KINDS = ANSWERING | {"delay", "hang", "reset_before", "reset_after", "pause_before", "pause_after"}


class UnknownFault(Exception):
    """A fault was asked for that there is none of."""


@dataclass(slots=True, kw_only=True)
class Fault:
    id: int
    method: str  # "*" for every one
    kind: str
    how: dict[str, Any]
    left: int | None  # how often it will happen still; None: until it is taken away

    def concerns(self, method: str, args: Mapping[str, Any]) -> bool:
        where: Mapping[str, Any] = self.how.get("where") or {}
        return self.method in ("*", method) and all(args.get(name) == value for name, value in where.items())


@dataclass(slots=True, kw_only=True)
class Held:
    """A call that is stopped at a point, until `gate` opens."""

    id: int
    fault: int
    method: str
    point: str
    args: Mapping[str, Any]
    gate: asyncio.Event = field(default_factory=asyncio.Event)


class Faults:
    """What is to go wrong next, and the calls that are held now."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._last = 0
        self.planned: list[Fault] = []
        self.held: dict[int, Held] = {}

    def plan(self, method: str, how: Mapping[str, Any], times: int | None = 1) -> int:
        """Plan a fault for the next `times` calls of a method. Returns its id; raises UnknownFault."""
        kind = str(how.get("kind", ""))
        if kind not in KINDS:
            raise UnknownFault(f"there is no fault of kind {kind!r}; there are: {', '.join(sorted(KINDS))}")
        self._last += 1
        self.planned.append(Fault(id=self._last, method=method, kind=kind, how=dict(how), left=times or None))
        return self._last

    def clear(self) -> None:
        """Plan nothing any more, and let everything go that is held."""
        self.planned.clear()
        for id_ in list(self.held):
            self.release(id_)

    def release(self, id_: int) -> bool:
        """Let go what is held under this number: of one call, or of one planned fault. False when nothing is."""
        found = [held for held in self.held.values() if id_ in (held.id, held.fault)]
        for held in found:
            held.gate.set()
        return bool(found)

    def next_for(self, method: str, args: Mapping[str, Any]) -> Fault | None:
        for fault in self.planned:
            if fault.concerns(method, args):
                if fault.left is not None:
                    fault.left -= 1
                    if fault.left == 0:
                        self.planned.remove(fault)
                return fault
        return None

    async def hold(self, fault: Fault, method: str, args: Mapping[str, Any]) -> None:
        self._last += 1
        held = Held(id=self._last, fault=fault.id, method=method, point=fault.kind, args=args)
        self.held[held.id] = held
        self._changed()
        try:
            await held.gate.wait()
        finally:
            del self.held[held.id]

    async def around(
        self, request: web.Request, method: str, args: Mapping[str, Any], perform: Perform
    ) -> web.StreamResponse:
        """The call, with what is planned for it."""
        fault = self.next_for(method, args)
        if fault is None:
            return await perform()
        if fault.kind in ANSWERING:
            if fault.how.get("after"):
                await perform()
            return await answer(request, fault)
        return await self._around_effect(request, fault, method, args, perform)

    async def _around_effect(
        self, request: web.Request, fault: Fault, method: str, args: Mapping[str, Any], perform: Perform
    ) -> web.StreamResponse:
        """The kinds that let the call happen, or cut it off, before or after its effect."""
        is_after = fault.kind.endswith("_after") or bool(fault.how.get("after"))
        done = await perform() if is_after else None
        if fault.kind.startswith("reset"):
            return cut_off(request)
        if fault.kind == "delay":
            await asyncio.sleep(float(fault.how.get("seconds", 1.0)))
        else:
            await self.hold(fault, method, args)
        if fault.kind == "hang":
            return cut_off(request)
        return done or await perform()


def cut_off(request: web.Request) -> web.StreamResponse:
    """Close the connection without a word."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


# --- answers that are none ---------------------------------------------------------------------------------------------
async def answer(request: web.Request, fault: Fault) -> web.StreamResponse:
    return await _ANSWERS[fault.kind](request, fault.how)


async def _status(_: web.Request, how: Mapping[str, Any]) -> web.StreamResponse:
    return web.Response(
        status=int(how.get("status", 503)), text=str(how.get("body", "")), headers=how.get("headers") or {}
    )


async def _error(_: web.Request, how: Mapping[str, Any]) -> web.StreamResponse:
    more = {name: value for name, value in how.items() if name not in ("kind", "error", "after", "where")}
    return web.json_response({"ok": False, "error": how.get("error", "internal_error"), **more})


async def _limited(_: web.Request, how: Mapping[str, Any]) -> web.StreamResponse:
    after = how.get("retry_after", 1)
    headers = {} if after is None else {"Retry-After": str(after)}
    return web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers=headers)


async def _html(_: web.Request, how: Mapping[str, Any]) -> web.StreamResponse:
    page = "<!DOCTYPE html><html><body><h1>Something went wrong</h1></body></html>"
    return web.Response(status=int(how.get("status", 200)), text=page, content_type="text/html")


async def _truncated(request: web.Request, _: Mapping[str, Any]) -> web.StreamResponse:
    """Announces more bytes than come."""
    begun = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "120"})
    await begun.prepare(request)
    await begun.write(b'{"ok": true, "channel": "C0')
    if request.transport is not None:
        request.transport.close()
    return begun


async def _huge(_: web.Request, how: Mapping[str, Any]) -> web.StreamResponse:
    filler = "x" * int(how.get("bytes", 10_000_000))
    return web.json_response({"ok": True, "filler": filler})


async def _drip(request: web.Request, how: Mapping[str, Any]) -> web.StreamResponse:
    """A byte at a time, `seconds` apart."""
    body = b'{"ok": true, "channel": "C0", "ts": "1.000000"}'
    begun = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(body))})
    await begun.prepare(request)
    for index in range(len(body)):
        await begun.write(body[index : index + 1])
        await asyncio.sleep(float(how.get("seconds", 1.0)))
    return begun


_ANSWERS: dict[str, Callable[[web.Request, Mapping[str, Any]], Awaitable[web.StreamResponse]]] = {
    "status": _status,
    "error": _error,
    "429": _limited,
    "html": _html,
    "truncated": _truncated,
    "huge": _huge,
    "drip": _drip,
}
