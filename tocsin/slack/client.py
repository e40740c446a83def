"""The one file that calls Slack: one try, ten seconds in all, a cap on answers. Trying again is the outbox's matter."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar
from urllib.parse import urlencode

import urllib3
from django.conf import settings
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from tocsin.outbox.failures import DeliveryError, Scope
from tocsin.slack import slack_errors
from tocsin.slack.addresses import may_respond_to

TIMEOUT = 10.0  # seconds in all, from the connection to the last byte
ANSWER_MAX = 1024 * 1024  # bytes
PIECE = 64 * 1024
RETRY_AFTER_DEFAULT = timedelta(seconds=30)  # when Slack does not say how long
RETRY_AFTER_MOST = timedelta(hours=1)

TAKE_JSON = ("chat.", "views.", "dialog.")
TAKE_FORMS = frozenset({"chat.getPermalink"})  # among those
RESPONSE_URL = "response_url"  # what it is called where methods are counted


def call(token: str, method: str, *, within: float = TIMEOUT, **arguments: Any) -> dict[str, Any]:
    """Slack's answer, whose `ok` is true, `within` so many seconds in all. Raises DeliveryError. Arguments that are None are
    left out.
    """
    given = {name: value for name, value in arguments.items() if value is not None}
    takes_json = method.startswith(TAKE_JSON) and method not in TAKE_FORMS
    content_type, body = _as_json(given) if takes_json else _as_form(given)
    answer = _post(
        f"{settings.TOCSIN_SLACK_API_URL}{method}",
        body,
        {"Authorization": f"Bearer {token}", "Content-Type": content_type},
        seconds=within,
    )
    _refuse_status(answer, method)
    told = _read_json(answer)
    if told["ok"] is not True:
        raise slack_errors.failure(method, told)
    return told


def respond(url: str, message: Mapping[str, Any], *, seconds: float = TIMEOUT) -> None:
    """Post to a response_url, within `seconds` in all. Raises DeliveryError; a permanent one when the address is
    spent, or is none of Slack's.
    """
    if not may_respond_to(url, settings.TOCSIN_SLACK_API_URL):
        raise DeliveryError("address_refused", "That address is not one of Slack's.", is_permanent=True)
    content_type, body = _as_json(message)
    answer = _post(url, body, {"Content-Type": content_type}, scope=Scope.ROW, seconds=seconds)
    if 400 <= answer.status < 500 and answer.status != 429:
        raise _spent()
    _refuse_status(answer, RESPONSE_URL, scope=Scope.ROW)
    if answer.body.lstrip().startswith(b"{") and _read_json(answer).get("ok") is not True:
        raise _spent()


def _spent() -> DeliveryError:
    return DeliveryError("response_url_spent", "Slack takes no more answers to this click.", is_permanent=True)


# --- what is sent ----------------------------------------------------------------------------------------------------
def _as_json(given: Mapping[str, Any]) -> tuple[str, bytes]:
    return "application/json; charset=utf-8", json.dumps(given).encode()


def _as_form(given: Mapping[str, Any]) -> tuple[str, bytes]:
    texts = {
        name: json.dumps(value) if isinstance(value, bool | dict | list) else str(value)
        for name, value in given.items()
    }
    return "application/x-www-form-urlencoded", urlencode(texts, errors="replace").encode()


# --- what comes back -------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    status: int
    retry_after: str
    body: bytes


def _refuse_status(answer: _Answer, method: str, scope: Scope = Scope.POOL) -> None:
    if answer.status == 429:
        pause = _retry_after(answer.retry_after)
        raise slack_errors.rate_limit(method, pause)
    if answer.status >= 500:
        raise _unclear(f"http_{answer.status}", f"Slack answered with status {answer.status}.", scope)
    if answer.status != 200:
        raise DeliveryError(
            f"http_{answer.status}",
            f"Slack's address answered with status {answer.status}.",
            repair="If a proxy stands between Tocsin and Slack, look there.",
            scope=scope,
        )


def _retry_after(told: str) -> timedelta:
    """Whole seconds; anything else counts as not told."""
    if told.isascii() and told.isdecimal() and len(told) < 8:
        return min(timedelta(seconds=int(told)), RETRY_AFTER_MOST)
    return RETRY_AFTER_DEFAULT


def _read_json(answer: _Answer) -> dict[str, Any]:
    """An object with `ok` in it; anything else leaves open what has happened."""
    try:
        told = json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise _unclear("unreadable_answer", "Slack's answer could not be read.") from error
    if not isinstance(told, dict) or "ok" not in told:
        raise _unclear("unreadable_answer", "Slack's answer could not be read.")
    return told


def _unclear(code: str, sentence: str, scope: Scope = Scope.POOL) -> DeliveryError:
    """It may have had its effect: look before doing it again."""
    repair = "Tocsin looks whether it was done, and tries again by itself."
    return DeliveryError(code, sentence, repair=repair, scope=scope, is_ambiguous=True)


# --- the wire --------------------------------------------------------------------------------------------------------
def _post(
    url: str, body: bytes, headers: dict[str, str], scope: Scope = Scope.POOL, seconds: float = TIMEOUT
) -> _Answer:
    with _deadline(seconds) as deadline:
        try:
            return _exchange(url, body, headers, scope, seconds)
        except urllib3.exceptions.HTTPError as error:
            if not deadline.is_connected:
                raise DeliveryError(
                    "unreachable",
                    "Slack cannot be reached.",
                    repair="Look at this server's way out: name server, firewall, proxy. Tocsin tries again by itself.",
                    scope=scope,
                ) from error
            if deadline.has_passed or isinstance(error, urllib3.exceptions.TimeoutError):
                raise _unclear("timeout", f"Slack did not answer within {seconds:g} seconds.", scope) from error
            raise _unclear("connection_lost", "The connection to Slack was lost.", scope) from error


def _exchange(url: str, body: bytes, headers: dict[str, str], scope: Scope, seconds: float) -> _Answer:
    answer = _http.request(
        "POST",
        url,
        body=body,
        headers={**headers, "Accept-Encoding": "identity", "User-Agent": "Tocsin"},
        redirect=False,
        retries=False,
        preload_content=False,
        decode_content=False,
        timeout=urllib3.Timeout(total=seconds),
    )
    received = bytearray()
    try:
        while piece := answer.read(PIECE):
            received += piece
            if len(received) > ANSWER_MAX:
                raise _unclear("answer_too_long", "Slack's answer was too long.", scope)
    except BaseException:
        answer.close()
        raise
    _watched.deadline.end()  # before another call may have the connection
    answer.release_conn()
    return _Answer(status=answer.status, retry_after=answer.headers.get("Retry-After", ""), body=bytes(received))


class _Deadline:
    """Ends a call from outside: time-outs of sockets count from byte to byte, and an answer may come by the drop."""

    def __init__(self, seconds: float) -> None:
        self._socket: socket.socket | None = None
        self._is_over = False
        self._lock = threading.Lock()
        self.has_passed = False
        self._timer = threading.Timer(seconds, self._pass)
        self._timer.daemon = True
        self._timer.start()

    @property
    def is_connected(self) -> bool:
        """Whether something may have been sent."""
        return self._socket is not None

    def watch(self, connected: socket.socket) -> None:
        with self._lock:
            self._socket = connected
            if self.has_passed:
                self._cut()

    def end(self) -> None:
        """From now on the connection is nobody's, or another's."""
        with self._lock:
            self._is_over = True
        self._timer.cancel()

    def _pass(self) -> None:
        with self._lock:
            if not self._is_over:
                self.has_passed = True
                self._cut()

    def _cut(self) -> None:
        if self._socket is not None:
            with suppress(OSError):  # the other side was faster
                self._socket.shutdown(socket.SHUT_RDWR)


class _Watched(threading.local):
    """The deadline of the call that this thread makes."""

    deadline: _Deadline


_watched = _Watched()


@contextmanager
def _deadline(seconds: float) -> Iterator[_Deadline]:
    _watched.deadline = _Deadline(seconds)
    try:
        yield _watched.deadline
    finally:
        _watched.deadline.end()


class _Connection(HTTPConnection):
    def connect(self) -> None:
        super().connect()
        _watched.deadline.watch(self.sock)

    def request(self, *arguments: Any, **options: Any) -> None:
        if self.sock is not None:  # kept alive by an earlier call
            _watched.deadline.watch(self.sock)
        super().request(*arguments, **options)


class _SecureConnection(HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        _watched.deadline.watch(self.sock)

    def request(self, *arguments: Any, **options: Any) -> None:
        if self.sock is not None:
            _watched.deadline.watch(self.sock)
        super().request(*arguments, **options)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _Manager(urllib3.PoolManager):
    """Kept-alive connections, certificates checked."""

    POOLS: ClassVar[dict[str, type[HTTPConnectionPool]]] = {"http": _Pool, "https": _SecurePool}

    def __init__(self) -> None:
        super().__init__(num_pools=8, maxsize=32, cert_reqs="CERT_REQUIRED")
        self.pool_classes_by_scheme = self.POOLS


_http = _Manager()
