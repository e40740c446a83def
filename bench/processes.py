"""Starting what is measured, and reading from /proc what it costs."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
PATIENCE = 60.0  # seconds for anything to answer
TICKS = os.sysconf("SC_CLK_TCK")


class Failed(Exception):
    """Something of the bench did not start or ended too early; the text says what, and where its log is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A running program with its children."""

    popen: subprocess.Popen[bytes]
    log: Path

    def tree(self) -> list[int]:
        """The process and all its descendants."""
        children: dict[int, list[int]] = {}
        for status in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = status.read_text().rpartition(")")[2].split()
                children.setdefault(int(fields[1]), []).append(int(status.parent.name))
        found = [self.popen.pid]
        for pid in found:
            found += children.get(pid, [])
        return found

    def cpu_seconds(self) -> float:
        """User and system time of the whole tree, with that of children that have ended."""
        ticks = 0
        for pid in self.tree():
            with contextlib.suppress(OSError):
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                ticks += sum(int(field) for field in fields[11:15])
        return ticks / TICKS

    def pss_bytes(self) -> int:
        """Proportional set size of the whole tree: what it takes from the machine, shared pages shared out."""
        total = 0
        for pid in self.tree():
            with contextlib.suppress(OSError):
                lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
                total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
        return total

    def check(self) -> None:
        if self.popen.poll() is not None:
            raise Failed(f"{self.popen.args!r} ended with {self.popen.returncode}; see {self.log}")


@contextlib.contextmanager
def running(
    command: Sequence[str | Path], log: Path, environment: Mapping[str, str] | None = None, cwd: Path = ROOT
) -> Iterator[Process]:
    """The command in a session of its own; in the end SIGTERM to it, and SIGKILL to all that is left of the session."""
    with log.open("ab") as file:
        popen = subprocess.Popen(
            [str(part) for part in command],
            cwd=cwd,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield Process(popen=popen, log=log)
    finally:
        popen.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            popen.wait(15)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(popen.pid, signal.SIGKILL)
        popen.wait()


def until(
    look: Callable[[], bool], process: Process, what: str, *, seconds: float = PATIENCE, pause: float = 0.02
) -> None:
    """Return as soon as `look()` is true."""
    deadline = time.monotonic() + seconds
    while not look():
        process.check()
        if time.monotonic() > deadline:
            raise Failed(f"{what} did not happen within {seconds:.0f} s; see {process.log}")
        time.sleep(pause)


def answers(port: int, path: str, host: str = HOST) -> bool:
    """Whether a GET of it is answered at all (below 500)."""
    connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status < 500
    except OSError:
        return False
    finally:
        connection.close()


def tool(*arguments: str, environment: Mapping[str, str] | None = None) -> str:
    """Run this Python with these arguments at the project's root. Returns what it printed; raises Failed."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Failed(f"python {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout
