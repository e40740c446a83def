"""Deciding who is told: the project's rules, when an event has been stored."""

from __future__ import annotations

from collections import defaultdict

from tocsin import bus
from tocsin.alerts import mutes
from tocsin.alerts.changes import RuleFired
from tocsin.alerts.models import Firing, Rule, RuleDestination
from tocsin.issues.changes import EventStored


def on_event_stored(stored: EventStored) -> None:
    """Fire every rule of the project that asks for this, once an episode, and tell each destination once. Where a rule is muted
    it fires all the same, and tells nobody.
    """
    wanted = {
        when
        for when, is_so in ((Rule.When.FIRST_SEEN, stored.is_new), (Rule.When.REGRESSED, stored.is_regression))
        if is_so
    }
    if not wanted:
        return
    fired = [rule for rule in _rules(stored) if wanted & set(rule.when) and _claim(rule, stored)]
    if not fired:
        return
    held_back = mutes.hold_back(stored.organization_id, fired, stored.now)
    by_destination: dict[int, list[int]] = defaultdict(list)
    for link in RuleDestination.objects.filter(organization_id=stored.organization_id, rule__in=fired).order_by("id"):
        if (link.rule_id, link.destination_id) not in held_back:
            by_destination[link.destination_id].append(link.rule_id)
    for destination_id, rule_ids in by_destination.items():
        bus.publish(
            RuleFired(
                organization_id=stored.organization_id,
                issue_id=stored.issue_id,
                episode=stored.episode,
                destination_id=destination_id,
                rule_ids=tuple(rule_ids),
                event_id=stored.event.event_id,
                now=stored.now,
            )
        )


def _rules(stored: EventStored) -> list[Rule]:
    rules = Rule.objects.filter(organization_id=stored.organization_id, project_id=stored.project_id, is_active=True)
    return list(rules.order_by("id"))


def _claim(rule: Rule, stored: EventStored) -> bool:
    """Whether this worker is the one that fires the rule for this episode."""
    _, created = Firing.objects.get_or_create(
        organization_id=stored.organization_id,
        rule=rule,
        issue_id=stored.issue_id,
        episode=stored.episode,
        defaults={"event_id": stored.event.event_id, "fired_at": stored.now},
    )
    return created
