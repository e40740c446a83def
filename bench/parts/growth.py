"""The same figures with few issues and with many: what grows with the tables shows as a ratio.

Both databases are there at once and are measured by turns. Each round goes on where the last one ended, on the same rows.
A ratio above 1 says that the larger one is slower.
"""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bench import clicks, driver, events, slack, tocsin_server
from bench.context import Answers, Bench
from bench.databases import SQLITE, Database
from bench.figures import Figure, median, percentile
from bench.generate import SESSION, Sizes, public_key
from bench.parts import clicks as part_clicks
from bench.parts import events as part_events
from bench.parts import latency
from bench.peers import bugsink
from bench.tocsin_server import serving

PART = "growth"
EVENTS_OF_EACH = 10
PAGES_AT_MOST = 2000


@dataclass(slots=True)
class Subject:
    """One database, and how far its issues were clicked."""

    database: Database
    sizes: Sizes
    clicked: int = 0
    taken: dict[str, list[float]] = field(default_factory=dict)
    voids: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)

    def take(self, what: str, value: float, number: int, void: str = "") -> None:
        self.taken.setdefault(what, []).append(value)
        self.numbers[what] = self.numbers.get(what, 0) + number
        if void:
            self.voids[what] = void


UNITS = {"clicks": "/s", "events digested": "/s"}  # whose ratio is turned round; all others are milliseconds


def run(bench: Bench) -> Iterator[Figure]:
    for kind in bench.databases:
        if "tocsin" in bench.options["sides"]:
            subjects = [_subject(bench, kind, issues) for issues in (bench.options["few"], bench.options["many"])]
            measures = [MEASURES[name] for name in bench.options["measures"]]
            for _ in range(bench.rounds):
                for measure, subject in itertools.product(measures, subjects):
                    measure(bench, subject)
            yield from _figures(kind, *subjects)
            yield from _pages_beside(bench, kind, subjects[-1])
            for subject in subjects:
                bench.databases[kind].drop(subject.database)


def _subject(bench: Bench, kind: str, issues: int) -> Subject:
    """Its own copy is the template itself: a large one is made once and used up."""
    sizes = Sizes(
        issues=issues,
        events=EVENTS_OF_EACH,
        members=100,
        workspaces=latency.CHANNELS,
        channels=latency.CHANNELS,
        projects=latency.PROJECTS,
        rules=latency.PROJECTS - 1,
    )
    made = bench.databases[kind].empty()
    tocsin_server.fill(bench, made, sizes)
    made.settle()
    return Subject(made, sizes)


def _figures(kind: str, few: Subject, many: Subject) -> Iterator[Figure]:
    for subject in (few, many):
        for what, values in subject.taken.items():
            yield Figure(
                part=PART,
                what=f"{kind}, {subject.sizes.issues:,} issues: {what}",
                side="tocsin",
                value=median(values),
                unit=UNITS.get(what, "ms"),
                n=subject.numbers[what],
                void=subject.voids.get(what, ""),
            )
    for what in few.taken:
        ratio = median(many.taken[what]) / median(few.taken[what])
        ratio = 1 / ratio if what in UNITS else ratio
        sizes = f"{many.sizes.issues:,} against {few.sizes.issues:,}"
        yield Figure(
            part=PART,
            what=f"{kind}, {sizes}: {what}",
            side="tocsin",
            value=ratio,
            unit="times as slow",
            n=len(few.taken[what]),
        )


# --- what is measured ------------------------------------------------------------------------------------------------


def _clicks(bench: Bench, subject: Subject) -> None:
    """As many as are answered, on issues all over the table."""
    before = {name: subject.database.number(statement) for name, statement in part_clicks.TOCSIN_ROWS.items()}
    seconds = bench.seconds + bench.warm_up
    prepared = clicks.requests(
        subject.sizes.issues, int(part_clicks.MOST_PER_SECOND * seconds / 2), start=subject.clicked
    )
    with serving(bench, subject.database) as tocsin:
        answered = bench.drive(tocsin.port, prepared, seconds=seconds, connections=part_clicks.CONNECTIONS)
    subject.clicked += answered.ok
    after = {name: subject.database.number(statement) for name, statement in part_clicks.TOCSIN_ROWS.items()}
    wrong = [
        f"{name}: {after[name] - before[name]} for {answered.ok}"
        for name in after
        if after[name] - before[name] != answered.ok
    ]
    void = ", ".join(wrong) or _others(answered)
    subject.take("clicks", answered.per_second(bench.warm_up), answered.ok, void)
    subject.take("click p99", 1000 * percentile(answered.took_after(bench.warm_up), 0.99), answered.ok)


