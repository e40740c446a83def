"""How long things take with the whole of Tocsin running, worker and all, and a Slack that takes 20 ms for an answer.

Idle: some clicks a second, then some new errors a second, each to a channel of its own. Busy: 100 clicks and 200 events a
second, and the new errors beside them. What leaves for Slack is timed where it arrives.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bench import clicks, events, slack, tocsin_server
from bench.context import Answers, Bench, Load
from bench.figures import Figure, percentile
from bench.generate import Sizes, card_ts, public_key
from bench.parts.events import first_events
from bench.processes import Process
from bench.slack import Call, Slack
from bench.tocsin_server import Tocsin, serving

PART = "latency"
ISSUES = 4000
CHANNELS = 400  # of as many workspaces, so that no budget of Slack's holds anything back
PROJECTS = 101  # project n tells channel n of new issues; the last one, with the many events, tells nobody
SIZES = Sizes(issues=ISSUES, events=1, workspaces=CHANNELS, channels=CHANNELS, projects=PROJECTS, rules=PROJECTS - 1)
SLACK_MS = 20.0
IDLE_CLICKS, BUSY_CLICKS, EVENTS, NEW_ERRORS = 10.0, 100.0, 200.0, 5.0  # a second
LEAVES_WITHIN = 60.0  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What one load did, and the name under which Slack sees each of its requests."""

    answered: Answers
    names: Sequence[str]

    def until_seen(self, seen: dict[str, float]) -> list[float]:
        """Seconds from each request to its call at Slack, of those that came."""
        pairs = zip(self.answered.numbers, self.answered.began, strict=True)
        return [seen[self.names[number]] - began for number, began in pairs if self.names[number] in seen]

    def lost(self, seen: dict[str, float]) -> int:
        return sum(1 for number in self.answered.numbers if self.names[number] not in seen)


def run(bench: Bench) -> Iterator[Figure]:
    if "tocsin" not in bench.options["sides"]:
        return
    for kind in bench.databases:
        template = tocsin_server.filled(bench, kind, SIZES)
        for name, measure in (("idle", _idle), ("busy", _busy)):
            database = bench.databases[kind].copy(template)
            with (
                slack.answering(bench, milliseconds=SLACK_MS) as recorder,
                serving(bench, database, worker=True, slack=recorder.api_url) as tocsin,
            ):
                yield from _figures(f"{kind}, {name}", *measure(bench, tocsin), recorder, tocsin.process)
            bench.databases[kind].drop(database)


def _idle(bench: Bench, tocsin: Tocsin) -> tuple[Sent, Sent]:
    seconds = 4 * bench.seconds
    pressed = click(bench, tocsin, ISSUES, int(IDLE_CLICKS * seconds))
    time.sleep(2.0)
    requests, names = _new_errors(bench, int(NEW_ERRORS * seconds))
    return pressed, Sent(answered=bench.drive(tocsin.port, requests, seconds=seconds, rate=NEW_ERRORS), names=names)


def click(bench: Bench, tocsin: Tocsin, issues: int, number: int, *, start: int = 0) -> Sent:
    """So many clicks at the idle rate, on issues that were clicked `start` times in all."""
    requests, names = _clicks(number, issues, start)
    seconds = number / IDLE_CLICKS
    return Sent(answered=bench.drive(tocsin.port, requests, seconds=seconds, rate=IDLE_CLICKS), names=names)


def updates(recorder: Slack, process: Process, pressed: Sent) -> dict[str, float]:
    """When the update of each card left, by its ts; waits for those that are still to come."""
    updated: dict[str, float] = {}
    _wait(recorder, process, lambda call: _note(call, updated, {}, ()), lambda: not pressed.lost(updated))
    return updated


def _wait(recorder: Slack, process: Process, note: Callable[[Call], None], is_all: Callable[[], bool]) -> None:
    """Note every call until all there is to come has come, or LEAVES_WITHIN has passed."""
    deadline, seen = time.monotonic() + LEAVES_WITHIN, 0
    while True:
        calls = recorder.calls(first=seen)
        seen += len(calls)
        for call in calls:
            note(call)
        if is_all() or time.monotonic() > deadline:
            return
        process.check()
        time.sleep(0.1)


