"""Muting a rule for everybody, in one destination, for a while."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from tests.people import Person, make_person
from tests.test_alerts_rules import stored
from tests.threads import at_once
from tests.waiting import until
from tocsin import bus, wiring
from tocsin.accounts.actor import system
from tocsin.accounts.models import Organization, Role, Team, TeamMember
from tocsin.alerts import mutes
from tocsin.alerts.changes import MuteChanged, RuleFired
from tocsin.alerts.commands import Command, MuteRule, UnmuteRules
from tocsin.alerts.models import Destination, Firing, Rule, RuleDestination, RuleMute
from tocsin.clock import database_now
from tocsin.errors import DomainError, Forbidden, Invalid, NotFound
from tocsin.issues.expiry import run_expiry
from tocsin.issues.models import Issue
from tocsin.projects.models import Project, ProjectTeam

HOUR = timedelta(hours=1)


@pytest.fixture
def heard() -> Iterator[list[RuleFired | MuteChanged]]:
    """What the alerts announce, in order."""
    announced: list[RuleFired | MuteChanged] = []
    listener = announced.append
    for event in (RuleFired, MuteChanged):
        bus.listen(event, listener)
    yield announced
    for event in (RuleFired, MuteChanged):
        bus.stop_listening(event, listener)


@pytest.fixture
def issue(make_issue: Callable[..., Issue]) -> Issue:
    return make_issue()


@pytest.fixture
def alerts(make_destination: Callable[..., Destination]) -> Destination:
    return make_destination("C0ALERTS", "#alerts")


@pytest.fixture
def rule(alerts: Destination, make_rule: Callable[..., Rule]) -> Rule:
    return make_rule(alerts)


def mute(issue: Issue, rule: Rule, where: Destination, hours: int = 1) -> MuteRule:
    return MuteRule(issue_id=issue.pk, destination_id=where.pk, rule_ids=(rule.pk,), hours=hours)


def unmute(issue: Issue, rule: Rule, where: Destination) -> UnmuteRules:
    return UnmuteRules(issue_id=issue.pk, destination_id=where.pk, rule_ids=(rule.pk,))


def fires(make_issue: Callable[..., Issue], heard: list[RuleFired | MuteChanged]) -> list[tuple[int, tuple[int, ...]]]:
    """Which destinations are told by which rules when another issue is new."""
    before = len(heard)
    bus.publish(stored(make_issue(), is_new=True))
    return [(one.destination_id, one.rule_ids) for one in heard[before:] if isinstance(one, RuleFired)]


# --- where it is silent ----------------------------------------------------------------------------------------------
def test_a_muted_rule_tells_that_destination_nothing_and_others_as_before(
    issue: Issue,
    rule: Rule,
    alerts: Destination,
    alice: Person,
    make_issue: Callable[..., Issue],
    make_destination: Callable[..., Destination],
    make_rule: Callable[..., Rule],
    heard: list[RuleFired | MuteChanged],
) -> None:
    other = make_destination("C0OTHER", "#other")
    RuleDestination.objects.create(organization=rule.organization, rule=rule, destination=other)
    second = make_rule(alerts, name="second")
    assert fires(make_issue, heard) == [(alerts.pk, (rule.pk, second.pk)), (other.pk, (rule.pk,))]
    bus.perform(mute(issue, rule, alerts), by=alice.actor())
    assert fires(make_issue, heard) == [(other.pk, (rule.pk,)), (alerts.pk, (second.pk,))]


def test_what_a_mute_kept_back_is_counted_and_not_told_later(
    issue: Issue,
    rule: Rule,
    alerts: Destination,
    alice: Person,
    make_issue: Callable[..., Issue],
    heard: list[RuleFired | MuteChanged],
) -> None:
    fires(make_issue, heard)  # before: not the mute's
    bus.perform(mute(issue, rule, alerts), by=alice.actor())
    quiet = make_issue()
    bus.publish(stored(quiet, is_new=True))
    assert [(one.issue_id, one.is_count) for one in heard if isinstance(one, MuteChanged)] == [
        (issue.pk, False),
        (issue.pk, True),
    ]
    assert fires(make_issue, heard) == []
    assert mutes.with_held(RuleMute.objects.all()).get().held == 2
    bus.perform(unmute(issue, rule, alerts), by=alice.actor())
    bus.publish(stored(quiet, is_new=True))  # of the same episode
    assert [one for one in heard if isinstance(one, RuleFired)][1:] == []
    assert Firing.objects.filter(issue=quiet).count() == 1


def test_it_ends_with_its_time(
    issue: Issue,
    rule: Rule,
    alerts: Destination,
    alice: Person,
    make_issue: Callable[..., Issue],
    heard: list[RuleFired | MuteChanged],
) -> None:
    bus.perform(mute(issue, rule, alerts, 8), by=alice.actor())
    muted = RuleMute.objects.get()
    assert muted.until - muted.created_at == 8 * HOUR
    assert mutes.end_mutes(muted.until - timedelta(seconds=1)) == 0
    assert mutes.end_mutes(muted.until) == 1
    assert mutes.end_mutes(muted.until) == 0
    assert [one.issue_id for one in heard if isinstance(one, MuteChanged)] == [issue.pk, issue.pk]
    assert fires(make_issue, heard) == [(alerts.pk, (rule.pk,))]


def test_a_mute_whose_time_is_over_mutes_nothing_though_the_clock_has_not_come_by(
    issue: Issue,
    rule: Rule,
    alerts: Destination,
    alice: Person,
    make_issue: Callable[..., Issue],
    heard: list[RuleFired | MuteChanged],
) -> None:
    bus.perform(mute(issue, rule, alerts), by=alice.actor())
    RuleMute.objects.update(until=database_now())
    assert fires(make_issue, heard) == [(alerts.pk, (rule.pk,))]
    assert bus.perform(unmute(issue, rule, alerts), by=alice.actor()).sentence
    assert not bus.perform(mute(issue, rule, alerts), by=alice.actor()).sentence  # again: the old one is ended first
    assert RuleMute.objects.filter(ended_at=None).count() == 1
    assert fires(make_issue, heard) == []


def test_the_worker_ends_it(committed: None, issue: Issue, rule: Rule, alerts: Destination, alice: Person) -> None:
    bus.perform(mute(issue, rule, alerts), by=alice.actor())
    RuleMute.objects.update(until=database_now())
    stop = threading.Event()
    clock = threading.Thread(target=run_expiry, args=(stop, wiring.CLOCKS))
    clock.start()
    try:
        until(lambda: RuleMute.objects.filter(ended_at__isnull=False, ended_by=None).exists(), what="the mute to end")
    finally:
        stop.set()
        clock.join()


# --- twice, and at once ----------------------------------------------------------------------------------------------
def test_a_second_mute_changes_nothing_and_says_who_was_first(
    issue: Issue, rule: Rule, alerts: Destination, alice: Person, owner: Person
) -> None:
    assert bus.perform(mute(issue, rule, alerts, 24), by=owner.actor()).sentence == ""
    said = bus.perform(mute(issue, rule, alerts, 1), by=alice.actor()).sentence
    assert said.startswith("New and regressed issues is already muted in #alerts by Olga, until 2")
    muted = RuleMute.objects.get()
    assert (muted.by, muted.until - muted.created_at) == (owner.user, 24 * HOUR)


def test_of_two_at_once_one_mutes(
    committed: None, issue: Issue, rule: Rule, alerts: Destination, alice: Person, owner: Person
) -> None:
    said: list[str] = []
    people = [alice, owner]
    at_once(lambda n: said.append(bus.perform(mute(issue, rule, alerts), by=people[n].actor()).sentence), 2)
    assert sorted(map(bool, said)) == [False, True]
    assert RuleMute.objects.count() == 1


def test_whoever_may_triage_unmutes_and_the_row_says_who(
    issue: Issue, rule: Rule, alerts: Destination, alice: Person, owner: Person
) -> None:
    bus.perform(mute(issue, rule, alerts, 168), by=owner.actor())
    assert bus.perform(unmute(issue, rule, alerts), by=alice.actor()).sentence == ""
    assert bus.perform(unmute(issue, rule, alerts), by=alice.actor()).sentence == (
        "No rule is muted here. Nothing was changed."
    )
    muted = RuleMute.objects.get()
    assert (muted.by, muted.ended_by) == (owner.user, alice.user)


def test_which_of_several_is_asked_only_if_it_is_not_plain(
    issue: Issue, rule: Rule, alerts: Destination, make_rule: Callable[..., Rule], alice: Person
) -> None:
    second = make_rule(alerts, name="second")
    both = MuteRule(issue_id=issue.pk, destination_id=alerts.pk, rule_ids=(rule.pk, second.pk), hours=1)
    with pytest.raises(Invalid, match="Choose one of the rules") as refused:
        bus.perform(both, by=alice.actor())
    assert refused.value.field == "rule"
    bus.perform(mute(issue, rule, alerts), by=alice.actor())
    bus.perform(both, by=alice.actor())
    assert set(RuleMute.objects.values_list("rule", flat=True)) == {rule.pk, second.pk}


# --- who may ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("name", "refusal"), [("bob", Forbidden), ("eve", NotFound), ("mallory", NotFound)])
@pytest.mark.parametrize("ask", [mute, unmute])
def test_who_may_not_triage_the_issue_changes_nothing(
    issue: Issue,
    rule: Rule,
    alerts: Destination,
    alice: Person,
    request: pytest.FixtureRequest,
    name: str,
    refusal: type[DomainError],
    ask: Callable[..., Command],
) -> None:
    if ask is unmute:
        bus.perform(mute(issue, rule, alerts), by=alice.actor())
    before = list(RuleMute.objects.values())
    with pytest.raises(refusal):
        bus.perform(ask(issue, rule, alerts), by=request.getfixturevalue(name).actor())
    assert list(RuleMute.objects.values()) == before


def test_tocsin_itself_mutes_nothing(issue: Issue, rule: Rule, alerts: Destination) -> None:
    with pytest.raises(Forbidden):
        bus.perform(mute(issue, rule, alerts), by=system(database_now()))


@pytest.mark.parametrize(
    ("role", "is_in_team", "is_admin", "may"),
    [
        (Role.MEMBER, True, False, False),
        (Role.MEMBER, True, True, True),
        (Role.ADMIN, True, False, True),
        (Role.MANAGER, False, False, True),
        (Role.OWNER, False, False, True),
    ],
)
def test_longer_than_a_day_is_for_those_who_decide_for_the_project(
    issue: Issue,
    rule: Rule,
    alerts: Destination,
    organization: Organization,
    team: Team,
    role: Role,
    is_in_team: bool,
    is_admin: bool,
    may: bool,
) -> None:
    person = make_person("paula", organization, role, team=team if is_in_team else None)
    TeamMember.objects.filter(member__user=person.user).update(is_admin=is_admin)
    for hours in (25, 168):
        if may:
            bus.perform(mute(issue, rule, alerts, hours), by=person.actor())
            bus.perform(unmute(issue, rule, alerts), by=person.actor())
        else:
            with pytest.raises(Invalid, match="admin of a team of shop") as refused:
                bus.perform(mute(issue, rule, alerts, hours), by=person.actor())
            assert refused.value.field == "hours"
    bus.perform(mute(issue, rule, alerts, 24), by=person.actor())
    assert RuleMute.objects.filter(ended_at=None).count() == 1


def test_an_admin_of_a_team_that_does_not_look_after_the_project_decides_nothing_for_it(
    issue: Issue, rule: Rule, alerts: Destination, alice: Person
) -> None:
    others = Team.objects.create(organization=alice.organization, slug="others", name="Others")
    member = alice.user.memberships.get()
    TeamMember.objects.create(organization=alice.organization, team=others, member=member, is_admin=True)
    with pytest.raises(Invalid):
        bus.perform(mute(issue, rule, alerts, 25), by=alice.actor())


@pytest.mark.parametrize("hours", [0, -1, 169, 10**9])
def test_hours_out_of_range_are_refused(
    issue: Issue, rule: Rule, alerts: Destination, owner: Person, hours: int
) -> None:
    with pytest.raises(Invalid, match="from 1 to 168"):
        bus.perform(mute(issue, rule, alerts, hours), by=owner.actor())


def test_only_a_rule_of_the_issues_own_project_that_tells_the_place_is_muted(
    issue: Issue,
    rule: Rule,
    alerts: Destination,
    owner: Person,
    make_destination: Callable[..., Destination],
    elsewhere: Organization,
) -> None:
    silent = make_destination("C0SILENT", "#silent")
    blog = Project.objects.create(organization=owner.organization, slug="blog", name="Blog")
    bakery = Project.objects.create(organization=elsewhere, slug="bakery", name="Bakery")
    theirs = Destination.objects.create(organization=elsewhere, kind="slack", address="T0TOCSIN/C0ALERTS", name="x")
    others = [
        Rule.objects.create(organization=project.organization, project=project, name="other")
        for project in (blog, bakery)
    ]
    for other, place in zip(others, (alerts, theirs), strict=True):
        RuleDestination.objects.create(organization=other.organization, rule=other, destination=place)
    for what, where in ((rule, silent), (others[0], alerts), (others[1], theirs), (others[1], alerts), (rule, theirs)):
        with pytest.raises(NotFound, match="No rule tells this channel"):
            bus.perform(mute(issue, what, where), by=owner.actor())
    assert not RuleMute.objects.exists()


def test_a_mute_of_another_organization_is_not_ended_from_here(
    issue: Issue, rule: Rule, alerts: Destination, owner: Person, eve: Person, make_issue: Callable[..., Issue]
) -> None:
    bakery = Project.objects.create(organization=eve.organization, slug="bakery", name="Bakery")
    theirs = make_issue(of=bakery)
    bus.perform(mute(issue, rule, alerts), by=owner.actor())
    assert bus.perform(unmute(theirs, rule, alerts), by=eve.actor()).sentence
    assert RuleMute.objects.filter(ended_at=None).exists()


def test_whoever_may_triage_another_project_only_ends_no_mute_of_this_one(
    issue: Issue, rule: Rule, alerts: Destination, owner: Person, make_issue: Callable[..., Issue]
) -> None:
    team = Team.objects.create(organization=owner.organization, slug="writers", name="Writers")
    blog = Project.objects.create(organization=owner.organization, slug="blog", name="Blog")
    ProjectTeam.objects.create(organization=owner.organization, project=blog, team=team)
    writer = make_person("wanda", owner.organization, Role.MEMBER, team=team)
    theirs = make_issue(of=blog)
    bus.perform(mute(issue, rule, alerts), by=owner.actor())
    assert bus.perform(unmute(theirs, rule, alerts), by=writer.actor()).sentence
    assert RuleMute.objects.filter(ended_at=None).exists()
