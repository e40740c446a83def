"""Waking the worker the moment there is something to do; it polls too, so a lost call only costs a quarter of a second.

On PostgreSQL by NOTIFY, which is part of the transaction and heard when it has committed. On SQLite by one byte to a datagram
socket in the data directory, sent after the commit.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import select
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from django.conf import settings
from django.db import connection, transaction

from tocsin.logs import get_logger

log = get_logger(__name__)

DELIVER = "deliver"  # the outbox has a new row
DIGEST = "digest"  # an event was accepted

POLL_SECONDS = 0.25
CONNECT_AGAIN_SECONDS = 5.0  # after the listening connection was lost
LONGEST_SOCKET_PATH = 107  # bytes, without the nought that ends it (unix(7))


def on_commit(what: str) -> None:
    """Wake whoever waits for `what` when the current transaction has committed."""
    if connection.vendor == "postgresql":
        _notify(what)
    else:
        transaction.on_commit(lambda: wake(what))


def wake(what: str) -> None:
    """Wake them now. Never fails: a worker that is not there will poll when it is."""
    if connection.vendor == "postgresql":
        _notify(what)
    else:
        with suppress(OSError):  # nobody is there, or they have bytes enough to wake up by
            _sender().sendto(b"!", str(socket_path(what)))


_sending: tuple[int, socket.socket] | None = None


def _sender() -> socket.socket:
    """One for each process: what was forked makes its own."""
    global _sending
    if _sending is None or _sending[0] != os.getpid():
        sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        sender.setblocking(False)
        atexit.register(sender.close)
        _sending = os.getpid(), sender
    return _sending[1]


def _notify(what: str) -> None:
    """In a transaction it is sent by the commit, and undone with it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, '')", [channel(what)])


def channel(what: str) -> str:
    """What PostgreSQL's NOTIFY and LISTEN call it."""
    return f"tocsin_{what}"


def socket_path(what: str) -> Path:
    """Where the one who waits listens. A data directory with too long a name has its socket among the temporary files."""
    return _socket_path(Path(settings.TOCSIN_DATA_DIR), what)


@cache
def _socket_path(directory: Path, what: str) -> Path:
    path = directory / f"{what}.socket"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    name = hashlib.sha256(os.fsencode(path)).hexdigest()[:32]
    return Path(tempfile.gettempdir()) / f"tocsin-{os.getuid()}-{name}.socket"


class Ear(Protocol):
    """What can be waited for by select()."""

    def fileno(self) -> int: ...

    def clear(self) -> None:
        """Forget every call that has come. Raises what tells that no more will come."""
        ...

    def close(self) -> None: ...


class _Datagrams:
    """SQLite: a socket in the data directory. A file that an earlier process left there is replaced."""

    def __init__(self, what: str) -> None:
        self._path = socket_path(what)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._path.unlink(missing_ok=True)
        self._socket.bind(str(self._path))
        self._path.chmod(0o600)
        self._inode = self._path.stat().st_ino

    def fileno(self) -> int:
        return self._socket.fileno()

    def clear(self) -> None:
        with suppress(BlockingIOError):
            while self._socket.recv(64):
                pass

    def close(self) -> None:
        self._socket.close()
        with suppress(FileNotFoundError):
            if self._path.stat().st_ino == self._inode:  # not the socket of the worker that follows
                self._path.unlink()


class _Notifications:
    """PostgreSQL: a connection of its own that listens."""

    def __init__(self, what: str) -> None:
        import psycopg

        parameters: dict[str, Any] = connection.get_connection_params()
        for name in ("cursor_factory", "context", "pool"):
            parameters.pop(name, None)
        self._connection = psycopg.connect(**parameters, autocommit=True)
        self._connection.execute(f"LISTEN {channel(what)}".encode())

    def fileno(self) -> int:
        return self._connection.fileno()

    def clear(self) -> None:
        for _ in self._connection.notifies(timeout=0):
            pass

    def close(self) -> None:
        self._connection.close()


class Waiter:
    """Waits for calls of `what`. Calls that come while nobody waits are kept: the next wait returns at once."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._ear: Ear | None = None
        self._try_again = 0.0
        self._stirred, self._stirrer = socket.socketpair()
        for end in (self._stirred, self._stirrer):
            end.setblocking(False)
        self._listen()

    def wait(self, timeout: float) -> bool:
        """Whether a call came within `timeout` seconds. Returns early too when `stir` is called."""
        if self._ear is None:
            self._listen()
        heard: list[Any] = [self._stirred] if self._ear is None else [self._stirred, self._ear]
        ready, _, _ = select.select(heard, [], [], timeout)
        if self._stirred in ready:
            with suppress(BlockingIOError):
                while self._stirred.recv(64):
                    pass
        if self._ear is None or self._ear not in ready:
            return False
        self._clear(self._ear)
        return True

    def stir(self) -> None:
        """From another thread: end the wait."""
        with suppress(BlockingIOError, OSError):
            self._stirrer.send(b"!")

    def close(self) -> None:
        self._deafen()
        self._stirred.close()
        self._stirrer.close()

    def _clear(self, ear: Ear) -> None:
        try:
            ear.clear()
        except Exception as error:  # noqa: BLE001 - whatever the driver raises, the connection is of no use; we poll meanwhile
            log.warning("wakeup: not listening any more", what=self._what, error=str(error))
            self._deafen()

    def _deafen(self) -> None:
        if self._ear is not None:
            self._ear.close()
            self._ear = None

    def _listen(self) -> None:
        if time.monotonic() < self._try_again:
            return
        self._try_again = time.monotonic() + CONNECT_AGAIN_SECONDS
        try:
            self._ear = (_Notifications if connection.vendor == "postgresql" else _Datagrams)(self._what)
        except Exception as error:  # noqa: BLE001 - as above
            log.warning("wakeup: cannot listen", what=self._what, error=str(error))


class Wait:
    """What `waiting` hands out: `wait(stop)` returns when somebody called, or after a quarter of a second."""

    def __init__(self, waiter: Waiter) -> None:
        self._waiter = waiter

    def __call__(self, stop: threading.Event, timeout: float = POLL_SECONDS) -> bool:
        return not stop.is_set() and self._waiter.wait(timeout)

    def stir(self) -> None:
        """From another thread: end the wait."""
        self._waiter.stir()


@contextmanager
def waiting(what: str) -> Iterator[Wait]:
    """Listen for `what` while inside. What was called before the first wait, but after this began, is not missed."""
    waiter = Waiter(what)
    try:
        yield Wait(waiter)
    finally:
        waiter.close()
