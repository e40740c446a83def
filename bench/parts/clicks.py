"""Clicks answered per second: Tocsin, a Bolt app, and the floor, on SQLite and on PostgreSQL, with one process and with two.

No worker runs on any side, and Slack is never asked: what is measured ends with the 200, which follows the commit.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

from bench import clicks, tocsin_server
from bench.context import Answers, Bench, free_port
from bench.databases import POSTGRESQL, SQLITE, Database
from bench.figures import Figure, median, percentile
from bench.generate import Sizes
from bench.processes import HOST, ROOT, Failed, Process, answers, running, until
from bench.tocsin_server import serving

PART = "clicks"
ISSUES = 4000
MOST_PER_SECOND = 8000  # as many as are prepared; no side is that fast
CONNECTIONS = 16

TOCSIN_ROWS = {
    "changes of issues": "SELECT coalesce(sum(version - 1), 0) FROM issues_issue",
    "activities": "SELECT count(*) FROM issues_activity WHERE kind IN ('resolved', 'reopened')",
    "received": "SELECT count(*) FROM slack_received",
    "outbox rows": "SELECT count(*) FROM outbox_delivery",
}
PEER_ROWS = {
    "changes of issues": "SELECT coalesce(sum(version - 1), 0) FROM issues",
    "activities": "SELECT count(*) FROM activities WHERE kind IN ('resolved', 'reopened')",
    "received": "SELECT count(*) FROM received",
    "outbox rows": "SELECT count(*) FROM deliveries",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """A server that answers on this port."""

    port: int
    process: Process


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What came of one run; `void` says why it must not be believed."""

    answered: Answers
    cpu_seconds: float
    void: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """Who answers, while `serve(bench, database, processes)` lasts."""

    name: str
    template: Callable[[Bench, str], Database]
    serve: Callable[[Bench, Database, int], AbstractContextManager[Serving]]
    rows: Mapping[str, str]


def wrong_counts(database: Database, rows: Mapping[str, str], expected: int) -> str:
    """Which tables do not hold one row a click, in words; empty when all is as it should be."""
    return wrong({name: database.number(statement) for name, statement in rows.items()}, expected)


def wrong(counted: Mapping[str, int], expected: int) -> str:
    return ", ".join(
        f"{name}: {number} for {expected} clicks" for name, number in counted.items() if number != expected
    )


def run(bench: Bench) -> Iterator[Figure]:
    for kind in bench.databases:
        for processes in bench.options["processes"]:
            yield from _compare(bench, kind, processes)


def _compare(bench: Bench, kind: str, processes: int) -> Iterator[Figure]:
    """The sides by turns, so that each meets the same noise."""
    results: dict[str, list[Run]] = {name: [] for name in SIDES if name in bench.options["sides"]}
    for _ in range(bench.rounds):
        for name, runs in results.items():
            runs.append(_once(bench, SIDES[name], kind, processes))
    number = f"{processes} process{'es' if processes > 1 else ''}, {kind}"
    for what, unit, of in MEASURES:
        for name, runs in results.items():
            void = "; ".join(sorted({run.void for run in runs if run.void}))
            value = median([of(run, bench.warm_up) for run in runs])
            n = sum(run.answered.ok for run in runs)
            yield Figure(part=PART, what=f"{number}: {what}", side=name, value=value, unit=unit, n=n, void=void)


MEASURES: tuple[tuple[str, str, Callable[[Run, float], float]], ...] = (
    ("answered", "/s", lambda run, warm_up: run.answered.per_second(warm_up)),
    ("p50", "ms", lambda run, warm_up: 1000 * percentile(run.answered.took_after(warm_up), 0.5)),
    ("p99", "ms", lambda run, warm_up: 1000 * percentile(run.answered.took_after(warm_up), 0.99)),
    ("CPU a click, of the web processes", "ms", lambda run, _: 1000 * run.cpu_seconds / max(1, run.answered.ok)),
)


