"""Updates whose outcome nobody knows, and changes that come while others are on their way: what stays is the present."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.people import Person
from tests.slack_fixture import Slack
from tests.test_slack_delivery import alerts, in_thread, issue, posted, resolve, rule, the_card
from tests.work import let_pass
from tocsin import bus, wiring
from tocsin.clock import database_now
from tocsin.issues.changes import IssueChanged
from tocsin.issues.commands import Reopen
from tocsin.issues.models import Issue
from tocsin.issues.storing import COUNTS, step
from tocsin.outbox import worker
from tocsin.outbox.models import OPEN, Delivery, Priority
from tocsin.slack.models import Card

__all__ = ["alerts", "issue", "posted", "rule"]  # fixtures

DeliverAll = Callable[..., int]

UNKNOWN: list[tuple[str, dict[str, Any]]] = [
    ("reset_after", {}),
    ("truncated", {"after": True}),
    ("truncated", {}),
    ("html", {"after": True}),
    ("huge", {"after": True}),
    ("status", {"status": 502, "after": True}),
    ("reset_before", {}),
    ("error", {"error": "fatal_error"}),
]


def updates(slack: Slack) -> int:
    return len(slack.journal("chat.update"))


def reopen(issue: Issue, by: Person) -> None:
    bus.perform(Reopen(issue_id=issue.pk), by=by.actor())


def untried() -> list[Delivery]:
    return list(Delivery.objects.filter(OPEN, attempts=0))


def grow(issue: Issue, to: int) -> None:
    """Events come in until there are so many; cards hear of it at every step, as the digest tells them."""
    for seen in range(issue.times_seen + 1, to + 1):
        if step(seen) != step(seen - 1):
            Issue.objects.filter(pk=issue.pk).update(times_seen=seen)
            bus.publish(
                IssueChanged(
                    organization_id=issue.organization_id,
                    issue_id=issue.pk,
                    kind=COUNTS,
                    now=database_now(),
                    episode=issue.episode,
                )
            )
    issue.times_seen = to


# --- an outcome that nobody knows ------------------------------------------------------------------------------------
@pytest.mark.parametrize(("kind", "how"), UNKNOWN, ids=[f"{kind} {how}" for kind, how in UNKNOWN])
def test_an_update_of_unknown_outcome_leaves_the_hash_unknown_and_a_refresh_three_seconds_later(
    slack: Slack, posted: Issue, alice: Person, deliver_all: DeliverAll, kind: str, how: dict[str, Any]
) -> None:
    slack.fail("chat.update", kind, **how)
    resolve(posted, alice)
    before = database_now()
    deliver_all()
    assert the_card().content_hash == ""
    (later,) = untried()
    assert (later.kind, later.about) == ("slack.refresh_card", {"card_id": the_card().pk})
    assert later.due_at >= before + timedelta(seconds=3)
    deliver_all(after=6)
    assert "State: *Resolved*" in slack.card(posted).text
    assert the_card().content_hash
    assert updates(slack) == 2
    assert not Delivery.objects.filter(OPEN).exists()


def test_an_update_that_timed_out_is_sent_again_though_its_effect_came(
    slack: Slack, posted: Issue, alice: Person, deliver_all: DeliverAll
) -> None:
    held = slack.pause("chat.update", "after")
    resolve(posted, alice)
    deliver_all()  # for ten seconds
    assert Delivery.objects.get(kind="slack.refresh_card", attempts=1).error_code == "timeout"
    assert the_card().content_hash == ""
    held.release()
    deliver_all(after=6)
    assert updates(slack) == 2
    assert the_card().content_hash


def test_the_later_refresh_mends_the_card_though_the_update_itself_was_dropped(
    slack: Slack, posted: Issue, alice: Person, deliver_all: DeliverAll
) -> None:
    slack.fail("chat.update", "error", error="fatal_error")
    resolve(posted, alice)
    deliver_all()
    Delivery.objects.filter(OPEN, attempts=1).delete()
    deliver_all(after=2.5)
    assert "State: *New*" in slack.card(posted).text
    deliver_all(after=0.5)
    assert "State: *Resolved*" in slack.card(posted).text


def test_however_often_an_update_fails_one_refresh_waits_besides_it(
    slack: Slack, posted: Issue, alice: Person, deliver_all: DeliverAll
) -> None:
    slack.fail("chat.update", "reset_after", times=5)
    resolve(posted, alice)
    for _ in range(5):
        deliver_all(after=3600)
    assert updates(slack) == 5
    assert Delivery.objects.filter(OPEN).count() == 2
    deliver_all(after=3600)
    assert updates(slack) == 6
    assert not Delivery.objects.filter(OPEN).exists()


def test_a_refresh_whose_rendering_slack_has_already_sends_nothing(
    slack: Slack, posted: Issue, alice: Person, deliver_all: DeliverAll
) -> None:
    resolve(posted, alice)
    deliver_all()
    before = updates(slack)
    known = the_card().content_hash
    Delivery.objects.filter(kind="slack.refresh_card").update(done_at=None, attempts=0)
    deliver_all()
    assert updates(slack) == before
    assert the_card().content_hash == known


def test_a_post_of_unknown_outcome_asks_for_no_refresh_of_a_message_that_is_not_there(
    slack: Slack, issue: Issue, deliver_all: DeliverAll
) -> None:
    slack.fail("chat.postMessage", "reset_before")
    deliver_all()
    assert [row.kind for row in Delivery.objects.filter(OPEN)] == ["slack.post_card"]


# --- changes that come together --------------------------------------------------------------------------------------
@pytest.mark.usefixtures("committed")
def test_changes_during_a_send_make_one_more_update_that_shows_the_last(
    slack: Slack, posted: Issue, alice: Person, deliver_all: DeliverAll
) -> None:
    held = slack.pause("chat.update", "after")
    resolve(posted, alice)
    worker_thread = in_thread(lambda: worker.run_once(wiring.SENDERS))
    held.wait_reached()
    for _ in range(3):
        reopen(posted, alice)
        resolve(posted, alice)
    reopen(posted, alice)
    assert deliver_all() == 0  # another worker: the card is on its way
    held.release()
    worker_thread.join(20)
    assert updates(slack) == 2
    assert "State: *Ongoing*" in slack.card(posted).text
    assert not Delivery.objects.filter(OPEN).exists()


@pytest.mark.usefixtures("committed")
def test_a_change_that_is_committed_after_the_claim_is_not_done_with_it(
    slack: Slack, posted: Issue, alice: Person, deliver_all: DeliverAll
) -> None:
    """The row that a claim did not read stays, though the rendering may have shown its change already."""
    resolve(posted, alice)
    (lease,) = worker.claim(wiring.SENDERS, limit=1)
    reopen(posted, alice)
    worker.deliver(lease, wiring.SENDERS)
    assert "State: *Ongoing*" in slack.card(posted).text
    (waiting,) = untried()
    assert waiting.id > lease.id
    deliver_all()
    assert updates(slack) == 1  # it found the card true
    assert not Delivery.objects.filter(OPEN).exists()


def test_counts_that_grew_while_the_worker_was_away_are_one_update(
    slack: Slack, posted: Issue, deliver_all: DeliverAll
) -> None:
    grow(posted, 1000)
    assert [row.priority for row in untried()] == [Priority.COUNTS] * 9
    deliver_all()
    assert updates(slack) == 1
    assert "Events: *1,000*" in slack.card(posted).text
    assert not Delivery.objects.filter(OPEN).exists()


@pytest.mark.usefixtures("committed")
def test_counts_never_have_more_than_one_update_of_a_card_under_way(
    slack: Slack, posted: Issue, deliver_all: DeliverAll
) -> None:
    grow(posted, 2)
    held = slack.pause("chat.update")
    worker_thread = in_thread(lambda: worker.run_once(wiring.SENDERS))
    held.wait_reached()
    for seen in (5, 10, 20, 50):
        grow(posted, seen)
        assert deliver_all() == 0
    held.release()
    worker_thread.join(20)
    assert updates(slack) == 2
    assert "Events: *50*" in slack.card(posted).text


@pytest.mark.usefixtures("committed")
def test_ten_changes_from_ten_threads_end_in_the_state_of_the_last(
    slack: Slack, posted: Issue, alice: Person, deliver_all: DeliverAll
) -> None:
    slack.loosen()
    stop = threading.Event()
    running = threading.Thread(target=worker.run, args=(wiring.SENDERS, stop))
    running.start()
    try:
        threads = [in_thread(lambda n=n: (reopen if n % 2 else resolve)(posted, alice)) for n in range(10)]
        for thread in threads:
            thread.join(20)
    finally:
        stop.set()
        running.join(20)
    let_pass(timedelta(seconds=60))  # the budget of updates
    deliver_all()
    posted.refresh_from_db()
    assert f"State: *{'Resolved' if posted.status == 'resolved' else 'Ongoing'}*" in slack.card(posted).text
    assert Card.objects.get().version == posted.version
