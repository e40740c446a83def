"""The bare Slack of the bench, in a process of its own."""

from __future__ import annotations

import contextlib
import json
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bench.context import Bench, free_port
from bench.processes import HOST, Process, answers, running, until


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of a method, `at` on the machine's monotonic clock."""

    at: float
    method: str
    given: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slack:
    port: int
    process: Process

    @property
    def api_url(self) -> str:
        return f"http://{HOST}:{self.port}/api/"

    def calls(self, *, first: int = 0) -> list[Call]:
        with urllib.request.urlopen(f"http://{HOST}:{self.port}/calls?from={first}", timeout=60) as answer:
            return [Call(at=at, method=method, given=given) for at, method, given in json.load(answer)]


@contextlib.contextmanager
def answering(bench: Bench, *, milliseconds: float) -> Iterator[Slack]:
    """A Slack that takes so long for an answer."""
    port = free_port()
    command = [sys.executable, "-m", "bench.recorder", str(port), str(milliseconds)]
    with running(command, bench.fresh_directory("slack") / "log") as process:
        until(lambda: answers(port, "/calls"), process, "the bare Slack")
        yield Slack(port=port, process=process)
