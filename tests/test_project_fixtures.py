"""The tests' own ground: what every other test stands on."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from django.db import connection
from playwright.sync_api import Page

from tests.commits import CommitGate
from tests.guards import Outside, Statements
from tests.people import Person
from tests.processes import Running
from tests.waiting import until
from tocsin.accounts.access import is_member
from tocsin.accounts.models import Organization
from tocsin.clock import database_now
from tocsin.issues.models import Issue
from tocsin.outbox import service as outbox
from tocsin.projects.models import Project
from tocsin.slack.models import Identity


def test_a_test_cannot_reach_another_machine(reached_out: list[str]) -> None:
    with pytest.raises(Outside), socket.socket() as one:
        one.connect(("192.0.2.1", 80))
    with pytest.raises(Outside):
        socket.getaddrinfo("slack.com", 443)
    assert len(reached_out) == 2
    reached_out.clear()


def test_a_test_reaches_this_machine() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        pass


def test_statements_are_counted(organization: object, statements: Statements) -> None:
    with statements.at_most(1), connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    with pytest.raises(AssertionError, match="1 statements, where 0 are enough"), statements.at_most(0):
        Issue.objects.exists()


def test_the_four_people_are_who_they_are(alice: Person, bob: Person, eve: Person, mallory: Person) -> None:
    acme = alice.organization.pk
    assert [is_member(person.user, acme) for person in (alice, bob, eve, mallory)] == [True, True, False, False]
    assert set(Identity.objects.values_list("slack_user_id", flat=True)) == {"U0ALICE", "U0BOB", "U0EVE", "U0MALLORY"}


def test_issues_are_numbered_within_their_project(make_issue: Callable[..., Issue]) -> None:
    assert [make_issue().short_id, make_issue().short_id] == ["SHOP-1", "SHOP-2"]


def test_what_is_committed_is_seen_by_another_connection(committed: None, make_issue: Callable[..., Issue]) -> None:
    make_issue()
    seen: list[int] = []

    def look() -> None:
        seen.append(Issue.objects.count())
        connection.close()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [1]


def test_the_next_test_begins_with_an_empty_database(database: None) -> None:
    assert not Issue.objects.exists()


def test_a_copied_database_is_this_tests_own(own_database: str, make_issue: Callable[..., Issue]) -> None:
    make_issue()
    assert own_database.startswith(("sqlite:////", "postgresql://"))
    assert Issue.objects.count() == 1


def test_a_copied_database_leaves_the_usual_one_alone(own_database: str, database: None) -> None:
    assert not Issue.objects.exists()


def test_a_page_opens_in_the_browser(page: Page, page_faults: list[str]) -> None:
    page.set_content("<button>Resolve</button>")
    assert page.get_by_role("button", name="Resolve").is_visible()
    page.evaluate("console.error('on purpose')")
    assert page_faults == ["console: on purpose"]
    page_faults.clear()


def test_a_real_error_becomes_an_issue(
    raise_error: Callable[..., list[str]], digest_all: Callable[[], int], project: Project
) -> None:
    ids = raise_error(times=2)
    assert digest_all() == 2
    issue = Issue.objects.get()
    assert (issue.title, issue.times_seen) == ("ZeroDivisionError: division by zero", 2)
    assert set(issue.events.values_list("event_id", flat=True)) == set(ids)


@pytest.mark.postgresql
def test_a_commit_can_be_done_without_its_answer(
    commit_gate: tuple[CommitGate, str], organization: Organization
) -> None:
    gate, url = commit_gate
    answered = threading.Event()

    def commit() -> None:
        with psycopg.connect(url) as other:
            other.execute("UPDATE accounts_organization SET name = 'Changed'")
            gate.close()
        answered.set()

    thread = threading.Thread(target=commit)
    thread.start()
    until(gate.held, what="the commit")
    organization.refresh_from_db()
    assert organization.name == "Changed"
    assert not answered.is_set()
    gate.open()
    thread.join()
    assert answered.is_set()


@pytest.mark.sqlite
def test_a_process_can_be_killed_at_a_flush_to_disk(processes: Callable[..., Running], tmp_path: Path) -> None:
    running = processes(start=False, TOCSIN_DATABASE_URL=f"sqlite:///{tmp_path}/new.sqlite3")
    strace = ("strace", "-f", "-o", "/dev/null", "-e", "inject=fsync,fdatasync:signal=SIGKILL:when=1")
    killed = running.start("migrate", under=strace)
    assert killed.wait(30) == -signal.SIGKILL


def test_what_is_due_later_is_sent_when_time_has_passed(
    deliver_all: Callable[..., int], organization: Organization
) -> None:
    route = outbox.Route(subject="card:0", lane="slack:T1:C1", pool="slack:T1", method="chat.update")
    about = {"card_id": 0}
    outbox.add(
        "slack.refresh_card", about, route, now=database_now(), organization=organization.pk, after=timedelta(seconds=3)
    )
    assert deliver_all() == 0
    assert deliver_all(after=3) == 1
