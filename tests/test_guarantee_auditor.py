"""The auditor: finds nothing where the promises were kept, and every breakage that is put in on purpose."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import transaction

from tests.audit.world import Shop
from tests.driver import Driver
from tests.slack_fixture import Deliver, through_wsgi
from tests.test_slack_delivery import in_thread
from tests.work import let_pass
from tocsin import wiring
from tocsin.clock import database_now
from tocsin.issues.models import Issue
from tocsin.outbox import worker
from tocsin.outbox.failures import DeliveryError
from tocsin.outbox.lease import Also
from tocsin.outbox.models import Delivery
from tocsin.outbox.worker import Lease, Sender
from tocsin.slack import delivery
from tocsin.slack.models import Received
from tocsin.wsgi import application

pytestmark = pytest.mark.guarantee


def test_a_day_of_honest_work_keeps_every_promise(shop: Shop) -> None:
    issue = shop.issue()
    shop.click(issue, "Resolve", shop.alice, times=3)
    shop.click(issue, "Resolve", shop.bob, times=2)
    shop.click(issue, "Resolve", shop.carol)
    shop.settle()
    shop.again(issue)
    shop.settle()
    shop.click(issue, "Acknowledge", shop.alice)
    shop.click(issue, "Archive…", shop.alice)
    shop.slack.view(shop.alice).choose("Archive it", "Forever")
    shop.slack.view(shop.alice).submit()
    shop.settle()
    shop.click(issue, "Undo", shop.alice)
    shop.settle()
    shop.click(issue, "Comment", shop.alice)
    shop.slack.view(shop.alice).type("Comment", "It is the till.")
    shop.slack.view(shop.alice).submit()
    shop.slack.card(issue).choose("Assign", "Bob", as_=shop.alice)
    shop.click(issue, "Open", shop.alice)
    shop.settle()
    assert len(shop.driver.journal.sent) > 10
    shop.assert_kept()


# --- breakages, put in on purpose -------------------------------------------------------------------------------------
# Each is what somebody might build instead of Tocsin, and the auditor must see it in what it left behind.


def found(shop: Shop, words: str) -> None:
    """The auditor complains in these words."""
    complaints = shop.violations()
    assert any(words in each for each in complaints), complaints


def new_error(shop: Shop) -> None:
    """An error whose card is still to be posted."""
    shop.driver.event(shop.key, fingerprint=[f"made-{Issue.objects.count()}"])
    shop.digest_all()


def send_with(broken: Sender) -> None:
    worker.run_once({**wiring.SENDERS, "slack.post_card": broken})


def marks_before_it_sends(lease: Lease, *, card_id: int) -> None:
    lease.finish()
    with suppress(DeliveryError):
        delivery.post_card(lease, card_id=card_id)


@pytest.mark.parametrize("is_hasty", [True, False])
def test_a_delivery_that_is_marked_before_it_is_sent_is_found(shop: Shop, *, is_hasty: bool) -> None:
    new_error(shop)
    shop.slack.fail("chat.postMessage", "status", status=503)
    send_with(marks_before_it_sends if is_hasty else wiring.SENDERS["slack.post_card"])
    shop.settle()
    if is_hasty:
        found(shop, "is done, and Slack never saw card")
    else:
        shop.assert_kept()


class Unfenced(Lease):
    """Writes whatever it has to write, whoever has the row meanwhile."""

    def finish(self, *also: Also) -> None:
        for write, row in also:
            write([row])
        Delivery.objects.filter(pk=self.id).update(done_at=database_now(), lease_token="", lease_until=None)
        self.is_finished = True


def posts_without_a_fence(lease: Lease, *, card_id: int) -> None:
    lease.__class__ = Unfenced
    delivery.post_card(lease, card_id=card_id)


@pytest.mark.parametrize("is_fenced", [True, False])
def test_a_worker_that_writes_without_a_fence_is_found(committed: None, shop: Shop, *, is_fenced: bool) -> None:
    new_error(shop)
    held = shop.slack.pause("chat.postMessage")
    sender = wiring.SENDERS["slack.post_card"] if is_fenced else posts_without_a_fence
    slow = in_thread(lambda: send_with(sender))
    held.wait_reached()
    let_pass(timedelta(seconds=31))
    shop.deliver_all()
    held.release()
    slow.join(20)
    shop.settle()
    if is_fenced:
        shop.assert_kept()
    else:
        found(shop, "that no card knows")


@pytest.mark.parametrize("is_remembered", [True, False])
def test_a_click_that_is_not_remembered_is_found(shop: Shop, *, is_remembered: bool) -> None:
    issue = shop.issue()
    pressed = shop.driver.pressed(shop.card(issue), "Resolve", shop.alice)
    shop.driver.send(pressed)
    shop.settle()
    shop.click(issue, "Reopen", shop.alice)
    shop.settle()
    if not is_remembered:
        Received.objects.all().delete()
    shop.driver.send(pressed)  # Slack has not heard our first answer
    shop.settle()
    if is_remembered:
        shop.assert_kept()
    else:
        found(shop, "is of no click: done twice")


def posts_again_by_itself(lease: Lease, *, card_id: int) -> None:
    """As Slack's SDK does when a reply is lost, if one lets it."""
    try:
        delivery.post_card(lease, card_id=card_id)
    except DeliveryError:
        delivery.post_card(lease, card_id=card_id)


@pytest.mark.parametrize("tries_again", [True, False])
def test_a_client_that_posts_again_by_itself_is_found(shop: Shop, *, tries_again: bool) -> None:
    new_error(shop)
    shop.slack.fail("chat.postMessage", "reset_after")
    send_with(posts_again_by_itself if tries_again else wiring.SENDERS["slack.post_card"])
    shop.settle()
    if tries_again:
        found(shop, "was sent 2 times, and 0 of them may be")
    else:
        shop.assert_kept()


class PowerCut(Exception):
    """The machine stops, and what was not committed is gone."""


def answers_before_it_commits(deliver: Deliver) -> Deliver:
    def answer(path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        with suppress(PowerCut), transaction.atomic():
            given = deliver(path, headers, body)
            raise PowerCut
        return given

    return answer


def test_a_click_that_is_answered_before_it_is_committed_is_found(shop: Shop) -> None:
    issue = shop.issue()
    hasty = Driver(shop.slack, deliver=answers_before_it_commits(through_wsgi(application)))
    hasty.journal = shop.driver.journal
    assert hasty.send(hasty.pressed(shop.card(issue), "Resolve", shop.alice)) == 200
    shop.settle()
    found(shop, "was acknowledged, and had neither an effect nor an answer")


def test_an_event_that_is_answered_before_it_is_committed_is_found(shop: Shop) -> None:
    hasty = Driver(shop.slack, deliver=answers_before_it_commits(through_wsgi(application)))
    hasty.journal = shop.driver.journal
    assert hasty.event(shop.key).status == 200
    shop.settle()
    found(shop, "was acknowledged and is lost")
