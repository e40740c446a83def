"""Where the time goes: `python -m bench.profile clicks --database sqlite` samples a process of Tocsin while it is under load.

Prints the functions by their own time and by their time with all they called, in percent of the samples that ran.
"""

from __future__ import annotations

import argparse
import subprocess
from collections import Counter
from collections.abc import Callable

from bench import clicks, events, tocsin_server
from bench.context import DIRECTORY, Bench, Load, opened
from bench.databases import KINDS
from bench.generate import PROJECT, Sizes, public_key
from bench.parts import clicks as part_clicks
from bench.parts import events as part_events
from bench.peers.environments import default_cache
from bench.tocsin_server import serving

SHOWN = 45


def sample(bench: Bench, pid: int, seconds: float) -> list[tuple[list[str], int]]:
    """Stacks, outermost first, with how often each was seen."""
    folded = bench.fresh_directory("profile") / "stacks"
    command = [bench.peer("tools").program("py-spy"), "record", "--pid", str(pid), "--format", "raw", "--rate", "200"]
    command += [
        "--duration",
        str(int(seconds)),
        "--output",
        str(folded),
        "--nonblocking",
        *(("--gil",) if bench.options.get("gil") else ()),
    ]
    subprocess.run(command, check=True, capture_output=True)
    lines = (line.rpartition(" ") for line in folded.read_text().splitlines())
    return [(stack.split(";"), int(number)) for stack, _, number in lines]


def shown(stacks: list[tuple[list[str], int]]) -> str:
    own: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for stack, number in stacks:
        names = [frame.rpartition(":")[0] + ")" if ":" in frame else frame for frame in stack]
        own[names[-1]] += number
        total.update(dict.fromkeys(names, number))
    samples = sum(number for _, number in stacks)
    lines = [f"{samples} samples", "", "own time"]
    lines += [f"{100 * number / samples:6.1f} %  {name}" for name, number in own.most_common(SHOWN)]
    lines += ["", "with all it called"]
    lines += [f"{100 * number / samples:6.1f} %  {name}" for name, number in total.most_common(2 * SHOWN)]
    return "\n".join(lines)


def _clicks(bench: Bench, kind: str, seconds: float) -> str:
    database = bench.databases[kind].copy(tocsin_server.filled(bench, kind, Sizes(issues=part_clicks.ISSUES, events=1)))
    requests = clicks.requests(part_clicks.ISSUES, int(4000 * seconds))
    with serving(bench, database) as tocsin, Load(tocsin.port, requests, seconds=seconds + 4) as load:
        stacks = sample(bench, tocsin.web, seconds)
        return f"{load.answers().per_second(1):.0f} clicks/s while sampled\n" + shown(stacks)


def _intake(bench: Bench, kind: str, seconds: float, process: str) -> str:
    """Events come in as fast as they are accepted, and are digested."""
    firsts = part_events.first_events(bench)
    envelopes = [body for _, body in events.bodies(firsts, int(1500 * (seconds + 4)))]
    database = bench.databases[kind].copy(part_events.seen_once(bench, kind, firsts))
    requests = events.requests(envelopes, public_key(PROJECT), PROJECT)
    with (
        serving(bench, database, worker=True) as tocsin,
        Load(tocsin.port, requests, seconds=seconds + 4) as load,
    ):
        stacks = sample(bench, int((tocsin.data_dir / f"{process}.pid").read_text()), seconds)
        return f"{load.answers().per_second(1):.0f} events/s accepted while sampled\n" + shown(stacks)


def _accept(bench: Bench, kind: str, seconds: float) -> str:
    return _intake(bench, kind, seconds, "web")


def _digest(bench: Bench, kind: str, seconds: float) -> str:
    return _intake(bench, kind, seconds, "worker")


LOADS: dict[str, Callable[[Bench, str, float], str]] = {
    "clicks": _clicks,
    "accept": _accept,
    "digest": _digest,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.profile", description=__doc__)
    parser.add_argument("load", choices=LOADS)
    parser.add_argument("--database", choices=KINDS, default=KINDS[0])
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--gil", action="store_true", help="count only the thread that computes")
    options = parser.parse_args()
    with opened(
        DIRECTORY, default_cache(), [options.database], rounds=1, seconds=options.seconds, options=vars(options)
    ) as bench:
        print(LOADS[options.load](bench, options.database, options.seconds))


if __name__ == "__main__":
    main()
