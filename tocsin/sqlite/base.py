"""The engine `tocsin.sqlite`: WAL, durable commits, BEGIN IMMEDIATE, and one writer at a time within a process."""

from __future__ import annotations

import importlib
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from django.db.utils import OperationalError

try:
    import pysqlite3
except ImportError:  # no wheel for this machine
    pysqlite3 = None

PREFIX = "django.db.backends.sqlite3"


@contextmanager
def _as_sqlite3(module: ModuleType | None) -> Iterator[None]:
    """While inside, `import sqlite3` gives `module` (None: leave all as it is)."""
    if module is None:
        yield
        return
    names = ("sqlite3", "sqlite3.dbapi2")
    saved = {name: sys.modules.get(name) for name in names}
    sys.modules["sqlite3"] = module
    sys.modules["sqlite3.dbapi2"] = importlib.import_module(f"{module.__name__}.dbapi2")
    try:
        yield
    finally:
        for name, original in saved.items():
            if original is None:
                del sys.modules[name]
            else:
                sys.modules[name] = original


def _load_backend() -> ModuleType:
    """Django's SQLite backend, imported afresh while pysqlite3 stands in for sqlite3."""
    for name in [name for name in sys.modules if name == PREFIX or name.startswith(f"{PREFIX}.")]:
        del sys.modules[name]
    with _as_sqlite3(pysqlite3):
        return importlib.import_module(f"{PREFIX}.base")


_django = _load_backend()
Database = _django.Database

JOURNAL = "WAL" if pysqlite3 is not None else "DELETE"
# The log is moved into the database by a job of the worker when it is longer than this (tocsin.sqlite.checkpoint), and cut back
# to it then. Where no worker runs, commits do it, later.
LOG_BYTES = 8 * 1024 * 1024
BACKSTOP_PAGES = 8192  # of 4 KiB: 32 MiB
PRAGMAS = (
    f"PRAGMA journal_mode={JOURNAL};"
    "PRAGMA synchronous=FULL;"
    "PRAGMA foreign_keys=ON;"
    "PRAGMA busy_timeout=5000;"
    "PRAGMA temp_store=MEMORY;"
    "PRAGMA cache_size=-16000;"
    f"PRAGMA wal_autocheckpoint={BACKSTOP_PAGES};"
    f"PRAGMA journal_size_limit={LOG_BYTES};"
)

# SQLite has one writer. Threads of one process queue here, first come first served as far as the lock allows,
# instead of
# sleeping and retrying inside SQLite: with 16 writers the worst wait falls from about a second to a sixth of that.
_writer = threading.Lock()


class DatabaseWrapper(_django.DatabaseWrapper):  # type: ignore[name-defined,misc]
    """One connection. A transaction takes the process's writer lock before BEGIN and gives it back when it ends."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        options = self.settings_dict.setdefault("OPTIONS", {})
        options.setdefault("transaction_mode", "IMMEDIATE")
        options.setdefault("init_command", PRAGMAS)
        options.setdefault("timeout", 5)
        self._holds_writer = False
        self._patience: float | None = None

    @contextmanager
    def patient_for(self, seconds: float) -> Iterator[None]:
        """Inside, a transaction that waits longer than this for its turn to write raises OperationalError."""
        self._patience = seconds
        try:
            yield
        finally:
            self._patience = None

    def _start_transaction_under_autocommit(self) -> None:
        usual = float(self.settings_dict["OPTIONS"]["timeout"])
        began = time.monotonic()
        self._take_writer(usual if self._patience is None else self._patience)
        try:
            if self._patience is None:
                super()._start_transaction_under_autocommit()
            else:
                self._begin_within(began + self._patience - time.monotonic(), usual)
        except BaseException:
            self._give_writer()
            raise

    def _begin_within(self, seconds: float, usual: float) -> None:
        """BEGIN, waiting for writers of other processes no longer than this."""
        self.connection.execute(f"PRAGMA busy_timeout={max(0, int(seconds * 1000))}")
        try:
            super()._start_transaction_under_autocommit()
        finally:
            self.connection.execute(f"PRAGMA busy_timeout={int(usual * 1000)}")

    def _commit(self) -> None:
        # A failed COMMIT leaves the transaction open: Django rolls back next, and that gives the lock back.
        super()._commit()
        self._give_writer()

    def _rollback(self) -> None:
        try:
            super()._rollback()
        finally:
            self._give_writer()

    def _close(self) -> None:
        try:
            super()._close()
        finally:
            self._give_writer()

    def _take_writer(self, seconds: float) -> None:
        if not self._holds_writer:
            if not _writer.acquire(timeout=seconds):
                raise OperationalError("database is locked: another thread writes for too long")
            self._holds_writer = True

    def _give_writer(self) -> None:
        if self._holds_writer:
            self._holds_writer = False
            _writer.release()
