"""The short way in answers as the views do, and hands everything else on."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import closing
from typing import Any

import pytest
from django.core.wsgi import get_wsgi_application
from django.db import connection
from structlog.testing import capture_logs

from tests.slack_fixture import through_wsgi
from tests.test_intake_limits import led_astray
from tocsin.intake.door import door
from tocsin.intake.models import Accepted
from tocsin.projects.models import Key
from tocsin.wsgi import application

EVENT = b'{"message":"hello"}'
ENVELOPE = b'{}\n{"type":"event"}\n%s\n' % EVENT


def requests(key: Key) -> dict[str, dict[str, Any]]:
    """Requests of every kind of answer: path, and what differs from a POST of an event with its key."""
    good = f"/api/{key.project_id}/store/?sentry_key={key.public_key}"
    return {
        "taken": {"path": good},
        "taken without the last slash": {"path": good.replace("/?", "?")},
        "an envelope": {"path": good.replace("store", "envelope"), "body": ENVELOPE},
        "an envelope without items": {"path": good.replace("store", "envelope"), "body": b"{}\n"},
        "not JSON": {"path": good, "body": b"hello"},
        "too large": {"path": good, "body": b'{"a":"%s"}' % (b"x" * 2_000_000)},
        "no key": {"path": good.partition("?")[0]},
        "an unknown key": {"path": f"/api/{key.project_id}/store/?sentry_key={'0' * 32}"},
        "a project of zeros": {"path": f"/api/00{key.project_id}/store/?sentry_key={key.public_key}"},
        "a great number": {"path": f"/api/{'9' * 18}/store/?sentry_key={key.public_key}"},
        "GET": {"path": good, "method": "GET"},
        "OPTIONS": {"path": good, "method": "OPTIONS"},
        "an encoding": {"path": good, "headers": {"Content-Encoding": "rot13"}},
    }


def send(
    to: Any, path: str, *, method: str = "POST", body: bytes = EVENT, headers: Any = None
) -> tuple[int, Any, bytes]:
    def as_method(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        answered: Iterable[bytes] = to({**environ, "REQUEST_METHOD": method}, start_response)
        return answered

    return through_wsgi(as_method)(path, {"Content-Type": "application/json", **(headers or {})}, body)


NAMES = list(requests(Key(public_key="", project_id=0)))
SAID_BY_BOTH = {
    "Access-Control-Allow-Origin", "Access-Control-Expose-Headers", "Access-Control-Allow-Methods", "Allow",
    "Access-Control-Allow-Headers", "Access-Control-Max-Age", "Retry-After", "X-Sentry-Error", "X-Sentry-Rate-Limits",
    "X-Content-Type-Options",
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_the_door_answers_as_the_views_do(key: Key, name: str) -> None:
    request = requests(key)[name]
    stored = []
    answers = []
    for way in (get_wsgi_application(), application):
        before = Accepted.objects.count()
        status, headers, body = send(way, **request)
        said = json.loads(body) if body else None
        if status == 200 and said:
            assert said.pop("id", "x")
        answers.append((status, said, {name: headers.get(name) for name in sorted(SAID_BY_BOTH)}))
        stored.append(Accepted.objects.count() - before)
    assert answers[0] == answers[1]
    assert stored[0] == stored[1]


def test_the_door_says_how_long_its_answer_is(key: Key) -> None:
    _, headers, body = send(application, **requests(key)["taken"])
    assert headers["Content-Length"] == str(len(body))


ELSEWHERE = [
    "/", "/livez", "/api/0/organizations/acme/issues/", "/api/1/store/x", "/api/1/envelope//", "/api/-1/store/", "/api//store/",
    "/api/x/store/", "/x/api/1/store/", "/api/1/stores/", f"/api/{'9' * 19}/store/", "/api/١/store/", "/api/1/store/\n",
]  # fmt: skip


@pytest.mark.parametrize("path", ELSEWHERE)
def test_everything_else_is_handed_on(path: str) -> None:
    came: list[str] = []

    def inner(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        came.append(environ["PATH_INFO"])
        start_response("404 Not Found", [])
        return [b"inner"]

    said: list[str] = []
    answered = door(inner)({"PATH_INFO": path, "REQUEST_METHOD": "POST"}, lambda status, _: said.append(status))
    assert (came, said, list(answered)) == ([path], ["404 Not Found"], [b"inner"])


class Broken:
    """A body that cannot be read, by a fault of ours."""

    def read(self, size: int) -> bytes:
        raise LookupError("a fault of ours")


def environ(key: Key, body: Any) -> dict[str, Any]:
    return {
        "PATH_INFO": f"/api/{key.project_id}/store/",
        "QUERY_STRING": f"sentry_key={key.public_key}",
        "REQUEST_METHOD": "POST",
        "CONTENT_LENGTH": "10",
        "wsgi.input": body,
    }


def test_a_fault_of_ours_is_logged_and_answered_and_the_next_request_is_taken(key: Key) -> None:
    said: list[str] = []
    with capture_logs() as lines:
        body = application(environ(key, Broken()), lambda status, _: said.append(status))
    assert said == ["500 Internal Server Error"]
    assert b"fault" not in b"".join(body)
    assert [line["log_level"] for line in lines] == ["error"]
    assert send(application, **requests(key)["taken"])[0] == 200


def test_without_a_database_the_door_asks_to_come_back_and_finds_it_again(committed: None, key: Key) -> None:
    with led_astray():
        assert send(application, **requests(key)["taken"])[0] == 503
    assert send(application, **requests(key)["taken"])[0] == 200
    assert Accepted.objects.count() == 1


@pytest.mark.postgresql
def test_the_door_keeps_its_connection_until_it_is_lost(committed: None, key: Key) -> None:
    taken = requests(key)["taken"]
    assert send(application, **taken)[0] == 200
    kept = connection.connection.info.backend_pid
    assert send(application, **taken)[0] == 200
    assert connection.connection.info.backend_pid == kept
    with closing(connection.copy()) as another, another.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 10000)", [kept])
    assert send(application, **taken)[0] == 503
    assert send(application, **taken)[0] == 200
    assert connection.connection.info.backend_pid != kept
    assert Accepted.objects.count() == 3
