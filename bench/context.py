"""What every part is given: sizes, where to write, which databases there are."""

from __future__ import annotations

import contextlib
import itertools
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from bench import driver
from bench.databases import Database, Databases, open_databases
from bench.peers.environments import Environment, environment
from bench.processes import HOST, ROOT, Failed
from tests.ports import free_port as free_port

DIRECTORY = Path("/var/tmp")  # for databases: on a real disk, where /tmp may not be
SHARED_MEMORY = Path("/dev/shm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What the driver saw. Times are in seconds; `began` is on the machine's monotonic clock."""

    statuses: dict[str, int]
    numbers: list[int]
    began: list[float]
    took: list[float]

    @property
    def ok(self) -> int:
        return self.statuses.get("200", 0)

    @property
    def others(self) -> dict[str, int]:
        """Whatever was not answered with 200."""
        return {status: number for status, number in self.statuses.items() if status != "200" and number}

    def per_second(self, warm_up: float) -> float:
        """Answers per second from `warm_up` seconds after the first request on, until the last answer."""
        start = min(self.began) + warm_up
        ends = [began + took for began, took in zip(self.began, self.took, strict=True)]
        counted = sum(1 for end in ends if end >= start)
        return counted / (max(ends) - start)

    def took_after(self, warm_up: float) -> list[float]:
        start = min(self.began) + warm_up
        return [took for began, took in zip(self.began, self.took, strict=True) if began >= start]


@dataclass(slots=True, kw_only=True)
class Bench:
    """One run of the bench. `directory` is on a real disk, and removed in the end."""

    directory: Path
    cache: Path
    databases: dict[str, Databases]
    rounds: int
    seconds: float
    warm_up: float = 1.0
    options: dict[str, Any] = field(default_factory=dict)
    kept: dict[str, Any] = field(default_factory=dict)  # what a part has made for the parts after it
    _numbers: Iterable[int] = field(default_factory=itertools.count)
    _templates: dict[tuple[str, ...], Database] = field(default_factory=dict)

    def fresh_directory(self, name: str) -> Path:
        path = self.directory / f"{name}-{next(iter(self._numbers))}"
        path.mkdir()
        return path

    def peer(self, name: str) -> Environment:
        return environment(name, self.cache)

    def template(self, kind: str, *what: str, fill: Any) -> Database:
        """The database that `fill(database)` has filled, made once a run."""
        if (kind, *what) not in self._templates:
            made = self.databases[kind].empty()
            fill(made)
            self._templates[kind, *what] = made
        return self._templates[kind, *what]

    def drive(
        self,
        port: int,
        requests: Iterable[bytes],
        *,
        seconds: float | None = None,
        connections: int = 16,
        rate: float = 0.0,
    ) -> Answers:
        """Send them, from a process of its own. Raises Failed when there were too few of them to keep it busy."""
        with Load(port, requests, seconds=seconds or self.seconds, connections=connections, rate=rate) as load:
            return load.answers()


@contextlib.contextmanager
def opened(
    parent: Path,
    cache: Path,
    kinds: Sequence[str],
    *,
    rounds: int,
    seconds: float,
    options: dict[str, Any] | None = None,
) -> Iterator[Bench]:
    """A bench with a directory of its own and the databases of these kinds; in the end nothing of it is left."""
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-", dir=parent) as name:
        directory = Path(name)
        directory.chmod(0o755)  # PostgreSQL runs as another user when we are root, and must be able to enter
        with open_databases(kinds, directory) as databases:
            yield Bench(
                directory=directory,
                cache=cache,
                databases=databases,
                rounds=rounds,
                seconds=seconds,
                options=options or {},
            )


class Load:
    """A driver at work. The requests wait in memory, so that reading them does not meet the database's writes."""

    def __init__(
        self, port: int, requests: Iterable[bytes], *, seconds: float, connections: int = 16, rate: float = 0.0
    ) -> None:
        place = SHARED_MEMORY if SHARED_MEMORY.is_dir() else None
        self._file = tempfile.NamedTemporaryFile(prefix="bench-requests-", dir=place)  # noqa: SIM115 - closed by __exit__
        self._number = driver.write_requests(Path(self._file.name), requests)
        self._is_closed_loop = not rate
        command = [sys.executable, "-m", "bench.driver", HOST, str(port), self._file.name]
        command += ["--connections", str(connections), "--seconds", str(seconds), "--rate", str(rate)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._file.close()

    def answers(self) -> Answers:
        """When all is answered."""
        out, _ = self._process.communicate()
        if self._process.returncode:
            raise Failed(f"the load driver ended with {self._process.returncode}")
        told = json.loads(out)
        if self._is_closed_loop and len(told["answers"]) == self._number:
            raise Failed(f"{self._number} requests were too few for the time: prepare more")
        numbers, began, took = (
            (list(values) for values in zip(*told["answers"], strict=True)) if told["answers"] else ([], [], [])
        )
        return Answers(statuses=told["statuses"], numbers=numbers, began=began, took=took)
