"""The engine `tocsin.sqlite`: a current SQLite, durable, one writer at a time within a process."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from tocsin.accounts.models import Organization

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
