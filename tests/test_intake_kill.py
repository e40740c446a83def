"""Killed at any moment, nothing that was acknowledged is lost, and nothing is counted twice.

The kernel does the killing: `strace` sends SIGKILL at the n-th call of the kind by which a database is written to. On PostgreSQL
that is before a message leaves (COMMIT among them), or when the answer to one is to be read.
"""

from __future__ import annotations

import json
import signal
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client

from tests.processes import Running
from tests.samples import sample_event
from tests.sizes import FULL
from tests.waiting import until
from tocsin.intake.models import Accepted, ItemCount
from tocsin.issues.models import Activity, Issue, IssueCount, IssueUser, StoredEvent
from tocsin.projects.models import Key

# what is called → how far apart the calls are at which a process is killed: when every one is, and when only some are
CALLS = {
    "sqlite": {"fsync,fdatasync": (1, 1), "pwrite64": (23, 90)},
    "postgresql": {"sendto": (1, 9), "recvfrom": (2, 19)},
}[connection.vendor]

pytestmark = [pytest.mark.guarantee, pytest.mark.slow, pytest.mark.timeout(600)]


def killed_at(calls: str, when: str) -> tuple[str, ...]:
    """A command to run another with, which kills each of its processes at that call."""
    return (
        "strace",
        "-f",
        "-qq",
        "-I2",  # SIGTERM ends strace, too
        "-o",
        "/dev/null",
        "-e",
        f"trace={calls}",
        "-e",
        f"inject={calls}:signal=SIGKILL:when={when}",
    )


def send(key: Key, number: int) -> set[str]:
    """Events of a few issues and a few people, accepted here. Returns their ids."""
    ids = set()
    for index in range(number):
        event = sample_event(fingerprint=[str(index % 7)], user={"id": str(index % 11)})
        answer = Client().post(
            f"/api/{key.project_id}/store/?sentry_key={key.public_key}",
            data=event.json,
            content_type="application/json",
        )
        assert answer.status_code == 200
        ids.add(event.id)
    return ids


def assert_consistent(sent: set[str]) -> None:
    """Each event waits or is stored, never both, and whatever is counted agrees with what is stored."""
    waiting = set(Accepted.objects.filter(state="waiting").values_list("event_id", flat=True))
    stored = list(StoredEvent.objects.values_list("event_id", flat=True))
    assert len(stored) == len(set(stored))
    assert waiting | set(stored) == sent
    assert not waiting & set(stored)
    assert sum(Issue.objects.values_list("times_seen", flat=True)) == len(stored)
    assert sum(IssueCount.objects.values_list("count", flat=True)) == len(stored)
    assert sum(Issue.objects.values_list("users_seen", flat=True)) == IssueUser.objects.count()
    assert Activity.objects.filter(kind="first_seen").count() == Issue.objects.count()


@pytest.mark.parametrize("calls", CALLS)
def test_a_worker_killed_at_any_boundary_of_a_batch_counts_every_event_once(
    processes: Callable[..., Running], key: Key, calls: str
) -> None:
    running = processes(start=False)
    sent: set[str] = set()
    kills, at = 0, 1
    while True:
        sent |= send(key, 250 - Accepted.objects.count())
        worker = running.start("worker", "--only", "digest", under=killed_at(calls, str(at)))
        until(
            lambda worker=worker: worker.poll() is not None or not Accepted.objects.exists(),
            seconds=60,
            what="the worker to die, or to be done",
        )
        assert_consistent(sent)
        if worker.poll() is None:
            break  # it lived through all of three batches
        running.started.remove(worker)
        assert worker.returncode == -signal.SIGKILL, f"it was not killed; see {running.logs}"
        kills += 1
        at += CALLS[calls][0 if FULL else 1]
    assert kills >= 3
    assert not Accepted.objects.exists()
    assert StoredEvent.objects.count() == len(sent)
    assert Issue.objects.count() == 7


# After how many calls a web process dies, again and again: about ten requests.
EVERY = {"fsync,fdatasync": 11, "pwrite64": 110, "sendto": 61, "recvfrom": 127}


def post(running: Running, key: Key, event_id: str) -> bool:
    """Whether the event was acknowledged."""
    body = json.dumps({"event_id": event_id}).encode()
    request = urllib.request.Request(
        f"{running.url}/api/{key.project_id}/store/?sentry_key={key.public_key}", data=body, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@pytest.mark.parametrize("calls", CALLS)
def test_a_web_process_killed_between_commit_and_answer_loses_nothing(
    processes: Callable[..., Running], key: Key, calls: str
) -> None:
    """A client that sends again until it is answered finds its event stored once."""
    running = processes(start=False)
    running.serve("--no-worker", under=killed_at(calls, f"{EVERY[calls]}+{EVERY[calls]}"))
    sent: set[str] = set()
    unanswered = 0
    web = {running.pid("web")}
    for _ in range(
        90 if FULL else 30
    ):  # every death costs seconds, and more each time: the server waits before it starts anew
        event_id = uuid.uuid4().hex
        while not post(running, key, event_id):
            unanswered += 1
            web.add(running.pid("web"))
        sent.add(event_id)
        assert Accepted.objects.filter(event_id=event_id).exists(), "acknowledged, and not there"
    assert unanswered > 0
    assert len(web) > 1, "nobody was killed"
    assert set(Accepted.objects.values_list("event_id", flat=True)) == sent
    assert Accepted.objects.count() == len(sent)
    accepted = ItemCount.objects.filter(kind="event", outcome="accepted")
    assert sum(accepted.values_list("count", flat=True)) == len(sent)
