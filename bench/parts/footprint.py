"""What it takes to have it: memory when idle, seconds from start to ready, seconds and megabytes to install. Tocsin and Bugsink.

Memory is the proportional set size of every process of the side, supervisors too, after some events and a rest of some
seconds. Both are installed by pip from nothing; packages may come from its cache.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench import events, tocsin_server
from bench.context import Bench
from bench.databases import SQLITE
from bench.figures import Figure, median
from bench.generate import PROJECT, Sizes, public_key
from bench.parts.events import first_events
from bench.peers import bugsink
from bench.peers.environments import PACKAGES, Environment, make
from bench.processes import ROOT
from bench.tocsin_server import serving

PART = "footprint"
REST = 5.0  # seconds
MIB = 1024 * 1024


def run(bench: Bench) -> Iterator[Figure]:
    yield from _memory_and_start(bench)
    yield from _install(bench)


def _memory_and_start(bench: Bench) -> Iterator[Figure]:
    measures = {"tocsin": _tocsin, "bugsink": _bugsink}
    sides = {name: measure for name, measure in measures.items() if name in bench.options["sides"]}
    if SQLITE not in bench.databases:
        return
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
    for _ in range(bench.rounds):
        for name, measure in sides.items():
            taken[name].append(measure(bench))
    for place, (what, unit) in enumerate((("memory idle, web and worker", "MiB"), ("cold start to ready", "s"))):
        for name, pairs in taken.items():
            values = [pair[place] for pair in pairs]
            yield Figure(part=PART, what=what, side=name, value=median(values), unit=unit, n=len(values))


def _tocsin(bench: Bench) -> tuple[float, float]:
    """(MiB, seconds)"""
    database = bench.databases[SQLITE].copy(tocsin_server.filled(bench, SQLITE, Sizes(issues=100, events=1)))
    began = time.monotonic()
    with serving(bench, database, worker=True) as tocsin:
        started = time.monotonic() - began
        _send_one(bench, tocsin.port, public_key(PROJECT), PROJECT)
        return tocsin.process.pss_bytes() / MIB, started


def _bugsink(bench: Bench) -> tuple[float, float]:
    if "new bugsink" not in bench.kept:
        bench.kept["new bugsink"] = bugsink.new(bench)
    peer = bugsink.copy(bench, bench.kept["new bugsink"])
    began = time.monotonic()
    with bugsink.serving(bench, peer) as server:
        started = time.monotonic() - began
        _send_one(bench, server.port, bugsink.KEY, bugsink.PROJECT)
        return server.pss_bytes() / MIB, started


def _send_one(bench: Bench, port: int, key: str, project: int) -> None:
    """A few events, so that every process has done its work once; then rest."""
    bodies = [body for _, body in events.bodies(first_events(bench), 8)]
    bench.drive(port, events.requests(bodies, key, project), seconds=2.0, rate=4.0)
    time.sleep(REST)


# --- installing ------------------------------------------------------------------------------------------------------


def _install(bench: Bench) -> Iterator[Figure]:
    installs: dict[str, Callable[[Environment], float]] = {
        "tocsin": _install_tocsin,
        "bugsink": lambda environment: make(environment, PACKAGES["bugsink"]),
    }
    for name, install in installs.items():
        if name not in bench.options["sides"]:
            continue
        environment = Environment(path=bench.fresh_directory("install") / name)
        seconds = install(environment)
        size = _size(environment.path)
        shutil.rmtree(environment.path)
        yield Figure(part=PART, what="install, from nothing", side=name, value=seconds, unit="s", n=1)
        yield Figure(part=PART, what="installed", side=name, value=size / MIB, unit="MiB", n=1)


def _install_tocsin(environment: Environment) -> float:
    """As its manual says: every package by its hash, then Tocsin itself."""
    hashed = ("--require-hashes", "--requirement", str(ROOT / "requirements" / "run.txt"))
    seconds = make(environment, hashed)
    began = time.monotonic()
    source = environment.path / "source"
    shutil.copytree(ROOT / "tocsin", source / "tocsin", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    command = [
        environment.python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--disable-pip-version-check",
        source,
    ]
    subprocess.run(command, check=True, capture_output=True)
    shutil.rmtree(source)
    return seconds + time.monotonic() - began


def _size(path: Path) -> int:
    """Bytes on disk, as du counts them."""
    return sum(file.lstat().st_blocks * 512 for file in path.rglob("*"))
