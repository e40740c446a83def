"""`/api/<method>` and `/response/…`: what the app calls."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from tocsin.simulator.arguments import Call, read
from tocsin.simulator.errors import ApiError, RateLimited
from tocsin.simulator.journal import Entry
from tocsin.simulator.methods import METHODS
from tocsin.simulator.methods.method import Method, need_scope
from tocsin.simulator.response_urls import Gone
from tocsin.simulator.simulation import Simulation
from tocsin.simulator.state import Workspace

UNKNOWN = "unknown_method"
NESTED = frozenset({"blocks", "attachments", "metadata", "view", "dialog", "unfurls", "user_auth_blocks"})


class WebApi:
    def __init__(self, simulation: Simulation) -> None:
        self.simulation = simulation

    # --- methods -----------------------------------------------------------------------------------------------------
    async def call(self, request: web.Request) -> web.StreamResponse:
        """One method; always 200 with `ok`, but for 429 and what a fault does."""
        name = request.match_info["method"]
        method = METHODS.get(name)
        try:
            call = await read(request, takes_json=method.takes_json if method else True)
        except ApiError as error:
            entry = self.simulation.journal.begin("in", name, {}, verb=request.method)
            return _write_down(entry, web.json_response(error.body()))
        entry = self.simulation.journal.begin("in", name, _readable(call), verb=request.method)

        async def perform() -> web.StreamResponse:
            return self._answer(name, method, call, entry)

        response = await self.simulation.faults.around(request, name, entry["args"], perform)
        return _write_down(entry, response)

    def _answer(self, name: str, method: Method | None, call: Call, entry: Entry) -> web.Response:
        try:
            body = self._run(name, method, call)
        except RateLimited as limited:
            return _too_many(limited)
        except ApiError as error:
            body = error.body()
        else:
            self.simulation.journal.took_effect(entry)
        entry["ts"] = body.get("ts", "")
        if call.warnings:
            _warn(body, call.warnings)
        headers = {
            "X-OAuth-Scopes": ",".join(self.simulation.workspace.app.scopes),
            "X-Accepted-OAuth-Scopes": ",".join(method.scopes) if method else "",
        }
        return web.json_response(body, headers=headers)

    def _run(self, name: str, method: Method | None, call: Call) -> dict[str, Any]:
        if method is None:
            raise ApiError(UNKNOWN, req_method=name)
        workspace = self.simulation.workspace
        _authenticate(call.token, workspace.app.bot_token, workspace.app.token_error)
        channel = _channel_id(workspace, call) if method.posts else ""
        self.simulation.limits.check(method.name, method.tier, channel)
        need_scope(workspace, *method.scopes)
        return {"ok": True, **method.run(workspace, method.signature.bind(call.sent))}

    # --- response_urls -----------------------------------------------------------------------------------------------
    async def respond(self, request: web.Request) -> web.StreamResponse:
        """A use of a response_url."""
        path = request.match_info["path"]
        body = await request.read()
        entry = self.simulation.journal.begin("in", "response_url", _json_or_text(body), path=path)

        async def perform() -> web.StreamResponse:
            return self._use(request, path, body, entry)

        response = await self.simulation.faults.around(request, "response_url", entry["args"], perform)
        return _write_down(entry, response)

    def _use(self, request: web.Request, path: str, body: bytes, entry: Entry) -> web.Response:
        if request.content_type != "application/json":
            return web.json_response({"ok": False, "error": "invalid_payload"}, status=400)
        try:
            entry["ts"] = self.simulation.hooks.use(path, body)
        except Gone:
            gone = self.simulation.workspace.app.response_url_gone
            return web.json_response({"ok": False, "error": gone["error"]}, status=int(gone["status"]))
        except RateLimited as limited:
            return _too_many(limited)
        except ApiError as error:
            return web.json_response(error.body(), status=400)
        self.simulation.journal.took_effect(entry)
        return web.Response(text="ok")


def _channel_id(workspace: Workspace, call: Call) -> str:
    """One channel is one channel, by its id or its name."""
    name = str(call.sent.get("channel", ""))
    channel = workspace.channel_named(name)
    return channel.id if channel else name


def _authenticate(token: str, expected: str, token_error: str) -> None:
    if not token:
        raise ApiError("not_authed")
    if token != expected:
        raise ApiError("invalid_auth")
    if token_error:
        raise ApiError(token_error)


def _too_many(limited: RateLimited) -> web.Response:
    body = {"ok": False, "error": "ratelimited"}
    return web.json_response(body, status=429, headers={"Retry-After": str(limited.retry_after)})


def _warn(body: dict[str, Any], warnings: tuple[str, ...]) -> None:
    metadata = body.setdefault("response_metadata", {})
    metadata["warnings"] = [*metadata.get("warnings", []), *warnings]
    body["warning"] = ",".join(metadata["warnings"])


def _readable(call: Call) -> dict[str, Any]:
    """The arguments for the journal, nested ones read whatever way they were sent."""
    args = {}
    for name, value in call.sent.items():
        is_nested = name in NESTED and isinstance(value, str)
        args[name] = _loaded(value) if is_nested else value
    return args


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _json_or_text(body: bytes) -> dict[str, Any]:
    value = _loaded(body.decode("utf-8", "replace"))
    return value if isinstance(value, dict) else {"body": value}


def _write_down(entry: Entry, response: web.StreamResponse) -> web.StreamResponse:
    entry["status"] = response.status
    if isinstance(response, web.Response) and response.text is not None:
        entry["answer"] = _loaded(response.text[:100_000])
    return response
