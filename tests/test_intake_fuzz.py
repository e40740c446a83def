"""Requests of every shape that can be thought of: none is answered with 5xx or late, none costs memory that stays."""

from __future__ import annotations

import gc
import gzip
import json
import time
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import brotli
import pytest
import zstandard
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.sizes import size
from tests.slack_fixture import through_wsgi
from tocsin.intake.digest import digest_batch
from tocsin.intake.models import Accepted
from tocsin.projects.models import Key
from tocsin.wsgi import application

MIB = 1024 * 1024
GROWTH = 50 * MIB
SECONDS = 1.0
RUN = 250  # requests in one run of Hypothesis

PACKERS = {
    "": bytes,
    "identity": bytes,
    "gzip": lambda body: gzip.compress(body, 1),
    "x-gzip": lambda body: gzip.compress(body, 1),
    "deflate": zlib.compress,
    "br": lambda body: brotli.compress(body, quality=1),
    "zstd": zstandard.ZstdCompressor(level=1).compress,
    "rot13": bytes,
    "gzip, br": bytes,
}

# --- JSON ------------------------------------------------------------------------------------------------------------

ODD_TEXTS = ["", "\0", "\ud800", "x" * 300, "password=hunter2", "{{ default }}", "{{auto}}", "9" * 40, "a\nb",
             "-----BEGIN RSA PRIVATE KEY-----", "%s %(a)s {b}"]  # fmt: skip
texts = st.one_of(st.sampled_from(ODD_TEXTS), st.text(max_size=20))
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), texts, st.integers(min_value=10**20, max_value=10**25)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=8,
)


def objects(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An object with some of these members, each as it should be or anything."""
    return st.fixed_dictionaries({}, optional={name: member | values for name, member in members.items()})


def several(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A list of it, as SDKs write lists."""
    of_some = st.lists(inner | values, max_size=3)
    return of_some | of_some.map(lambda some: {"values": some})


frames = objects(
    function=texts, module=texts, filename=texts, abs_path=texts, lineno=st.integers(), in_app=st.booleans(), context_line=texts,
    pre_context=st.lists(texts, max_size=3), post_context=st.lists(texts, max_size=3), vars=values,
)  # fmt: skip
stacks = objects(frames=st.lists(frames | values, max_size=4))
exceptions = objects(
    type=texts, value=texts, module=texts, stacktrace=stacks, thread_id=st.integers(),
    mechanism=objects(type=texts, handled=st.booleans()),
)  # fmt: skip
events = objects(
    event_id=texts | st.uuids().map(str),
    timestamp=st.floats() | st.datetimes().map(str) | texts,
    level=st.sampled_from(["error", "FATAL", "40"]),
    platform=st.sampled_from(["python", "javascript"]),
    exception=several(exceptions),
    message=texts,
    logentry=objects(message=texts, formatted=texts, params=values),
    stacktrace=stacks,
    threads=several(objects(id=st.integers(), stacktrace=stacks, current=st.booleans())),
    fingerprint=st.lists(texts, max_size=3),
    release=texts,
    environment=texts,
    transaction=texts,
    tags=st.dictionaries(texts, texts, max_size=3) | st.lists(st.lists(texts, max_size=3), max_size=3),
    user=objects(id=texts, email=texts, ip_address=texts),
    request=objects(url=texts, headers=values, data=values, query_string=texts, env=values),
    contexts=values,
    extra=values,
    breadcrumbs=several(objects(message=texts, timestamp=st.floats(), data=values)),
    csp=st.dictionaries(
        st.sampled_from(["blocked-uri", "violated_directive", "effective-directive"]), texts, max_size=3
    ),
    sdk=objects(name=texts, version=texts),
)


def written(value: Any, *, is_ascii: bool = True) -> bytes:
    return json.dumps(value, ensure_ascii=is_ascii).encode("utf-8", "surrogatepass")


# --- requests --------------------------------------------------------------------------------------------------------


@st.composite
def items(draw: st.DrawFn) -> bytes:
    """An item: as it should be, mostly."""
    kind = draw(st.sampled_from(["event", "event", "event", "session", "attachment", "transaction", "made-up", ""]))
    odd_event = st.builds(written, events | values, is_ascii=st.booleans())
    payload = draw(odd_event if kind == "event" else st.binary(max_size=60))
    header: dict[str, Any] = {"type": kind}
    match draw(st.integers(0, 9)):
        case 0:
            header["length"] = draw(st.integers(-1, 100) | scalars)
        case 1:
            header = draw(st.dictionaries(texts, values, max_size=3))
        case 2 | 3:
            payload = payload.replace(b"\n", b" ")
        case _:
            header["length"] = len(payload)
    return written(header) + draw(st.sampled_from([b"\n", b"\n", b"\n", b"\r\n", b""])) + payload


@st.composite
def envelopes(draw: st.DrawFn) -> bytes:
    header = draw(objects(event_id=texts | st.uuids().map(str), dsn=texts, sent_at=texts, trace=values) | values)
    divider = draw(st.sampled_from([b"\n", b"\n", b"\n\n"]))
    return written(header) + b"\n" + divider.join(draw(st.lists(items(), max_size=4)))


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    """What is sent: mostly what is meant, with up to two accidents."""
    to = draw(st.sampled_from(["envelope", "store"]))
    odd_event = st.builds(written, events, is_ascii=st.booleans())
    body = draw(envelopes() if to == "envelope" else odd_event) if draw(st.integers(0, 9)) else draw(st.binary())
    encoding = draw(st.sampled_from(list(PACKERS)))
    packed = PACKERS[encoding](body)
    if not draw(st.integers(0, 9)):
        at = draw(st.integers(0, len(packed)))
        packed = packed[:at] + draw(st.binary(max_size=3)) + packed[at + draw(st.integers(0, 3)) :]
    headers = {"Content-Type": "application/x-sentry-envelope", **({"Content-Encoding": encoding} if encoding else {})}
    if not draw(st.integers(0, 9)):
        headers["Content-Length"] = draw(st.sampled_from(["", "0", "-1", "x", "9" * 30, "٣", str(len(packed) + 1)]))
    if not draw(st.integers(0, 9)):
        headers["X-Forwarded-For"] = draw(st.text(max_size=30).map(lambda text: text.replace("\0", "")))
    return {"to": to, "headers": headers, "body": packed, "is_known": draw(st.sampled_from([True] * 19 + [False]))}


def memory() -> int:
    gc.collect()
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith("VmRSS:")]
    return int(line.split()[1]) * 1024


