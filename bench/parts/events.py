"""Events accepted and digested per second, and what each costs: Tocsin, Bugsink, and the floor.

The groups are there already: each was seen once before, on every side. A load of some seconds goes in while the workers digest;
then they finish. `digested` counts from the first request until the last event is digested.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import driver, events, tocsin_server
from bench.context import Answers, Bench
from bench.databases import SQLITE, Database
from bench.figures import Figure, median, percentile
from bench.generate import PROJECT, Sizes, public_key
from bench.peers import bugsink
from bench.peers.bugsink import Bugsink
from bench.processes import Process, tool, until
from bench.tocsin_server import serving

PART = "events"
CONNECTIONS = 16
MOST_PER_SECOND = 3000  # as many as are prepared
DRAINED_WITHIN = 300.0  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What came of one run; `void` says why it must not be believed."""

    accepted_per_second: float
    digested_per_second: float
    cpu_ms: float  # an event, all processes of the side
    p99_ms: float  # of the answers
    number: int
    void: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What a side has stored."""

    events: int
    issues: int


MEASURES: tuple[tuple[str, str, Callable[[Run], float]], ...] = (
    ("accepted", "/s", lambda run: run.accepted_per_second),
    ("digested", "/s", lambda run: run.digested_per_second),
    ("CPU an event, all processes", "ms", lambda run: run.cpu_ms),
    ("answer p99", "ms", lambda run: run.p99_ms),
)


def run(bench: Bench) -> Iterator[Figure]:
    firsts = first_events(bench)
    envelopes = [body for _, body in events.bodies(firsts, int(MOST_PER_SECOND * bench.seconds))]
    for kind in bench.databases:
        sides: dict[str, Callable[[], Run]] = {"tocsin": lambda kind=kind: _tocsin(bench, kind, firsts, envelopes)}
        if kind == SQLITE:
            sides["bugsink"] = lambda: _bugsink(bench, firsts, envelopes)
        sides["floor"] = lambda kind=kind: _floor(bench, kind, envelopes)
        yield from _compare(bench, kind, {name: side for name, side in sides.items() if name in bench.options["sides"]})


def first_events(bench: Bench) -> list[str]:
    """The first event of each group; made once a run, where the SDK is."""
    path = bench.directory / "events.jsonl"
    if not path.exists():
        tool("-m", "bench.events", str(events.GROUPS), str(path))
    return events.read(path)


def _compare(bench: Bench, kind: str, sides: dict[str, Callable[[], Run]]) -> Iterator[Figure]:
    runs: dict[str, list[Run]] = {name: [] for name in sides}
    for _ in range(bench.rounds):
        for name, side in sides.items():
            runs[name] += [side()]
    for what, unit, of in MEASURES:
        for name, taken in runs.items():
            void = "; ".join(sorted({run.void for run in taken if run.void}))
            values = [of(run) for run in taken if of(run) >= 0]
            if values:
                n = sum(run.number for run in taken)
                yield Figure(
                    part=PART, what=f"{kind}: {what}", side=name, value=median(values), unit=unit, n=n, void=void
                )


def wrong_counts(before: Counted, after: Counted, accepted: int) -> str:
    """Why the rows do not fit what was accepted; empty when they do."""
    wrong = []
    if after.events - before.events != accepted:
        wrong.append(f"events: {after.events - before.events} for {accepted} accepted")
    if after.issues != events.GROUPS:
        wrong.append(f"issues: {after.issues} for {events.GROUPS} groups")
    return ", ".join(wrong)


def measured(
    bench: Bench, port: int, requests: Iterator[bytes], cpu: Callable[[], float], drain: Callable[[int], None]
) -> tuple[Answers, float, float]:
    """The answers, the seconds until all was digested, and the CPU time of it all."""
    before = cpu()
    answered = bench.drive(port, requests, connections=CONNECTIONS)
    drain(answered.ok)
    return answered, time.monotonic() - min(answered.began), cpu() - before


def _run(answered: Answers, seconds: float, cpu: float, void: str) -> Run:
    return Run(
        accepted_per_second=answered.per_second(0.0),
        digested_per_second=answered.ok / seconds,
        cpu_ms=1000 * cpu / max(1, answered.ok),
        p99_ms=1000 * percentile(answered.took, 0.99),
        number=answered.ok,
        void=(f"answered otherwise: {answered.others}; " if answered.others else "") + void,
    )


# --- Tocsin ----------------------------------------------------------------------------------------------------------


def _tocsin(bench: Bench, kind: str, firsts: Sequence[str], envelopes: Sequence[bytes]) -> Run:
    database = bench.databases[kind].copy(seen_once(bench, kind, firsts))
    try:
        before = tocsin_counted(database)
        with serving(bench, database, worker=True) as tocsin:
            answered, seconds, cpu = measured(
                bench,
                tocsin.port,
                events.requests(envelopes, public_key(PROJECT), PROJECT),
                tocsin.process.cpu_seconds,
                lambda _: tocsin_drained(database, tocsin.process),
            )
        return _run(answered, seconds, cpu, wrong_counts(before, tocsin_counted(database), answered.ok))
    finally:
        bench.databases[kind].drop(database)


def seen_once(bench: Bench, kind: str, firsts: Sequence[str]) -> Database:
    """A database in which every group was seen once; made once a run, by sending the events."""

    def fill(database: Database) -> None:
        tocsin_server.fill(bench, database, Sizes(issues=0, events=0, rules=0))
        envelopes = [body for _, body in events.bodies(firsts, len(firsts))]
        with serving(bench, database, worker=True) as tocsin:
            send_all(bench, tocsin.port, events.requests(envelopes, public_key(PROJECT), PROJECT))
            tocsin_drained(database, tocsin.process)

    return bench.template(kind, "seen once", fill=fill)


def send_all(bench: Bench, port: int, requests: Iterator[bytes]) -> None:
    """Each of them, at a modest pace."""
    every = list(requests)
    bench.drive(port, every, seconds=len(every) / 100, rate=100.0)


def tocsin_drained(database: Database, process: Process) -> None:
    waiting = "SELECT count(*) FROM intake_accepted WHERE state = 'waiting'"
    until(lambda: not database.number(waiting), process, "digesting", seconds=DRAINED_WITHIN, pause=0.05)


def tocsin_counted(database: Database) -> Counted:
    """By the issues' own sums, which every stored event must have grown by one."""
    return Counted(
        events=min(
            database.number("SELECT count(*) FROM issues_storedevent"),
            database.number("SELECT coalesce(sum(times_seen), 0) FROM issues_issue"),
        ),
        issues=database.number("SELECT count(*) FROM issues_issue"),
    )


