"""Which events are the same error: pairs of events that real SDKs sent, and what is taken out of texts."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.events import HERE, load, names
from tocsin.intake.normalise import normalise
from tocsin.issues.event import Event
from tocsin.issues.grouping import GROUPING, Grouping, fingerprint_hash
from tocsin.issues.grouping.parameterise import parameterise

NOW = datetime(2026, 3, 1, tzinfo=UTC)

SAME = [
    ("key.first", "key.again", "the same twice"),
    ("key.first", "key.moved_down", "line numbers do not decide"),
    ("key.first", "key.other_release", "nor does the release"),
    ("key.first", "key.other_environment", "nor the environment"),
    ("key.first", "key.other_server", "nor the server"),
    ("key.first", "key.indented", "nor how far a line is indented"),
    ("key.moved_down", "key.other_release", "nor both together"),
    ("chained.order_1", "chained.order_4711", "an id in a message, where there is a stack"),
    ("recursive.3", "recursive.12", "how deep a recursion went"),
    ("recursive.3", "recursive.90", "even when the middle was left out"),
    ("recursive.12", "recursive.90", "from either side"),
    ("mutual.3", "mutual.8", "two functions that call each other"),
    ("value.number_1", "value.number_99", "a number in the message"),
    ("value.number_1", "value.other_words", "the same line raised it"),
    ("lambda.first", "lambda.moved_down", "a function without a name"),
    ("async.first", "async.moved_down", "a task of an event loop"),
    ("thread.disk_1", "thread.disk_2", "another thread"),
    ("group.both", "group.again", "a group of exceptions"),
    ("stdlib.text_1", "stdlib.text_2", "raised in a library, called from one line"),
    ("during.first", "during.moved_down", "raised while another was handled"),
    ("bare.first", "bare.again", "an exception that says nothing"),
    ("message.order_1", "message.order_815", "a number"),
    ("message.order_1", "message.other_level", "the level does not decide"),
    ("message.uuid_1", "message.uuid_2", "an UUID"),
    ("message.date_1", "message.date_2", "a date"),
    ("message.ip_1", "message.ip_2", "an address on the network"),
    ("message.mail_1", "message.mail_2", "an e-mail address"),
    ("message.url_1", "message.url_2", "an URL and a duration"),
    ("message.hex_1", "message.hex_2", "a hash"),
    ("message.path_1", "message.path_2", "a path"),
    ("fingerprint.a_1", "fingerprint.a_2", "the SDK's fingerprint wins over the message"),
    ("fingerprint.default_1", "fingerprint.default_2", "the default within a fingerprint"),
    ("fingerprint.only_default", "message.order_1", "a fingerprint that is only the default is none"),
    ("log.bob", "log.eve", "the template decides, not what was put in"),
    ("node.type.first", "node.type.moved_down", "line numbers do not decide"),
    ("node.caused.1", "node.caused.4711", "an id in both messages of a chain"),
    ("node.late.first", "node.late.moved_down", "a promise that was rejected"),
    ("node.deep.3", "node.deep.7", "how deep a recursion went"),
    ("node.message.1", "node.message.22", "a number"),
    ("node.overflow.ping", "node.overflow.moved_down", "a stack that was full"),
    ("node.aggregate.price_first", "node.aggregate.stock_first", "several promises fail in any order"),
    ("node.library.first", "node.library.upgraded", "another version of a library"),
    ("node.callback.first", "node.callback.moved_down", "a callback without a name"),
    ("node.thrown.text_1", "node.thrown.text_2", "a text was thrown"),
    ("node.template.bob", "node.template.eve", "the template decides, not what was put in"),
    ("browser.type.first", "browser.type.other_build", "the file's name changes with each build"),
    ("browser.type.first", "browser.type.other_page", "what else the address says"),
    ("browser.minified.first", "browser.minified.other_build", "a minifier gives new names with each build"),
    ("browser.rejected.1", "browser.rejected.2", "a number in a promise's rejection"),
    ("browser.chained.1", "browser.chained.4711", "an id in both messages of a chain"),
    ("browser.message.1", "browser.message.22", "a number"),
    ("browser.message.1", "node.message.1", "the same words, from another SDK"),
    ("library.first", "library.upgraded", "another version of a library"),
    ("overflow.even", "overflow.odd", "where the stack happened to be full"),
    ("tasks.price_first", "tasks.stock_first", "tasks fail in any order"),
    ("tasks.price_first", "tasks.stock_thrice", "and any number of them"),
    ("logged.order_1", "logged.order_2", "an exception that was logged"),
    ("complaint.order_1", "complaint.order_2", "a number in a message that has a stack"),
    ("unraised.row_1", "unraised.row_2", "no stack: a number and an e-mail address in the words"),
    ("unraised.object_1", "unraised.object_2", "no stack: where in memory it was"),
    ("unraised.sku_1", "unraised.sku_2", "no stack: an id in quotes"),
    ("comprehension.first", "comprehension.moved_down", "a comprehension"),
    ("script.first", "script.other_folder", "where the program was unpacked"),
]

NOT_SAME = [
    ("key.first", "key.line_changed", "the line that failed is another"),
    ("key.first", "key.other_key", "the line that called is another"),
    ("key.first", "key.renamed", "another function"),
    ("key.first", "key.other_module", "another module"),
    ("key.first", "key.same_line_elsewhere", "the same line in another function"),
    ("key.first", "value.number_1", "another type, elsewhere"),
    ("chained.order_1", "chained.other_cause", "another cause"),
    ("chained.order_1", "chained.without_cause", "a cause that is not told"),
    ("recursive.3", "mutual.3", "another recursion"),
    ("recursive.3", "recursive.other_words", "the line that failed is another"),
    ("value.number_1", "value.other_type", "another type at the same line"),
    ("caller.page", "caller.job", "called from elsewhere"),
    ("group.both", "group.one", "another group"),
    ("group.one", "value.number_1", "a group of one is not the one"),
    ("lambda.first", "key.first", "a KeyError elsewhere"),
    ("async.first", "thread.disk_1", "a task is no thread"),
    ("thread.disk_1", "key.first", "another thing"),
    ("stdlib.text_1", "during.first", "a ValueError elsewhere"),
    ("during.first", "key.first", "a KeyError elsewhere"),
    ("method.first", "method.other_class", "another line called it"),
    ("bare.first", "method.first", "nothing said is not the same as anything"),
    ("message.order_1", "message.other_words", "other words"),
    ("message.uuid_1", "message.order_1", "another message"),
    ("message.date_1", "message.ip_1", "another message"),
    ("message.mail_1", "message.url_1", "another message"),
    ("message.hex_1", "message.path_1", "another message"),
    ("fingerprint.a_1", "fingerprint.b", "another fingerprint"),
    ("fingerprint.default_1", "fingerprint.default_us", "the default with something else beside it"),
    ("fingerprint.default_1", "message.order_1", "more than the default"),
    ("fingerprint.a_1", "message.order_1", "a fingerprint is not a message"),
    ("log.bob", "log.other_template", "another template"),
    ("node.type.first", "node.type.other_file", "another file"),
    ("node.type.first", "node.type.renamed", "another function"),
    ("node.caused.1", "node.late.first", "an Error elsewhere"),
    ("node.late.first", "node.deep.3", "an Error elsewhere"),
    ("node.message.1", "node.message.other", "other words"),
    ("node.caused.1", "node.caused.other_cause", "another cause"),
    ("node.aggregate.price_first", "node.aggregate.only_stock", "another group"),
    ("node.overflow.ping", "node.deep.3", "another recursion"),
    ("node.library.first", "node.callback.first", "another place"),
    ("node.callback.first", "node.callback.other_line", "the line that failed is another"),
    ("node.method.first", "node.method.other_class", "a method of another class"),
    ("node.thrown.text_1", "node.thrown.object", "something else was thrown"),
    ("node.template.bob", "node.template.other", "another template"),
    ("browser.type.first", "browser.type.renamed", "another function"),
    ("browser.type.first", "browser.type.other_file", "another file"),
    ("browser.minified.first", "browser.minified.other_error", "a minified file: other words"),
    ("browser.rejected.1", "browser.chained.1", "an Error elsewhere"),
    ("browser.message.1", "browser.message.other", "other words"),
    ("library.first", "library.other_caller", "another caller of the library"),
    ("overflow.even", "mutual.3", "another recursion"),
    ("tasks.price_first", "tasks.only_stock", "another group"),
    ("logged.order_1", "logged.other_error", "another type"),
    ("complaint.order_1", "complaint.other_words", "one place that says many things"),
    ("unraised.row_1", "unraised.other_words", "no stack: other words"),
    ("unraised.row_1", "unraised.other_type", "no stack: another type"),
    ("unraised.object_1", "unraised.sku_1", "no stack: another error"),
    ("comprehension.first", "key.first", "a KeyError elsewhere"),
    ("script.first", "script.other_file", "another program"),
]

PINNED = Path(__file__).parent / "golden" / "grouping" / "v1.json"


def event(name: str) -> Event:
    return normalise(load(name), accepted_at=NOW)


def group(name: str) -> str:
    return fingerprint_hash(event(name), "v1").hash


@pytest.mark.parametrize(("one", "other", "why"), SAME, ids=lambda value: value.replace(" ", "_"))
def test_two_events_are_the_same_error(one: str, other: str, why: str) -> None:
    assert group(one) == group(other), why


@pytest.mark.parametrize(("one", "other", "why"), NOT_SAME, ids=lambda value: value.replace(" ", "_"))
def test_two_events_are_not_the_same_error(one: str, other: str, why: str) -> None:
    assert group(one) != group(other), why


def test_every_event_stands_in_a_pair() -> None:
    assert {name for pair in SAME + NOT_SAME for name in pair[:2]} == set(names())
    assert len(SAME) + len(NOT_SAME) >= 60


def test_a_version_that_was_released_never_changes() -> None:
    """The file is written once, when a version is made. A difference here means: make a new version."""
    pinned = json.loads(PINNED.read_text(encoding="utf-8"))
    assert {name: group(name) for name in names()} == pinned


def test_an_unknown_version_is_an_error() -> None:
    assert set(GROUPING) == {"v1"}
    with pytest.raises(KeyError):
        fingerprint_hash(event("key.first"), "v0")


@pytest.mark.parametrize(
    ("text", "parameterised"),
    [
        ("order 4711 failed", "order <number> failed"),
        ("item5 is gone", "item5 is gone"),
        ("ORD123456 and order_815", "ORD<number> and order_<number>"),
        ("no SKU 'mug-12'", "no SKU '<id>'"),
        ("unknown encoding 'utf8'", "unknown encoding 'utf8'"),
        ("E404: no such page", "E404: no such page"),
        ("took 12.5 MiB, not 512kB", "took <size>, not <size>"),
        ("5xx from 3rd party", "5xx from 3rd party"),
        ("v1.2.3 is too old", "<version> is too old"),
        ("from fe80::1ff:fe23:4567:890a on", "from <ip> on"),
        ("Sun, 01 Mar 2026 12:00:00 GMT", "<date>"),
        ("waited 3 seconds", "waited <duration>"),
        ("1,234.50 EUR", "<number> EUR"),
        ("token dGhpc2lzYWxvbmdpZDEy is old", "token <id> is old"),
        ("C:\\shop\\a.txt", "<path>"),
        ("user a.b@example.com at 10.0.0.1:80", "user <email> at <ip>"),
        ("1b4e28ba-2fa1-11d2-883f-0016d3cca427", "<uuid>"),
        ("at 2026-03-01T12:30:00.123Z", "at <date>"),
        ("at 2026-03-01 12:30:00+01:00 sharp", "at <date> sharp"),
        ("GET https://x.example/a?b=1 took 12.5ms", "GET <url> took <duration>"),
        ("<Basket object at 0x7f3a2b10>", "<Basket object at <address>>"),
        ("open /srv/shop/a.py", "open <path>"),
        ("sha 5d41402abc4b2a76b9719d911017c592", "sha <hex>"),
        ("std::vector is empty", "std::vector is empty"),
        ("  two\n lines  ", "two lines"),
        ("-3.5e10%", "<number>%"),
        ("", ""),
    ],
)
def test_what_differs_is_taken_out_of_a_text(text: str, parameterised: str) -> None:
    assert parameterise(text) == parameterised


def test_where_there_is_no_stack_type_and_message_decide() -> None:
    def raised(kind: str, value: str) -> str:
        raw = {"exception": {"values": [{"type": kind, "value": value}]}}
        return fingerprint_hash(normalise(raw, accepted_at=NOW), "v1").hash

    assert raised("Timeout", "after 30 s") == raised("Timeout", "after 5 s")
    assert raised("Timeout", "after 30 s") != raised("Timeout", "never")
    assert raised("Timeout", "after 30 s") != raised("Late", "after 30 s")


def test_a_policy_report_is_known_by_its_rule_and_host() -> None:
    def report(directive: str, blocked: str) -> str:
        raw = {"csp": {"effective_directive": directive, "blocked_uri": blocked}}
        return fingerprint_hash(normalise(raw, accepted_at=NOW), "v1").hash

    assert report("script-src", "https://cdn.example/a.js") == report("script-src", "https://cdn.example/b.js?x=1")
    assert report("script-src", "https://cdn.example/a.js") != report("img-src", "https://cdn.example/a.js")
    assert report("script-src", "https://cdn.example/a.js") != report("script-src", "https://other.example/a.js")


def test_browser_files_are_known_without_their_build_hash() -> None:
    def thrown(filename: str) -> str:
        frame = {"filename": filename, "function": "render", "in_app": True}
        raw = {"platform": "javascript", "exception": {"values": [{"type": "E", "stacktrace": {"frames": [frame]}}]}}
        return fingerprint_hash(normalise(raw, accepted_at=NOW), "v1").hash

    first = "https://shop.example/static/app.3f2a9c1d.js"
    assert thrown(first) == thrown("https://cdn.shop.example/static/app.99ab00cd.js?v=2")
    assert thrown(first) != thrown("https://shop.example/static/cart.3f2a9c1d.js")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"function": "Shop$1.total"}, {"function": "Shop$2.total"}),
        ({"function": "lambda$main$0"}, {"function": "lambda$main$7"}),
        (
            {"module": "shop", "function": "Shop$$EnhancerBySpringCGLIB$$a1b2c3"},
            {"module": "shop", "function": "Shop$$EnhancerBySpringCGLIB$$ff"},
        ),
        ({"function": "<Main>b__0_1"}, {"function": "<Main>b__3_0"}),
        ({"function": "<Main>g__Local|0_0"}, {"function": "<Main>g__Local|4_1"}),
        ({"function": "{closure:Shop::pay():42}"}, {"function": "{closure:Shop::pay():99}"}),
        ({"function": "shop::pay::{{closure}}::h0123456789abcdef"}, {"function": "shop::pay::{{closure}}"}),
        ({"function": "main.pay.func1.2"}, {"function": "main.pay.func3"}),
        ({"function": "block (2 levels) in pay"}, {"function": "block (3 levels) in pay"}),
        ({"function": "closure #1 in pay"}, {"function": "closure #2 in pay"}),
        ({"function": "Object.pay [as handler]"}, {"function": "pay"}),
        ({"function": "async pay"}, {"function": "pay"}),
        ({"function": "<Basket at 0x7f01>.pay"}, {"function": "<Basket at 0x8e02>.pay"}),
        ({"function": "pay", "filename": "app.3f2a9c1d.js"}, {"function": "pay", "filename": "app.0a1b2c3d.js"}),
        (
            {"function": "pay", "filename": "/v/gems/cart-1.2.3/a.rb"},
            {"function": "pay", "filename": "/v/gems/cart-1.3.0/a.rb"},
        ),
        ({"function": "pay", "filename": "index-DiwrgTda.js"}, {"function": "pay", "filename": "index-B1oA9_xz.js"}),
        (
            {"function": "pay", "filename": "webpack:///./src/a.js?1a2b"},
            {"function": "pay", "filename": "webpack:///./src/a.js"},
        ),
        ({"function": "t", "filename": "a.min.js"}, {"function": "n", "filename": "a.min.js"}),
        ({"function": "pay", "context_line": "  x = 1"}, {"function": "pay", "context_line": "x  =  1 "}),
        ({"function": "pay", "context_line": "x" * 200}, {"function": "pay", "context_line": "y" * 200}),
        ({"function": "pay", "context_line": "{snip} a"}, {"function": "pay", "context_line": "{snip} b"}),
    ],
    ids=lambda frame: frame["function"],
)
def test_what_tools_put_into_names_does_not_decide(one: dict[str, str], other: dict[str, str]) -> None:
    def raised(frame: dict[str, str]) -> str:
        raw = {"exception": [{"type": "E", "stacktrace": {"frames": [{"filename": "a", **frame, "in_app": True}]}}]}
        return fingerprint_hash(normalise(raw, accepted_at=NOW), "v1").hash

    assert raised(one) == raised(other)
    assert raised(one) != raised({"function": "refund"})


def test_where_everything_is_of_libraries_their_frames_decide() -> None:
    def raised(*functions: str) -> Grouping:
        frames = [{"function": name, "module": "lib", "in_app": False} for name in functions]
        raw = {"exception": [{"type": "E", "value": functions[0], "stacktrace": {"frames": frames}}]}
        return fingerprint_hash(normalise(raw, accepted_at=NOW), "v1")

    assert raised("a", "b").hash != raised("a", "c").hash
    assert raised("a", "b").why == "the stack, which is of libraries alone"


def test_a_comprehension_is_no_place_of_its_own_as_from_python_3_12_on() -> None:
    raw = load("comprehension.first")
    stack = raw["exception"]["values"][0]["stacktrace"]
    stack["frames"] = [frame for frame in stack["frames"] if frame["function"] != "<listcomp>"]
    assert fingerprint_hash(normalise(raw, accepted_at=NOW), "v1").hash == group("comprehension.first")


def test_parts_of_a_fingerprint_cannot_pass_for_one_another() -> None:
    def printed(*parts: str) -> str:
        return fingerprint_hash(normalise({"fingerprint": list(parts)}, accepted_at=NOW), "v1").hash

    assert (
        len({printed("a", "b"), printed("ab"), printed("a", "", "b", "c"), printed("1:a1:b"), printed("b", "a")}) == 5
    )


def test_events_lie_where_the_generator_puts_them() -> None:
    assert all((HERE / f"{name}.json").is_file() for name in names())
