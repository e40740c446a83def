"""A gate before PostgreSQL that can hold back the answer to COMMIT: the work is durable, and who asked does not know yet."""

from __future__ import annotations

import os
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit, urlunsplit

import pytest

COMMITTED = b"COMMIT\x00"
HEADER = 5  # a message from the server: one byte of type, four of length, which counts itself


class CommitGate:
    """Passes every byte on, both ways. While closed, connections stop where the server says that a commit is done."""

    def __init__(self, server: tuple[str, int]) -> None:
        self._server = server
        self._open = threading.Event()
        self._open.set()
        self._held = 0
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """From now on nobody hears that a commit is done."""
        self._open.clear()

    def open(self) -> None:
        self._open.set()

    def held(self) -> int:
        """How many answers to COMMIT were ever held back."""
        return self._held

    def stop(self) -> None:
        """Let everything through, then break every connection."""
        self.open()
        for one in [self._listener, *self._sockets]:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with suppress(OSError):  # the listener was closed
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
                self._sockets += [client, server]
                threading.Thread(target=self._pass_requests, args=(client, server), daemon=True).start()
                threading.Thread(target=self._pass_answers, args=(server, client), daemon=True).start()

    def _pass_requests(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while piece := client.recv(65536):
                server.sendall(piece)
        self._hang_up(server)

    def _pass_answers(self, server: socket.socket, client: socket.socket) -> None:
        waiting = b""
        with suppress(OSError):
            while piece := server.recv(65536):
                waiting = self._pass_whole_messages(waiting + piece, client)
        self._hang_up(client)

    def _pass_whole_messages(self, waiting: bytes, client: socket.socket) -> bytes:
        """Send on every whole message; returns what has begun."""
        if waiting == b"N":  # "no encryption": the one answer without a length
            client.sendall(waiting)
            return b""
        while len(waiting) >= HEADER:
            end = 1 + struct.unpack("!I", waiting[1:HEADER])[0]
            if len(waiting) < end:
                break
            message, waiting = waiting[:end], waiting[end:]
            if message[:1] == b"C" and message[HEADER:] == COMMITTED and not self._open.is_set():
                self._held += 1
                self._open.wait()
            client.sendall(message)
        return waiting

    @staticmethod
    def _hang_up(other: socket.socket) -> None:
        with suppress(OSError):
            other.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def commit_gate(own_database: str) -> Iterator[tuple[CommitGate, str]]:
    """The gate, and the address (URL) of this test's database through it: for TOCSIN_DATABASE_URL of a process."""
    server = urlsplit(os.environ["TOCSIN_DATABASE_URL"])
    gate = CommitGate((str(server.hostname), int(server.port or 0)))
    through = urlsplit(own_database)
    yield gate, urlunsplit(through._replace(netloc=f"{through.username}:{through.password}@127.0.0.1:{gate.port}"))
    gate.stop()
