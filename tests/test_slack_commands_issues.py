"""What is typed about issues: find them, show one, resolve it, assign it; and whether messages come through."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.people import Person, make_person
from tests.slack_fixture import Card, Slack
from tests.test_slack_commands import Told, told
from tocsin.accounts.models import Organization, Role, Team
from tocsin.alerts.models import Destination, Rule, RuleMute
from tocsin.clock import database_now
from tocsin.issues.models import Activity, Issue
from tocsin.outbox.models import Delivery
from tocsin.slack.models import Installation, TeamChannel, Workspace

__all__ = ["told"]  # the fixture


@pytest.fixture
def issue(make_issue: Callable[..., Issue], installation: Installation) -> Issue:
    return make_issue()


def whisper(slack: Slack, who: Person) -> Card:
    """The newest that only they see."""
    message = slack.ephemerals(who)[-1]
    return Card(slack=slack, channel=slack.channel(), ts=message["ts"], stored=message)


# --- finding ---------------------------------------------------------------------------------------------------------
def test_a_search_lists_what_it_finds_with_buttons_that_work(
    told: Told, slack: Slack, alice: Person, make_issue: Callable[..., Issue], deliver_all: Callable[..., int]
) -> None:
    issues = [make_issue() for _ in range(12)]
    told(alice, "issues")
    card = whisper(slack, alice)
    assert "the last seen 10 of 12" in card.text
    assert card.buttons.count("Resolve") == 1  # named once in the list of labels; there are ten rows
    newest = max(issues, key=lambda issue: (issue.last_seen, issue.pk))
    row = next(block for block in card.stored["blocks"] if block["type"] == "actions")
    where = {"block_id": row["block_id"], "action_id": row["elements"][0]["action_id"]}
    before = card.stored["blocks"]
    assert slack.click({"as": alice.slack_user_id, "channel": card.channel, "ts": card.ts, **where})["status"] == 200
    newest.refresh_from_db()
    assert newest.status == "resolved"
    deliver_all()
    assert f"{newest.short_id}> is now: Resolved" in slack.ephemerals(alice)[-1]["text"]
    (listed,) = [message for message in slack.ephemerals(alice) if message["ts"] == card.ts]
    assert listed["blocks"] == before


@pytest.mark.parametrize(
    ("query", "number"), [("is:resolved", 0), ("is:unresolved", 1), ("assigned:me", 0), ("zerodivision", 1)]
)
def test_it_takes_the_same_searches_as_the_page(
    told: Told, alice: Person, issue: Issue, query: str, number: int
) -> None:
    said = told(alice, f"issues {query}")
    assert ("No issue of yours is" in said) is (number == 0)
    assert (f"{number} issue" in said) is (number > 0)


def test_what_is_no_search_is_said(told: Told, alice: Person, issue: Issue) -> None:
    assert "nonsense" in told(alice, "issues is:nonsense")


def test_quotes_of_phones_are_quotes(told: Told, alice: Person, issue: Issue) -> None:
    assert told(alice, "issues “division by”") == told(alice, 'issues "division by"') == "1 issue"


def test_nobody_finds_what_is_not_theirs(
    told: Told, issue: Issue, mallory: Person, eve: Person, carol: Person, slack: Slack
) -> None:
    assert "No issue of yours" in told(mallory, "issues")
    assert "Connect your account" in told(carol, "issues")


def test_one_issue_is_shown_with_its_card(told: Told, slack: Slack, alice: Person, issue: Issue) -> None:
    for name in (issue.short_id, issue.short_id.lower()):
        told(alice, f"issue {name}")
        card = whisper(slack, alice)
        assert "Archive…" in card.buttons
    assert card.click("Resolve", as_=alice)["status"] == 200
    assert Activity.objects.filter(kind="resolved").count() == 1
    issue.refresh_from_db()
    assert issue.status == "resolved"


@pytest.mark.parametrize("line", ["issue", "issue A B", "resolve", "assign", "assign SHOP-1"])
def test_what_is_missing_is_said(told: Told, alice: Person, issue: Issue, line: str) -> None:
    assert "as in /tocsin" in told(alice, line)


@pytest.mark.parametrize("line", ["issue {}", "resolve {}", "assign {} to me"])
@pytest.mark.parametrize("name", ["SHOP-999", "NOPE-1", "x", "<!channel>", "١-1"])
def test_what_is_not_there_is_said(told: Told, alice: Person, issue: Issue, line: str, name: str) -> None:
    said = told(alice, line.format(name))
    assert "There is no issue" in said
    assert "<!channel>" not in said


def test_an_issue_of_another_organization_is_not_there(
    told: Told, alice: Person, make_issue: Callable[..., Issue], elsewhere: Organization, issue: Issue
) -> None:
    Issue.objects.filter(pk=issue.pk).update(organization=elsewhere)
    for line in ("issue", "resolve"):
        assert "There is no issue" in told(alice, f"{line} {issue.short_id}")


@pytest.mark.parametrize("line", ["resolve {}", "assign {} to me"])
def test_who_only_looks_changes_nothing(told: Told, bob: Person, issue: Issue, line: str) -> None:
    assert "your role in Acme does not change issues" in told(bob, line.format(issue.short_id))
    issue.refresh_from_db()
    assert (issue.status, issue.assignee_user) == ("unresolved", None)


# --- changing --------------------------------------------------------------------------------------------------------
def test_resolve_resolves_once_and_says_so(told: Told, alice: Person, issue: Issue) -> None:
    said = told(alice, f"RESOLVE {issue.short_id}", times=3)
    assert said.count("is resolved.") == 3
    issue.refresh_from_db()
    assert (issue.status, issue.version) == ("resolved", 2)
    activity = Activity.objects.get(kind="resolved")
    assert (activity.user, activity.origin, activity.identity) == (alice.user, "slack", "T0TOCSIN/U0ALICE")
    assert "already resolved" in told(alice, f"resolve {issue.short_id}")


WHOM: dict[str, str] = {
    "to me": "Alice",
    "me": "Alice",
    "to @alice": "Alice",
    "to alice@example.com": "Alice",
    "to ALICE@example.com": "Alice",
    "to alice": "Alice",
    'to "Alice"': "Alice",
    "to “Alice”": "Alice",
    "to #{team}": "#{team}",
    "to team:{team}": "#{team}",
    "TO #{TEAM}": "#{team}",
}


@pytest.mark.parametrize("whom", WHOM)
def test_whom_it_may_be_assigned_to(told: Told, alice: Person, team: Team, issue: Issue, whom: str) -> None:
    names = {"team": team.slug, "TEAM": team.slug.upper()}
    said = told(alice, f"assign {issue.short_id} {whom.format(**names)}")
    assert f"is assigned to {WHOM[whom].format(**names)}." in said
    issue.refresh_from_db()
    assert (issue.assignee_user or issue.assignee_team) in (alice.user, team)


def test_a_mail_that_slack_made_a_link_of_is_a_mail(told: Told, slack: Slack, alice: Person, issue: Issue) -> None:
    text = f"assign {issue.short_id} to <mailto:alice@example.com|alice@example.com>"
    result = slack.command(alice, "/tocsin assign", raw={"payload": {"text": text}})
    assert "is assigned to Alice." in result["body"]


def test_a_channel_that_is_called_like_a_team_is_that_team(
    told: Told, slack: Slack, alice: Person, team: Team, issue: Issue
) -> None:
    """Slack makes a channel of a team's name where there is one."""
    slack.change_channel("", "create", name=team.slug, id="C0TEAM")
    assert f"is assigned to #{team.slug}." in told(alice, f"assign {issue.short_id} to #{team.slug}")


