"""The auditor: proves the promises P1 to P4, or says in words what is wrong.

It is independent: it reads the journal of the load driver, the journal of Slack, and the database by plain SQL, and asks nothing of
the code that it judges (but for `renderings`, which are compared beside its own reading of the rows). It is asked when everything
has come to rest: whatever waits then, waits for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.audit import cards, clicks, events, messages
from tests.audit.evidence import Evidence, calls_in
from tests.driver import Driver
from tests.slack_fixture import Slack

PROMISES = (events.violations, clicks.violations, messages.violations, cards.violations)


def audit(evidence: Evidence) -> list[str]:
    """Every violation, in words. Empty: the promises were kept."""
    return [violation for promise in PROMISES for violation in promise(evidence)]


def evidence_of(driver: Driver, slack: Slack) -> Evidence:
    """What there is to see now, Tocsin's own drawing included."""
    return Evidence(driver=driver.journal, calls=calls_in(slack.journal()), renderings=renderings)


def renderings(card_id: int) -> Sequence[Mapping[str, Any]]:
    """A card as Tocsin draws it now: people by name, as in a new message, or mentioned, as in an edited one."""
    from tocsin.slack import reading
    from tocsin.slack.drawing import content_of, drawn
    from tocsin.slack.models import Card

    card = Card.objects.select_related("workspace", "destination").get(pk=card_id)
    messages = [drawn(reading.card_of(card, mention=mention), card.style).message for mention in (False, True)]
    return [content_of(message) for message in messages] if card.unfurl_url else messages


def assert_kept(driver: Driver, slack: Slack) -> None:
    """Fails, and says what is wrong, if a promise was broken."""
    found = audit(evidence_of(driver, slack))
    assert not found, "\n".join(["the promises were broken:", *found])


Audit = Callable[[], list[str]]
