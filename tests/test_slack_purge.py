"""The worker forgets what is past its time."""

from __future__ import annotations

import threading
from datetime import timedelta

from tests.waiting import until
from tocsin.clock import database_now
from tocsin.outbox import retention
from tocsin.outbox.models import Delivery
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


def test_what_was_sent_long_ago_is_forgotten_and_what_waits_is_not(database: None) -> None:
    now = database_now()
    ages = {
        "waits for long": {},
        "sent a week ago": {"done_at": now - timedelta(days=8)},
        "sent today": {"done_at": now},
        "given up two weeks ago": {"abandoned_at": now - timedelta(days=14)},
        "given up last month": {"abandoned_at": now - timedelta(days=31)},
    }
    for kind, times in ages.items():
        Delivery.objects.create(
            kind=kind, subject="card:1", lane="l", pool="p", method="m", created_at=now, due_at=now, **times
        )
    assert retention.purge(now) == 2
    assert set(Delivery.objects.values_list("kind", flat=True)) == {
        "waits for long",
        "sent today",
        "given up two weeks ago",
    }
    assert retention.purge(now) == 0


def test_forgetting_goes_on_past_the_thousand_oldest(database: None) -> None:
    now = database_now()
    Delivery.objects.bulk_create(
        Delivery(kind="x", subject=f"card:{n}", created_at=now, due_at=now, done_at=now - timedelta(days=8))
        for n in range(retention.AT_ONCE + 3)
    )
    assert [retention.purge(now), retention.purge(now), retention.purge(now)] == [retention.AT_ONCE, 3, 0]
