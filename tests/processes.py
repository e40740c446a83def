"""Real processes: `tocsin serve` and `tocsin worker` on a copy of the template database."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from django.conf import settings

from tests.ports import free_port
from tests.waiting import until

STOP_SECONDS = 10  # what SIGTERM may take


@dataclass(slots=True, kw_only=True)
class Running:
    """Processes that share a database and a data directory. Everything they print goes to files in `logs`."""

    url: str
    data_dir: Path
    logs: Path
    environment: dict[str, str]
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)
    strangers: list[subprocess.Popen[bytes]] = field(
        default_factory=list
    )  # those of them that run under another command

    def start(self, *arguments: str, under: Sequence[str] = ()) -> subprocess.Popen[bytes]:
        """`tocsin` with these arguments. It ends with the tests, however they end.

        `under` is a command to run it with: ("strace", "-f", "-e", "inject=fsync,fdatasync:signal=SIGKILL:when=3") kills a
        process at its third flush to disk. Such a command is killed in the end, with all that it runs: what SIGTERM means to
        it is not ours to test.
        """
        mortal = ("setpriv", "--pdeathsig=TERM")
        with (self.logs / f"{len(self.started)}-{arguments[0]}.log").open("wb") as log:
            process = subprocess.Popen(
                [*mortal, *under, *(mortal if under else ()), sys.executable, "-m", "tocsin.cli", *arguments],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=bool(under),
            )
        self.started.append(process)
        if under:
            self.strangers.append(process)
        return process

    def serve(self, *arguments: str, under: Sequence[str] = ()) -> subprocess.Popen[bytes]:
        """`tocsin serve`, answering when this returns."""
        port = self.url.rpartition(":")[2]
        process = self.start("serve", "--host", "127.0.0.1", "--port", port, *arguments, under=under)
        until(lambda: self._is_ready(process), seconds=30, what=f"tocsin serve, see {self.logs}")
        return process

    def work(self, *arguments: str, under: Sequence[str] = ()) -> subprocess.Popen[bytes]:
        """`tocsin worker`, at work when this returns."""
        (self.data_dir / "worker.pid").unlink(missing_ok=True)
        process = self.start("worker", *arguments, under=under)
        until(lambda: self.pid("worker"), seconds=30, what=f"tocsin worker, see {self.logs}")
        return process

    def pid(self, name: str) -> int:
        """The process that answers requests ("web") or works ("worker"); 0 while there is none."""
        try:
            return int((self.data_dir / f"{name}.pid").read_text())
        except (OSError, ValueError):
            return 0

    def kill(self, name: str) -> int:
        """SIGKILL for "web" or "worker". Returns the number it had: the one that follows has another."""
        pid = self.pid(name)
        os.kill(pid, signal.SIGKILL)
        return pid

    def stop(self) -> None:
        """SIGTERM for all, which they obey within 10 seconds; SIGKILL for what runs under another command."""
        for process in self.started:
            if process in self.strangers and process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.terminate()
        for process in self.started:
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                pytest.fail(f"{process.args!r} outlived SIGTERM by {STOP_SECONDS} s; see {self.logs}")
        self.started.clear()

    def _is_ready(self, process: subprocess.Popen[bytes]) -> bool:
        assert process.poll() is None, f"{process.args!r} ended with {process.returncode}; see {self.logs}"
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=2) as answer:
                return bool(answer.status == 200) and bool(self.pid("web"))
        except OSError:
            return False


@pytest.fixture
def processes(own_database: str, tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """`processes()`: serve and worker, answering. `processes(start=False)`: nothing yet; then `.serve()`, `.work()`.

    Keyword arguments in capitals are environment variables. The test's own ORM sees the same database.
    """
    all_running: list[Running] = []

    def begin(*, start: bool = True, **environment: str) -> Running:
        root = tmp_path / f"processes-{len(all_running)}"
        (root / "data").mkdir(parents=True)
        url = f"http://127.0.0.1:{free_port()}"
        running = Running(
            url=url,
            data_dir=root / "data",
            logs=root,
            environment={
                **os.environ,
                "TOCSIN_DATABASE_URL": own_database,
                "TOCSIN_DATA_DIR": str(root / "data"),
                "TOCSIN_URL": url,
                "TOCSIN_SLACK_API_URL": settings.TOCSIN_SLACK_API_URL,
                "TOCSIN_SLACK_SIGNING_SECRET": ",".join(settings.TOCSIN_SLACK_SIGNING_SECRETS),
                **environment,
            },
        )
        all_running.append(running)
        if start:
            running.serve()
        return running

    yield begin
    for running in all_running:
        running.stop()
