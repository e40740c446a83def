"""Group commit: who comes while another commits shares the next commit, and nobody pays for a neighbour."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from django.db import Error, IntegrityError, OperationalError, connection, transaction

from tests.waiting import until
from tocsin.clock import database_now
from tocsin.group_commit import MOST, GroupCommit
from tocsin.intake.refusals import TooMany

Committed = list[list[str]]
POOL = 4  # connections of a process: settings.DATABASES


class Gate:
    """A commit that waits for the test, so that others come meanwhile."""

    def __init__(self, then: Callable[[Sequence[str]], Sequence[Exception | None]]) -> None:
        self.groups: Committed = []
        self.entered = threading.Event()
        self.opened = threading.Event()
        self._then = then

    def __call__(self, works: Sequence[str]) -> Sequence[Exception | None]:
        self.groups.append(list(works))
        self.entered.set()
        assert self.opened.wait(10)
        return self._then(works)


def all_well(works: Sequence[str]) -> Sequence[Exception | None]:
    return [None] * len(works)


def submit_while_one_commits(gate: Gate, works: Sequence[str]) -> dict[str, Future[None]]:
    """ "first" is being committed when the others come; then the gate opens."""
    writer = GroupCommit(gate)
    with ThreadPoolExecutor(len(works) + 1) as threads:
        done = {"first": threads.submit(writer.submit, "first")}
        assert gate.entered.wait(10)
        done |= {work: threads.submit(writer.submit, work) for work in works}
        until(lambda: len(writer._waiting) == len(works), what="the others to queue")
        gate.opened.set()
    return done


def test_who_comes_while_another_commits_shares_the_next_commit() -> None:
    gate = Gate(all_well)
    done = submit_while_one_commits(gate, ["a", "b", "c"])
    assert [each.exception() for each in done.values()] == [None] * 4
    assert [sorted(group) for group in gate.groups] == [["first"], ["a", "b", "c"]]


def test_a_commit_holds_so_much_and_no_more() -> None:
    gate = Gate(all_well)
    works = [str(number) for number in range(MOST + 5)]
    done = submit_while_one_commits(gate, works)
    assert all(each.exception() is None for each in done.values())
    assert [len(group) for group in gate.groups] == [1, MOST, 5]


def test_each_hears_of_its_own_refusal() -> None:
    gate = Gate(lambda works: [TooMany(7) if work == "b" else None for work in works])
    done = submit_while_one_commits(gate, ["a", "b", "c"])
    assert isinstance(done.pop("b").exception(), TooMany)
    assert all(each.exception() is None for each in done.values())


def test_what_cannot_be_stored_fails_alone() -> None:
    def refuse_b(works: Sequence[str]) -> Sequence[Exception | None]:
        if "b" in works:
            raise IntegrityError("its project was deleted")
        return all_well(works)

    gate = Gate(refuse_b)
    done = submit_while_one_commits(gate, ["a", "b", "c"])
    assert isinstance(done.pop("b").exception(), IntegrityError)
    assert all(each.exception() is None for each in done.values())


def test_trouble_of_the_database_is_told_to_everybody() -> None:
    trouble = OperationalError("the database is gone")

    def fail(_: Sequence[str]) -> Sequence[Exception | None]:
        raise trouble

    gate = Gate(fail)
    done = submit_while_one_commits(gate, ["a", "b", "c"])
    assert [each.exception() for each in done.values()] == [trouble] * 4
    assert len(gate.groups) == 2, "nobody tries again alone"


def test_a_mistake_of_ours_is_told_to_the_one_whose_work_it_is() -> None:
    def stumble_over_b(works: Sequence[str]) -> Sequence[Exception | None]:
        if "b" in works:
            raise RuntimeError("a mistake of ours")
        return all_well(works)

    gate = Gate(stumble_over_b)
    done = submit_while_one_commits(gate, ["a", "b", "c"])
    assert isinstance(done.pop("b").exception(), RuntimeError)
    assert all(each.exception() is None for each in done.values())


def test_what_is_returned_for_each_reaches_the_one_who_submitted_it() -> None:
    assert GroupCommit(lambda works: [len(work) for work in works]).submit("four") == 4


def test_nobody_waits_for_a_turn_longer_than_they_want_to() -> None:
    is_begun, may_end = threading.Event(), threading.Event()

    def slow(works: Sequence[str]) -> Sequence[None]:
        is_begun.set()
        may_end.wait(30)
        return [None for _ in works]

    writer = GroupCommit(slow)
    first = threading.Thread(target=writer.submit, args=("a",))
    first.start()
    try:
        assert is_begun.wait(30)
        with pytest.raises(OperationalError, match="locked"):
            writer.submit("b", within=0.01)
    finally:
        may_end.set()
        first.join(30)
    writer.submit("c", within=0.01)


def test_inside_a_transaction_of_the_caller_nobody_else_is_waited_for(committed: None) -> None:
    seen: list[bool] = []

    def commit(works: Sequence[str]) -> Sequence[Exception | None]:
        seen.append(connection.in_atomic_block)
        return all_well(works)

    writer = GroupCommit(commit)
    with transaction.atomic():
        writer.submit("a")
    writer.submit("b")
    assert seen == [True, False]


def test_an_error_of_the_database_reaches_the_one_who_submitted() -> None:
    def fail(_: Sequence[str]) -> Sequence[Exception | None]:
        raise IntegrityError("no")

    with pytest.raises(Error):
        GroupCommit(fail).submit("a")


@pytest.mark.postgresql
def test_nobody_holds_a_connection_while_waiting_for_who_leads(committed: None) -> None:
    """More threads than the pool has connections: who leads finds one, whoever came with theirs."""
    failures: list[Exception] = []

    def commit(works: Sequence[str]) -> Sequence[None]:
        try:
            connection.close()  # as after an error: the next statement needs one from the pool
            database_now()
        except Exception as error:  # noqa: BLE001 - told below
            failures.append(error)
        return [None] * len(works)

    gate = threading.Barrier(POOL + 4)
    writer = GroupCommit(commit)

    def submit() -> None:
        gate.wait(10)
        for _ in range(3):
            database_now()
            writer.submit("work")
        connection.close()

    with ThreadPoolExecutor(POOL + 4) as threads:
        done = [threads.submit(submit) for _ in range(POOL + 4)]
    assert [each.exception() for each in done] == [None] * len(done)
    assert failures == []
