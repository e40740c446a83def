"""Stacks as people read them, and counts as bars: pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tocsin.issues.event import Event, ExceptionValue, Frame
from tocsin.web.sparkline import HEIGHT, WIDTH, sparkline
from tocsin.web.trace import Fold, fold, raised

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def frame(function: str, *, own: bool | None = True, line: int = 1) -> Frame:
    return Frame(function=function, module="shop", filename="shop.py", lineno=line, in_app=own)


def shape(*frames: Frame) -> list[tuple[str, list[str], int]]:
    return [(part.fold, [call.frame.function for call in part.calls], part.turns) for part in fold(frames)]


def test_the_newest_call_comes_first() -> None:
    assert shape(frame("main"), frame("checkout")) == [("open", ["checkout"], 1), ("open", ["main"], 1)]


def test_calls_into_libraries_are_folded_together() -> None:
    folded = shape(frame("main"), frame("get", own=False), frame("send", own=False), frame("hook"))
    assert folded == [("open", ["hook"], 1), ("library", ["send", "get"], 1), ("open", ["main"], 1)]


@pytest.mark.parametrize("said", [None, False])
def test_without_own_calls_the_newest_is_open(said: bool | None) -> None:
    folded = shape(frame("a", own=said), frame("b", own=said), frame("c", own=said))
    assert folded == [("open", ["c"], 1), ("library", ["b", "a"], 1)]


def test_a_recursion_is_shown_for_one_turn() -> None:
    folded = shape(frame("main"), *[frame("walk", line=7)] * 50, frame("leaf"))
    assert folded == [("open", ["leaf"], 1), ("recursion", ["walk"], 50), ("open", ["main"], 1)]


def test_a_recursion_of_calls_that_take_turns_is_found() -> None:
    folded = shape(frame("main"), *[frame("odd"), frame("even")] * 9)
    assert folded == [("recursion", ["even", "odd"], 9), ("open", ["main"], 1)]


def test_the_same_call_twice_is_no_recursion() -> None:
    assert [part[0] for part in shape(frame("walk"), frame("walk"))] == ["open", "open"]


def test_the_same_function_at_other_lines_is_no_recursion() -> None:
    assert [part[0] for part in shape(*[frame("walk", line=line) for line in range(5)])] == ["open"] * 5


def test_a_stack_without_calls_has_no_parts() -> None:
    assert fold(()) == ()


def test_every_line_around_a_call_has_its_number() -> None:
    call = Frame(
        function="total",
        filename="shop.py",
        lineno=12,
        pre_context=("def total():", "    n = 0"),
        context_line="    1 / n",
        post_context=("",),
    )
    lines = fold((call,))[0].call.lines
    assert [(line.number, line.text, line.is_current) for line in lines] == [
        (10, "def total():", False),
        (11, "    n = 0", False),
        (12, "    1 / n", True),
        (13, "", False),
    ]


def test_the_outermost_exception_comes_first_and_its_causes_below() -> None:
    chain = (ExceptionValue(type="KeyError"), ExceptionValue(type="CheckoutFailed", frames=(frame("checkout"),)))
    shown = raised(Event(event_id="0" * 32, accepted_at=NOW, timestamp=NOW, exceptions=chain))
    assert [(one.exception.type, one.is_cause, len(one.parts)) for one in shown] == [
        ("CheckoutFailed", False, 1),
        ("KeyError", True, 0),
    ]
    assert shown[0].parts[0].fold is Fold.OPEN


# --- sparklines --------------------------------------------------------------------------------------------------------


def hour(ago: int) -> datetime:
    return NOW.replace(minute=0, second=0) - timedelta(hours=ago)


def test_a_sparkline_ends_with_the_present_hour_and_begins_23_before_it() -> None:
    spark = sparkline({hour(0): 4, hour(23): 2, hour(24): 99}, NOW)
    first, last = spark.bars
    assert (first.x, first.height) == (0, HEIGHT // 2)
    assert (last.x + last.width + 1, last.height, last.y) == (WIDTH, HEIGHT, 0)


def test_an_hour_with_one_event_among_thousands_is_seen() -> None:
    assert min(bar.height for bar in sparkline({hour(0): 9_000, hour(1): 1}, NOW).bars) == 2


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({}, "no events in the last 24 hours"),
        ({hour(3): 1}, "1 event in the last 24 hours, at most 1 in one hour"),
        ({hour(3): 1000, hour(4): 2}, "1,002 events in the last 24 hours, at most 1,000 in one hour"),
    ],
)
def test_a_sparkline_says_in_words_what_it_draws(counts: dict[datetime, int], words: str) -> None:
    assert sparkline(counts, NOW).label == words