# --- Bugsink ---------------------------------------------------------------------------------------------------------


def _bugsink(bench: Bench, firsts: Sequence[str], envelopes: Sequence[bytes]) -> Run:
    peer = bugsink.copy(bench, bugsink_seen_once(bench, firsts))
    before = Counted(events=peer.events, issues=peer.issues)
    with bugsink.serving(bench, peer) as server:

        def drain(accepted: int) -> None:
            """Its tasks are deleted before they are done, so their absence is not the end."""
            stored = before.events + accepted
            until(lambda: peer.events >= stored, server.foreman, "digesting", seconds=DRAINED_WITHIN, pause=0.05)

        requests = events.requests(envelopes, bugsink.KEY, bugsink.PROJECT)
        answered, seconds, cpu = measured(bench, server.port, requests, server.cpu_seconds, drain)
    after = Counted(events=peer.events, issues=peer.issues)
    return _run(answered, seconds, cpu, wrong_counts(before, after, answered.ok))


def bugsink_seen_once(bench: Bench, firsts: Sequence[str]) -> Bugsink:
    if "bugsink" not in bench.kept:
        made = bugsink.new(bench)
        envelopes = [body for _, body in events.bodies(firsts, len(firsts))]
        with bugsink.serving(bench, made) as server:
            send_all(bench, server.port, events.requests(envelopes, bugsink.KEY, bugsink.PROJECT))
            until(lambda: made.events >= len(firsts), server.foreman, "digesting", seconds=DRAINED_WITHIN, pause=0.05)
        bench.kept["bugsink"] = made
    made = bench.kept["bugsink"]
    assert isinstance(made, Bugsink)
    return made


# --- the floor -------------------------------------------------------------------------------------------------------


def _floor(bench: Bench, kind: str, envelopes: Sequence[bytes]) -> Run:
    database = bench.databases[kind].empty()
    path = Path("/dev/shm") if Path("/dev/shm").is_dir() else bench.directory
    file = path / f"bench-floor-{time.monotonic_ns()}"
    try:
        driver.write_requests(file, envelopes)
        where = str(database.path) if kind == SQLITE else database.url
        told = json.loads(tool("-m", "bench.floors.digest", str(file), kind, where))
    finally:
        with contextlib.suppress(FileNotFoundError):
            file.unlink()
        bench.databases[kind].drop(database)
    void = wrong_counts(
        Counted(events=0, issues=0), Counted(events=told["events"], issues=told["groups"]), len(envelopes)
    )
    rate = told["events"] / told["seconds"]
    return Run(
        accepted_per_second=rate,
        digested_per_second=rate,
        cpu_ms=1000 * told["cpu"] / told["events"],
        p99_ms=-1.0,
        number=told["events"],
        void=void,
    )
