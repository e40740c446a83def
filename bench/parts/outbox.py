"""The outbox: how many messages a second one worker posts, within every budget, when they wait for it.

Two Slacks: one that answers in 1 ms, so that the worker is what limits; and one that takes 100 ms, as the real one may.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench import slack, tocsin_server
from bench.context import Bench
from bench.databases import Database
from bench.figures import Figure, median
from bench.generate import Sizes
from bench.processes import Failed, running, until
from bench.slack import Call

PART = "outbox"
WATCHED_FOR = 20.0  # seconds; what waits then still is left


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What waits, and for whom."""

    what: str
    milliseconds: float
    sizes: Sizes


LOADS = (
    Load(
        what="posts, 400 channels, 80 workspaces, 1 ms",
        milliseconds=1,
        sizes=Sizes(issues=2000, events=1, workspaces=80, channels=400, waiting=2000),
    ),
    Load(
        what="posts, 500 channels, 100 workspaces, 100 ms",
        milliseconds=100,
        sizes=Sizes(issues=5000, events=1, workspaces=100, channels=500, waiting=5000),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    per_second: float
    cpu_ms: float  # a post
    number: int
    void: str


def run(bench: Bench) -> Iterator[Figure]:
    if "tocsin" not in bench.options["sides"]:
        return
    for kind in bench.databases:
        for load in LOADS:
            runs = [_once(bench, kind, load) for _ in range(min(2, bench.rounds))]
            void = "; ".join(sorted({run.void for run in runs if run.void}))
            n = sum(run.number for run in runs)
            for what, unit, value in (
                (load.what, "/s", median([run.per_second for run in runs])),
                (f"CPU of {load.what}", "ms", median([run.cpu_ms for run in runs])),
            ):
                yield Figure(part=PART, what=f"{kind}: {what}", side="tocsin", value=value, unit=unit, n=n, void=void)


def _once(bench: Bench, kind: str, load: Load) -> Run:
    database = bench.databases[kind].copy(tocsin_server.filled(bench, kind, load.sizes))
    try:
        with slack.answering(bench, milliseconds=load.milliseconds) as recorder:
            directory = bench.fresh_directory("worker")
            settings = tocsin_server.environment(database, directory, slack=recorder.api_url)
            command = [sys.executable, "-m", "tocsin.cli", "worker", "--only", "deliver"]
            with running(command, directory / "log", settings) as worker:
                began = time.monotonic()
                until(lambda: _is_over(database, began), worker, "posting", pause=0.2)
                cpu = worker.cpu_seconds()
            posts = [call for call in recorder.calls() if call.method == "chat.postMessage"]
        if not posts:
            raise Failed(f"nothing was posted; see {worker.log}")
        void = _wrong(database, posts) or over_budget(posts)
        seconds = max(post.at for post in posts) - min(post.at for post in posts)
        return Run(per_second=len(posts) / seconds, cpu_ms=1000 * cpu / len(posts), number=len(posts), void=void)
    finally:
        bench.databases[kind].drop(database)


def _is_over(database: Database, began: float) -> bool:
    waiting = "SELECT count(*) FROM outbox_delivery WHERE done_at IS NULL AND abandoned_at IS NULL"
    return time.monotonic() - began > WATCHED_FOR or not database.number(waiting)


def _wrong(database: Database, posts: Sequence[Call]) -> str:
    """Every card that was posted was posted once, and is known to be; what was under way at the end was finished."""
    done = database.number(
        "SELECT count(*) FROM outbox_delivery WHERE done_at IS NOT NULL AND kind = 'slack.post_card'"
    )
    known = database.number("SELECT count(*) FROM slack_card WHERE ts <> ''")
    counted = {"deliveries done": done, "cards known": known}
    return ", ".join(f"{name}: {number} for {len(posts)}" for name, number in counted.items() if number != len(posts))


def over_budget(posts: Sequence[Call], *, seconds: float = 10.0, most: int = 14) -> str:
    """Slack takes one message a second for a channel, with short bursts: in any ten seconds, ten and a burst of a few."""
    windows: Counter[tuple[str, int]] = Counter()
    for post in posts:
        windows[post.given["channel"], int(post.at / seconds)] += 1
    worst = max(windows.values(), default=0)
    return f"{worst} messages to one channel in {seconds:.0f} s" if worst > most else ""
