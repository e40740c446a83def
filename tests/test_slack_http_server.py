"""Slack's addresses behind the real server: headers that come twice, bodies in chunks, bodies cut off."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from tests.processes import Running
from tests.signed import headers

BODY = json.dumps({"type": "url_verification", "challenge": "yes"}).encode()
LENGTH = f"Content-Length: {len(BODY)}\r\n"
CHUNKED = "Transfer-Encoding: chunked\r\n"
Say = Callable[..., tuple[int, bytes]]


@pytest.fixture
def say(processes: Callable[..., Running]) -> Iterator[Say]:
    """`say(header lines, body)`: the status, 0 without an answer, and the body of the answer."""
    running = processes(start=False)
    running.serve("--no-worker")
    parts = urlsplit(running.url)

    def speak(lines: str, body: bytes, *, stop_sending: bool = False) -> tuple[int, bytes]:
        head = f"POST /slack/events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{lines}\r\n"
        with closing(socket.create_connection((parts.hostname, parts.port), timeout=30)) as client:
            client.sendall(head.encode("latin-1") + body)
            if stop_sending:
                client.shutdown(socket.SHUT_WR)
            received = b""
            while piece := client.recv(65536):
                received += piece
        first, _, answered = received.partition(b"\r\n\r\n")
        return (int(first.split()[1]), answered) if first else (0, b"")

    yield speak
    assert speak(signed() + LENGTH, BODY)[0] == 200, "the server is as well as before"


def signed(*again: str) -> str:
    """The header lines of a signature; those named come twice."""
    given = headers(BODY)
    return "".join(f"{name}: {value}\r\n" * (1 + (name in again)) for name, value in given.items())


def test_requests_over_a_real_socket(say: Say) -> None:
    assert json.loads(say(signed() + LENGTH, BODY)[1]) == {"challenge": "yes"}

    # Doubled headers, each alone and both.
    for again in (("X-Slack-Signature",), ("X-Slack-Request-Timestamp",), tuple(headers(BODY))):
        assert say(signed(*again) + LENGTH, BODY)[0] == 401

    # Another spelling of the same header.
    assert say(signed() + f"x-slack-signature: v0={'0' * 64}\r\n" + LENGTH, BODY)[0] == 401

    # Chunked, without a length.
    pieces = b"".join(b"%x\r\n%s\r\n" % (len(BODY[at : at + 7]), BODY[at : at + 7]) for at in range(0, len(BODY), 7))
    assert say(signed() + CHUNKED, pieces + b"0\r\n\r\n")[0] == 200

    # Half sent.
    assert say(signed() + LENGTH, BODY[:10], stop_sending=True)[0] in (0, 400)
    assert say(signed() + CHUNKED, pieces[:20], stop_sending=True)[0] in (0, 400, 401)

    # Too much.
    assert say(signed() + f"Content-Length: {2**20 + 1}\r\n", b"")[0] == 413
