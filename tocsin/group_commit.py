"""Group commit: requests that come while another one commits share the next commit.

A durable commit costs one flush to disk however much it holds. So each thread puts its work on a queue; whoever finds nobody
committing commits all that waits, its own included, and the others return with the commit that took theirs along. There is no
further thread, nothing to start, stop or fork, and a request that comes alone waits for nobody.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from django.db import InterfaceError, OperationalError, connection

Work = TypeVar("Work")
Result = TypeVar("Result")
Commit = Callable[[Sequence[Work]], Sequence[Result | Exception]]

MOST = 64  # pieces of work in one commit


class _Ticket(Generic[Work, Result]):
    __slots__ = ("error", "is_done", "result", "work")

    def __init__(self, work: Work) -> None:
        self.work = work
        self.is_done = False
        self.error: BaseException | None = None
        self.result: Result | None = None

    def close(self, outcome: Result | BaseException) -> None:
        if isinstance(outcome, BaseException):
            self.error = outcome
        else:
            self.result = outcome
        self.is_done = True


class GroupCommit(Generic[Work, Result]):
    """`commit(works)` does them all in one transaction of its own, and returns for each its result or the error to raise."""

    def __init__(self, commit: Commit[Work, Result]) -> None:
        self._commit = commit
        self._waiting: deque[_Ticket[Work, Result]] = deque()
        self._leading = threading.Lock()

    def submit(self, work: Work, *, within: float = -1) -> Result:
        """The result, when `work` is committed. Raises the error that `commit` returned for it, or a django.db.Error; one of
        these, too, when nobody has begun with it `within` so many seconds (-1: whenever that is).
        """
        ticket: _Ticket[Work, Result] = _Ticket(work)
        if connection.in_atomic_block:  # the caller's transaction, the caller's commit
            self._together([ticket])
        else:
            self._waiting.append(ticket)
            self._lead_until_done(ticket, within)
        if ticket.error is not None:
            raise ticket.error
        return ticket.result  # type: ignore[return-value]  # it is done, and without an error

    def _lead_until_done(self, ticket: _Ticket[Work, Result], within: float) -> None:
        if not self._leading.acquire(blocking=False):
            # Who leads may need the last connection of the pool: nobody holds one while waiting for them.
            connection.close_if_unusable_or_obsolete()
            self._wait_for_the_lead(ticket, within)
        try:
            while not ticket.is_done:
                self._lead()
        finally:
            self._leading.release()

    def _wait_for_the_lead(self, ticket: _Ticket[Work, Result], within: float) -> None:
        if not self._leading.acquire(timeout=within):
            if self._withdraw(ticket):
                raise OperationalError("database is locked: another transaction takes too long")
            self._leading.acquire()  # somebody has begun with it, and ends before long

    def _withdraw(self, ticket: _Ticket[Work, Result]) -> bool:
        try:
            self._waiting.remove(ticket)
        except ValueError:
            return False
        return True

    def _lead(self) -> None:
        tickets = [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]
        try:
            self._together(tickets)
        except BaseException as error:
            for ticket in tickets:
                ticket.close(error)
            raise

    def _together(self, tickets: list[_Ticket[Work, Result]]) -> None:
        """One transaction for all; when it fails by something in it, one for each, so that nobody fails by a neighbour."""
        outcomes: Sequence[Result | Exception]
        try:
            outcomes = self._commit([ticket.work for ticket in tickets])
        except (OperationalError, InterfaceError) as error:  # the database's trouble is everybody's
            outcomes = [error] * len(tickets)
        except Exception as error:  # noqa: BLE001 - of one of them: it is raised where that one waits
            if len(tickets) > 1:
                for ticket in tickets:
                    self._together([ticket])
                return
            outcomes = [error]
        for ticket, outcome in zip(tickets, outcomes, strict=True):
            ticket.close(outcome)
