"""The engine `tocsin.sqlite`: a current SQLite, durable, one writer at a time within a process."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import connection, transaction

from tests.waiting import until
from tocsin.accounts.models import Organization
from tocsin.sqlite import checkpoint
from tocsin.sqlite.base import BACKSTOP_PAGES, LOG_BYTES

pytestmark = pytest.mark.sqlite


def pragma(name: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA {name}")
        return cursor.fetchone()[0]


def test_it_runs_on_a_sqlite_without_the_wal_reset_fault(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT sqlite_version()")
        version = tuple(int(part) for part in cursor.fetchone()[0].split("."))
    assert version > (3, 51, 2)


def test_only_the_engine_sees_the_other_sqlite() -> None:
    assert "pysqlite3" not in str(sqlite3.__file__)
    assert "pysqlite3" in connection.Database.__name__


def test_commits_are_durable(committed: None) -> None:
    assert pragma("synchronous") == 2
    assert pragma("journal_mode") == "wal"
    assert pragma("foreign_keys") == 1


def test_a_transaction_takes_its_place_among_the_writers_when_it_begins(committed: None) -> None:
    """Two threads that read, then write: without BEGIN IMMEDIATE one of them would fail with a stale snapshot."""

    def add(number: int) -> None:
        try:
            with transaction.atomic():
                count = Organization.objects.count()
                Organization.objects.create(slug=f"o{number}", name=str(count))
        finally:
            connection.close()

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(add, range(64)))
    assert sorted(int(name) for name in Organization.objects.values_list("name", flat=True)) == list(range(64))


@pytest.mark.parametrize("end", ["commit", "rollback", "close"])
def test_however_a_transaction_ends_the_next_writer_may_begin(committed: None, end: str) -> None:
    ended = threading.Event()

    def other() -> None:
        with transaction.atomic():
            Organization.objects.create(slug="other", name="other")
        connection.close()
        ended.set()

    class Undone(Exception):
        pass

    try:
        with transaction.atomic():
            Organization.objects.create(slug="first", name="first")
            threading.Thread(target=other, daemon=True).start()
            if end == "close":
                connection.close()
            if end != "commit":
                raise Undone
    except Undone:
        connection.close()
    assert ended.wait(10)
    assert Organization.objects.filter(slug="first").exists() is (end == "commit")


# --- the log ---------------------------------------------------------------------------------------------------------
def log_bytes() -> int:
    path = Path(f"{connection.settings_dict['NAME']}-wal")
    return path.stat().st_size if path.exists() else 0


def write(megabytes: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS filling (piece BLOB)")
        for _ in range(megabytes):
            cursor.execute("INSERT INTO filling VALUES (zeroblob(1000000))")


@pytest.fixture
def filling(committed: None) -> Iterator[None]:
    """Away afterwards."""
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS filling")


def test_a_long_log_is_moved_beside_and_cut_back(filling: None) -> None:
    """Commits leave it alone up to the backstop; the next one after it was moved begins it anew."""
    assert pragma("wal_autocheckpoint") == BACKSTOP_PAGES
    write(12)
    assert LOG_BYTES < log_bytes() < BACKSTOP_PAGES * 4096
    assert checkpoint.checkpoint_if_long()
    write(1)
    assert log_bytes() <= LOG_BYTES
    assert not checkpoint.checkpoint_if_long()


def test_without_a_worker_commits_move_it(filling: None) -> None:
    write(60)
    assert log_bytes() < 1.5 * BACKSTOP_PAGES * 4096


def test_a_reader_in_the_middle_is_not_disturbed_and_disturbs_nobody(filling: None) -> None:
    write(1)
    begun, may_end = threading.Event(), threading.Event()
    seen: list[int] = []

    def read() -> None:
        with connection.cursor() as cursor:
            cursor.execute("BEGIN")
            for _ in range(2):
                cursor.execute("SELECT count(*) FROM filling")
                seen.append(cursor.fetchone()[0])
                begun.set()
                assert may_end.wait(10)
            cursor.execute("COMMIT")
        connection.close()

    reader = threading.Thread(target=read)
    reader.start()
    assert begun.wait(10)
    write(12)
    began = time.monotonic()
    assert checkpoint.checkpoint_if_long()
    assert time.monotonic() - began < 5
    may_end.set()
    reader.join(10)
    assert seen == [1, 1]


def test_the_job_does_it_until_it_is_told_to_stop(filling: None) -> None:
    stop = threading.Event()
    job = threading.Thread(target=checkpoint.run_checkpoints, args=(stop,))
    job.start()
    write(12)

    def is_cut_back() -> bool:
        write(1)
        return log_bytes() <= LOG_BYTES

    until(is_cut_back, seconds=20, what="the log to be cut back")
    stop.set()
    job.join(10)
    assert not job.is_alive()
