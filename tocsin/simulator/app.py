"""The HTTP server: Web API, response_urls, control, and the page with its files."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from tocsin.simulator.control import Control
from tocsin.simulator.simulation import Simulation
from tocsin.simulator.web_api import WebApi

PAGE = Path(__file__).parent / "page"
BODY_BYTES = 4 * 1024 * 1024
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def make_app(simulation: Simulation) -> web.Application:
    """Ready to be served."""
    app = web.Application(client_max_size=BODY_BYTES)
    api, control = WebApi(simulation), Control(simulation)
    app.add_routes(
        [
            web.get("/api/{method}", api.call),
            web.post("/api/{method}", api.call),
            web.post("/response/{path:.+}", api.respond),
            web.get("/", _index),
            web.get("/page/{path:.+}", _file),
            *control.routes(),
        ]
    )
    app.on_response_prepare.append(_secure)

    async def close(_: web.Application) -> None:
        simulation.faults.clear()
        simulation.workspace.change()  # whoever waits for one need not be waited for
        await control.close()

    app.on_shutdown.append(close)
    return app


async def _index(request: web.Request) -> web.StreamResponse:
    return _served("index.html")


async def _file(request: web.Request) -> web.StreamResponse:
    return _served(request.match_info["path"])


def _served(path: str) -> web.StreamResponse:
    found = (PAGE / path).resolve()
    if not found.is_relative_to(PAGE) or not found.is_file():
        raise web.HTTPNotFound
    return web.FileResponse(found)


async def _secure(request: web.Request, response: web.StreamResponse) -> None:
    if not request.path.startswith(("/api/", "/response/")):
        response.headers.update(HEADERS)
