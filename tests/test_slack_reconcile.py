"""The reconciliation pass: cards that have missed a change are found, and nothing else is sent."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.people import Person
from tests.slack_fixture import Slack
from tests.waiting import until
from tocsin import bus
from tocsin.accounts.actor import Origin
from tocsin.alerts.changes import RuleFired
from tocsin.alerts.models import Destination, Rule
from tocsin.clock import database_now
from tocsin.issues.commands import Assign, Resolve
from tocsin.issues.models import Issue
from tocsin.outbox.models import OPEN, Delivery, Priority
from tocsin.slack.models import Card, Installation
from tocsin.slack.reconcile import AT_ONCE, reconcile, reconcile_all, run_reconciliation

DeliverAll = Callable[..., int]


@pytest.fixture
def hang(
    slack: Slack,
    make_issue: Callable[..., Issue],
    make_destination: Callable[..., Destination],
    make_rule: Callable[..., Rule],
    deliver_all: DeliverAll,
) -> Callable[..., Issue]:
    """`hang()`: an issue whose card hangs in the channel; fields of Issue may be given."""
    slack.loosen()
    destination = make_destination(slack.channel("alerts"), "#alerts")
    rule = make_rule(destination)

    def make(**fields: object) -> Issue:
        issue = make_issue(**fields)
        fired = RuleFired(
            organization_id=issue.organization_id,
            issue_id=issue.pk,
            episode=1,
            destination_id=destination.pk,
            rule_ids=(rule.pk,),
            event_id=issue.events.get().event_id,
            now=database_now(),
        )
        bus.publish(fired)
        deliver_all(after=60)
        return issue

    return make


def miss(issue: Issue, **changed: object) -> None:
    """A change that no card hears of: a restored database, a fault, a hand in the table."""
    Issue.objects.filter(pk=issue.pk).update(**{"status": "resolved", "substatus": "", "version": 2, **changed})


def waiting() -> list[tuple[int, int]]:
    """The card and the priority of what waits."""
    return [(row.about["card_id"], row.priority) for row in Delivery.objects.filter(OPEN, kind="slack.refresh_card")]


def test_a_card_that_missed_a_change_is_brought_back_in_line(
    slack: Slack, hang: Callable[..., Issue], deliver_all: DeliverAll
) -> None:
    issue, other = hang(), hang()
    miss(issue)
    assert reconcile_all(database_now()) == 1
    assert waiting() == [(Card.objects.get(subject_id=issue.pk).pk, Priority.REFRESH)]
    deliver_all(after=60)
    assert "Reopen" in slack.card(issue).buttons
    assert "Resolve" in slack.card(other).buttons
    assert reconcile_all(database_now()) == 0


def test_cards_that_are_true_are_left_alone_edited_or_not(
    hang: Callable[..., Issue], alice: Person, deliver_all: DeliverAll
) -> None:
    hang(assignee_user=alice.user)  # named, as in every new message
    assigned = hang()
    bus.perform(Assign(issue_id=assigned.pk, user_id=alice.user.pk), by=alice.actor(Origin.WEB))
    deliver_all(after=60)
    assert reconcile_all(database_now()) == 0


def test_what_slack_shows_being_unknown_counts_as_stale(hang: Callable[..., Issue]) -> None:
    hang()
    Card.objects.update(content_hash="")
    assert reconcile_all(database_now()) == 1


def test_numbers_alone_are_sent_from_the_share_that_numbers_have(hang: Callable[..., Issue]) -> None:
    issue = hang()
    Issue.objects.filter(pk=issue.pk).update(times_seen=4)
    assert reconcile_all(database_now()) == 1
    assert waiting() == [(Card.objects.get().pk, Priority.COUNTS)]


def test_a_refresh_that_waits_is_enough(hang: Callable[..., Issue], alice: Person) -> None:
    issue = hang()
    bus.perform(Resolve(issue_id=issue.pk), by=alice.actor(Origin.WEB))
    assert len(waiting()) == 1
    assert reconcile_all(database_now()) == 0
    assert len(waiting()) == 1


@pytest.mark.parametrize(
    "left_alone",
    [
        lambda: Card.objects.update(created_at=database_now() - timedelta(days=31)),
        lambda: Card.objects.update(is_gone=True),
        lambda: Card.objects.update(ts=""),
        lambda: Destination.objects.update(fault="The channel is archived."),
        lambda: Installation.objects.update(state=Installation.State.DISCONNECTED),
    ],
    ids=["older than 30 days", "gone", "not posted yet", "its channel cannot be written to", "not connected"],
)
def test_what_nobody_sees_or_nothing_can_reach_is_left_alone(
    hang: Callable[..., Issue], left_alone: Callable[[], object]
) -> None:
    miss(hang())
    left_alone()
    assert reconcile_all(database_now()) == 0


def test_what_slack_has_refused_is_tried_again_only_after_a_start(hang: Callable[..., Issue]) -> None:
    miss(hang())
    Card.objects.update(error="Slack refused it.")
    assert reconcile(database_now(), retries_refused=False).stale == 0
    assert reconcile(database_now(), retries_refused=True).stale == 1


def test_many_cards_are_compared_in_batches_of_a_dozen_statements(
    hang: Callable[..., Issue], django_assert_max_num_queries: Callable[..., object]
) -> None:
    hang()
    card = Card.objects.get()
    for number in range(2, AT_ONCE + 3):
        card.pk, card.number, card.is_current = None, number, False
        card.save(force_insert=True)
    with django_assert_max_num_queries(30):
        assert reconcile(database_now()).stale == 0
    assert reconcile_all(database_now()) == 0


def test_the_worker_makes_a_pass_when_it_starts(committed: None, hang: Callable[..., Issue]) -> None:
    miss(hang())
    stop = threading.Event()
    passing = threading.Thread(target=run_reconciliation, args=(stop,))
    passing.start()
    try:
        until(lambda: len(waiting()) == 1, what="the card to be found")
    finally:
        stop.set()
        passing.join(10)
