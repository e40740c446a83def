"""Tocsin as it is recommended to run: `tocsin serve`, with the same settings whatever is measured."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.clicks import SIGNING_SECRET
from bench.context import Bench, free_port
from bench.databases import Database
from bench.generate import Sizes
from bench.processes import HOST, Process, answers, running, tool, until

SECRET_KEY = "a-secret-key-that-only-the-bench-uses-0123456789"
NOBODY = f"http://{HOST}:9/api/"  # where no Slack answers


@dataclass(frozen=True, slots=True, kw_only=True)
class Tocsin:
    """It runs, and answers."""

    port: int
    process: Process
    data_dir: Path

    @property
    def web(self) -> int:
        """The number of the process that answers requests (of the last to start, of several)."""
        return int((self.data_dir / "web.pid").read_text())


def environment(database: Database, data_dir: Path, *, port: int = 8000, slack: str = NOBODY) -> dict[str, str]:
    return {
        "TOCSIN_DATABASE_URL": database.url,
        "TOCSIN_DATA_DIR": str(data_dir),
        "TOCSIN_URL": f"http://{HOST}:{port}",
        "TOCSIN_SECRET_KEY": SECRET_KEY,
        "TOCSIN_SLACK_SIGNING_SECRET": SIGNING_SECRET,
        "TOCSIN_SLACK_API_URL": slack,
        "TOCSIN_SLACK_BOT_TOKEN": "",
    }


def fill(bench: Bench, database: Database, sizes: Sizes) -> None:
    """Write an organization of these sizes into a new database."""
    arguments = [f"--{name}={value}" for name, value in asdict(sizes).items()]
    tool("-m", "bench.generate", *arguments, environment=environment(database, bench.fresh_directory("generate")))


def filled(bench: Bench, kind: str, sizes: Sizes) -> Database:
    """A database of these sizes to copy from; made once a run."""
    return bench.template(kind, "tocsin", json.dumps(asdict(sizes)), fill=lambda database: fill(bench, database, sizes))


@contextlib.contextmanager
def serving(
    bench: Bench, database: Database, *, workers: int = 1, worker: bool = False, slack: str = NOBODY
) -> Iterator[Tocsin]:
    """`tocsin serve` on the database, answering. `worker`: with the process that digests and delivers."""
    directory, port = bench.fresh_directory("tocsin"), free_port()
    command = [sys.executable, "-m", "tocsin.cli", "serve", "--host", HOST, "--port", str(port)]
    command += ["--workers", str(workers), *(() if worker else ("--no-worker",))]
    settings = environment(database, directory, port=port, slack=slack)
    with running(command, directory / "log", settings) as process:
        until(lambda: answers(port, "/readyz"), process, "tocsin serve")
        yield Tocsin(port=port, process=process, data_dir=directory)