def test_a_private_channel_is_its_team(
    told: Told, alice: Person, team: Team, issue: Issue, workspace: Workspace
) -> None:
    assert "No team, or more than one" in told(alice, f"assign {issue.short_id} to #ops-private")
    TeamChannel.objects.create(
        organization=issue.organization, team=team, workspace=workspace, channel="C0OPS", linked_at=database_now()
    )
    assert f"is assigned to #{team.slug}." in told(alice, f"assign {issue.short_id} to #ops-private")


def test_nobody_is_nobody(told: Told, alice: Person, issue: Issue) -> None:
    told(alice, f"assign {issue.short_id} to me")
    assert "is assigned to nobody." in told(alice, f"assign {issue.short_id} to nobody")
    issue.refresh_from_db()
    assert issue.assignee_user is None


@pytest.mark.parametrize(
    ("whom", "why"),
    [
        ("zoe", "Nobody in Acme is called zoe."),
        ("#nowhere", "There is no team #nowhere in Acme."),
        ("team:", "There is no team # in Acme."),
        ("@carol", "not connected to Tocsin yet"),
        ("eve@example.com", "Nobody in Acme is called eve@example.com."),
    ],
)
def test_who_is_not_known_is_said(
    told: Told, alice: Person, carol: Person, eve: Person, issue: Issue, whom: str, why: str
) -> None:
    assert why in told(alice, f"assign {issue.short_id} to {whom}")
    issue.refresh_from_db()
    assert issue.assignee_user is None


def test_two_of_one_name_are_told_apart_by_their_mail(
    told: Told, alice: Person, organization: Organization, team: Team, issue: Issue
) -> None:
    other = make_person("ann", organization, Role.MEMBER, team=team)
    other.user.name = "Alice"
    other.user.save()
    assert "Several people are called Alice" in told(alice, f"assign {issue.short_id} to Alice")
    assert "is assigned to" in told(alice, f"assign {issue.short_id} to ann@example.com")


