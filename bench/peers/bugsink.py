"""The peer of the events: Bugsink from its package, in its single-server form (gunicorn, the snappea foreman, SQLite).

Its own settings, but for: quotas high enough that none is reached, commits as durable as everybody's here
(`synchronous=FULL`), no phoning home, and plain HTTP without a proxy. Two gunicorn workers on two cores, as its own
configuration for containers counts them.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.context import Bench, free_port
from bench.peers.environments import Environment
from bench.processes import HOST, Failed, Process, answers, running, until

KEY = "be" * 16
PROJECT = 1
MANY = 10**9

CONF = f"""
# --- of the bench ---
from django.db.backends.signals import connection_created

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = False
SECURE_PROXY_SSL_HEADER = None
USE_X_REAL_IP = False
ALLOWED_HOSTS = ["*"]
BUGSINK |= {{
    "BASE_URL": "http://{HOST}:8000", "PHONEHOME": False, "SINGLE_USER": True,
    "MAX_EVENTS_PER_PROJECT_PER_5_MINUTES": {MANY}, "MAX_EVENTS_PER_PROJECT_PER_HOUR": {MANY},
    "MAX_EVENTS_PER_PROJECT_PER_MONTH": {MANY}, "MAX_EVENTS_PER_5_MINUTES": {MANY}, "MAX_EVENTS_PER_HOUR": {MANY},
    "MAX_EVENTS_PER_MONTH": {MANY},
}}


def _make_durable(sender, connection, **_):
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous=FULL")


# Called after Bugsink's own receiver, which asks for NORMAL.
connection_created.connect(_make_durable, weak=False)
"""

MAKE = f"""
from django.contrib.auth import get_user_model
from projects.models import Project
get_user_model().objects.create_superuser("bench", "bench@example.com", "a password of the bench")
Project.objects.create(id={PROJECT}, name="Shop", sentry_key="{KEY}", retention_max_event_count={MANY})
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bugsink:
    """A directory with all that one Bugsink keeps."""

    directory: Path

    @property
    def database(self) -> Path:
        return self.directory / "db.sqlite3"

    @property
    def events(self) -> int:
        return _number(self.database, "SELECT count(*) FROM events_event")

    @property
    def issues(self) -> int:
        return _number(self.database, "SELECT count(*) FROM issues_issue")


