"""Which cards a change makes stale, and which messages are to be posted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.people import Person
from tocsin import bus
from tocsin.accounts.actor import Origin, system
from tocsin.alerts.changes import RuleFired
from tocsin.alerts.models import Destination, Rule
from tocsin.clock import database_now
from tocsin.issues.commands import Resolve
from tocsin.issues.models import Activity, Issue, Status, Substatus
from tocsin.issues.service import Change, apply
from tocsin.outbox.models import Delivery
from tocsin.slack import refresh
from tocsin.slack.models import Card


@pytest.fixture
def alerts(make_destination: Callable[..., Destination]) -> Destination:
    return make_destination("C0ALERTS", "#alerts")


@pytest.fixture
def rule(make_rule: Callable[..., Rule], alerts: Destination) -> Rule:
    return make_rule(alerts)


def fire(issue: Issue, rule: Rule, destination: Destination, episode: int = 1) -> None:
    bus.publish(
        RuleFired(
            organization_id=issue.organization_id,
            issue_id=issue.pk,
            episode=episode,
            destination_id=destination.pk,
            rule_ids=(rule.pk,),
            event_id=issue.events.get().event_id,
            now=database_now(),
        )
    )


def regress(issue: Issue) -> None:
    issue.refresh_from_db()
    values = {"status": Status.UNRESOLVED, "substatus": Substatus.REGRESSED, "resolved_at": None}
    apply(
        issue,
        Change(kind=Activity.Kind.REGRESSED, values=values),
        system(database_now(), Origin.SDK),
        began_episode=True,
    )


def waiting() -> list[tuple[str, str]]:
    return list(Delivery.objects.order_by("id").values_list("kind", "method"))


def test_a_rule_posts_one_card_for_an_issue_in_a_channel(
    make_issue: Callable[..., Issue], rule: Rule, alerts: Destination
) -> None:
    issue = make_issue()
    fire(issue, rule, alerts)
    card = Card.objects.get()
    assert (card.subject_id, card.address, card.number, card.ts, card.rules) == (
        issue.pk,
        "T0TOCSIN/C0ALERTS",
        1,
        "",
        [rule.pk],
    )
    delivery = Delivery.objects.get()
    assert (delivery.kind, delivery.about) == ("slack.post_card", {"card_id": card.pk})
    assert (delivery.subject, delivery.lane, delivery.pool) == (
        f"card:{card.pk}",
        "slack:T0TOCSIN:C0ALERTS",
        "slack:T0TOCSIN",
    )


def test_a_change_from_anywhere_makes_every_card_stale(
    alice: Person,
    make_issue: Callable[..., Issue],
    make_destination: Callable[..., Destination],
    rule: Rule,
    alerts: Destination,
) -> None:
    issue = make_issue()
    fire(issue, rule, alerts)
    fire(issue, rule, make_destination("C0OTHER", "#other"))
    Delivery.objects.all().delete()
    bus.perform(Resolve(issue_id=issue.pk), by=alice.actor(Origin.WEB))
    assert waiting() == [("slack.refresh_card", "chat.update")] * 2


def test_a_regression_reopens_the_card_in_place_and_tells_its_thread_once(
    make_issue: Callable[..., Issue], rule: Rule, alerts: Destination
) -> None:
    issue = make_issue(status="resolved", substatus="")
    fire(issue, rule, alerts)
    Delivery.objects.all().delete()
    regress(issue)
    fire(issue, rule, alerts, episode=2)
    assert Card.objects.count() == 1
    assert waiting() == [
        ("slack.refresh_card", "chat.update"),
        ("slack.reply", "chat.postMessage"),
        ("slack.refresh_card", "chat.update"),
    ]


@pytest.mark.parametrize("why", ["gone", "old"])
def test_a_gone_or_old_card_is_followed_by_a_new_one(
    make_issue: Callable[..., Issue], rule: Rule, alerts: Destination, why: str
) -> None:
    issue = make_issue(status="resolved", substatus="")
    fire(issue, rule, alerts)
    card = Card.objects.get()
    card.is_gone = why == "gone"
    if why == "old":
        card.created_at -= timedelta(days=31)
    card.save()
    Delivery.objects.all().delete()
    regress(issue)
    fire(issue, rule, alerts, episode=2)
    old, new = Card.objects.order_by("number")
    assert (old.is_current, new.is_current, new.number) == (False, True, 2)
    assert ("slack.reply", "chat.postMessage") not in waiting()
    assert waiting()[-1] == ("slack.post_card", "chat.postMessage")


def test_a_card_that_was_seen_untrue_is_sent_again_whatever_it_is_believed_to_show(
    make_issue: Callable[..., Issue], rule: Rule, alerts: Destination
) -> None:
    issue = make_issue()
    fire(issue, rule, alerts)
    Card.objects.update(content_hash="known")
    Delivery.objects.all().delete()
    refresh.refresh_issue(issue.organization_id, issue.pk, database_now())
    assert Card.objects.get().content_hash == ""
    assert waiting() == [("slack.refresh_card", "chat.update")]


def test_a_rule_tells_no_workspace_that_does_not_serve_its_organization(
    make_issue: Callable[..., Issue], rule: Rule, alerts: Destination
) -> None:
    alerts.organization.slack_connections.all().delete()
    fire(make_issue(), rule, alerts)
    assert not Card.objects.exists()