# --- rules -----------------------------------------------------------------------------------------------------------
@pytest.fixture
def carded(
    slack: Slack,
    make_destination: Callable[..., Destination],
    make_rule: Callable[..., Rule],
    raise_error: Callable[..., list[str]],
    digest_all: Callable[[], int],
    deliver_all: Callable[..., int],
) -> Issue:
    """An issue that a rule has told #alerts of."""
    make_rule(make_destination(slack.channel("alerts"), "#alerts"))
    raise_error()
    digest_all()
    deliver_all()
    return Issue.objects.get()


@pytest.mark.parametrize(
    ("how_long", "hours"), [("2h", 2), ("1 H", 1), ("1d", 24), ("“{}” 3h", 3), ('"{}" 4h', 4), ("{} 5h", 5)]
)
def test_a_rule_is_muted_here_and_the_card_shows_it(
    told: Told, slack: Slack, alice: Person, carded: Issue, deliver_all: Callable[..., int], how_long: str, hours: int
) -> None:
    name = Rule.objects.get().name
    line = how_long.format(name) if "{}" in how_long else f'"{name}" {how_long}'
    said = told(alice, f"mute {line}", times=2)
    assert said.count(f"The rule {name} is muted here for {hours} hour") == 2
    mute = RuleMute.objects.get()
    assert (mute.by, mute.issue, round((mute.until - mute.created_at).total_seconds() / 3600)) == (
        alice.user,
        carded,
        hours,
    )
    deliver_all()
    assert "muted" in slack.card(carded).text
    assert "is already muted in" in told(alice, f"mute {line}")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("mute", "as in /tocsin mute"),
        ("mute 2h", "as in /tocsin mute"),
        ('mute "x"', "as in /tocsin mute"),
        ('mute "x" 2h', "No rule called x tells this channel."),
        ('mute "{}" 0h', "whole number of hours"),
        ('mute "{}" 9d', "whole number of hours"),
        ('mute "{}" 2d', "Only an admin"),
    ],
)
def test_what_cannot_be_muted_is_said(told: Told, alice: Person, carded: Issue, line: str, why: str) -> None:
    assert why in told(alice, line.format(Rule.objects.get().name))
    assert not RuleMute.objects.exists()


def test_elsewhere_and_by_others_nothing_is_muted(
    told: Told, slack: Slack, alice: Person, bob: Person, mallory: Person, carded: Issue
) -> None:
    line = f'mute "{Rule.objects.get().name}" 2h'
    assert "tells this channel" in told(alice, line, channel="ops-private")
    assert "does not change issues" in told(bob, line)
    assert "No rule called" in told(mallory, line)
    direct = slack.do(slack.simulation.workspace.direct, alice.slack_user_id).id
    assert "in the channel that the rule tells" in told(alice, line, channel=direct)
    assert not RuleMute.objects.exists()


def test_a_rule_that_has_told_nothing_yet_is_muted_on_its_first_card(
    told: Told,
    alice: Person,
    make_destination: Callable[..., Destination],
    make_rule: Callable[..., Rule],
    slack: Slack,
) -> None:
    rule = make_rule(make_destination(slack.channel("alerts"), "#alerts"))
    assert "has told this channel of nothing yet" in told(alice, f'mute "{rule.name}" 2h')


# --- status and settings ---------------------------------------------------------------------------------------------
def test_status_says_that_all_is_well_or_what_is_not(told: Told, alice: Person, issue: Issue) -> None:
    assert told(alice, "status") == "Messages to this workspace come through."
    now = database_now()
    common: dict[str, Any] = {"kind": "slack.reply", "subject": "card:1", "lane": "slack:T0TOCSIN:C1", "method": "x"}
    for number, pool in enumerate(("slack:T0TOCSIN", "slack:T0TOCSIN", "slack:T0OTHER")):
        Delivery.objects.create(
            **common,
            pool=pool,
            created_at=now - timedelta(minutes=5),
            due_at=now + timedelta(minutes=5),
            attempts=number,
            error="Slack cannot be reached." if number else "",
        )
    Delivery.objects.create(**common, pool="slack:T0TOCSIN", created_at=now, due_at=now, abandoned_at=now)
    said = told(alice, "status")
    assert "come late: 2 wait" in said
    assert "Slack cannot be reached." in said
    assert "1 could not be delivered in the last 24 hours." in said


def test_settings_say_where(told: Told, slack: Slack, alice: Person, carol: Person, owner: Person) -> None:
    assert "/accounts/slack/|Your Slack connections>" in told(alice, "settings")
    assert "People in Slack" not in told(alice, "settings")
    assert "You are not connected." in told(carol, "settings")
    slack.change_user(owner.slack_user_id)
    slack.change_channel("alerts", "invite", user=owner.slack_user_id)
    assert "/organizations/acme/slack/|People in Slack of Acme>" in told(owner, "settings")
