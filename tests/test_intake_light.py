"""What is read at a glance is what reading all of it would have given. No database."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.samples import sample_event
from tests.sizes import size
from tocsin.intake.light import NAMES, Glimpse, NotPlain, glance
from tocsin.intake.normalise import normalise
from tocsin.intake.odd_json import decode_object
from tocsin.issues.event import Event
from tocsin.issues.grouping import GROUPING, fingerprint_hash

NOON = datetime.fromisoformat("2026-01-02T12:00:00+00:00")
ID = "9ec79c33ec9942ab8353589fcb2e04dc"
ADDRESS = "203.0.113.9"

REAL = {path.stem: path.read_bytes() for path in sorted((Path(__file__).parent / "events").glob("*.json"))}
RICH: dict[str, Any] = {
    "platform": "javascript",
    "logger": "shop",
    "level": "warning",
    "transaction": "/checkout?token=abc",
    "culprit": "shop",
    "release": " shop@1.2 ",
    "environment": " production ",
    "fingerprint": ["{{ default }}", 7],
    "timestamp": 1767323045.5,
    "logentry": {"message": "order %s", "params": ["7"], "formatted": "order 7"},
    "message": "an order",
    "user": {"id": 5, "email": "a@shop.example", "ip_address": "{{auto}}", "data": {"a": [1]}},
    "tags": [["a", "b"], ["password", "x"]],
    "request": {"url": "https://shop.example/?token=1", "headers": {"Cookie": "a"}, "data": "a=1&secret=2"},
    "exception": {
        "values": [
            {"type": "KeyError", "value": "'sku'", "mechanism": {"type": "generic"}, "stacktrace": None},
            {
                "type": "Error",
                "value": "no basket 4711",
                "stacktrace": {
                    "frames": [
                        {"function": "main", "filename": "node_modules/a.js", "context_line": "a('4111111111111111')"},
                        {"function": "f", "abs_path": "https://shop.example/app.js", "pre_context": ["x"], "lineno": 7},
                        {
                            "function": "g",
                            "module": "shop.total",
                            "in_app": True,
                            "context_line": "  Bearer abcdefgh1 ",
                        },
                    ]
                },
            },
        ]
    },
    "threads": {"values": [{"id": 1, "stacktrace": {"frames": [{"function": "t"}]}}]},
    "breadcrumbs": {"values": [{"message": "clicked"}]},
    "extra": {"deep": [[[1]]]},
    "contexts": {"runtime": {"name": "node"}},
    "sdk": {"name": "sentry.javascript.browser", "version": "9.0.0"},
}


def whole(raw: bytes) -> Event:
    return normalise(decode_object(raw, "It"), accepted_at=NOON, event_id=ID, address=ADDRESS)


def seen(raw: bytes, asked: Callable[[], Event] | None = None) -> Glimpse:
    return glance(raw, accepted_at=NOON, event_id=ID, address=ADDRESS, whole=asked or (lambda: whole(raw)))


def assert_same(raw: bytes) -> bool:
    """Whether it could be read at a glance; then it is what normalise says."""
    try:
        glimpse = seen(raw)
    except NotPlain:
        return False
    expected = whole(raw)
    for version in GROUPING:
        assert fingerprint_hash(glimpse.outline, version) == fingerprint_hash(expected, version)
    for name in sorted(NAMES - {"exceptions", "stacktrace"}):
        assert getattr(glimpse.outline, name) == getattr(expected, name), name
        assert getattr(glimpse.event, name) == getattr(expected, name), name
    assert [(each.type, each.value) for each in glimpse.outline.exceptions] == [
        (each.type, each.value) for each in expected.exceptions
    ]
    assert (glimpse.event.exceptions, glimpse.event.stacktrace) == (expected.exceptions, expected.stacktrace)
    return True


@pytest.mark.parametrize("raw", REAL.values(), ids=REAL)
def test_what_real_sdks_send_is_read_as_normalise_reads_it(raw: bytes) -> None:
    assert_same(raw)


def test_nearly_all_that_real_sdks_send_is_read_at_a_glance() -> None:
    assert sum(assert_same(raw) for raw in REAL.values()) > 0.9 * len(REAL)
    assert assert_same(json.dumps(RICH).encode())
    assert assert_same(sample_event().json)
    assert assert_same(b"{}")


# --- anything at all -------------------------------------------------------------------------------------------------

TEXTS = ["", " ", "x", "?", "\0", "a\nb", "é", "\ud800", "x" * 9000, "password=hunter2", "4111111111111111", "7",
         "-----BEGIN RSA PRIVATE KEY-----", "{{auto}}", "{{ default }}", "2026-01-02T03:04:05Z"]  # fmt: skip
ODD = st.one_of(
    st.sampled_from(TEXTS),
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.just([]),
    st.just({}),
    st.sampled_from([10**30, [None], [[]], [7], ["a", "b"], {"a": 1}, {"values": None}, {"values": [None]}]),
)
NAMES_SENT = [
    *RICH, "csp", "stacktrace", "sentry.interfaces.Exception", "sentry.interfaces.Message", "sentry.interfaces.Stacktrace",
    "sentry.interfaces.User", "sentry.interfaces.Http", "server_name", "dist", "modules",
]  # fmt: skip


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for name, each in inner for place in places(each, (*path, name)))]


PLACES = [place for place in places(RICH) if place]


def replaced(value: Any, path: tuple[Any, ...], by: Any) -> Any:
    """A copy with what lies there replaced; unchanged when nothing lies there any more."""
    if not path:
        return by
    first, *rest = path
    if isinstance(value, dict) and (first in value or not rest):
        return {**value, first: replaced(value.get(first), tuple(rest), by)}
    if isinstance(value, list) and isinstance(first, int) and first < len(value):
        return [*value[:first], replaced(value[first], tuple(rest), by), *value[first + 1 :]]
    return value


CHANGES = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(PLACES), ODD),
        st.tuples(st.sampled_from([(name,) for name in NAMES_SENT]), ODD),
        st.tuples(st.just(("exception", "values", 1, "stacktrace", "frames", 2, "context_line")), st.text()),
        st.tuples(st.just(("exception", "values", 1, "stacktrace", "frames", 1, "pre_context")), ODD),
    ),
    max_size=4,
)


@pytest.mark.guarantee
@settings(max_examples=size(20_000), deadline=None)
@given(changes=CHANGES, ascii_only=st.booleans())
def test_whatever_is_sent_is_read_as_normalise_reads_it_or_by_it(changes: list[Any], ascii_only: bool) -> None:
    event: Any = RICH
    for path, by in changes:
        event = replaced(event, path, by)
    assert_same(json.dumps(event, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass"))


def of_frames(*frames: bytes) -> bytes:
    return b'{"exception":{"values":[{"type":"E","stacktrace":{"frames":[%s]}}]}}' % b",".join(frames)


SHAPES: dict[str, tuple[bytes, bool]] = {
    "a list of exceptions": (b'{"exception":[{"type":"E","stacktrace":{"frames":[{"function":"f"}]}}]}', False),
    "one exception by itself": (b'{"exception":{"type":"E"}}', False),
    "a stack in a thread": (
        b'{"exception":{"values":[{"type":"E","thread_id":1}]},"threads":{"values":[{"id":1,"stacktrace":{"frames":[{}]}}]}}',
        False,
    ),
    "a message with a stack": (b'{"message":"m","stacktrace":{"frames":[{"function":"f"}]}}', False),
    "a message as an exception": (b'{"message":"m","exception":{"values":[{"value":"m"}]}}', False),
    "a report": (b'{"csp":{"blocked-uri":"https://evil.example"}}', False),
    "no report": (b'{"csp":null,"message":"m"}', True),
    "a private key across lines": (
        of_frames(
            b'{"in_app":true,"context_line":"abc","pre_context":["-----BEGIN RSA PRIVATE KEY-----"],'
            b'"post_context":["-----END RSA PRIVATE KEY-----"]}'
        ),
        False,
    ),
    "a number for a function": (
        of_frames(b'{"function":7,"in_app":true}'),
        False,
    ),
    "libraries alone": (
        of_frames(b'{"in_app":false,"context_line":"a"}', b'{"in_app":false,"context_line":"b"}'),
        True,
    ),
    "101 frames": (
        of_frames(*(b'{"function":"f%d"}' % number for number in range(101))),
        True,
    ),
    "50 exceptions": (
        b'{"exception":{"values":[' + b",".join(b'{"type":"E%d"}' % number for number in range(50)) + b"]}}",
        True,
    ),
    "odd tags": (b'{"tags":{"a":1e999,"b":"\xff"}}', True),
    "an odd number": (b'{"timestamp":1e999}', False),
    "a lone surrogate in what is passed over": (b'{"extra":"\\ud800"}', False),
    "bytes that are not UTF-8 in what is passed over": (b'{"extra":"\xff","message":"m"}', True),
    "the same key twice": (b'{"message":"a","message":"b","tags":{"a":"b"},"tags":{"a":"c"}}', True),
    "a line that is too long": (
        of_frames(b'{"in_app":true,"context_line":"%s"}' % (b"x y" * 999)),
        True,
    ),
    "depth": (b'{"extra":%s%s}' % (b"[" * 100_000, b"]" * 100_000), False),
    "a byte order mark": (b'\xef\xbb\xbf{"message":"m"}', False),
}


@pytest.mark.parametrize(("raw", "is_plain"), SHAPES.values(), ids=SHAPES)
def test_a_shape_is_read_at_a_glance_or_left_to_normalise(raw: bytes, is_plain: bool) -> None:
    assert assert_same(raw) == is_plain


# --- what is read later ----------------------------------------------------------------------------------------------


def test_the_whole_is_read_once_and_only_for_what_was_passed_over() -> None:
    raw = json.dumps(RICH).encode()
    asked: list[Event] = []

    def ask() -> Event:
        asked.append(whole(raw))
        return asked[-1]

    event = seen(raw, ask).event
    for name in ("title", "culprit", "release", "environment", "user", "user_key", "tags", "request", "message"):
        assert getattr(event, name) == getattr(whole(raw), name)
    assert asked == []
    assert event.breadcrumbs == whole(raw).breadcrumbs
    assert event.main_exception == whole(raw).main_exception
    assert event.extra == whole(raw).extra
    assert len(asked) == 1


def test_it_can_be_copied_with_a_change_and_has_no_names_of_its_own() -> None:
    event = seen(json.dumps(RICH).encode()).event
    assert isinstance(event, Event)
    with pytest.raises(AttributeError):
        event.nonsense  # noqa: B018
    with pytest.raises(dataclasses.FrozenInstanceError):
        event.title = "other"
    assert {name: getattr(event, name) for name in NAMES} == dataclasses.asdict(event) | {
        name: getattr(event, name) for name in ("exceptions", "stacktrace", "breadcrumbs")
    }
    assert repr(event).startswith("LightEvent(event_id=")