def _busy(bench: Bench, tocsin: Tocsin) -> tuple[Sent, Sent]:
    """The events begin first, so that their groups are known when the others begin."""
    seconds = 4 * bench.seconds
    lead = len(first_events(bench)) / EVENTS + 1
    many = [body for _, body in events.bodies(first_events(bench), int(EVENTS * (seconds + lead)))]
    crowd = events.requests(many, public_key(PROJECTS), PROJECTS)
    pressed, raised = _clicks(int(BUSY_CLICKS * seconds)), _new_errors(bench, int(NEW_ERRORS * seconds))
    with contextlib.ExitStack() as stack:
        background = stack.enter_context(Load(tocsin.port, crowd, seconds=seconds + lead, rate=EVENTS, connections=32))
        time.sleep(lead)
        clicking = stack.enter_context(Load(tocsin.port, pressed[0], seconds=seconds, rate=BUSY_CLICKS, connections=32))
        raising = stack.enter_context(Load(tocsin.port, raised[0], seconds=seconds, rate=NEW_ERRORS))
        sent = Sent(answered=clicking.answers(), names=pressed[1]), Sent(answered=raising.answers(), names=raised[1])
        background.answers()
        return sent


def _clicks(number: int, issues: int = ISSUES, start: int = 0) -> tuple[list[bytes], list[str]]:
    """Each on a card of its own; Slack knows it by its ts."""
    clicked = [each.issue for each in itertools.islice(clicks.clicks(issues, start=start), number)]
    return list(clicks.requests(issues, number, start=start)), [card_ts(issue) for issue in clicked]


def _new_errors(bench: Bench, number: int) -> tuple[list[bytes], list[str]]:
    """Errors that nobody has seen, to the projects by turns; Slack knows them by the word in their message."""
    known = first_events(bench)
    names = [events.zone(len(known) + place) for place in range(number)]
    firsts = [known[0].replace(events.zone(0), name) for name in names]
    requests = []
    for place, (_, body) in enumerate(events.bodies(firsts, number)):
        project = place % (PROJECTS - 1) + 1
        requests.append(events.request(body, public_key(project), project))
    return requests, names


def _figures(where: str, pressed: Sent, raised: Sent, recorder: Slack, process: Process) -> Iterator[Figure]:
    """Waits for what is still to leave."""
    updated: dict[str, float] = {}
    posted: dict[str, float] = {}
    _wait(
        recorder,
        process,
        lambda call: _note(call, updated, posted, raised.names),
        lambda: not pressed.lost(updated) and not raised.lost(posted),
    )
    yield from _pair(where, "click to 200", pressed.answered.took, others(pressed.answered))
    yield from _pair(where, "click to chat.update", pressed.until_seen(updated), lost(pressed.lost(updated)))
    yield from _pair(where, "event to card", raised.until_seen(posted), lost(raised.lost(posted)))


def _note(call: Call, updated: dict[str, float], posted: dict[str, float], names: Sequence[str]) -> None:
    if call.method == "chat.update":
        updated.setdefault(call.given["ts"], call.at)
    elif call.method == "chat.postMessage":
        text = json.dumps(call.given)
        posted.update((name, call.at) for name in names if name in text and name not in posted)


def others(answered: Answers) -> str:
    return f"answered otherwise: {answered.others}" if answered.others else ""


def lost(number: int) -> str:
    return f"{number} did not leave within {LEAVES_WITHIN:.0f} s" if number else ""


def _pair(where: str, what: str, took: Sequence[float], void: str) -> Iterator[Figure]:
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        ms = 1000 * percentile(took, share)
        yield Figure(
            part=PART, what=f"{where}: {what}, {name}", side="tocsin", value=ms, unit="ms", n=len(took), void=void
        )
