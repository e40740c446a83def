"""A shop that is audited: one project, one channel, and all that happens goes through the load driver."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.auditor import assert_kept, audit, evidence_of
from tests.driver import Driver
from tests.people import Person
from tests.slack_fixture import Card, Slack
from tocsin.alerts.models import Destination, Rule
from tocsin.issues.models import Issue
from tocsin.outbox.models import OPEN, Delivery
from tocsin.projects.models import Key

SETTLES = 40  # seconds: a lease, and what a lost answer is looked for after
ROUNDS = 12


@dataclass(slots=True, kw_only=True)
class Shop:
    """Alice may, bob may look, carol is not linked."""

    slack: Slack
    driver: Driver
    key: Key
    alice: Person
    bob: Person
    carol: Person
    digest_all: Callable[[], int]
    deliver_all: Callable[..., int]

    def issue(self, **fields: Any) -> Issue:
        """A new error, and its card in the channel."""
        self.driver.event(self.key, **{"fingerprint": [f"made-{Issue.objects.count()}"], **fields})
        self.settle()
        return Issue.objects.latest("id")

    def again(self, issue: Issue) -> None:
        """The error of `issue` once more."""
        fingerprint = f"made-{issue.number - 1}"
        self.driver.event(self.key, fingerprint=[fingerprint])
        self.digest_all()

    def card(self, issue: Issue) -> Card:
        """As it hangs in the channel now."""
        return self.slack.card(issue)

    def click(self, issue: Issue, label: str, as_: Person, *, times: int = 1) -> None:
        """Press a button of the card, or an entry of its menu, delivered so often."""
        outgoing = self.driver.pressed(self.card(issue), label, as_)
        for _ in range(times):
            self.driver.send(outgoing)

    def settle(self) -> None:
        """Let everything come to rest: digest, deliver, and let time pass until nothing waits."""
        self.digest_all()
        self.deliver_all()
        for _ in range(ROUNDS):
            if not Delivery.objects.filter(OPEN).exists():
                return
            self.deliver_all(after=SETTLES)

    def violations(self) -> list[str]:
        """What the auditor finds."""
        return audit(evidence_of(self.driver, self.slack))

    def assert_kept(self) -> None:
        """The auditor finds nothing."""
        assert_kept(self.driver, self.slack)


@pytest.fixture
def shop(
    slack: Slack,
    key: Key,
    alice: Person,
    bob: Person,
    carol: Person,
    make_destination: Callable[..., Destination],
    make_rule: Callable[..., Rule],
    digest_all: Callable[[], int],
    deliver_all: Callable[..., int],
) -> Shop:
    """Its rule tells #alerts of every new and regressed issue; Slack counts no calls."""
    make_rule(make_destination(slack.channel("alerts"), "#alerts"))
    slack.loosen()
    driver = Driver(slack)
    slack.connect(deliver=driver)
    return Shop(
        slack=slack,
        driver=driver,
        key=key,
        alice=alice,
        bob=bob,
        carol=carol,
        digest_all=digest_all,
        deliver_all=deliver_all,
    )
