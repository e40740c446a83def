"""A bare Slack: answers every method with `ok` after a given time, and writes down when each call came and what it held.

`python -m bench.recorder PORT MILLISECONDS`. GET /calls gives what was written down as JSON: [monotonic seconds, method, body] of
each call, from the one `?from=` on. It keeps nothing else and judges nothing: tocsin/simulator does that.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import sys
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

HEAD_END = b"\r\n\r\n"
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
FORM = re.compile(rb"\r\ncontent-type: *application/x-www-form-urlencoded", re.IGNORECASE)

calls: list[tuple[float, str, dict[str, Any]]] = []
posted = itertools.count(1)


class Line(asyncio.Protocol):
    """One connection of the worker."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while True:
            head, end, rest = bytes(self._received).partition(HEAD_END)
            length = LENGTH.search(head)
            wanted = int(length[1]) if length else 0
            if not end or len(rest) < wanted:
                return
            del self._received[: len(head) + len(end) + wanted]
            self._take(head, rest[:wanted])

    def _take(self, head: bytes, body: bytes) -> None:
        now = time.monotonic()
        verb, address, _ = head.split(b"\r\n", 1)[0].decode().split(" ", 2)
        parts = urlsplit(address)
        if verb == "GET" and parts.path == "/calls":
            (first,) = parse_qs(parts.query).get("from", ["0"])
            self._answer(calls[int(first) :])
            return
        method = parts.path.rpartition("/")[2]
        given = _form(body) if FORM.search(head) else json.loads(body or b"{}")
        calls.append((now, method, given))
        if self._seconds:
            asyncio.get_running_loop().call_later(self._seconds, self._answer, _told(method, given))
        else:
            self._answer(_told(method, given))

    def _answer(self, told: object) -> None:
        body = json.dumps(told).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(head.encode() + body)


def _form(body: bytes) -> dict[str, Any]:
    return {name: values[0] for name, values in parse_qs(body.decode()).items()}


def _told(method: str, given: dict[str, Any]) -> dict[str, Any]:
    channel = given.get("channel", "C0BENCH0001")
    ts = given.get("ts") or f"{time.time():.0f}.{next(posted):06}"
    return {
        "ok": True,
        "channel": channel,
        "ts": ts,
        "message": {"type": "message", "ts": ts, "text": "", "bot_id": "B0BOT"},
        "permalink": f"https://bench.slack.com/archives/{channel}/p{ts.replace('.', '')}",
        "team": "Bench",
        "team_id": "T0BENCH001",
        "user_id": "U0BOT",
        "bot_id": "B0BOT",
        "url": "https://bench.slack.com/",
    }


async def main() -> None:
    port, milliseconds = int(sys.argv[1]), float(sys.argv[2])
    server = await asyncio.get_running_loop().create_server(lambda: Line(milliseconds / 1000), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
