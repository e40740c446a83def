"""The load driver: a process of its own that sends prepared requests and writes down how long each answer took.

`python -m bench.driver ADDRESS PORT REQUESTS --connections 16 --seconds 5` keeps every connection busy; with `--rate 100` a
request starts every 10 ms whatever became of the others, and its time counts from the moment it should have started.
REQUESTS is a file of whole HTTP requests, each behind its length (4 bytes, big endian). Nothing is sent twice.

Standard library only and one thread, so that it costs the machine as little as Python can.
"""

from __future__ import annotations

import argparse
import json
import mmap
import re
import selectors
import socket
import struct
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

HEAD_END = b"\r\n\r\n"
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
CLOSES = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
LAST_CHUNK = b"0\r\n\r\n"
PIECE = 65536
ANSWER_WITHIN = 30.0  # seconds after the last request was sent


def write_requests(path: Path, requests: Iterable[bytes]) -> int:
    """The file that the driver reads. Returns how many there are."""
    number = 0
    with path.open("wb") as file:
        for request in requests:
            file.write(struct.pack(">I", len(request)))
            file.write(request)
            number += 1
    return number


def post(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """A whole request."""
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + HEAD_END + body


def get(path: str, headers: dict[str, str]) -> bytes:
    """A whole request."""
    lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode() + HEAD_END


def read_requests(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        position = 0
        while position < len(mapped):
            (length,) = struct.unpack_from(">I", mapped, position)
            position += 4
            yield mapped[position : position + length]
            position += length


@dataclass(slots=True, eq=False)
class Line:
    """A connection, made when it is first needed, and the request that is under way on it."""

    socket: socket.socket | None = None
    answer: bytearray = field(default_factory=bytearray)
    unsent: memoryview | None = None
    number: int = -1
    began: float = 0.0
    is_busy: bool = False


@dataclass(slots=True)
class Driver:
    address: tuple[str, int]
    connections: int
    requests: Iterator[bytes]
    selector: selectors.DefaultSelector = field(default_factory=selectors.DefaultSelector)
    free: list[Line] = field(default_factory=list)
    busy: int = 0
    number: int = 0
    times: list[tuple[float, float]] = field(default_factory=list)  # (began, took), seconds; in the order of answers
    numbers: list[int] = field(default_factory=list)  # which request each of `times` was
    statuses: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.free = [Line() for _ in range(self.connections)]

    def closed(self, seconds: float) -> None:
        """Every connection busy until the time or the requests are over, then wait for the answers."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            while self.free and self._start(time.monotonic()):
                pass
            if not self.busy:
                return
            self._wait(0.1)
        self._finish()

    def open(self, rate: float, seconds: float) -> None:
        """`rate` requests a second for that long, each at its own time."""
        began = time.monotonic()
        planned = 0
        while (due := began + planned / rate) < began + seconds:
            now = time.monotonic()
            if now >= due and self.free:
                if not self._start(due):
                    break
                planned += 1
            else:
                self._wait(min(0.1, max(0.0, due - now)) if self.free else 0.1)
        self._finish()

    def _finish(self) -> None:
        until = time.monotonic() + ANSWER_WITHIN
        while self.busy and time.monotonic() < until:
            self._wait(0.1)
        self.statuses["none"] += self.busy

    def _connect(self, line: Line) -> None:
        line.socket = socket.create_connection(self.address)
        line.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line.socket.setblocking(False)
        self.selector.register(line.socket, selectors.EVENT_READ, line)

    def _start(self, began: float) -> bool:
        """The next request on a free line; False when there is none."""
        request = next(self.requests, None)
        if request is None:
            return False
        line = self.free.pop()
        line.number, line.began, line.is_busy = self.number, began, True
        self.number += 1
        self.busy += 1
        line.unsent = memoryview(request)
        if line.socket is None:
            self._connect(line)
        self._send(line)
        return True

    def _send(self, line: Line) -> None:
        assert line.socket is not None
        try:
            while line.unsent:
                line.unsent = line.unsent[line.socket.send(line.unsent) :]
        except BlockingIOError:
            self.selector.modify(line.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, line)
        except OSError:
            self._broke(line)
        else:
            line.unsent = None

    def _wait(self, seconds: float) -> None:
        for key, events in self.selector.select(seconds):
            line = key.data
            if events & selectors.EVENT_WRITE and line.unsent is not None:
                self.selector.modify(line.socket, selectors.EVENT_READ, line)
                self._send(line)
            if events & selectors.EVENT_READ and line.socket is not None:
                self._receive(line)

    def _receive(self, line: Line) -> None:
        assert line.socket is not None
        try:
            piece = line.socket.recv(PIECE)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        if not piece:
            self._broke(line)
            return
        line.answer += piece
        head, end, body = line.answer.partition(HEAD_END)
        if not end:
            return
        if _is_whole(head, body):
            self._answered(line, head)

    def _answered(self, line: Line, head: bytearray) -> None:
        now = time.monotonic()
        self.times.append((line.began, now - line.began))
        self.numbers.append(line.number)
        self.statuses[head[9:12].decode()] += 1
        self.busy -= 1
        line.is_busy = False
        line.answer.clear()
        if CLOSES.search(head):
            self._close(line)
        self.free.append(line)

    def _broke(self, line: Line) -> None:
        """The server closed the connection: a request that was under way has failed."""
        if line.is_busy:
            self.statuses["broken"] += 1
            self.busy -= 1
            line.is_busy = False
            line.answer.clear()
            line.unsent = None
            self.free.append(line)
        self._close(line)

    def _close(self, line: Line) -> None:
        """An idle server is not kept waiting for a request: some serve one connection at a time."""
        assert line.socket is not None
        self.selector.unregister(line.socket)
        line.socket.close()
        line.socket = None


def _is_whole(head: bytearray, body: bytearray) -> bool:
    if length := LENGTH.search(head):
        return len(body) >= int(length[1])
    return not CHUNKED.search(head) or body.endswith(LAST_CHUNK)


def main() -> None:
    """Prints one JSON object: statuses, and of each answer [number of its request, began (monotonic s), took (s)]."""
    parser = argparse.ArgumentParser(prog="bench.driver", description=__doc__)
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("requests", type=Path)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rate", type=float, default=0.0, help="requests a second; 0: as many as are answered")
    options = parser.parse_args()
    driver = Driver((options.host, options.port), options.connections, read_requests(options.requests))
    if options.rate:
        driver.open(options.rate, options.seconds)
    else:
        driver.closed(options.seconds)
    answers = [[number, *pair] for number, pair in zip(driver.numbers, driver.times, strict=True)]
    print(json.dumps({"statuses": driver.statuses, "answers": answers}))


if __name__ == "__main__":
    main()