def _events(bench: Bench, subject: Subject) -> None:
    """Accepted and digested, from the first request to the last event; to the project that tells nobody."""
    firsts = part_events.first_events(bench)
    envelopes = [body for _, body in events.bodies(firsts, int(part_events.MOST_PER_SECOND * bench.seconds))]
    project = latency.PROJECTS
    stored = f"SELECT count(*) FROM issues_storedevent WHERE project_id = {project}"
    before = subject.database.number(stored)
    with serving(bench, subject.database, worker=True) as tocsin:
        taken = part_events.measured(
            bench,
            tocsin.port,
            events.requests(envelopes, public_key(project), project),
            tocsin.process.cpu_seconds,
            lambda _: part_events.tocsin_drained(subject.database, tocsin.process),
        )
    answered, seconds, _ = taken
    digested = subject.database.number(stored) - before
    void = f"events: {digested} for {answered.ok} accepted" if digested != answered.ok else _others(answered)
    subject.take("events digested", answered.ok / seconds, answered.ok, void)


def _latencies(bench: Bench, subject: Subject) -> None:
    """Idle: from a click to its answer and to its update leaving."""
    number = int(latency.IDLE_CLICKS * bench.seconds * 6)
    subject.database.execute("DELETE FROM outbox_delivery WHERE done_at IS NULL")  # what the many clicks have left
    with (
        slack.answering(bench, milliseconds=latency.SLACK_MS) as recorder,
        serving(bench, subject.database, worker=True, slack=recorder.api_url) as tocsin,
    ):
        pressed = latency.click(bench, tocsin, subject.sizes.issues, number, start=subject.clicked)
        subject.clicked += pressed.answered.ok
        updated = latency.updates(recorder, tocsin.process, pressed)
    subject.take(
        "click to 200, idle p99", 1000 * percentile(pressed.answered.took, 0.99), number, _others(pressed.answered)
    )
    took = pressed.until_seen(updated)
    subject.take(
        "click to chat.update, idle p99", 1000 * percentile(took, 0.99), len(took), latency.lost(pressed.lost(updated))
    )


def _pages(bench: Bench, subject: Subject) -> None:
    """One person looks: the list, and issues all over the table."""
    with serving(bench, subject.database) as tocsin:
        for what, paths in _paths(subject.sizes.issues).items():
            answered = _look(bench, tocsin.port, paths, f"sessionid={SESSION}")
            subject.take(f"{what} p99", 1000 * percentile(answered.took, 0.99), answered.ok, _others(answered))


def _paths(issues: int) -> dict[str, Callable[[int], str]]:
    return {
        "issue list": lambda _: "/organizations/acme/issues/",
        "issue page": lambda place: f"/organizations/acme/issues/{place * clicks.STRIDE % issues + 1}/",
    }


def _look(bench: Bench, port: int, path: Callable[[int], str], cookie: str) -> Answers:
    requests = (driver.get(path(place), {"Cookie": cookie}) for place in range(PAGES_AT_MOST))
    return bench.drive(port, requests, connections=1)


def _others(answered: Answers) -> str:
    return f"answered otherwise: {answered.others}" if answered.others else ""


MEASURES: dict[str, Callable[[Bench, Subject], None]] = {
    "clicks": _clicks,
    "pages": _pages,
    "latencies": _latencies,
    "events": _events,
}


# --- beside Bugsink --------------------------------------------------------------------------------------------------


def _pages_beside(bench: Bench, kind: str, subject: Subject) -> Iterator[Figure]:
    """The list and the page of an issue at the larger size, by turns with Bugsink's."""
    if kind != SQLITE or "bugsink" not in bench.options["sides"] or "pages" not in bench.options["measures"]:
        return
    issues = subject.sizes.issues
    peer = bugsink.copy(bench, part_events.bugsink_seen_once(bench, part_events.first_events(bench)))
    bugsink.grow(peer, issues)
    theirs: dict[str, Callable[[int], str]] = {
        "issue list": lambda _: f"/issues/{bugsink.PROJECT}/",
        "issue page": lambda place: (
            f"/issues/issue/{uuid.UUID(int=place * clicks.STRIDE % (issues // 2) + 1)}/event/last/"
        ),
    }
    cookie = bugsink.signed_in(bench, peer)
    taken: dict[tuple[str, str], list[Answers]] = {}
    for _ in range(bench.rounds):
        with serving(bench, subject.database) as tocsin:
            for what, path in _paths(issues).items():
                taken.setdefault((what, "tocsin"), []).append(_look(bench, tocsin.port, path, f"sessionid={SESSION}"))
        with bugsink.serving(bench, peer) as server:
            for what, path in theirs.items():
                taken.setdefault((what, "bugsink"), []).append(_look(bench, server.port, path, f"sessionid={cookie}"))
    for (what, side), looks in sorted(taken.items()):
        yield Figure(
            part=PART,
            what=f"{kind}, {issues:,} issues: {what} p99, beside the peer's",
            side=side,
            value=median([1000 * percentile(answered.took, 0.99) for answered in looks]),
            unit="ms",
            n=sum(answered.ok for answered in looks),
            void="; ".join(sorted({_others(answered) for answered in looks} - {""})),
        )
