"""The auditor: finds nothing where the promises were kept, and every breakage that is put in on purpose."""

from __future__ import annotations

import pytest

from tests.audit.world import Shop

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