def generated(number: int, of_seed: int, check: Callable[[dict[str, Any]], None]) -> None:
    """Let `check` have so many requests. Hypothesis remembers all of a run, so a long one is made of short ones."""

    @seed(of_seed)
    @settings(
        max_examples=number,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(request=requests())
    def run(request: dict[str, Any]) -> None:
        check(request)

    run()


@pytest.mark.guarantee
@pytest.mark.timeout(1800)
def test_no_request_is_answered_with_5xx_or_late_and_all_that_is_taken_is_digested(key: Key) -> None:
    deliver = through_wsgi(application)
    statuses: Counter[int] = Counter()

    def check(request: dict[str, Any]) -> None:
        path = f"/api/{key.project_id}/{request['to']}/"
        query = f"?sentry_key={key.public_key}" if request["is_known"] else ""
        began = time.process_time()
        status, headers, said = deliver(path + query, request["headers"], request["body"])
        assert time.process_time() - began < SECONDS
        statuses[status] += 1
        assert status in (200, 400, 401, 403, 413), said
        if status != 200:
            assert json.loads(said)["detail"]
            assert headers["X-Sentry-Error"]

    held: list[int] = []
    for number in range(size(10_000) // RUN):
        generated(RUN, number, check)
        digest()
        held.append(memory())
    assert list(Accepted.objects.values_list("reason", flat=True)) == []
    assert statuses[200] > sum(statuses.values()) / 10, statuses
    assert statuses[400] > sum(statuses.values()) / 10, statuses
    assert max(held) - held[0] <= GROWTH, held


def digest() -> None:
    while True:
        began = time.process_time()
        done = digest_batch()
        assert time.process_time() - began < max(1, done) * SECONDS
        if not done:
            return
