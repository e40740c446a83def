"""A worker that loses its lease while Slack answers: what Slack gave is kept, and kept true."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.people import Person
from tests.slack_fixture import Pause, Slack
from tests.test_slack_delivery import alerts, fire, in_thread, issue, regress, resolve, rule, the_card
from tests.waiting import until
from tests.work import let_pass
from tocsin import wiring
from tocsin.alerts.models import Destination, Rule
from tocsin.issues.models import Issue
from tocsin.outbox import worker
from tocsin.outbox.models import OPEN, Delivery
from tocsin.slack.models import Card

__all__ = ["alerts", "issue", "rule"]  # fixtures

DeliverAll = Callable[..., int]

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture
def doubled(slack: Slack, issue: Issue, deliver_all: DeliverAll) -> Issue:
    """An issue with two messages in the channel: a worker posted one when its lease was over, and the next one another."""
    held = slack.pause("chat.postMessage", "before")
    slow = in_thread(lambda: worker.run_once(wiring.SENDERS))
    held.wait_reached()
    let_pass(timedelta(seconds=31))
    deliver_all()
    held.release()
    slow.join(20)
    assert len(slack.messages()) == 2
    return issue


def stored() -> set[str]:
    return {card.ts for card in Card.objects.all()}


def shown(slack: Slack, state: str) -> list[str]:
    """The timestamps of the messages that show this state."""
    return [message["ts"] for message in slack.messages() if f"State: *{state}*" in str(message["blocks"])]


def test_the_message_of_a_worker_that_was_fenced_out_is_a_further_card_that_stays_true(
    slack: Slack, doubled: Issue, alice: Person, deliver_all: DeliverAll
) -> None:
    assert stored() == {message["ts"] for message in slack.messages()}
    assert sorted(Card.objects.values_list("number", "is_current")) == [(1, True), (2, False)]
    resolve(doubled, alice)
    deliver_all(after=3)
    assert len(shown(slack, "Resolved")) == 2


def test_a_further_card_is_drawn_anew_once_things_have_settled(
    slack: Slack, doubled: Issue, deliver_all: DeliverAll
) -> None:
    further = Card.objects.get(is_current=False)
    assert further.content_hash == ""
    deliver_all(after=3)
    further.refresh_from_db()
    assert further.content_hash
    assert further.permalink
    assert not Delivery.objects.filter(OPEN).exists()


def test_the_card_that_follows_a_doubled_one_has_a_number_of_its_own(
    slack: Slack, doubled: Issue, rule: Rule, alerts: Destination, alice: Person, deliver_all: DeliverAll
) -> None:
    resolve(doubled, alice)
    Card.objects.filter(is_current=True).update(is_gone=True)
    regress(doubled)
    fire(doubled, rule, alerts, episode=2)
    assert sorted(Card.objects.values_list("number", "is_current")) == [(1, False), (2, False), (3, True)]
    deliver_all(after=3)
    assert len(slack.messages()) == 3


def test_both_messages_are_kept_when_the_slow_one_is_answered_before_the_quick_one(slack: Slack, issue: Issue) -> None:
    slow_held = slack.pause("chat.postMessage", "before")
    slow = in_thread(lambda: worker.run_once(wiring.SENDERS))
    slow_held.wait_reached()
    let_pass(timedelta(seconds=31))
    quick_held = slack.pause("chat.postMessage", "before")
    quick = in_thread(lambda: worker.run_once(wiring.SENDERS))
    quick_held.wait_reached()
    slow_held.release()
    slow.join(20)
    (further,) = Card.objects.filter(is_current=False)
    assert further.ts == slack.messages()[0]["ts"]
    quick_held.release()
    quick.join(20)
    assert len(slack.messages()) == 2
    assert stored() == {message["ts"] for message in slack.messages()}
    assert Card.objects.get(is_current=True).ts == slack.messages()[1]["ts"]


def test_a_message_that_the_next_worker_finds_is_no_further_card(
    slack: Slack, issue: Issue, deliver_all: DeliverAll
) -> None:
    held: Pause = slack.pause("chat.postMessage", "after")
    slow = in_thread(lambda: worker.run_once(wiring.SENDERS))
    held.wait_reached()
    until(slack.messages, what="the message")
    let_pass(timedelta(seconds=31))
    deliver_all()
    assert the_card().ts == slack.messages()[0]["ts"]
    held.release()
    slow.join(20)
    assert the_card().ts == slack.messages()[0]["ts"]
    assert len(slack.messages()) == 1


def test_a_message_kept_as_a_further_card_is_taken_over_by_the_worker_that_finds_it(
    slack: Slack, issue: Issue, deliver_all: DeliverAll
) -> None:
    """The next worker had the row and was killed before it posted; the one after it looks, and finds the slow one's."""
    held = slack.pause("chat.postMessage", "before")
    slow = in_thread(lambda: worker.run_once(wiring.SENDERS))
    held.wait_reached()
    let_pass(timedelta(seconds=31))
    (lost,) = worker.claim(wiring.SENDERS, limit=1)
    held.release()
    slow.join(20)
    assert Card.objects.count() == 2
    let_pass(timedelta(seconds=31))
    deliver_all()
    card = the_card()
    assert (card.number, card.is_current, card.ts) == (1, True, slack.messages()[0]["ts"])
    assert len(slack.messages()) == 1
    assert lost.id == Delivery.objects.get(kind="slack.post_card").pk
