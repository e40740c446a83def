"""`python -m bench`: measure, print a table, write bench/results/<date>.json. Exit status 1 when a figure is void."""

from __future__ import annotations

import argparse
import datetime as dt
import importlib
import json
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

from bench import machine
from bench.context import DIRECTORY, Bench, opened
from bench.databases import KINDS
from bench.figures import Figure, table
from bench.peers.environments import default_cache

PARTS = ("clicks", "events", "latency", "footprint", "options", "outbox", "growth")
MEASURES = ("clicks", "pages", "latencies", "events")  # of growth
SIDES = ("tocsin", "bolt", "bugsink", "floor")
RESULTS = Path(__file__).resolve().parent / "results"


def main() -> int:
    options = _options()
    began = time.monotonic()
    facts = machine.facts()
    figures: list[Figure] = []
    with opened(
        options.directory,
        options.cache,
        options.database or KINDS,
        rounds=options.rounds,
        seconds=options.seconds,
        options=vars(options),
    ) as bench:
        for part in options.only or PARTS:
            figures += _run(part, bench)
    print(table(figures))
    print(f"\n{time.monotonic() - began:.0f} s")
    _write(figures, facts, options)
    return 1 if any(figure.void for figure in figures) else 0


def _run(part: str, bench: Bench) -> Iterator[Figure]:
    """The part's figures; one that breaks off is said to have, and the others go on."""
    print(f"bench: {part} …", file=sys.stderr, flush=True)
    try:
        yield from importlib.import_module(f"bench.parts.{part}").run(bench)
    except Exception as error:  # noqa: BLE001 - printed, and the run is void
        traceback.print_exc()
        what = f"{type(error).__name__}: {error}".splitlines()[0]
        yield Figure(part=part, what="the part broke off", side="bench", value=0, unit="", n=0, void=what)


def _write(figures: list[Figure], facts: dict[str, object], options: argparse.Namespace) -> None:
    now = dt.datetime.now(dt.UTC)
    path = options.results / f"{now:%Y-%m-%d-%H%M}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    told = {"date": now.isoformat(timespec="seconds"), "machine": facts, "arguments": sys.argv[1:]}
    path.write_text(json.dumps(told | {"figures": [figure.as_dict() for figure in figures]}, indent=1) + "\n")
    print(f"written: {path}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--only", action="append", choices=PARTS, help="run this part (may be given again)")
    parser.add_argument("--database", action="append", choices=KINDS, help="on this database only (may be given again)")
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=SIDES, help="who is measured")
    parser.add_argument("--processes", nargs="+", type=int, default=[1, 2], help="clicks: web processes")
    parser.add_argument("--rounds", type=int, default=3, help="how often each figure is taken; the median is reported")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long a load lasts")
    parser.add_argument("--few", type=int, default=1_000, help="growth: issues of the small database")
    parser.add_argument("--many", type=int, default=100_000, help="growth: of the large one, each with ten events")
    parser.add_argument("--measures", nargs="+", choices=MEASURES, default=MEASURES, help="growth: which of these")
    parser.add_argument("--directory", type=Path, default=DIRECTORY, help="for databases: on a real disk")
    parser.add_argument("--cache", type=Path, default=default_cache(), help="where the peers are installed")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the file of results goes")
    parser.add_argument("--peer-server", choices=["granian", "gunicorn"], default="granian")
    parser.add_argument("--peer-threads", type=int, default=0, help="of each process; 0: the best known number")
    parser.add_argument("--floor-threads", type=int, default=0, help="of each process; 0: the best known number")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
