"""What every test is held to: no socket but to this machine, and no request that asks the database without end."""

from __future__ import annotations

import ipaddress
import sys
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.db import connection

STATEMENTS_A_REQUEST = 40
KEPT_STATEMENTS = 1000
CLOCK = "SELECT clock_timestamp()"  # PostgreSQL only: uncounted, so that a limit is the same on both databases


# --- sockets ---------------------------------------------------------------------------------------------------------
class Outside(ConnectionRefusedError):
    """A test tried to reach another machine."""


_reached_out: list[str] = []


def _is_here(address: Any) -> bool:
    """Whether a socket address, or a host to be looked up, is on this machine. Paths (unix sockets) are."""
    host = address[0] if isinstance(address, tuple) else address
    if host is None or not isinstance(address, tuple):
        return True
    host = host.decode() if isinstance(host, bytes) else str(host)
    if host in ("", "localhost"):
        return True
    try:
        ip = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return ip.is_loopback or ip.is_unspecified


def _refuse_outside(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook: sees every connection that Python code of this process makes, whichever library makes it."""
    if event in ("socket.connect", "socket.sendto"):
        address = arguments[1]
    elif event == "socket.getaddrinfo":
        address = (arguments[0], arguments[1])
    else:
        return
    if not _is_here(address):
        _reached_out.append(f"{event}: {address!r}")
        raise Outside(f"tests reach this machine only, and this one asked for {address!r}")


sys.addaudithook(_refuse_outside)


@pytest.fixture(autouse=True)
def reached_out() -> Iterator[list[str]]:
    """What this test tried to reach outside this machine.

    Left non-empty it fails the test, because the code under test may have swallowed the error.
    """
    _reached_out.clear()
    yield _reached_out
    if _reached_out:
        pytest.fail(f"reached outside this machine: {_reached_out}", pytrace=False)


# --- statements ------------------------------------------------------------------------------------------------------
class Statements:
    """The statements that this thread asked the database: the latest, in order, and those of the worst request.

    No more is kept: a test that sends tens of thousands of requests measures memory, too.
    """

    def __init__(self) -> None:
        self.count = 0
        self.latest: deque[str] = deque(maxlen=KEPT_STATEMENTS)
        self.worst_request: list[str] = []
        self._request: list[str] | None = None

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if sql == CLOCK:
            return execute(sql, params, many, context)
        self.count += 1
        self.latest.append(sql)
        if self._request is not None:
            self._request.append(sql)
        return execute(sql, params, many, context)

    @property
    def asked(self) -> list[str]:
        """The latest statements, at most KEPT_STATEMENTS."""
        return list(self.latest)

    @contextmanager
    def at_most(self, number: int) -> Iterator[None]:
        """What happens inside asks at most `number` statements."""
        before = self.count
        yield
        asked = self.count - before
        assert asked <= number, _too_many(list(self.latest)[-asked:], number)

    def begin_request(self, **_: Any) -> None:
        self._request = []

    def end_request(self, **_: Any) -> None:
        if self._request is not None and len(self._request) > len(self.worst_request):
            self.worst_request = self._request
        self._request = None


def _too_many(asked: list[str], limit: int) -> str:
    lines = [f"{times:4} × {sql[:200]}" for sql, times in Counter(asked).most_common(8)]
    return "\n".join([f"{len(asked)} statements, where {limit} are enough. The most repeated:", *lines])


@pytest.fixture(autouse=True)
def statements(request: pytest.FixtureRequest) -> Iterator[Statements]:
    """Counts statements. One request that asks too many fails its test; the marker `statements` sets the limit."""
    counter = Statements()
    marker = request.node.get_closest_marker("statements")
    limit = marker.args[0] if marker else STATEMENTS_A_REQUEST
    request_started.connect(counter.begin_request)
    request_finished.connect(counter.end_request)
    with connection.execute_wrapper(counter):
        yield counter
    request_started.disconnect(counter.begin_request)
    request_finished.disconnect(counter.end_request)
    if len(counter.worst_request) > limit:
        pytest.fail(_too_many(counter.worst_request, limit), pytrace=False)
