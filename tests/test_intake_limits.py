"""Whatever comes: an answer below 500, soon, in bounded memory; and 503, never a false 200, while the database is away."""

from __future__ import annotations

import gzip
import json
import random
import resource
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import brotli
import pytest
import zstandard
from django.db import connection, transaction
from django.test import Client

from tests.samples import sample_event
from tests.sizes import size
from tests.slack_fixture import through_wsgi
from tocsin.intake import limits
from tocsin.intake.digest import digest_batch
from tocsin.intake.models import Accepted, ItemCount
from tocsin.projects.models import Key
from tocsin.wsgi import application

MIB = 1024 * 1024


# --- anything at all -------------------------------------------------------------------------------------------------


def seeds() -> list[bytes]:
    """Bodies as SDKs send them, to be mutilated."""
    events = [
        sample_event(),
        sample_event(
            message={"formatted": "hello", "params": ["a", 1, None]}, tags=[["a", "b"]], fingerprint=["{{ default }}"]
        ),
        sample_event(
            user={"id": "1", "ip_address": "{{auto}}"},
            request={"url": "https://shop.example/?a=b", "headers": {"Cookie": "a=b"}, "data": {"password": "x"}},
            breadcrumbs={"values": [{"timestamp": 1.5, "category": "http", "data": {"status_code": 500}}]},
            contexts={"runtime": {"name": "CPython"}, "trace": {"trace_id": "0" * 32}},
            extra={"deep": [[[[{}]]]]},
        ),
    ]
    plain = [event.json for event in events]
    envelopes = [
        b'{"event_id":"%s","sent_at":"2026-01-02T03:04:05Z","trace":{}}\n' % event.id.encode()
        + b'{"type":"event","length":%d}\n%s\n' % (len(event.json), event.json)
        + b'{"type":"attachment","length":5,"filename":"a.txt"}\nhello\n{"type":"session"}\n{"sid":"x"}\n'
        for event in events
    ]
    return plain + envelopes


STRUCTURE = [b"", b"\n", b'"', b"\\", b"{", b"}", b"[" * 300, b"]"]
VALUES = [b"\0", b"\\ud800", b"\xff", b"NaN", b"1e999", b"9" * 5000, b"null", b"-1"]
PIECES = STRUCTURE + VALUES


def mutilated(body: bytes, dice: random.Random) -> bytes:
    """The body after one to four accidents."""
    mutable = bytearray(body)
    for _ in range(dice.randint(1, 4)):
        at, to = sorted(dice.randrange(len(mutable) + 1) for _ in range(2))
        to = min(to, at + dice.choice([1, 4, 60, 10_000]))
        ACCIDENTS[dice.randrange(len(ACCIDENTS))](mutable, at, to, dice)
    return bytes(mutable)


def _flip(body: bytearray, at: int, to: int, dice: random.Random) -> None:
    if at < len(body):
        body[at] ^= 1 << dice.randrange(8)


def _replace(body: bytearray, at: int, to: int, dice: random.Random) -> None:
    body[at:to] = dice.choice(PIECES)


def _insert(body: bytearray, at: int, to: int, dice: random.Random) -> None:
    body[at:at] = dice.choice(PIECES)


def _repeat(body: bytearray, at: int, to: int, dice: random.Random) -> None:
    body[at:at] = body[at:to] * 2


def _cut(body: bytearray, at: int, to: int, dice: random.Random) -> None:
    del body[at:]


def _scramble(body: bytearray, at: int, to: int, dice: random.Random) -> None:
    body[at:to] = dice.randbytes(to - at)


ACCIDENTS: list[Callable[[bytearray, int, int, random.Random], None]] = [
    _flip,
    _replace,
    _insert,
    _repeat,
    _cut,
    _scramble,
]
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "identity": bytes,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}


