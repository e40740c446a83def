"""The short way in for Slack, as `intake.door` is for SDKs: past sessions, forms and people: a signed request needs none."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from django.db import connection

from tocsin.logs import get_logger
from tocsin.slack import http
from tocsin.slack.answers import Answer

log = get_logger(__name__)

StartResponse = Callable[..., Any]
Application = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

ADDRESSES = frozenset({"/slack/interactive", "/slack/options", "/slack/events", "/slack/commands"})
LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


def door(inner: Application) -> Application:
    """`inner`, with the door in front of it."""

    def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] not in ADDRESSES:
            return inner(environ, start_response)
        answered = _answered(environ)
        body = http.body_of(answered)
        headers = [*http.headers_of(answered).items(), ("Content-Length", str(len(body)))]
        start_response(LINES[answered.status], headers)
        return [body]

    return application


def _answered(environ: dict[str, Any]) -> Answer:
    """Whatever fails is logged and answered, as Django does around a view. The thread keeps its connection, unless that failed."""
    try:
        return http.answer(environ)
    except Exception:
        log.exception("slack: a request failed", path=environ["PATH_INFO"])
        return Answer(status=500)
    finally:
        if connection.errors_occurred and not connection.in_atomic_block:
            connection.close()
