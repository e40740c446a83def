"""The command: options, start, end."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from typing import Any

from aiohttp import web

from tocsin.simulator import seed
from tocsin.simulator.app import make_app
from tocsin.simulator.simulation import Simulation
from tocsin.simulator.state import Workspace

GRACE_SECONDS = 1.0


def run(argv: list[str]) -> int:
    options = _options(argv)
    workspace = seed.workspace(
        signing_secret=options.signing_secret, bot_token=options.bot_token, request_url=options.request_url
    )
    try:
        asyncio.run(_serve(workspace, options))
    except OSError as error:
        print(f"tocsin simulator: {options.host}:{options.port}: {error.strerror or error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tocsin simulator", description="A Slack workspace on this machine.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8100, help="0 takes any free port")
    parser.add_argument("--request-url", default="", help="where clicks are sent: the app's interactivity URL")
    parser.add_argument("--signing-secret", default="", help="random if not given")
    parser.add_argument("--bot-token", default="", help="random if not given")
    parser.add_argument("--seed", choices=["demo"], default="demo", help="which workspace there is in the beginning")
    parser.add_argument("--json", action="store_true", help="say in one line of JSON where it listens")
    return parser.parse_args(argv)


async def _serve(workspace: Workspace, options: argparse.Namespace) -> None:
    simulation = Simulation(workspace)
    runner = web.AppRunner(make_app(simulation), access_log=None, shutdown_timeout=GRACE_SECONDS)
    await runner.setup()
    try:
        site = web.TCPSite(runner, options.host, options.port)
        await site.start()
        url = url_of(runner)
        simulation.listens_at(url)
        told = described(workspace, url)
        print(json.dumps(told) if options.json else f"Slack simulator: {url}", flush=True)
        await _until_told_to_end()
    finally:
        await runner.cleanup()


def url_of(runner: web.AppRunner) -> str:
    """Where it listens, without a slash at the end."""
    host, port = runner.addresses[0][:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def described(workspace: Workspace, url: str) -> dict[str, Any]:
    """What somebody needs in order to use it."""
    named = {"alerts": "alerts", "classic": "alerts-classic"}
    channels = {name: workspace.channel_named(full) for name, full in named.items()}
    return {
        "url": f"{url}/",
        "api_url": f"{url}/api/",
        "team_id": workspace.team.id,
        "signing_secret": workspace.app.signing_secret,
        "bot_token": workspace.app.bot_token,
        "channels": {name: channel.id for name, channel in channels.items() if channel},
        "users": {user.name: user.id for user in workspace.users.values() if not user.is_bot},
    }


async def _until_told_to_end() -> None:
    end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end.set)
    await end.wait()
