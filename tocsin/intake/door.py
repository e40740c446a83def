"""The short way in: a WSGI application that takes what SDKs send, and hands everything else on.

Sessions, forms and people are nothing to an SDK, and passing through what serves them costs as much as accepting an event does. The
views in `http` answer the same, by the same functions, wherever this door is not in front.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from django.db import connection

from tocsin.intake.http import Answer, answer
from tocsin.logs import get_logger

log = get_logger(__name__)

StartResponse = Callable[..., Any]
Application = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

ADDRESS = re.compile(r"/api/([0-9]{1,18})/(envelope|store)/?", re.ASCII)
LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


def door(inner: Application) -> Application:
    """`inner`, with the door in front of it."""

    def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        found = ADDRESS.fullmatch(environ["PATH_INFO"])
        if found is None:
            return inner(environ, start_response)
        answered = _answered(environ, int(found[1]), found[2])
        headers = [*answered.headers.items(), ("Content-Length", str(len(answered.body)))]
        start_response(LINES[answered.status], headers)
        return [answered.body]

    return application


def _answered(environ: dict[str, Any], project_id: int, shape: str) -> Answer:
    """Whatever fails is logged and answered, as Django does around a view. The thread keeps its connection, unless that has
    failed: to give it back and take another for each event would cost as much as to find the key.
    """
    try:
        return answer(environ, project_id, shape)
    except Exception:
        log.exception("intake: a request failed", path=environ["PATH_INFO"])
        return Answer(status=500, headers={"Content-Type": "text/plain"}, body=b"Tocsin has failed. Its log says why.")
    finally:
        if connection.errors_occurred and not connection.in_atomic_block:
            connection.close()