@pytest.mark.guarantee
@pytest.mark.timeout(900)
def test_no_mutilated_body_is_answered_with_5xx_or_late_and_none_of_them_stops_digesting(
    committed: None, key: Key
) -> None:
    dice = random.Random(20260102)
    bodies = seeds()
    send = through_wsgi(application)  # Django's test client keeps something of every request
    statuses: dict[int, int] = {}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(size(50_000)):
        encoding = dice.choice(list(PACKERS))
        body = mutilated(dice.choice(bodies), dice)
        packed = PACKERS[encoding](body)
        if dice.random() < 0.1:
            packed = mutilated(packed, dice)
        path = f"/api/{key.project_id}/{dice.choice(['envelope', 'store'])}/?sentry_key={key.public_key}"
        headers = {"Content-Type": "application/octet-stream", "Content-Encoding": encoding}
        began = time.process_time()  # what the body costs, whatever else this machine is doing
        status, answered, said = send(path, headers, packed)
        assert time.process_time() - began < 1, (encoding, body)
        assert status in (200, 400, 413), (encoding, body, said)
        statuses[status] = statuses.get(status, 0) + 1
        if status == 400:
            assert answered["X-Sentry-Error"]
    assert statuses[200] > 100, "the mutilation is too cruel to reach what comes after parsing"
    assert statuses[400] > 100
    while digest_batch():
        pass
    assert list(Accepted.objects.values_list("reason", flat=True)) == []
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert grown < 50 * MIB


# --- the largest of everything ---------------------------------------------------------------------------------------

LARGEST = {
    "one event": b'{}\n{"type":"event"}\n{"a":"%s"}' % (b"x" * (limits.EVENT_MAX - 8)),
    "100 events": b"{}\n" + b'{"type":"event"}\n{"a":"%s"}\n' % (b"x" * 50_000) * 100,
    "19 events of a MiB": b"{}\n" + b'{"type":"event"}\n{"a":"%s"}\n' % (b"x" * (limits.EVENT_MAX - 8)) * 19,
    "brackets": b'{}\n{"type":"event"}\n{"a":%s}' % (b"[" * 500_000 + b"]" * 500_000),
    "keys": b'{}\n{"type":"event"}\n{%s}' % b",".join(b'"%d":1' % number for number in range(100_000)),
    "quotes": b'{}\n{"type":"event"}\n{"a":"%s"}' % (b'\\"' * 500_000),
}


@pytest.mark.parametrize("body", LARGEST.values(), ids=LARGEST)
def test_the_largest_that_is_taken_is_taken_and_digested_soon(key: Key, body: bytes) -> None:
    packed = gzip.compress(body, 1)
    began = time.monotonic()
    answer = Client().post(
        f"/api/{key.project_id}/envelope/?sentry_key={key.public_key}",
        data=packed,
        content_type="application/octet-stream",
        headers={"Content-Encoding": "gzip"},
    )
    assert answer.status_code == 200
    assert time.monotonic() - began < 2
    waiting = Accepted.objects.count()
    assert digest_batch() == waiting
    assert not Accepted.objects.exists()


# --- the database is away --------------------------------------------------------------------------------------------


@contextmanager
def led_astray() -> Iterator[None]:
    """The database is not where it was."""
    usual = dict(connection.settings_dict)
    disconnect()
    connection.settings_dict["NAME"] = (
        "/nowhere/at/all.sqlite3" if connection.vendor == "sqlite" else "no_such_database"
    )
    try:
        yield
    finally:
        disconnect()
        connection.settings_dict.update(usual)


def disconnect() -> None:
    connection.close()
    if connection.vendor == "postgresql":
        connection.close_pool()  # type: ignore[attr-defined]


def send(key: Key) -> Any:
    return Client().post(
        f"/api/{key.project_id}/store/?sentry_key={key.public_key}",
        data=sample_event().json,
        content_type="application/json",
    )


def assert_unavailable(answer: Any) -> None:
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert json.loads(answer.content)["detail"]


def test_without_a_database_an_sdk_is_asked_to_come_back(committed: None, key: Key) -> None:
    with led_astray():
        assert_unavailable(send(key))
    assert send(key).status_code == 200
    assert Accepted.objects.count() == 1


@contextmanager
def locked() -> Iterator[None]:
    """Somebody else holds what accepting needs: SQLite's write lock, a lock of the table on PostgreSQL."""
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("LOCK TABLE intake_accepted IN ACCESS EXCLUSIVE MODE")
        yield


def test_while_the_database_is_locked_nothing_is_acknowledged(committed: None, key: Key) -> None:
    """Many at once wait for one lock, and all are told so before an SDK gives up (30 s)."""
    answers: list[Any] = []

    def run() -> None:
        answers.append(send(key))
        connection.close()

    threads = [threading.Thread(target=run) for _ in range(4)]
    with locked():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(25)
        assert len(answers) == 4
    for answer in answers:
        assert_unavailable(answer)
    assert not Accepted.objects.exists()
    assert not ItemCount.objects.exists()
    assert send(key).status_code == 200
