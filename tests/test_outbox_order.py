"""What the outbox sends, in which order, and what it sends together."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.work import let_pass
from tocsin.clock import database_now
from tocsin.outbox import pace, service, worker
from tocsin.outbox.failures import DeliveryError, Scope
from tocsin.outbox.models import Delivery, Priority
from tocsin.outbox.service import Route
from tocsin.outbox.worker import Lease

Add = Callable[..., Delivery]


class Outside:
    """Stands at the other end: remembers what came, and answers as it was told to."""

    def __init__(self) -> None:
        self.came: list[str] = []
        self.answers: dict[str, list[DeliveryError | None]] = {}

    def send(self, lease: Lease, *, name: str) -> None:
        lease.before_call()
        self.came.append(name)
        waiting = self.answers.get(name) or []
        if waiting and (error := waiting.pop(0)) is not None:
            raise error

    @property
    def senders(self) -> dict[str, Callable[..., None]]:
        return {"post": self.send, "refresh": self.send, "reply": self.send}

    def run(self) -> list[str]:
        """Send all that may go now; what came because of it."""
        before = len(self.came)
        worker.run_once(self.senders)
        return self.came[before:]


@pytest.fixture
def outside() -> Outside:
    return Outside()


@pytest.fixture
def pass_time(database: None) -> Callable[[float], None]:
    """As if these seconds had passed for the outbox."""
    return lambda seconds: let_pass(timedelta(seconds=seconds))


@pytest.fixture
def add(database: None) -> Add:
    def put(
        kind: str,
        name: str,
        *,
        subject: str = "card:1",
        lane: str = "slack:T1:C1",
        pool: str = "slack:T1",
        **more: Any,
    ) -> Delivery:
        method = "chat.update" if kind == "refresh" else "chat.postMessage"
        usual = Priority.REFRESH if kind == "refresh" else Priority.POST
        values = {"now": database_now(), "organization": None, "priority": usual, **more}
        return service.add(kind, {"name": name}, Route(subject=subject, lane=lane, pool=pool, method=method), **values)

    return put


def open_rows() -> list[str]:
    rows = Delivery.objects.filter(done_at__isnull=True, abandoned_at__isnull=True).order_by("id")
    return [row.about["name"] for row in rows]


def retry(**options: Any) -> DeliveryError:
    return DeliveryError("busy", "It is busy.", **options)


def test_a_refresh_and_a_reply_wait_for_the_post_of_their_card(add: Add, outside: Outside) -> None:
    add("post", "the post")
    add("refresh", "the refresh", priority=Priority.ANSWER)
    add("reply", "the reply", priority=Priority.ANSWER)
    outside.answers["the post"] = [retry()]
    assert outside.run() == ["the post"]
    Delivery.objects.update(due_at=database_now())
    assert outside.run() == ["the post", "the refresh", "the reply"]


def test_a_row_that_waits_for_a_retry_blocks_only_its_own_card(add: Add, outside: Outside) -> None:
    add("post", "first", subject="card:1")
    add("reply", "behind it", subject="card:1")
    add("post", "another card", subject="card:2")
    outside.answers["first"] = [retry()]
    assert outside.run() == ["first", "another card"]
    assert open_rows() == ["first", "behind it"]


def test_refreshes_of_one_card_are_sent_as_one(add: Add, outside: Outside) -> None:
    for number in range(10):
        add("refresh", f"click {number}")
    add("refresh", "of another card", subject="card:2")
    assert outside.run() == ["click 0", "of another card"]
    assert open_rows() == []


def test_a_refresh_that_was_added_while_one_was_drawn_is_sent_too(add: Add, outside: Outside) -> None:
    def draw_slowly(lease: Lease, *, name: str) -> None:
        outside.came.append(name)
        if name == "first":
            add("refresh", "meanwhile")

    add("refresh", "first")
    worker.run_once({"refresh": draw_slowly})
    assert outside.came == ["first", "meanwhile"]


def test_a_refresh_that_is_to_come_later_neither_blocks_one_that_is_due_nor_is_done_with_it(
    add: Add, outside: Outside
) -> None:
    add("refresh", "to settle", after=timedelta(seconds=3))
    add("refresh", "a click")
    assert outside.run() == ["a click"]
    assert open_rows() == ["to settle"]


def test_nothing_waits_for_a_refresh_that_nobody_has_begun(add: Add, outside: Outside) -> None:
    add("refresh", "to settle", after=timedelta(seconds=3))
    add("refresh", "numbers", priority=Priority.COUNTS)
    add("reply", "a reply")
    assert outside.run()[0] == "a reply"
    assert open_rows() == ["to settle"]


def test_a_failed_refresh_keeps_its_followers_waiting_and_takes_them_along_when_it_works(
    add: Add, outside: Outside
) -> None:
    add("refresh", "first")
    outside.answers["first"] = [retry()]
    assert outside.run() == ["first"]
    add("refresh", "second")
    assert outside.run() == []
    Delivery.objects.update(due_at=database_now())
    assert outside.run() == ["first"]
    assert open_rows() == []


def test_two_refreshes_of_one_card_are_never_under_way_at_once(add: Add, outside: Outside) -> None:
    def while_another_worker_looks(lease: Lease, *, name: str) -> None:
        if name == "first":
            add("refresh", "second", priority=Priority.ANSWER)
            assert outside.run() == []
        outside.came.append(name)

    add("refresh", "first")
    worker.run_once({"refresh": while_another_worker_looks})
    assert outside.came == ["first", "second"]


def test_what_a_person_waits_for_goes_first_and_numbers_last(add: Add, outside: Outside) -> None:
    for name, priority in (
        ("numbers", Priority.COUNTS),
        ("state", Priority.REFRESH),
        ("post", Priority.POST),
        ("answer", Priority.ANSWER),
    ):
        add("refresh", name, subject=name, priority=priority)
    assert outside.run() == ["answer", "post", "state", "numbers"]


# --- pace ------------------------------------------------------------------------------------------------------------
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def sent_within(budget: pace.Budget, seconds: float) -> int:
    """How many sends a budget lets go in that time, when as many as there may be are waiting."""
    ready, sent, end = NOW, 0, NOW + timedelta(seconds=seconds)
    while ready <= end:
        ready = pace.after_one(ready if sent else None, budget, max(ready, NOW))
        sent += 1
    return sent


@pytest.mark.parametrize(
    ("budget", "at_once", "in_a_minute"),
    [(pace.LANE, 3, 63), (pace.BUDGETS["chat.update"], 10, 60), (pace.COUNTS, 3, 15), (pace.OTHER, 5, 55)],
)
def test_a_budget_is_a_burst_and_then_an_even_flow(budget: pace.Budget, at_once: int, in_a_minute: int) -> None:
    assert sent_within(budget, 0) == at_once
    assert sent_within(budget, 60) == in_a_minute


def test_a_budget_that_rested_has_no_more_than_its_burst() -> None:
    ready = pace.after_one(None, pace.LANE, NOW)
    later = NOW + timedelta(hours=1)
    for _ in range(pace.LANE.burst):
        assert ready <= later
        ready = pace.after_one(ready, pace.LANE, later)
    assert ready == later + timedelta(seconds=1)


def run_timed(outside: Outside) -> tuple[list[str], float]:
    """What went, and how many seconds that took: budgets fill again meanwhile."""
    began = time.monotonic()
    return outside.run(), time.monotonic() - began


def test_a_channel_gets_a_small_burst_and_then_a_message_a_second(
    add: Add, outside: Outside, pass_time: Callable[[float], None]
) -> None:
    names = [f"here {number}" for number in range(12)]
    for name in names:
        add("post", name, subject=name)
    add("post", "elsewhere", subject="card:9", lane="slack:T1:C2")
    came, seconds = run_timed(outside)
    here = [name for name in came if name != "elsewhere"]
    assert "elsewhere" in came
    assert here == names[: len(here)]
    assert 3 <= len(here) <= 3 + seconds
    pass_time(1.0)
    assert names[len(here)] in outside.run()


def test_updates_keep_the_methods_budget_whatever_their_channels(
    add: Add, outside: Outside, pass_time: Callable[[float], None]
) -> None:
    for number in range(40):
        add("refresh", str(number), subject=f"card:{number}", lane=f"slack:T1:C{number}")
    came, seconds = run_timed(outside)
    assert 10 <= len(came) <= 10 + seconds * 50 / 60
    pass_time(60 / 50)
    assert len(outside.run()) >= 1
    add("refresh", "of another workspace", subject="other", pool="slack:T2")
    assert "of another workspace" in outside.run()


def test_numbers_take_at_most_a_quarter_of_the_updates_and_never_delay_a_click(
    add: Add, outside: Outside, pass_time: Callable[[float], None]
) -> None:
    for number in range(10):
        add("refresh", f"numbers {number}", subject=f"card:{number}", priority=Priority.COUNTS)
    came, seconds = run_timed(outside)
    assert 3 <= len(came) <= 3 + seconds * 12.5 / 60
    add("refresh", "a click", subject="card:9")
    assert "a click" in outside.run()
    assert "numbers 9" not in open_rows()  # the click's rendering did for it
    pass_time(60 / 12.5)
    assert len(outside.run()) >= 1


def test_a_full_channel_hides_nothing_that_may_go(add: Add, outside: Outside) -> None:
    for number in range(150):
        add("post", f"crowd {number}", subject=f"card:{number}")
    outside.run()
    add("post", "alone", subject="alone", lane="slack:T1:C2")
    assert outside.run() == ["alone"]


# --- what fails, and what waits with it --------------------------------------------------------------------------------
def test_a_rate_limit_stops_that_method_of_that_workspace_only(
    add: Add, outside: Outside, pass_time: Callable[[float], None]
) -> None:
    add("refresh", "limited", subject="card:1")
    outside.answers["limited"] = [retry(scope=Scope.METHOD, retry_after=timedelta(seconds=30))]
    assert outside.run() == ["limited"]
    add("refresh", "same method", subject="card:2")
    add("post", "another method", subject="card:3")
    add("refresh", "another workspace", subject="card:4", pool="slack:T2")
    assert outside.run() == ["another method", "another workspace"]
    pass_time(29)
    assert outside.run() == []
    pass_time(1)
    assert sorted(outside.run()) == ["limited", "same method"]
    assert Delivery.objects.get(about={"name": "limited"}).attempts == 1


def test_a_channel_that_asks_for_rest_rests_alone(
    add: Add, outside: Outside, pass_time: Callable[[float], None]
) -> None:
    add("post", "one")
    outside.answers["one"] = [retry(scope=Scope.LANE, retry_after=timedelta(seconds=30))]
    assert outside.run() == ["one"]
    add("post", "same channel", subject="card:2")
    add("post", "another channel", subject="card:3", lane="slack:T1:C2")
    assert outside.run() == ["another channel"]
    pass_time(30)
    assert sorted(outside.run()) == ["one", "same channel"]


def test_a_rate_limit_of_another_method_does_not_stop_the_rows_own(add: Add, outside: Outside) -> None:
    add("refresh", "one")
    outside.answers["one"] = [retry(scope=Scope.METHOD, retry_after=timedelta(seconds=30), method="conversations.info")]
    assert outside.run() == ["one"]
    add("refresh", "two", subject="card:2")
    assert outside.run() == ["two"]


def test_of_a_workspace_that_fails_one_row_is_tried_every_five_seconds_until_one_works(
    add: Add, outside: Outside, pass_time: Callable[[float], None]
) -> None:
    for number in range(5):
        add("post", str(number), subject=f"card:{number}", lane=f"slack:T1:C{number}")
        outside.answers[str(number)] = [retry(scope=Scope.POOL, is_ambiguous=True)]
    add("post", "another workspace", subject="other", lane="slack:T2:C1", pool="slack:T2")
    assert outside.run() == ["0", "another workspace"]
    pass_time(4)
    assert outside.run() == []
    for expected in ("1", "2", "3", "4"):
        pass_time(5)
        assert outside.run() == [expected]
    pass_time(5)
    assert sorted(outside.run()) == ["0", "1", "2", "3", "4"]


def test_a_row_that_always_fails_does_not_stop_its_workspace_for_ever(
    add: Add, outside: Outside, pass_time: Callable[[float], None]
) -> None:
    add("post", "cursed")
    outside.answers["cursed"] = [retry(scope=Scope.POOL)] * 100
    for number in range(12):
        add("post", f"good {number}", subject=f"good:{number}", lane=f"slack:T1:C{number}")
        outside.run()
        pass_time(6)
    outside.run()
    add("post", "now", subject="now", lane="slack:T1:C99")
    assert "now" in outside.run()
