"""The databases of a pytest process: one for its tests, and copies of it for tests that start real processes."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.conf import settings
from django.db import connection
from pytest_django import DjangoDbBlocker


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """On SQLite the tests run on a file, as Tocsin does: in memory, threads and processes could not share it."""
    if connection.vendor == "sqlite":
        connection.settings_dict["TEST"]["NAME"] = str(Path(settings.TOCSIN_DATA_DIR) / "test.sqlite3")


@pytest.fixture(scope="session")
def template(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """A migrated, empty database that nobody is connected to: a file's path (SQLite) or a database's name."""
    with django_db_blocker.unblock():
        if connection.vendor == "sqlite":
            path = tmp_path_factory.mktemp("template") / "template.sqlite3"
            with connection.cursor() as cursor:
                cursor.execute("VACUUM INTO %s", [str(path)])
            return str(path)
        name = f"template_{uuid.uuid4().hex[:12]}"
        _copy_on_postgresql(str(connection.settings_dict["NAME"]), name)
        return name


@pytest.fixture
def own_database(template: str, transactional_db: None, tmp_path: Path) -> Iterator[str]:
    """A copy of the template for this test alone, as an URL; the test's own connection is led there too."""
    usual = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        name = str(tmp_path / "tocsin.sqlite3")
        Path(name).write_bytes(Path(template).read_bytes())
        url = f"sqlite:///{name}"
    else:
        name = f"copy_{uuid.uuid4().hex[:12]}"
        _copy_on_postgresql(template, name)
        parts = urlsplit(os.environ["TOCSIN_DATABASE_URL"])
        url = urlunsplit(parts._replace(path=f"/{name}"))
    _lead_to(name)
    yield url
    _lead_to(usual)
    if connection.vendor == "postgresql":
        _administer(f'DROP DATABASE "{name}" WITH (FORCE)')


def _lead_to(name: str) -> None:
    """Let this process's connections lead to another database from now on."""
    _disconnect()
    connection.settings_dict["NAME"] = name


def _disconnect() -> None:
    connection.close()
    if connection.vendor == "postgresql":
        connection.close_pool()


def _copy_on_postgresql(source: str, name: str) -> None:
    _disconnect()  # a database is copied only while nobody is connected to it
    _administer(f'CREATE DATABASE "{name}" TEMPLATE "{source}"')


def _administer(statement: str) -> None:
    """Run one statement outside any transaction, from the database `postgres`."""
    import psycopg

    parts = urlsplit(os.environ["TOCSIN_DATABASE_URL"])
    with psycopg.connect(urlunsplit(parts._replace(path="/postgres")), autocommit=True) as administrator:
        administrator.execute(statement.encode())