def _once(bench: Bench, side: Side, kind: str, processes: int) -> Run:
    """On a fresh database."""
    database = bench.databases[kind].copy(side.template(bench, kind))
    seconds = bench.seconds + bench.warm_up
    try:
        with side.serve(bench, database, processes) as serving:
            requests = clicks.requests(ISSUES, int(MOST_PER_SECOND * seconds))
            before = serving.process.cpu_seconds()
            answered = bench.drive(serving.port, requests, seconds=seconds, connections=CONNECTIONS)
            cpu_seconds = serving.process.cpu_seconds() - before
        void = f"answered otherwise: {answered.others}" if answered.others else ""
        void = void or wrong_counts(database, side.rows, answered.ok)
        return Run(answered=answered, cpu_seconds=cpu_seconds, void=void)
    finally:
        bench.databases[kind].drop(database)


# --- the sides -------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _tocsin(bench: Bench, database: Database, processes: int) -> Iterator[Serving]:
    with serving(bench, database, workers=processes) as tocsin:
        yield Serving(port=tocsin.port, process=tocsin.process)


def _tocsin_template(bench: Bench, kind: str) -> Database:
    return tocsin_server.filled(bench, kind, Sizes(issues=ISSUES, events=1))


def _peer_url(database: Database) -> str:
    return database.url.replace("postgresql://", "postgresql+psycopg://")


def _peer_template(bench: Bench, kind: str) -> Database:
    def fill(database: Database) -> None:
        command = [bench.peer("bolt").python, "-m", "bench.peers.bolt_app", str(ISSUES)]
        done = subprocess.run(
            command, cwd=ROOT, env=_peer_environment(database), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise Failed(f"the Bolt app's database could not be made:\n{done.stderr[-2000:]}")

    return bench.template(kind, "bolt", fill=fill)


def _peer_environment(database: Database) -> dict[str, str]:
    return {"BENCH_DATABASE_URL": _peer_url(database), "SLACK_SIGNING_SECRET": clicks.SIGNING_SECRET}


@contextlib.contextmanager
def _bolt(bench: Bench, database: Database, processes: int) -> Iterator[Serving]:
    port, environment = free_port(), bench.peer("bolt")
    server, threads = bench.options["peer_server"], bench.options["peer_threads"]
    threads = threads or PEER_THREADS[database.kind]
    if server == "granian":
        command = [environment.program("granian"), "--interface", "wsgi", "--host", HOST, "--port", port]
        command += ["--workers", processes, "--blocking-threads", threads, "--no-ws", "bench.peers.bolt_app:flask_app"]
    else:
        command = [environment.program("gunicorn"), "--bind", f"{HOST}:{port}", "--workers", processes]
        command += [
            "--worker-class",
            "gthread",
            "--threads",
            threads,
            "--keep-alive",
            60,
            "bench.peers.bolt_app:flask_app",
        ]
    with running(command, bench.fresh_directory("bolt") / "log", _peer_environment(database)) as process:
        until(lambda: answers(port, "/readyz"), process, "the Bolt app")
        yield Serving(port=port, process=process)


PEER_THREADS = {SQLITE: 1, POSTGRESQL: 8}  # of 1, 4 and 8, the number that answered most


@contextlib.contextmanager
def _floor(bench: Bench, database: Database, processes: int) -> Iterator[Serving]:
    port = free_port()
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", HOST, "--port", port, "--no-ws"]
    threads = bench.options["floor_threads"] or FLOOR_THREADS[database.kind]
    command += ["--workers", processes, "--blocking-threads", threads, "bench.floors.clicks_app:application"]
    with running(command, bench.fresh_directory("floor") / "log", _peer_environment(database)) as process:
        until(lambda: answers(port, "/readyz"), process, "the floor")
        yield Serving(port=port, process=process)


FLOOR_THREADS = {SQLITE: 1, POSTGRESQL: 4}  # of 1, 2, 4 and 8, the number that answered most

SIDES = {
    side.name: side
    for side in (
        Side(name="tocsin", template=_tocsin_template, serve=_tocsin, rows=TOCSIN_ROWS),
        Side(name="bolt", template=_peer_template, serve=_bolt, rows=PEER_ROWS),
        Side(name="floor", template=_peer_template, serve=_floor, rows=PEER_ROWS),
    )
}
