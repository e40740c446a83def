"""A transaction that does not wait for ever: Slack gives up after three seconds, and the person should hear why."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import connection, transaction

from tocsin import rows
from tocsin.clock import database_now

DATABASE_SECONDS = 1.5


@contextmanager
def transaction_within(seconds: float) -> Iterator[datetime]:
    """A transaction in which no lock is waited for longer than this, and no statement takes longer; gives the database's clock.
    Raises OperationalError, with nothing committed, when the database does not answer in time.
    """
    if connection.vendor == "sqlite":
        with connection.patient_for(seconds), transaction.atomic():  # type: ignore[attr-defined]
            yield database_now()
        return
    with transaction.atomic():
        limit = f"{int(seconds * 1000)}ms"
        ((now, *_),) = rows.run(
            "SELECT clock_timestamp(), set_config('lock_timeout', %s, true), set_config('statement_timeout', %s, true)",
            (limit, limit),
        )
        yield now
