"""Any SDK's JSON becomes an Event: nothing raises, everything is valid, cut and scrubbed."""

from __future__ import annotations

import dataclasses
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.events import load, names
from tests.sizes import size
from tocsin.intake.caps import BREADCRUMBS_MAX, ENTRIES_MAX, EXCEPTIONS_MAX, FRAMES_MAX, TAGS_MAX, TITLE_MAX, VALUE_MAX
from tocsin.intake.normalise import normalise
from tocsin.intake.plain import scrubbed
from tocsin.intake.scrub import FILTERED, is_secret_name, scrub_query, scrub_text
from tocsin.issues.event import Event, Level
from tocsin.issues.grouping import fingerprint_hash

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def event(**raw: Any) -> Event:
    return normalise(raw, accepted_at=NOW)


def texts(value: Any) -> list[str]:
    """Every text in an event, wherever it is."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for pair in value.items() for part in pair for text in texts(part)]
    if isinstance(value, (list, tuple)):
        return [text for part in value for text in texts(part)]
    if dataclasses.is_dataclass(value):
        return [text for field in dataclasses.fields(value) for text in texts(getattr(value, field.name))]
    return []


ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=40)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=20,
)
NAMES = (
    "event_id timestamp level platform logger exception message logentry fingerprint transaction release environment dist "
    "server_name tags user request contexts extra breadcrumbs sdk csp stacktrace threads"
).split()
FRAMES = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("function", "filename", "lineno", "vars", "in_app"), ANY_JSON)
)
EXCEPTION = st.fixed_dictionaries(
    {},
    optional={
        "type": ANY_JSON,
        "value": ANY_JSON,
        "mechanism": ANY_JSON,
        "stacktrace": ANY_JSON | st.fixed_dictionaries({"frames": st.lists(FRAMES | ANY_JSON, max_size=4)}),
    },
)
ANY_EVENT = st.fixed_dictionaries(
    {}, optional={**dict.fromkeys(NAMES, ANY_JSON), "exception": ANY_JSON | st.lists(EXCEPTION | ANY_JSON, max_size=3)}
)


@pytest.mark.guarantee
@settings(max_examples=size(3000), deadline=None)
@given(ANY_EVENT)
def test_no_json_raises_and_every_text_is_valid(raw: dict[str, Any]) -> None:
    made = normalise(raw, accepted_at=NOW)
    for text in texts(made):
        text.encode("utf-8")
        assert "\0" not in text
    assert 0 < len(made.title) <= TITLE_MAX
    assert len(fingerprint_hash(made, "v1").hash) == 32
    assert len(made.event_id) == 32
    assert made.timestamp.tzinfo is not None


PLATFORMS = {"node": "node", "browser": "javascript"}


@pytest.mark.parametrize("name", names())
def test_what_real_sdks_send_is_understood(name: str) -> None:
    made = normalise(load(name), accepted_at=NOW)
    assert made.platform == PLATFORMS.get(name.partition(".")[0], "python")
    assert made.environment in ("production", "staging")
    assert made.exceptions or made.message
    assert all(frame.function for exception in made.exceptions for frame in exception.frames)


def test_an_exception_titles_its_event_and_tells_where() -> None:
    made = normalise(load("chained.order_1"), accepted_at=NOW)
    assert made.title == "PaymentFailed: order 1 was not paid"
    assert made.culprit == "shop.payment in pay"
    assert [exception.type for exception in made.exceptions] == ["ConnectionResetError", "PaymentFailed"]
    assert made.exceptions[-1].frames[-1].context_line.strip().startswith("raise PaymentFailed")


@pytest.mark.parametrize(
    ("raw", "title"),
    [
        ({"message": "\n\n first line\nsecond"}, "first line"),
        ({"logentry": {"message": "%s is late", "formatted": "bob is late", "params": ["bob"]}}, "bob is late"),
        ({"exception": {"values": [{"type": "E"}]}}, "E"),
        ({"exception": {"type": "E", "value": "v"}}, "E: v"),
        ({"exception": [{"type": "E", "value": "one\ntwo"}]}, "E: one"),
        ({"exception": {"values": [None, 3, {"value": "only a value"}]}}, "only a value"),
        (
            {"csp": {"effective-directive": "script-src x", "blocked-uri": "https://cdn.example/a.js"}},
            "Blocked script-src from cdn.example",
        ),
        (
            {"csp": {"violated-directive": "img-src 'self'", "document-uri": "https://shop.example/?token=abc"}},
            "Blocked img-src from this page",
        ),
        ({"csp": {"effective_directive": "script-src", "blocked_uri": "inline"}}, "Blocked script-src from inline"),
        ({"logentry": {"message": "%s owes %d%%, %(x)s", "params": ["bob", 7]}}, "bob owes 7%, %(x)s"),
        ({"logentry": {"message": "{who} is late", "params": {"who": "eve"}}}, "eve is late"),
        ({"logentry": {"message": None}, "message": "plain"}, "plain"),
        ({"sentry.interfaces.Message": {"message": "from an old SDK"}}, "from an old SDK"),
        ({"sentry.interfaces.Exception": [{"type": "E", "value": "old"}]}, "E: old"),
        ({"exception": {"values": {"type": "E", "value": "alone"}}}, "E: alone"),
        ({"exception": [{"type": {"a": 1}, "value": []}], "message": "then this"}, "then this"),
        ({"exception": [{"stacktrace": {"frames": [{"module": "shop", "function": "pay"}]}}]}, "Error in shop in pay"),
        ({"exception": [{"type": "E", "value": "v" * 300}]}, "E: " + "v" * 251 + "…"),
        ({"message": "a\ud800b\0c"}, "a\ufffdbc"),
        ({"message": 10**5000}, "1.00000e+5000"),
        ({"message": {"message": float("nan")}}, "nan"),
        ({}, "An event without a message"),
    ],
)
def test_a_title_is_found_whatever_was_sent(raw: dict[str, Any], title: str) -> None:
    assert normalise(raw, accepted_at=NOW).title == title


@pytest.mark.parametrize(
    ("sent", "level"),
    [("warn", Level.WARNING), ("CRITICAL", Level.FATAL), ("log", Level.INFO), (None, Level.ERROR), (7, Level.ERROR)],
)
def test_levels_are_read_as_sdks_spell_them(sent: Any, level: Level) -> None:
    assert event(level=sent).level == level


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (1772366400, datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2026-03-01T12:00:00Z", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2026-03-01T13:00:00+01:00", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        (1772366400000, datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2026-03-01T12:00:00", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("0001-01-01T00:00:00+14:00", NOW),
        ("9999-12-31T23:59:59Z", NOW),
        (float("nan"), NOW),
        (10**400, NOW),
        (-5, NOW),
        ("yesterday", NOW),
        (1e300, NOW),
        (True, NOW),
        (None, NOW),
    ],
)
def test_a_time_is_read_or_else_that_of_acceptance_is_shown(sent: Any, expected: datetime) -> None:
    assert event(timestamp=sent).timestamp == expected


def test_long_things_keep_their_telling_ends() -> None:
    frames = [{"function": f"f{number}", "in_app": True} for number in range(500)]
    made = event(
        exception={"values": [{"type": "E", "stacktrace": {"frames": frames}}]},
        breadcrumbs=[{"message": str(number)} for number in range(500)],
        tags={f"t{number}": number for number in range(500)},
    )
    kept = [frame.function for frame in made.exceptions[0].frames]
    assert (len(kept), kept[0], kept[-1]) == (FRAMES_MAX, "f0", "f499")
    assert (len(made.breadcrumbs), made.breadcrumbs[-1].message) == (BREADCRUMBS_MAX, "499")
    assert len(made.tags) == TAGS_MAX


@pytest.mark.parametrize(
    ("path", "own"),
    [
        ("/srv/shop/checkout.py", True),
        ("/srv/venv/lib/python3.11/site-packages/django/x.py", False),
        ("C:\\app\\node_modules\\express\\index.js", False),
        ("node:internal/process", False),
        ("<frozen importlib._bootstrap>", False),
        ("/home/bob/go/pkg/mod/example.org/x@v1.2.3/x.go", False),
        ("chrome-extension://abc/content.js", False),
        ("https://shop.example/static/app.js", True),
        ("", None),
    ],
)
def test_where_the_sdk_is_silent_the_path_tells_whose_frame_it_is(path: str, own: bool | None) -> None:
    made = event(exception={"values": [{"type": "E", "stacktrace": {"frames": [{"function": "f", "abs_path": path}]}}]})
    assert made.exceptions[0].frames[0].in_app is own


def framed(**frame: Any) -> Any:
    return event(exception=[{"type": "E", "stacktrace": {"frames": [frame]}}]).exceptions[0].frames[0]


@pytest.mark.parametrize(
    ("module", "own"), [("java.util.List", False), ("javassist.Pool", True), ("shop.Basket", True)]
)
def test_a_module_tells_it_where_there_is_no_path(module: str, own: bool) -> None:
    assert framed(function="f", module=module).in_app is own


@pytest.mark.parametrize(
    ("sent", "number"),
    [(12, 12), ("12", 12), (12.0, 12), (12.5, None), (-1, None), (True, None), (2**31, None), ("x", None), ([1], None)],
)
def test_a_line_number_is_a_number_however_it_was_sent(sent: Any, number: int | None) -> None:
    assert framed(function="f", lineno=sent).lineno == number


def test_source_lines_stay_where_they_are_whatever_is_in_them() -> None:
    frame = framed(pre_context=["one\ntwo", None, "three\r\n"], context_line="bad\ud800\0", post_context="nothing")
    assert frame.pre_context == ("one two", "", "three\r ")
    assert frame.context_line == "bad\ufffd"
    assert frame.post_context == ()


def test_a_private_key_is_taken_out_of_the_source_with_all_its_lines() -> None:
    key = ["KEY = (", "-----BEGIN RSA PRIVATE KEY-----", "MIIEvQIB", "ADANBgkq"]
    frame = framed(pre_context=key, context_line="-----END RSA PRIVATE KEY-----", post_context=[")"])
    assert frame.pre_context == ("KEY = (", FILTERED, "", "")
    assert (frame.context_line, frame.post_context) == ("", (")",))


def test_a_line_that_only_handles_a_secret_can_be_read() -> None:
    line = 'password = form["password"] or tokens.get(token=request.token)'
    assert framed(context_line=line).context_line == line


def test_the_first_cause_and_what_was_caught_last_are_kept_of_a_long_chain() -> None:
    made = event(exception=[{"type": f"E{number}"} for number in range(100)])
    types = [exception.type for exception in made.exceptions]
    assert (len(types), types[0], types[-1]) == (EXCEPTIONS_MAX, "E0", "E99")


@pytest.mark.parametrize(
    ("sent", "tags"),
    [
        ({"a": "1", "b": 2, "c": True, "d": None, "": "x"}, (("a", "1"), ("b", "2"), ("c", "true"))),
        ([["a", "1"], ["a", "2"], None, ["b"], [["x"], "3"]], (("a", "1"),)),
        ([{"key": "a", "value": "1"}], (("a", "1"),)),
        ({"k" * 100: "v" * 300}, (("k" * 63 + "…", "v" * 199 + "…"),)),
        ("no tags", ()),
    ],
)
def test_tags_are_read_in_each_shape(sent: Any, tags: tuple[tuple[str, str], ...]) -> None:
    assert event(tags=sent).tags == tags


@pytest.mark.parametrize(
    "raw",
    [
        {"stacktrace": {"frames": [{"function": "f"}]}},
        {"stacktrace": [{"function": "f"}]},
        {"threads": {"values": [{"id": 1, "stacktrace": {"frames": [{"function": "f"}]}}]}},
        {"threads": [{"id": 1}, {"id": 2, "current": True, "stacktrace": {"frames": [{"function": "f"}]}}]},
        {"exception": {"values": [{"value": "hello", "stacktrace": {"frames": [{"function": "f"}]}}]}},
    ],
)
def test_the_stack_of_a_message_is_found_wherever_it_was_put(raw: dict[str, Any]) -> None:
    made = event(message="hello", **raw)
    assert (made.type, made.title, made.exceptions) == ("message", "hello", ())
    assert [frame.function for frame in made.stacktrace] == ["f"]


def test_the_stack_of_an_exception_may_lie_in_its_thread() -> None:
    threads = [{"id": 7, "stacktrace": {"frames": [{"function": "f"}]}}, {"id": 8}]
    made = event(exception=[{"type": "E", "thread_id": 7}], threads={"values": threads})
    assert [frame.function for frame in made.exceptions[0].frames] == ["f"]


def test_what_is_nested_too_deep_wide_or_large_is_cut() -> None:
    deep: Any = "end"
    for _ in range(5000):
        deep = [{"a": deep}]
    made = event(extra={"deep": deep, "wide": list(range(500)), "long": "x" * 9000, "big": 2**60, "odd": float("inf")})
    assert made.extra["deep"] == [{"a": [{"a": ["…"]}]}]
    assert len(made.extra["wide"]) == ENTRIES_MAX
    assert made.extra["long"] == "x" * (VALUE_MAX - 1) + "…"
    assert (made.extra["big"], made.extra["odd"]) == (str(2**60), "inf")


def test_breadcrumbs_that_are_none_are_left_out() -> None:
    made = event(breadcrumbs={"values": [None, {"message": "one", "timestamp": 1772366400}, 3]})
    assert [(crumb.message, crumb.timestamp) for crumb in made.breadcrumbs] == [
        ("one", datetime(2026, 3, 1, 12, tzinfo=UTC))
    ]


@pytest.mark.parametrize(
    "raw",
    [
        {"message": "a1-" * 350_000},
        {"exception": [{"type": "E", "value": "1:" * 4000}] * 100},
        {"exception": [{"type": "E", "stacktrace": {"frames": [{"context_line": "://" * 85}] * 200}}] * 20},
        {"extra": {str(number): "a=['" * 1000 for number in range(300)}},
        {"extra": dict.fromkeys(map(str, range(100_000)), 1)},
        {"request": {"query_string": "&" * 1_000_000, "url": "?" * 1_000_000}},
        {"logentry": {"message": "%(" * 500_000, "params": {"a": 1}}},
        {"csp": {"blocked_uri": "a@" * 500_000}},
    ],
    ids=["message", "chain", "frames", "texts", "names", "request", "template", "report"],
)
def test_no_event_takes_long(raw: dict[str, Any]) -> None:
    began = time.process_time()
    fingerprint_hash(normalise(raw, accepted_at=NOW), "v1")
    assert time.process_time() - began < 1


# --- secrets ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "is_secret"),
    [
        ("password", True),
        ("user_password", True),
        ("newPassword", True),
        ("API_KEY", True),
        ("apiKey", True),
        ("x-api-key", True),
        ("Authorization", True),
        ("Set-Cookie", True),
        ("csrftoken", True),
        ("accessToken", True),
        ("client_secret", True),
        ("card_number", True),
        ("author", False),
        ("monkey", False),
        ("keyboard", False),
        ("tokenizer", False),
        ("passenger", False),
        ("sku", False),
    ],
)
def test_a_name_tells_whether_it_is_secret(name: str, is_secret: bool) -> None:
    assert is_secret_name(name) is is_secret


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("paid with 4242 4242 4242 4242 today", f"paid with {FILTERED} today"),
        ("card 378282246310005", f"card {FILTERED}"),
        ("order 4242424242424241 is late", "order 4242424242424241 is late"),
        ("at 1772366400000", "at 1772366400000"),
        ("Authorization: Bearer abc.def-ghi_jkl", f"Authorization: Bearer {FILTERED}"),
        ("postgresql://bob:hunter2@db.example/x", f"postgresql://{FILTERED}@db.example/x"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", FILTERED),
        ("-----BEGIN PRIVATE KEY-----\nMIIE", FILTERED),
        ("Basic Ym9iOmh1bnRlcjI=", f"Basic {FILTERED}"),
        ("Basic authentication required", "Basic authentication required"),
        ("bearer credentials are missing", "bearer credentials are missing"),
        ("xoxb-1234567890-abcdef", FILTERED),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc", FILTERED),
        ("{'password': 'hunter2', 'sku': 'mug'}", f"{{'password': '{FILTERED}', 'sku': 'mug'}}"),
        ('{"pin": 1234, "sku": 7}', f'{{"pin": {FILTERED}, "sku": 7}}'),
        ('{\\"token\\": \\"abc\\"}', f'{{\\"token\\": \\"{FILTERED}\\"}}'),
        ("login(password=hunter2, host=db)", f"login(password={FILTERED}, host=db)"),
        ("auth=None, author=bob", "auth=None, author=bob"),
        ("Unexpected token: }", "Unexpected token: }"),
        ("GET /?token=abc&page=2", f"GET /?token={FILTERED}&page=2"),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_what_looks_like_a_secret_is_taken_out_of_a_text(text: str, scrubbed: str) -> None:
    assert scrub_text(text) == scrubbed


def test_secrets_are_found_wherever_they_are_nested() -> None:
    value = {"a": [{"Password": "x", "sku": "mug"}], "headers": [["Cookie", "s=1"], ["Accept", "*/*"]], "token": None}
    assert scrubbed(value) == {
        "a": [{"Password": FILTERED, "sku": "mug"}],
        "headers": [["Cookie", FILTERED], ["Accept", "*/*"]],
        "token": None,
    }
    assert scrubbed({"name": "Cookie", "value": "s=1"}) == {"name": "Cookie", "value": FILTERED}
    assert scrubbed({"paid_with": 4242424242424242, "order": 4242424242424241}) == {
        "paid_with": FILTERED,
        "order": 4242424242424241,
    }


def test_a_query_keeps_what_is_no_secret() -> None:
    assert (
        scrub_query("sku=mug&api%5Fkey=1&password=2&empty=")
        == f"sku=mug&api%5Fkey={FILTERED}&password={FILTERED}&empty="
    )


def test_no_secret_of_an_event_is_left_anywhere() -> None:
    secret = "hunter2-hunter2"
    made = event(
        message=f"could not reach https://bob:{secret}@db.example/",
        request={
            "url": f"https://shop.example/?token={secret}",
            "headers": {"Authorization": secret, "Cookie": secret},
            "cookies": {"sessionid": secret},
            "data": f"password={secret}",
            "query_string": f"api_key={secret}",
        },
        extra={"settings": {"SECRET_KEY": secret}},
        contexts={"app": {"auth_token": secret}},
        tags={"password": secret},
        transaction=f"GET /?token={secret}",
        csp={"blocked_uri": f"https://cdn.example/?token={secret}"},
        breadcrumbs=[{"message": f"Bearer {secret}", "data": {"client_secret": secret}}],
        exception=[{"type": "E", "stacktrace": {"frames": [{"function": "f", "vars": {"password": secret}}]}}],
    )
    assert not [text for text in texts(made) if secret in text]
