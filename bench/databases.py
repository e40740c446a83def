"""Databases of the bench: a template is made once, and each run works on a fresh copy of it."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from tests import postgresql

SQLITE, POSTGRESQL = "sqlite", "postgresql"
KINDS = (SQLITE, POSTGRESQL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """One database, by its address as Tocsin takes it."""

    kind: str
    url: str

    @property
    def path(self) -> Path:
        """The file, of SQLite."""
        return Path(urlsplit(self.url).path)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """What a SELECT gives, on a connection of its own."""
        if self.kind == SQLITE:
            with contextlib.closing(sqlite3.connect(self.path, timeout=30)) as connection:
                return connection.execute(statement).fetchall()
        import psycopg

        with psycopg.connect(self.url) as connection:
            return connection.execute(statement.encode()).fetchall()

    def execute(self, statement: str) -> None:
        """One statement, committed."""
        if self.kind == SQLITE:
            with contextlib.closing(sqlite3.connect(self.path, timeout=30)) as connection, connection:
                connection.execute(statement)
            return
        import psycopg

        with psycopg.connect(self.url) as connection:
            connection.execute(statement.encode())

    def settle(self) -> None:
        """What was written in bulk is on disk, and nothing of it is left for later, before anything is measured."""
        if self.kind == SQLITE:
            self.rows("PRAGMA wal_checkpoint(TRUNCATE)")
            return
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
            connection.execute("CHECKPOINT")

    def number(self, statement: str) -> int:
        """The one number that a SELECT gives."""
        ((value,),) = self.rows(statement)
        return int(value)


class Databases:
    """Makes databases of one kind, in a directory on a real disk or in a PostgreSQL cluster of its own."""

    def __init__(self, kind: str, directory: Path, cluster_url: str = "") -> None:
        self.kind = kind
        self._directory = directory
        self._cluster_url = cluster_url
        self._number = 0

    def empty(self) -> Database:
        """A new database without tables."""
        return self._new(None)

    def copy(self, template: Database) -> Database:
        """A copy of a database that nobody is connected to. On PostgreSQL it comes with fresh statistics, as its original."""
        return self._new(template)

    def drop(self, database: Database) -> None:
        if self.kind == SQLITE:
            for path in database.path.parent.glob(f"{database.path.name}*"):
                path.unlink()
        else:
            self._administer(f'DROP DATABASE "{_name(database)}" WITH (FORCE)')

    def _new(self, template: Database | None) -> Database:
        self._number += 1
        name = f"bench_{self._number}"
        if self.kind == SQLITE:
            path = self._directory / f"{name}.sqlite3"
            if template is not None:
                template.rows("PRAGMA wal_checkpoint(TRUNCATE)")  # a process that was killed leaves its log behind
                shutil.copyfile(template.path, path)
            return Database(kind=self.kind, url=f"sqlite:///{path}")
        like = f' TEMPLATE "{_name(template)}"' if template is not None else ""
        self._administer(f'CREATE DATABASE "{name}"{like}')
        self._administer("CHECKPOINT")  # the copy's pages are on disk before anything is measured
        return Database(kind=self.kind, url=urlunsplit(urlsplit(self._cluster_url)._replace(path=f"/{name}")))

    def _administer(self, statement: str) -> None:
        import psycopg

        url = urlunsplit(urlsplit(self._cluster_url)._replace(path="/postgres"))
        with psycopg.connect(url, autocommit=True) as administrator:
            administrator.execute(statement.encode())


def _name(database: Database) -> str:
    return urlsplit(database.url).path.removeprefix("/")


@contextlib.contextmanager
def open_databases(kinds: Sequence[str], directory: Path) -> Iterator[dict[str, Databases]]:
    """For each kind that this machine has; a missing PostgreSQL is said aloud and left out."""
    with contextlib.ExitStack() as stack:
        found: dict[str, Databases] = {}
        if SQLITE in kinds:
            found[SQLITE] = Databases(SQLITE, directory)
        if POSTGRESQL in kinds:
            binaries = postgresql.find_binaries()
            if binaries is None:
                print("PostgreSQL is not installed: NOTHING IS MEASURED ON POSTGRESQL.", flush=True)
            else:
                inside = Path(tempfile.mkdtemp(prefix="postgresql-", dir=directory))
                cluster = postgresql.start(binaries, inside)
                stack.callback(cluster.stop)
                found[POSTGRESQL] = Databases(POSTGRESQL, directory, cluster.url)
        yield found
