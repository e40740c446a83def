"""The boundaries of a flow: where a process may die, fail or be held up between two things that last.

They are met from outside: by wrappers around the database's connection and around the HTTP transport. Tocsin has no failpoints.
"""

from __future__ import annotations

import gc
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import pytest
import urllib3
from django.db import OperationalError, connection, connections
from urllib3.connectionpool import HTTPConnectionPool

from tocsin.group_commit import GroupCommit

WRITES = ("INSERT", "UPDATE", "DELETE")
SHORT, LONG = 5.0, 31.0  # seconds: less than a call may take; more than a lease
Strike = Callable[["Boundaries", str], None]


class Killed(BaseException):
    """The process has been killed here: nothing after this has happened."""


class Boundaries:
    """Counts the boundaries that this thread comes to, and strikes at one of them."""

    def __init__(self, at: int = 0, strike: Strike | None = None) -> None:
        self.seen: list[str] = []
        self.is_dead = False
        self.stood_still = 0.0  # seconds, which the monotonic clock tells
        self._at, self._strike = at, strike
        self._thread = threading.get_ident()

    def reach(self, name: str) -> None:
        """`name`: "before commit", "after chat.postMessage" …"""
        if threading.get_ident() != self._thread:
            return
        if self.is_dead:
            raise Killed
        self.seen.append(name)
        if len(self.seen) == self._at and self._strike is not None:
            self._strike(self, name)


# --- what may happen at one -------------------------------------------------------------------------------------------


def kill(boundaries: Boundaries, name: str) -> None:
    """The process is no more; what it had not committed is gone."""
    boundaries.is_dead = True
    if name == "before commit":
        connection.rollback()
    raise Killed


def fail(boundaries: Boundaries, name: str) -> None:
    """The database's connection, or Slack's, breaks."""
    if name.endswith(("commit", "write")):
        raise OperationalError("server closed the connection unexpectedly")
    raise urllib3.exceptions.ProtocolError("Connection aborted.")


def held_up(meanwhile: Callable[[float], object]) -> Strike:
    """The process stands still while another is at work, and goes on when that one is done. What it has just begun to send
    takes less than its time-out; anywhere else it is still for longer than a lease. `meanwhile` is told how many seconds.
    """

    def strike(boundaries: Boundaries, name: str) -> None:
        is_sending = name.startswith("before") and not name.endswith(("commit", "write"))
        seconds = SHORT if is_sending else LONG
        failed: list[BaseException] = []

        def run() -> None:
            try:
                meanwhile(seconds)
            except BaseException as error:  # noqa: BLE001 - raised below, where the test sees it
                failed.append(error)
            finally:
                connection.close()

        other = threading.Thread(target=run)
        with commits_of_its_own():
            other.start()
            other.join(60)
        assert not other.is_alive(), f"the other process waits for this one, which stands still {name}"
        if failed:
            raise failed[0]
        boundaries.stood_still += seconds

    return strike


@contextmanager
def commits_of_its_own() -> Iterator[None]:
    """Threads of a process share commits; the one that plays another process has queues and leads of its own."""
    shared = [each for each in gc.get_objects() if isinstance(each, GroupCommit)]
    kept = [(each._leading, each._waiting) for each in shared]
    for each in shared:
        each._leading, each._waiting = threading.Lock(), deque()
    try:
        yield
    finally:
        for each, (leading, waiting) in zip(shared, kept, strict=True):
            each._leading, each._waiting = leading, waiting


# --- the wrappers -----------------------------------------------------------------------------------------------------


class _Writes:
    """Statements that are their own transaction."""

    def __init__(self, boundaries: Boundaries) -> None:
        self._boundaries = boundaries

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if context["connection"].in_atomic_block or not sql.lstrip().upper().startswith(WRITES):
            return execute(sql, params, many, context)
        self._boundaries.reach("before write")
        done = execute(sql, params, many, context)
        self._boundaries.reach("after write")
        return done


@contextmanager
def watched(boundaries: Boundaries) -> Iterator[Boundaries]:
    """Let them be met inside, by this thread."""
    using = connections["default"]
    commit, urlopen = using.commit, HTTPConnectionPool.urlopen

    def committed() -> None:
        boundaries.reach("before commit")
        commit()
        boundaries.reach("after commit")

    def opened(pool: HTTPConnectionPool, method: str, url: str, *args: Any, **options: Any) -> Any:
        name = "response_url" if "/response/" in url else url.rpartition("/")[2]
        boundaries.reach(f"before {name}")
        answer = urlopen(pool, method, url, *args, **options)
        try:
            boundaries.reach(f"after {name}")
        except BaseException:
            answer.close()
            raise
        return answer

    clock = time.monotonic

    with pytest.MonkeyPatch.context() as wrapping, using.execute_wrapper(_Writes(boundaries)):
        wrapping.setattr(using, "commit", committed)
        wrapping.setattr(time, "monotonic", lambda: clock() + boundaries.stood_still)
        wrapping.setattr(HTTPConnectionPool, "urlopen", opened)
        yield boundaries


class Names:
    """What the boundaries of common steps are called."""

    COMMIT: ClassVar = ["before commit", "after commit"]
    WRITE: ClassVar = ["before write", "after write"]

    @staticmethod
    def call(method: str) -> list[str]:
        return [f"before {method}", f"after {method}"]
