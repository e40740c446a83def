"""The first rule: new or regressed issue → destinations."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.samples import sample_event
from tocsin import bus
from tocsin.alerts.changes import RuleFired
from tocsin.alerts.models import Destination, Firing, Rule
from tocsin.clock import database_now
from tocsin.issues.changes import EventStored
from tocsin.issues.event import Event
from tocsin.issues.models import Issue


@pytest.fixture
def fired() -> Iterator[list[RuleFired]]:
    heard: list[RuleFired] = []
    listener = heard.append
    bus.listen(RuleFired, listener)
    yield heard
    bus.stop_listening(RuleFired, listener)


def stored(issue: Issue, *, is_new: bool = False, is_regression: bool = False, episode: int = 1) -> EventStored:
    now = database_now()
    return EventStored(
        organization_id=issue.organization_id,
        project_id=issue.project_id,
        issue_id=issue.pk,
        episode=episode,
        is_new=is_new,
        is_regression=is_regression,
        event=Event(event_id=sample_event().id, accepted_at=now, timestamp=now),
        now=now,
    )


@pytest.fixture
def alerts(make_destination: Callable[..., Destination]) -> Destination:
    return make_destination("C0ALERTS", "#alerts")


def test_a_new_issue_fires_once_an_episode(
    make_issue: Callable[..., Issue], make_rule: Callable[..., Rule], alerts: Destination, fired: list[RuleFired]
) -> None:
    rule = make_rule(alerts)
    issue = make_issue()
    bus.publish(stored(issue, is_new=True))
    bus.publish(stored(issue, is_new=True))
    assert [(one.destination_id, one.rule_ids) for one in fired] == [(alerts.pk, (rule.pk,))]
    bus.publish(stored(issue, is_regression=True, episode=2))
    assert [one.episode for one in fired] == [1, 2]
    assert Firing.objects.count() == 2


@pytest.mark.parametrize(
    ("when", "is_new", "is_regression", "fires"),
    [
        (["first_seen"], True, False, True),
        (["first_seen"], False, True, False),
        (["regressed"], False, True, True),
        (["regressed"], True, False, False),
        (["first_seen", "regressed"], False, False, False),
        ([], True, True, False),
    ],
)
def test_a_rule_fires_for_what_it_asks_for(
    make_issue: Callable[..., Issue],
    make_rule: Callable[..., Rule],
    alerts: Destination,
    fired: list[RuleFired],
    when: list[str],
    is_new: bool,
    is_regression: bool,
    fires: bool,
) -> None:
    make_rule(alerts, when=when)
    bus.publish(stored(make_issue(), is_new=is_new, is_regression=is_regression))
    assert bool(fired) is fires


def test_two_rules_that_hit_one_destination_come_together(
    make_issue: Callable[..., Issue],
    make_rule: Callable[..., Rule],
    make_destination: Callable[..., Destination],
    alerts: Destination,
    fired: list[RuleFired],
) -> None:
    other = make_destination("C0OTHER", "#other")
    first = make_rule(alerts, name="first")
    second = make_rule(alerts, other, name="second")
    bus.publish(stored(make_issue(), is_new=True))
    assert {(one.destination_id, one.rule_ids) for one in fired} == {
        (alerts.pk, (first.pk, second.pk)),
        (other.pk, (second.pk,)),
    }


def test_a_rule_that_is_off_or_of_another_project_is_silent(
    make_issue: Callable[..., Issue],
    make_rule: Callable[..., Rule],
    alerts: Destination,
    fired: list[RuleFired],
) -> None:
    from tocsin.projects.models import Project

    rule = make_rule(alerts, is_active=False)
    issue = make_issue()
    bus.publish(stored(issue, is_new=True))
    elsewhere = Project.objects.create(organization=issue.organization, slug="blog", name="Blog")
    Rule.objects.filter(pk=rule.pk).update(is_active=True, project=elsewhere)
    bus.publish(stored(issue, is_new=True))
    assert fired == []
