"""Intake behind the real server: bodies in chunks, without length, and cut off; bombs; the real SDK over a real socket."""

from __future__ import annotations

import gzip
import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.processes import Running
from tests.samples import sample_event
from tests.waiting import until
from tocsin.intake import limits
from tocsin.intake.models import Accepted, ItemCount
from tocsin.intake.packing import unpack
from tocsin.issues.models import Issue, StoredEvent
from tocsin.projects.models import Key

EVENT = b'{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc","message":"hello"}'
ENVELOPE = b'{}\n{"type":"event","length":%d}\n%s\n' % (len(EVENT), EVENT)


class Server:
    """A running web process, spoken to by hand: bytes out, status and headers back."""

    def __init__(self, running: Running, key: Key) -> None:
        self.running = running
        self.key = key
        parts = urlsplit(running.url)
        self.address = (parts.hostname, parts.port)

    def say(self, headers: str, body: bytes, *, path: str = "envelope", stop_sending: bool = False) -> tuple[int, str]:
        """POST with these header lines; `stop_sending` closes our side, as a client that dies does. (0, "") without answer."""
        head = (
            f"POST /api/{self.key.project_id}/{path}/?sentry_key={self.key.public_key} HTTP/1.1\r\nHost: localhost\r\n"
        )
        with closing(socket.create_connection(self.address, timeout=30)) as client:
            client.sendall(f"{head}Connection: close\r\n{headers}\r\n".encode() + body)
            if stop_sending:
                client.shutdown(socket.SHUT_WR)
            return _answer(client)

    def peak_memory(self) -> int:
        """Bytes that the web process had at most in memory so far."""
        status = Path(f"/proc/{self.running.pid('web')}/status").read_text()
        (line,) = [line for line in status.splitlines() if line.startswith("VmHWM:")]
        return int(line.split()[1]) * 1024


def _answer(client: socket.socket) -> tuple[int, str]:
    received = b""
    while piece := client.recv(65536):
        received += piece
    head = received.partition(b"\r\n\r\n")[0].decode()
    return (int(head.split()[1]), head.lower()) if head else (0, "")


def chunked(body: bytes, size: int, *, is_whole: bool = True) -> bytes:
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + (b"0\r\n\r\n" if is_whole else b"")


CHUNKED = "Transfer-Encoding: chunked\r\n"
GZIP = "Content-Encoding: gzip\r\n"


@pytest.fixture
def server(processes: Callable[..., Running], key: Key) -> Iterator[Server]:
    running = processes(start=False)
    running.serve("--no-worker")
    yield Server(running, key)
    answer = Server(running, key).say(f"Content-Length: {len(ENVELOPE)}\r\n", ENVELOPE)
    assert answer[0] == 200, "the server is as well as before"


def length(body: bytes) -> str:
    return f"Content-Length: {len(body)}\r\n"


def test_bodies_that_are_whole_are_taken_however_they_come(server: Server) -> None:
    packed = gzip.compress(ENVELOPE)
    whole = [
        (length(ENVELOPE), ENVELOPE),
        (CHUNKED, chunked(ENVELOPE, 1)),
        (CHUNKED, chunked(ENVELOPE, 1000)),
        (CHUNKED + GZIP, chunked(packed, 10)),
        (length(packed) + GZIP, packed),
    ]
    for headers, body in whole:
        Accepted.objects.all().delete()
        status, head = server.say(headers, body)
        assert status == 200, head
        row = Accepted.objects.get()
        assert unpack(row.encoding, row.payload) == EVENT


def test_bodies_that_are_cut_off_are_refused_and_nothing_of_them_is_stored(server: Server) -> None:
    packed = gzip.compress(ENVELOPE)
    two = ENVELOPE + ENVELOPE.partition(b"\n")[2]
    halves = [
        ("envelope", length(two), two[:-10]),
        ("envelope", length(two), ENVELOPE),  # cut between two items: the length tells
        ("envelope", CHUNKED, chunked(two[:-10], 20, is_whole=False)),
        ("envelope", CHUNKED, chunked(ENVELOPE[:-10], 1000, is_whole=False)),
        ("envelope", CHUNKED + GZIP, chunked(packed[:-1], 10, is_whole=False)),
        ("envelope", length(packed) + GZIP, packed[:-9]),
        ("store", length(EVENT), EVENT[:-1]),
        ("store", CHUNKED, chunked(EVENT[:-1], 10, is_whole=False)),
        ("store", length(EVENT), b""),
        ("store", CHUNKED, b""),
    ]
    for path, headers, body in halves:
        status, head = server.say(headers, body, path=path, stop_sending=True)
        assert status == 400, (headers, body, head)
        assert "x-sentry-error: " in head
    assert not Accepted.objects.exists()
    assert set(ItemCount.objects.values_list("outcome", flat=True)) == {"refused"}


def test_a_body_without_length_is_empty(server: Server) -> None:
    status, head = server.say("", b"")
    assert status == 400
    assert "x-sentry-error: the body is empty." in head


def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_sent(server: Server) -> None:
    status, _ = server.say(f"Content-Length: {limits.BODY_MAX + 1}\r\n", b"", stop_sending=True)
    assert status == 413


def test_a_chunked_body_is_refused_when_it_becomes_too_large(server: Server) -> None:
    body = b'{}\n{"type":"attachment"}\n' + b"x" * limits.BODY_MAX
    status, _ = server.say(CHUNKED, chunked(body, 100_000))
    assert status == 413


def bomb(first: bytes, size: int) -> bytes:
    """`first` and then `size` zero bytes: gzip makes a thousandth of them."""
    return gzip.compress(first + b"\0" * size, 9)


def test_bombs_cost_little_memory_and_time(server: Server) -> None:
    body = json.dumps(sample_event().json.decode()).encode()
    server.say(length(body), body)  # whatever is loaded at the first request is loaded now
    before = server.peak_memory()
    bombs = {
        "an event": bomb(b'{}\n{"type":"event"}\n{"a":"', 400 * limits.MIB),
        "an attachment": bomb(b'{}\n{"type":"attachment"}\n', 400 * limits.MIB),
        "a header": bomb(b'{"a":"', 400 * limits.MIB),
        "an attachment with its length": bomb(b'{}\n{"type":"attachment","length":419430400}\n', 400 * limits.MIB),
        "twice packed": gzip.compress(bomb(b"{}\n", 400 * limits.MIB)),
        "a store": bomb(b"{", 400 * limits.MIB),
    }
    for name, packed in bombs.items():
        for path in ("envelope", "store"):
            for headers, sent in ((length(packed), packed), (CHUNKED, chunked(packed, 50_000))):
                began = time.monotonic()
                status, _ = server.say(headers + GZIP, sent, path=path)
                assert status in (400, 413), name
                assert time.monotonic() - began < 2, name
    assert server.peak_memory() - before <= 64 * limits.MIB
    assert not Accepted.objects.exists()


def test_the_real_sdk_reports_over_a_real_socket(server: Server, raise_error: Callable[..., list[str]]) -> None:
    ids = raise_error(times=3, to=server.running.url)
    assert set(Accepted.objects.values_list("event_id", flat=True)) == set(ids)


def test_what_the_real_sdk_reports_is_an_issue_within_two_seconds(
    processes: Callable[..., Running], raise_error: Callable[..., list[str]]
) -> None:
    running = processes()
    (event_id,) = raise_error(to=running.url)
    until(lambda: StoredEvent.objects.filter(event_id=event_id).exists(), seconds=2, what="the event to be digested")
    assert Issue.objects.get().title.startswith("ZeroDivisionError")
