"""The two addresses that SDKs send to: what is taken, what is refused, and how each is answered."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import brotli
import pytest
import zstandard
from django.db.models import Sum
from django.http import HttpResponse
from django.test import Client

from tests.samples import sample_event
from tests.threads import at_once
from tests.waiting import until
from tocsin.accounts.models import Organization
from tocsin.clock import database_now
from tocsin.intake import limits
from tocsin.intake.models import Accepted, ItemCount, KeyMinute
from tocsin.intake.packing import unpack
from tocsin.projects.models import Key, Project

EVENT_ID = "9ec79c33ec9942ab8353589fcb2e04dc"
EVENT = b'{"event_id":"%s","message":"hello"}' % EVENT_ID.encode()
ENVELOPE = b'{"event_id":"%s"}\n{"type":"event"}\n%s\n' % (EVENT_ID.encode(), EVENT)


def auth(key: Key) -> dict[str, str]:
    return {
        "X-Sentry-Auth": f"Sentry sentry_version=7, sentry_client=sentry.python/2.33.0, sentry_key={key.public_key}"
    }


def send(
    key: Key,
    body: bytes,
    to: str = "envelope",
    *,
    query: str = "",
    headers: Mapping[str, str] | None = None,
    **others: Any,
) -> HttpResponse:
    """POST `body` with the key in the header, unless other headers are given."""
    return Client().post(
        f"/api/{others.get('project', key.project_id)}/{to}/{query}",
        data=body,
        content_type=others.get("content_type", "application/x-sentry-envelope"),
        headers=dict(auth(key) if headers is None else headers),
        CONTENT_LENGTH=str(len(body)),
    )  # type: ignore[return-value]


def counts() -> dict[tuple[str, str], int]:
    rows = ItemCount.objects.values_list("kind", "outcome").annotate(Sum("count"))  # of this hour, and the next
    return {(kind, outcome): count for kind, outcome, count in rows}


def reason(answer: HttpResponse) -> str:
    detail: str = json.loads(answer.content)["detail"]
    assert answer.headers["X-Sentry-Error"] == detail
    return detail


# --- taken -----------------------------------------------------------------------------------------------------------


def test_an_envelope_is_accepted_as_it_came(key: Key) -> None:
    before = database_now()
    answer = send(key, ENVELOPE)
    assert (answer.status_code, json.loads(answer.content)) == (200, {"id": EVENT_ID})
    row = Accepted.objects.get()
    assert (row.organization_id, row.project_id, row.event_id) == (key.organization_id, key.project_id, EVENT_ID)
    assert unpack(row.encoding, row.payload) == EVENT
    assert row.state == Accepted.State.WAITING
    assert before <= row.accepted_at <= database_now()
    assert counts() == {("event", "accepted"): 1}


def test_a_stored_event_is_accepted_as_it_came(key: Key) -> None:
    answer = send(key, EVENT, "store", content_type="application/json")
    assert (answer.status_code, json.loads(answer.content)) == (200, {"id": EVENT_ID})
    row = Accepted.objects.get()
    assert unpack(row.encoding, row.payload) == EVENT


@pytest.mark.parametrize("path", ["envelope", "store"])
def test_the_last_slash_may_be_missing(key: Key, path: str) -> None:
    body = {"envelope": ENVELOPE, "store": EVENT}[path]
    answer = Client().post(
        f"/api/{key.project_id}/{path}", data=body, content_type="application/json", headers=auth(key)
    )
    assert answer.status_code == 200


def test_a_large_event_is_kept_compressed(key: Key) -> None:
    raw = sample_event(extra={"x": "y" * 50_000}).json
    assert send(key, raw, "store").status_code == 200
    row = Accepted.objects.get()
    assert len(row.payload) < len(raw) / 10
    assert unpack(row.encoding, row.payload) == raw


PACKERS = {
    "gzip": gzip.compress,
    "br": brotli.compress,
    "deflate": zlib.compress,
    "zstd": zstandard.ZstdCompressor().compress,
    "identity": bytes,
}


@pytest.mark.parametrize("path", ["envelope", "store"])
@pytest.mark.parametrize("encoding", PACKERS)
def test_packed_bodies_are_understood(key: Key, path: str, encoding: str) -> None:
    body = PACKERS[encoding]({"envelope": ENVELOPE, "store": EVENT}[path])
    assert send(key, body, path, headers={**auth(key), "Content-Encoding": encoding}).status_code == 200
    row = Accepted.objects.get()
    assert unpack(row.encoding, row.payload) == EVENT


LARGE = b'{"event_id":"%s","message":"hello","extra":{"a":"%s"}}' % (EVENT_ID.encode(), b"xyz" * 2000)
ALONE = b'{"event_id":"%s","trace":{"public_key":"x"}}\n\n{"type":"event","length":%d}\n%s\n'
WITH_ANOTHER = ALONE + b'{"type":"attachment","length":5}\nhello\n'
STORED_AS = [
    # how it comes, in what, and how it lies in the database
    ("gzip", ALONE, "gzip+env"),
    ("br", ALONE, "br+env"),
    ("zstd", ALONE, "zstd+env"),
    ("deflate", ALONE, "zlib"),
    ("identity", ALONE, "zlib"),
    ("gzip", None, "gzip"),
    ("br", None, "br"),
    ("zstd", None, "zstd"),
    ("gzip", WITH_ANOTHER, "zlib"),
]


@pytest.mark.parametrize(("encoding", "envelope", "stored"), STORED_AS)
def test_an_event_that_comes_packed_and_alone_is_kept_as_it_came(
    key: Key, encoding: str, envelope: bytes | None, stored: str
) -> None:
    """Packing it anew would cost more than all the rest; and what is not to be kept is not kept beside it."""
    plain = envelope % (EVENT_ID.encode(), len(LARGE), LARGE) if envelope else LARGE
    body = PACKERS[encoding](plain)
    answer = send(key, body, "envelope" if envelope else "store", headers={**auth(key), "Content-Encoding": encoding})
    assert json.loads(answer.content) == {"id": EVENT_ID}
    row = Accepted.objects.get()
    assert row.encoding == stored
    assert (bytes(row.payload) == body) == (stored != "zlib")
    assert unpack(row.encoding, row.payload) == LARGE
    assert len(row.payload) < len(LARGE) / 10


@pytest.mark.parametrize(
    "body",
    [
        gzip.compress(ALONE % (EVENT_ID.encode(), len(LARGE), LARGE), 0),
        gzip.compress(ALONE % (EVENT_ID.encode(), len(LARGE), LARGE) + b"\n" * 2 * limits.MIB),
    ],
    ids=["not worth it", "much around it"],
)
def test_what_is_packed_badly_is_packed_anew(key: Key, body: bytes) -> None:
    assert send(key, body, headers={**auth(key), "Content-Encoding": "gzip"}).status_code == 200
    row = Accepted.objects.get()
    assert row.encoding == "zlib"
    assert unpack(row.encoding, row.payload) == LARGE


@pytest.mark.parametrize("pack", [zlib.compress, lambda raw: base64.b64encode(zlib.compress(raw))])
def test_what_old_sdks_send_to_store_is_understood(key: Key, pack: Callable[[bytes], bytes]) -> None:
    assert send(key, pack(EVENT), "store", content_type="application/octet-stream").status_code == 200
    row = Accepted.objects.get()
    assert unpack(row.encoding, row.payload) == EVENT


def test_several_events_of_one_envelope_are_all_accepted(key: Key) -> None:
    bodies = [sample_event(message=str(number)) for number in range(3)]
    envelope = b"{}\n" + b"".join(b'{"type":"event"}\n%s\n' % body.json for body in bodies)
    answer = send(key, envelope)
    assert json.loads(answer.content) == {"id": bodies[0].id}
    assert set(Accepted.objects.values_list("event_id", flat=True)) == {body.id for body in bodies}


def test_events_without_an_id_take_the_headers_and_then_new_ones(key: Key) -> None:
    envelope = b'{"event_id":"%s"}\n' % EVENT_ID.encode() + b'{"type":"event"}\n{}\n' * 3
    assert json.loads(send(key, envelope).content) == {"id": EVENT_ID}
    ids = set(Accepted.objects.values_list("event_id", flat=True))
    assert EVENT_ID in ids
    assert len(ids) == 3


def test_an_event_sent_to_store_without_an_id_gets_one(key: Key) -> None:
    answer = send(key, b'{"message":"hello"}', "store")
    assert json.loads(answer.content) == {"id": Accepted.objects.get().event_id}


def test_other_items_are_counted_and_not_stored(key: Key) -> None:
    envelope = (
        b'{"event_id":"%s"}\n' % EVENT_ID.encode()
        + b'{"type":"transaction"}\n{}\n' * 2
        + b'{"type":"session"}\n{}\n{"type":"attachment","length":3}\nabc\n'
        + b'{"type":"made-up"}\n{}\n{"type":"\xf0\x9f\x94\x94"}\n{}\n'
    )
    assert json.loads(send(key, envelope).content) == {"id": EVENT_ID}
    assert not Accepted.objects.exists()
    assert counts() == {
        ("transaction", "counted"): 2,
        ("session", "counted"): 1,
        ("attachment", "counted"): 1,
        ("unknown", "counted"): 2,
    }


def test_an_envelope_without_items_is_taken(key: Key) -> None:
    answer = send(key, b"{}\n")
    assert (answer.status_code, json.loads(answer.content)) == (200, {})


def test_counts_of_one_hour_are_added_up(key: Key) -> None:
    for _ in range(3):
        send(key, b'{}\n{"type":"session"}\n{}\n')
    assert counts() == {("session", "counted"): 3}


@pytest.mark.parametrize("spelling", [EVENT_ID, EVENT_ID.upper(), "9ec79c33-ec99-42ab-8353-589fcb2e04dc"])
def test_the_same_event_twice_is_stored_once(key: Key, spelling: str) -> None:
    assert send(key, EVENT, "store").status_code == 200
    again = send(key, json.dumps({"event_id": spelling}).encode(), "store")
    assert (again.status_code, json.loads(again.content)) == (200, {"id": EVENT_ID})
    assert Accepted.objects.count() == 1
    assert counts() == {("event", "accepted"): 1, ("event", "duplicate"): 1}


def test_the_same_event_twice_in_one_envelope_is_stored_once(key: Key) -> None:
    assert send(key, b"{}\n" + b'{"type":"event"}\n%s\n' % EVENT * 2).status_code == 200
    assert counts() == {("event", "accepted"): 1, ("event", "duplicate"): 1}


def test_the_same_id_in_another_project_is_another_event(key: Key, organization: Organization) -> None:
    other = Project.objects.create(organization=organization, slug="blog", name="Blog")
    other_key = Key.objects.create(organization=organization, project=other)
    assert send(key, EVENT, "store").status_code == send(other_key, EVENT, "store").status_code == 200
    assert Accepted.objects.count() == 2


ODD_EVENTS = {
    "a lone surrogate": b'{"message":"\\ud800"}',
    "NUL": b'{"message":"\\u0000"}',
    "NaN": b'{"extra":{"a":NaN,"b":Infinity,"c":-Infinity}}',
    "5,000 digits": b'{"extra":{"a":%s}}' % (b"9" * 5000),
    "bytes that are not UTF-8": b'{"message":"caf\xe9"}',
    "depth": b'{"extra":%s%s}' % (b"[" * 100_000, b"]" * 100_000),
    "an odd id": b'{"event_id":"my \\u0000 \\ud800 event"}',
    "a great many keys": b"{" + b",".join(b'"%d":1' % number for number in range(100_000)) + b"}",
    "an empty event": b"{}",
}


@pytest.mark.parametrize("path", ["envelope", "store"])
@pytest.mark.parametrize("raw", ODD_EVENTS.values(), ids=ODD_EVENTS)
def test_odd_but_real_events_are_accepted(key: Key, raw: bytes, path: str) -> None:
    envelope = b'{}\n{"type":"event","length":%d}\n%s' % (len(raw), raw)
    assert send(key, {"envelope": envelope, "store": raw}[path], path).status_code == 200
    row = Accepted.objects.get()
    assert unpack(row.encoding, row.payload) == raw


# --- the key ---------------------------------------------------------------------------------------------------------


def places(key: str) -> dict[str, dict[str, Any]]:
    """Where SDKs put a key."""
    dsn = f"https://{key}@example.com/1"
    return {
        "X-Sentry-Auth": {"headers": {"X-Sentry-Auth": f"Sentry sentry_key={key}, sentry_version=7"}},
        "X-Sentry-Auth in lower case": {"headers": {"X-Sentry-Auth": f"sentry sentry_version=7,sentry_key={key}"}},
        "Authorization": {"headers": {"Authorization": f"Sentry sentry_key={key}"}},
        "another Authorization beside the query": {
            "headers": {"Authorization": "Bearer abc"},
            "query": f"?sentry_key={key}",
        },
        "the query": {"headers": {}, "query": f"?sentry_version=7&sentry_key={key}&sentry_client=x"},
        "the envelope's dsn": {"headers": {}, "body": json.dumps({"dsn": dsn}).encode() + b'\n{"type":"event"}\n{}'},
    }


PLACES = list(places(""))


@pytest.mark.parametrize("place", PLACES)
def test_a_key_is_found_wherever_sdks_put_it(key: Key, place: str) -> None:
    request = {"body": ENVELOPE, **places(key.public_key)[place]}
    assert send(key, **request).status_code == 200
    assert Accepted.objects.count() == 1


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("bad", ["", "x", "0" * 31, "0" * 33, "G" * 32, "٣" * 32, "%00" * 8])
def test_a_malformed_key_is_answered_with_401(key: Key, place: str, bad: str) -> None:
    request = {"body": ENVELOPE, **places(bad)[place]}
    assert send(key, **request).status_code == 401
    assert not Accepted.objects.exists()


@pytest.mark.parametrize(
    "request_",
    [
        {"body": ENVELOPE, "headers": {}},
        {"body": EVENT, "to": "store", "headers": {}},
        {"body": ENVELOPE, "headers": {"X-Sentry-Auth": "Sentry sentry_version=7"}},
        {"body": ENVELOPE, "headers": {"X-Sentry-Auth": "\xe9"}},
        {"body": b'{"dsn":7}\n', "headers": {}},
        {"body": b'{"dsn":"https://[::1"}\n', "headers": {}},
        {"body": b'{"dsn":"\\ud800"}\n', "headers": {}},
    ],
)
def test_no_key_is_answered_with_401(key: Key, request_: dict[str, Any]) -> None:
    answer = send(key, **request_)
    assert answer.status_code == 401
    assert reason(answer)


def test_keys_that_may_not_send_there_get_one_answer(key: Key, organization: Organization) -> None:
    other = Project.objects.create(organization=organization, slug="blog", name="Blog")
    inactive = Key.objects.create(organization=organization, project=key.project, is_active=False)
    unknown = Key(project=key.project, public_key="0" * 32)
    answers = [
        send(inactive, ENVELOPE),
        send(unknown, ENVELOPE),
        send(key, ENVELOPE, project=other.pk),
        send(key, ENVELOPE, project=2**70),
    ]
    assert [answer.status_code for answer in answers] == [403] * 4
    assert len({reason(answer) for answer in answers}) == 1
    assert not Accepted.objects.exists()
    assert counts() == {}


@pytest.mark.parametrize("number", ["x", "-1", "1.0", "9" * 5000, "١٢"])
def test_a_project_that_is_no_number_is_not_found(key: Key, number: str) -> None:
    assert send(key, ENVELOPE, project=number).status_code == 404


# --- refused ---------------------------------------------------------------------------------------------------------

REFUSED: dict[str, tuple[str, bytes, int]] = {
    "an empty envelope": ("envelope", b"", 400),
    "an empty store": ("store", b"", 400),
    "an envelope that is no JSON": ("envelope", b"hello", 400),
    "an event that is no JSON": ("envelope", b'{}\n{"type":"event"}\nhello\n', 400),
    "an event that is no object": ("store", b"[]", 400),
    "an event cut in the middle": ("store", EVENT[:-5], 400),
    "a good event and then a bad one": ("envelope", ENVELOPE + b'{"type":"event"}\n{"a"\n', 400),
    "a good event and then a bad item": ("envelope", ENVELOPE + b"hello\n", 400),
    "an item cut in the middle": ("envelope", b'{}\n{"type":"event","length":99}\n%s' % EVENT, 400),
    "an event over its cap": ("store", b'{"a":"%s"}' % (b"x" * limits.EVENT_MAX), 413),
    "an envelope's event over its cap": (
        "envelope",
        ENVELOPE + b'{"type":"event"}\n{"a":"%s"}' % (b"x" * limits.EVENT_MAX),
        413,
    ),
    "a header over its cap": ("envelope", b'{"a":"%s"}\n' % (b"x" * limits.HEADER_MAX), 413),
    "too many items": ("envelope", b"{}\n" + b'{"type":"session"}\n{}\n' * (limits.ITEMS_MAX + 1), 413),
    "a body over its cap": ("envelope", b"{}\n" + b"\n" * limits.BODY_MAX, 413),
}


@pytest.mark.parametrize(("path", "body", "status"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_is_refused_whole_with_a_reason_and_counted(
    key: Key, path: str, body: bytes, status: int
) -> None:
    answer = send(key, body, path)
    assert answer.status_code == status
    assert reason(answer)
    assert answer.headers["Content-Type"] == "application/json"
    assert not Accepted.objects.exists()
    assert counts() == {("request", "refused"): 1}


def test_a_body_at_its_cap_is_taken(key: Key) -> None:
    attachment = b'{}\n{"type":"attachment"}\n'
    assert send(key, attachment + b"x" * (limits.BODY_MAX - len(attachment))).status_code == 200


def test_an_event_at_its_cap_is_taken(key: Key) -> None:
    assert send(key, b'{"a":"%s"}' % (b"x" * (limits.EVENT_MAX - 8)), "store").status_code == 200


@pytest.mark.parametrize("encoding", ["compress", "gzip;q=1", "gzip, gzip", "nonsense", "\xe9"])
def test_an_unknown_encoding_is_refused(key: Key, encoding: str) -> None:
    answer = send(key, ENVELOPE, headers={**auth(key), "Content-Encoding": encoding})
    assert answer.status_code == 400
    assert "gzip" in json.loads(answer.content)["detail"]


@pytest.mark.parametrize(
    "body",
    [ENVELOPE, gzip.compress(ENVELOPE, mtime=0)[:-9], gzip.compress(ENVELOPE, mtime=0) + b"x"],
    ids=["not packed", "cut off", "something after it"],
)
def test_broken_gzip_is_refused(key: Key, body: bytes) -> None:
    assert send(key, body, headers={**auth(key), "Content-Encoding": "gzip"}).status_code == 400


@pytest.mark.parametrize("path", ["envelope", "store"])
def test_a_gzip_bomb_is_refused(key: Key, path: str) -> None:
    bomb = gzip.compress(b'{}\n{"type":"attachment"}\n' + b"\0" * (limits.ENVELOPE_MAX + 1))
    assert send(key, bomb, path, headers={**auth(key), "Content-Encoding": "gzip"}).status_code == 413


def test_reasons_that_quote_the_request_stay_within_a_header(key: Key) -> None:
    answer = send(key, ENVELOPE, headers={**auth(key), "Content-Encoding": "\xe9\xfc" * 3000})
    assert answer.status_code == 400
    assert answer.headers["X-Sentry-Error"].isascii()
    assert len(answer.headers["X-Sentry-Error"]) < 300


# --- methods and browsers --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "TRACE"])
@pytest.mark.parametrize("path", ["envelope", "store"])
def test_other_methods_are_not_allowed(key: Key, method: str, path: str) -> None:
    answer = Client().generic(method, f"/api/{key.project_id}/{path}/")
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST, OPTIONS"


@pytest.mark.parametrize("path", ["envelope", "store"])
def test_a_browser_that_asks_first_may_send(key: Key, path: str) -> None:
    asked = {
        "Origin": "https://shop.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-sentry-auth,content-type,content-encoding",
    }
    answer = Client().options(f"/api/{key.project_id}/{path}/", headers=asked)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    allowed = answer.headers["Access-Control-Allow-Headers"].lower().split(", ")
    assert {"x-sentry-auth", "content-type", "content-encoding"} <= set(allowed)


@pytest.mark.parametrize(("body", "status"), [(ENVELOPE, 200), (b"", 400)])
def test_a_browser_may_read_every_answer(key: Key, body: bytes, status: int) -> None:
    answer = send(key, body, headers={**auth(key), "Origin": "https://shop.example"})
    assert answer.status_code == status
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    exposed = answer.headers["Access-Control-Expose-Headers"]
    assert exposed == "X-Sentry-Error, X-Sentry-Rate-Limits, Retry-After"


# --- the limit of a key ----------------------------------------------------------------------------------------------


def limited(key: Key, limit: int) -> Key:
    """The key with a limit, while its minute has some time to go."""
    until(lambda: database_now().second < 50, seconds=15, what="a minute that is not about to end")
    key.rate_limit_per_minute = limit
    key.save()
    return key


def test_a_key_that_has_used_up_its_minute_is_told_when_to_try_again(key: Key) -> None:
    limited(key, 3)
    answers = [send(key, sample_event().json, "store") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert Accepted.objects.count() == 3
    refused = answers[-1]
    wait = int(refused.headers["Retry-After"])
    assert 1 <= wait <= 60
    assert refused.headers["X-Sentry-Rate-Limits"] == f"{wait}::key:minute"
    assert counts() == {("event", "accepted"): 3, ("request", "refused"): 2}


def test_a_new_minute_begins_anew(key: Key) -> None:
    limited(key, 1)
    long_ago = database_now().replace(year=2020, second=0, microsecond=0)
    KeyMinute.objects.create(organization=key.organization, key=key, minute=long_ago, count=1000)
    assert send(key, EVENT, "store").status_code == 200
    assert KeyMinute.objects.get().count == 1


def test_a_limit_of_nought_takes_nothing(key: Key) -> None:
    limited(key, 0)
    assert send(key, ENVELOPE).status_code == 429
    assert not Accepted.objects.exists()


def test_a_key_without_a_limit_is_not_counted(key: Key) -> None:
    send(key, ENVELOPE)
    assert not KeyMinute.objects.exists()


# --- together --------------------------------------------------------------------------------------------------------


def test_requests_that_come_together_are_all_accepted(committed: None, key: Key) -> None:
    ids: list[str] = []

    def work(_: int) -> None:
        for _ in range(10):
            event = sample_event()
            assert send(key, event.json, "store").status_code == 200
            assert Accepted.objects.filter(event_id=event.id).exists(), "answered before it was stored"
            ids.append(event.id)

    at_once(work, 8)
    assert set(Accepted.objects.values_list("event_id", flat=True)) == set(ids)
    assert counts() == {("event", "accepted"): 80}


def test_one_event_sent_by_many_at_once_is_stored_once(committed: None, key: Key) -> None:
    at_once(lambda _: _assert_taken(send(key, EVENT, "store")), 8)
    assert Accepted.objects.count() == 1
    assert counts() == {("event", "accepted"): 1, ("event", "duplicate"): 7}


def _assert_taken(answer: HttpResponse) -> None:
    assert answer.status_code == 200


def test_a_limit_holds_for_requests_that_come_together(committed: None, key: Key) -> None:
    limited(key, 5)
    codes: list[int] = []
    at_once(lambda _: codes.append(send(key, sample_event().json, "store").status_code), 8)
    assert Accepted.objects.count() == codes.count(200)
    assert sorted(codes) == [200] * 5 + [429] * 3