def _number(path: Path, statement: str) -> int:
    with contextlib.closing(sqlite3.connect(path, timeout=30)) as connection:
        ((value,),) = connection.execute(statement).fetchall()
        return int(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """A Bugsink that runs."""

    port: int
    web: Process
    foreman: Process

    def cpu_seconds(self) -> float:
        return self.web.cpu_seconds() + self.foreman.cpu_seconds()

    def pss_bytes(self) -> int:
        return self.web.pss_bytes() + self.foreman.pss_bytes()


def new(bench: Bench) -> Bugsink:
    """Set up as its manual says, with one project that takes KEY."""
    peer, directory = bench.peer("bugsink"), bench.fresh_directory("bugsink")
    conf = directory / "bugsink_conf.py"
    create = [peer.program("bugsink-create-conf"), "--template=singleserver", f"--base-dir={directory}", "-o", conf]
    _run(create, directory)
    conf.write_text(conf.read_text() + CONF)
    _manage(peer, directory, "migrate")
    _manage(peer, directory, "migrate", "--database=snappea")
    _manage(peer, directory, "shell", "-c", MAKE)
    return Bugsink(directory=directory)


def copy(bench: Bench, of: Bugsink) -> Bugsink:
    """A copy of one that does not run."""
    directory = bench.fresh_directory("bugsink")
    shutil.copytree(of.directory, directory, dirs_exist_ok=True)
    conf = directory / "bugsink_conf.py"
    conf.write_text(conf.read_text().replace(str(of.directory), str(directory)))
    return Bugsink(directory=directory)


SIGN_IN = """
from importlib import import_module
from django.conf import settings
from django.contrib import auth
person = auth.get_user_model().objects.get(username="bench")
session = import_module(settings.SESSION_ENGINE).SessionStore()
session[auth.SESSION_KEY] = str(person.pk)
session[auth.BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
session[auth.HASH_SESSION_KEY] = person.get_session_auth_hash()
session.create()
print("session", session.session_key)
"""


def signed_in(bench: Bench, bugsink: Bugsink) -> str:
    """The cookie of its administrator."""
    printed = _manage(bench.peer("bugsink"), bugsink.directory, "shell", "-c", SIGN_IN)
    return next(line.split()[1] for line in printed.splitlines() if line.startswith("session "))


def grow(bugsink: Bugsink, issues: int) -> None:
    """Copies of its first issue until there are that many, each with one event of about 300 bytes."""
    exception = '{"exception": {"values": [{"type": "ValueError", "value": "order cannot be shipped"}]}, "extra": {"pad": "%s"}}'
    new = {
        "issues_issue": {
            "id": "printf('%032x', n)",
            "digest_order": "n + 1000000000",
            "calculated_value": "'order ' || n || ' cannot be shipped'",
            "last_seen": _AGO,
            "first_seen": _AGO,
        },
        "issues_grouping": {
            "id": "n + 1000000000",
            "issue_id": "printf('%032x', n)",
            "grouping_key": "'ValueError: ' || n",
            "grouping_key_hash": "printf('%064x', n)",
        },
        "events_event": {
            "id": "printf('%032x', n)",
            "event_id": "printf('%032x', n)",
            "issue_id": "printf('%032x', n)",
            "grouping_id": "n + 1000000000",
            "data": f"'{exception % ('x' * 190)}'",
            "digest_order": "1",
            "project_digest_order": "n + 1000000000",
            "timestamp": _AGO,
            "digested_at": _AGO,
            "ingested_at": _AGO,
        },
    }
    with contextlib.closing(sqlite3.connect(bugsink.database)) as connection:
        missing = issues - bugsink.issues
        for table, changed in new.items():
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            quoted = ", ".join(f'"{column}"' for column in columns)
            values = ", ".join(changed.get(column, f'first."{column}"') for column in columns)
            connection.execute(
                f"WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {missing})"
                f" INSERT INTO {table} ({quoted}) SELECT {values} FROM numbers,"
                f" (SELECT * FROM {table} ORDER BY rowid LIMIT 1) AS first"
            )
        connection.execute(f"UPDATE projects_project SET issue_count = {issues}")
        connection.commit()
        connection.execute("ANALYZE")
        connection.commit()


_AGO = "strftime('%Y-%m-%d %H:%M:%f', 'now', '-' || (n * 7919 % 7776000) || ' seconds') || '000'"


@contextlib.contextmanager
def serving(bench: Bench, bugsink: Bugsink) -> Iterator[Serving]:
    """Gunicorn and the foreman, answering."""
    peer, port, directory = bench.peer("bugsink"), free_port(), bugsink.directory
    workers = min(os.cpu_count() or 1, 4)
    web = [peer.program("gunicorn"), f"--bind={HOST}:{port}", f"--workers={workers}", "bugsink.wsgi"]
    environment = _environment(directory)
    with (
        running([peer.program("bugsink-runsnappea")], directory / "foreman.log", environment, directory) as foreman,
        running(web, directory / "web.log", environment, directory) as process,
    ):
        until(lambda: answers(port, "/health/ready"), process, "Bugsink")
        yield Serving(port=port, web=process, foreman=foreman)


def _environment(directory: Path) -> dict[str, str]:
    return {"PYTHONPATH": str(directory), "DJANGO_SETTINGS_MODULE": "bugsink_conf"}


def _manage(peer: Environment, directory: Path, *arguments: str) -> str:
    return _run([peer.program("bugsink-manage"), *arguments], directory)


def _run(command: list[str | Path], directory: Path) -> str:
    done = subprocess.run(
        command,
        cwd=directory,
        env={**os.environ, **_environment(directory)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Failed(f"{' '.join(map(str, command))} failed:\n{done.stdout[-1000:]}\n{done.stderr[-2000:]}")
    return done.stdout
