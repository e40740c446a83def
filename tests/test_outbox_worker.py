"""Leases, fences, dead letters, and the worker that runs by itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from tests.test_outbox_order import Add, Outside, add, open_rows, outside, pass_time, retry
from tests.waiting import until
from tocsin.clock import database_now
from tocsin.outbox import outcomes, wakeup, worker
from tocsin.outbox.claims import claim
from tocsin.outbox.failures import FencedOut
from tocsin.outbox.lease import LEASE, SEND_SECONDS
from tocsin.outbox.models import Delivery
from tocsin.outbox.worker import Lease

__all__ = ["add", "outside", "pass_time"]  # fixtures

KINDS = ("post", "refresh", "reply")


def claim_one() -> Lease:
    (lease,) = claim(KINDS, limit=1)
    return lease


# --- leases ----------------------------------------------------------------------------------------------------------
def test_a_claimed_row_is_nobody_elses_until_its_lease_has_ended(add: Add, pass_time: Callable[[float], None]) -> None:
    add("post", "one")
    first = claim_one()
    assert first.time_left() == pytest.approx(LEASE.total_seconds(), abs=2)
    pass_time(29)
    assert claim(KINDS, limit=1) == []
    pass_time(2)
    second = claim_one()
    assert second.id == first.id
    assert second.token != first.token


def test_a_row_claimed_before_without_a_recorded_outcome_is_ambiguous(
    add: Add, pass_time: Callable[[float], None]
) -> None:
    add("post", "one")
    assert not claim_one().is_ambiguous
    pass_time(31)
    lease = claim_one()
    assert lease.is_ambiguous
    outcomes.fail(lease, retry())
    pass_time(4000)
    assert claim_one().is_ambiguous


def test_a_failure_that_cannot_have_had_an_effect_is_not_ambiguous(
    add: Add, pass_time: Callable[[float], None]
) -> None:
    add("post", "one")
    outcomes.fail(claim_one(), retry())
    pass_time(10)
    assert not claim_one().is_ambiguous


@pytest.mark.parametrize(
    "write",
    [
        Lease.finish,
        Lease.renew,
        lambda lease: outcomes.fail(lease, retry()),
        lambda lease: outcomes.fail(lease, retry(is_permanent=True)),
    ],
    ids=["finish", "renew", "try again", "abandon"],
)
def test_a_worker_that_was_fenced_out_writes_nothing_more(
    add: Add, pass_time: Callable[[float], None], write: Callable[[Lease], None]
) -> None:
    add("post", "one")
    slow = claim_one()
    pass_time(31)
    quick = claim_one()
    before = Delivery.objects.values().get()
    with pytest.raises(FencedOut):
        write(slow)
    assert Delivery.objects.values().get() == before
    quick.finish()
    assert open_rows() == []


def test_nothing_is_written_with_an_end_that_was_fenced_out(add: Add, pass_time: Callable[[float], None]) -> None:
    add("post", "one")
    slow = claim_one()
    pass_time(31)
    claim_one()
    with pytest.raises(FencedOut):
        slow.finish((lambda rows: Delivery.objects.update(error=rows[0]), "written all the same"))
    assert Delivery.objects.get().error == ""


def test_a_call_starts_only_with_more_lease_left_than_it_may_take(add: Add) -> None:
    add("post", "one")
    lease = claim_one()
    lease.before_call()
    assert lease.time_left() > SEND_SECONDS
    Delivery.objects.update(lease_token="another worker's")
    lease._ends -= LEASE.total_seconds() - SEND_SECONDS
    with pytest.raises(FencedOut):
        lease.before_call()


def test_a_renewed_lease_lasts_longer_in_the_database_too(add: Add, pass_time: Callable[[float], None]) -> None:
    add("post", "one")
    lease = claim_one()
    pass_time(20)
    lease.renew()
    pass_time(20)
    assert claim(KINDS, limit=1) == []


# --- again, and never again ------------------------------------------------------------------------------------------
def test_waits_double_from_a_second_to_an_hour_with_full_jitter() -> None:
    for attempts, most in ((1, 1), (2, 2), (5, 16), (12, 2048), (13, 3600), (500, 3600)):
        waits = [outcomes.backoff(attempts).total_seconds() for _ in range(300)]
        assert max(waits) <= most
        assert min(waits) >= 0.25
        if most >= 16:
            assert max(waits) > most * 0.8
            assert min(waits) < most * 0.2


def test_what_may_have_had_its_effect_is_looked_at_two_seconds_later(add: Add, outside: Outside) -> None:
    add("post", "one")
    outside.answers["one"] = [retry(is_ambiguous=True)]
    now = database_now()
    outside.run()
    row = Delivery.objects.get()
    assert row.due_at >= now + timedelta(seconds=2)
    assert row.is_ambiguous


def test_a_permanent_error_abandons_the_row_at_once_with_its_reason(add: Add, outside: Outside) -> None:
    add("post", "one")
    outside.answers["one"] = [retry(is_permanent=True, repair="Leave it.")]
    assert outside.run() == ["one"]
    row = Delivery.objects.get()
    assert row.abandoned_at is not None
    assert (row.error_code, row.error, row.done_at) == ("busy", "It is busy. Leave it.", None)
    assert outside.run() == []


def test_after_three_days_a_row_is_given_up(add: Add, outside: Outside, pass_time: Callable[[float], None]) -> None:
    add("post", "one")
    outside.answers["one"] = [retry(), retry()]
    outside.run()
    assert Delivery.objects.get().abandoned_at is None
    pass_time(72 * 3600)
    outside.run()
    assert Delivery.objects.get().abandoned_at is not None


def test_an_abandoned_row_blocks_its_card_no_longer(add: Add, outside: Outside) -> None:
    add("post", "the post")
    add("reply", "the reply")
    outside.answers["the post"] = [retry(is_permanent=True)]
    assert outside.run() == ["the post", "the reply"]


def test_a_sender_with_a_fault_of_its_own_is_tried_again_and_others_go_on(add: Add, outside: Outside) -> None:
    def fall(lease: Lease, *, name: str) -> None:
        raise ZeroDivisionError

    add("post", "one")
    add("reply", "two", subject="card:2")
    worker.run_once({"post": fall, "reply": outside.send})
    row = Delivery.objects.get(kind="post")
    assert (row.error_code, row.abandoned_at, row.attempts) == ("unforeseen", None, 1)
    assert outside.came == ["two"]


def test_a_kind_that_this_worker_does_not_know_is_left_to_one_that_does(add: Add, outside: Outside) -> None:
    add("post", "one")
    assert worker.run_once({"reply": outside.send}) == 0
    assert open_rows() == ["one"]


# --- the worker by itself --------------------------------------------------------------------------------------------
@contextmanager
def running(senders: Any) -> Iterator[threading.Event]:
    """A worker at work; ended at the end."""
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(senders, stop))
    thread.start()
    try:
        yield stop
    finally:
        stop.set()
        thread.join(15)
        assert not thread.is_alive()


@pytest.mark.usefixtures("committed")
def test_a_running_worker_sends_what_is_added_and_what_waits_for_it(add: Add, outside: Outside) -> None:
    with running(outside.senders):
        add("post", "the post")
        add("reply", "the reply")
        add("refresh", "the refresh")
        until(lambda: not open_rows(), what="all to be sent")
    assert outside.came == ["the post", "the reply", "the refresh"]


def waiting_for(answered: threading.Event) -> worker.Senders:
    def wait(lease: Lease, *, name: str) -> None:
        answered.wait(20)

    return {"post": wait}


@pytest.mark.usefixtures("committed")
def test_a_lease_is_renewed_while_its_send_is_under_way(add: Add) -> None:
    answered = threading.Event()
    add("post", "one")
    crew = worker.Crew(waiting_for(answered), lambda: None, heartbeat=0.05)
    try:
        lease = claim_one()
        Delivery.objects.update(lease_until=database_now())
        crew.take(lease)
        until(lambda: Delivery.objects.get().lease_until > database_now() + timedelta(seconds=20), what="a heartbeat")
    finally:
        answered.set()
        crew.stop()
    assert open_rows() == []


@pytest.mark.usefixtures("committed")
def test_the_heartbeat_survives_a_lease_that_was_lost(add: Add, pass_time: Callable[[float], None]) -> None:
    answered = threading.Event()
    add("post", "lost")
    add("post", "kept", subject="card:2")
    crew = worker.Crew(waiting_for(answered), lambda: None, heartbeat=0.05)
    try:
        lost, kept = claim(KINDS, limit=2)
        Delivery.objects.filter(pk=lost.id).update(lease_token="another worker's")
        for lease in (lost, kept):
            crew.take(lease)
        Delivery.objects.filter(pk=kept.id).update(lease_until=database_now())
        until(
            lambda: Delivery.objects.get(pk=kept.id).lease_until > database_now() + timedelta(seconds=20),
            what="a heartbeat",
        )
    finally:
        answered.set()
        crew.stop()
    assert open_rows() == ["lost"]


@pytest.mark.usefixtures("committed")
def test_a_slow_workspace_delays_no_other(add: Add, outside: Outside) -> None:
    stuck = threading.Event()

    def hang(lease: Lease, *, name: str) -> None:
        if name.startswith("slow"):
            stuck.wait(20)
        outside.came.append(name)

    for number in range(40):
        add("post", f"slow {number}", subject=f"slow:{number}", lane=f"slack:T1:C{number}")
    for number in range(10):
        add("post", f"quick {number}", subject=f"quick:{number}", lane=f"slack:T2:C{number}", pool="slack:T2")
    with running({"post": hang}):
        until(lambda: len(outside.came) == 10, what="the quick ones")
        assert all(name.startswith("quick") for name in outside.came)
        stuck.set()
        until(lambda: len(outside.came) >= 30, what="the slow ones")  # the method's burst


@pytest.mark.usefixtures("committed")
def test_two_workers_send_everything_once(add: Add, outside: Outside) -> None:
    names = [f"post {number}" for number in range(20)]
    for number, name in enumerate(names):
        add("post", name, subject=f"card:{number}", lane=f"slack:T1:C{number}")
    with running(outside.senders), running(outside.senders):
        until(lambda: not open_rows(), what="all to be sent")
    assert sorted(outside.came) == sorted(names)


# --- waking up -------------------------------------------------------------------------------------------------------
@pytest.mark.usefixtures("committed")
def test_a_committed_row_wakes_who_waits_and_an_undone_one_does_not(add: Add) -> None:
    from django.db import transaction

    def undo() -> None:
        with transaction.atomic():
            add("post", "undone")
            transaction.set_rollback(True)

    waiter = wakeup.Waiter(wakeup.DELIVER)
    try:
        undo()
        assert not waiter.wait(0.2)
        with transaction.atomic():
            add("post", "one")
            assert not waiter.wait(0.05)
        assert waiter.wait(30)
        assert not waiter.wait(0)
    finally:
        waiter.close()


@pytest.mark.usefixtures("committed")
def test_a_call_of_another_name_does_not_wake() -> None:
    waiter = wakeup.Waiter(wakeup.DELIVER)
    try:
        wakeup.wake(wakeup.DIGEST)
        assert not waiter.wait(0.1)
        wakeup.wake(wakeup.DELIVER)
        assert waiter.wait(30)
    finally:
        waiter.close()


@pytest.mark.usefixtures("committed")
def test_a_wait_ends_early_when_it_is_stirred() -> None:
    with wakeup.waiting(wakeup.DELIVER) as wait:
        threading.Timer(0.05, wait.stir).start()
        assert not wait(threading.Event(), 30)


@pytest.mark.usefixtures("committed")
def test_waking_nobody_is_no_error() -> None:
    wakeup.wake("nobody")


@pytest.mark.sqlite
@pytest.mark.usefixtures("committed")
def test_a_socket_that_a_dead_worker_left_is_replaced() -> None:
    import socket

    path = wakeup.socket_path(wakeup.DELIVER)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as dead:
        dead.bind(str(path))
    waiter = wakeup.Waiter(wakeup.DELIVER)
    wakeup.wake(wakeup.DELIVER)
    assert waiter.wait(30)
    waiter.close()
    assert not path.exists()


@pytest.mark.sqlite
@pytest.mark.usefixtures("committed")
def test_a_data_directory_with_a_long_name_has_its_socket_elsewhere(settings: Any, tmp_path: Any) -> None:
    settings.TOCSIN_DATA_DIR = tmp_path / ("d" * 120)
    path = wakeup.socket_path(wakeup.DELIVER)
    assert len(str(path)) <= wakeup.LONGEST_SOCKET_PATH
    waiter = wakeup.Waiter(wakeup.DELIVER)
    try:
        wakeup.wake(wakeup.DELIVER)
        assert waiter.wait(30)
    finally:
        waiter.close()


@pytest.mark.postgresql
@pytest.mark.usefixtures("committed")
def test_a_listening_connection_that_is_lost_is_made_again() -> None:
    from django.db import connection

    waiter = wakeup.Waiter(wakeup.DELIVER)
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%%' AND pid <> pg_backend_pid()"
            )
        until(lambda: waiter.wait(1) and waiter._ear is None, what="the end of the connection to be noticed")
        waiter._try_again = 0
        waiter.wait(0)
        wakeup.wake(wakeup.DELIVER)
        assert waiter.wait(30)
    finally:
        waiter.close()
