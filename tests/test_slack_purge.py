"""The worker forgets what is past its time."""

from __future__ import annotations

import threading
from datetime import timedelta

from tests.waiting import until
from tocsin.clock import database_now
from tocsin.slack.models import Installation, Received
from tocsin.slack.received import PURGED_AT_ONCE, run_purge


def test_the_worker_forgets_old_deliveries_however_many(committed: None, installation: Installation) -> None:
    now = database_now()
    ages = {f"{number:064}": timedelta(hours=49) for number in range(PURGED_AT_ONCE + 5)} | {"n" * 64: timedelta(0)}
    Received.objects.bulk_create(
        Received(installation=installation, key=key, kind="click", received_at=now - age) for key, age in ages.items()
    )
    stop = threading.Event()
    purging = threading.Thread(target=run_purge, args=(stop,))
    purging.start()
    try:
        until(lambda: Received.objects.count() == 1, what="old deliveries to go")
    finally:
        stop.set()
        purging.join(10)
    assert Received.objects.get().key == "n" * 64
