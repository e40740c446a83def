"""What people type to Tocsin, and what they are told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.people import Person, make_person
from tests.slack_fixture import Slack
from tocsin.accounts.models import Organization, Role, Team, TeamMember
from tocsin.slack.models import Identity, Installation, LinkToken, TeamChannel
from tocsin.slack.team_channels import MAY

COMMAND = {"command": "/tocsin", "should_escape": True}
Told = Callable[..., str]


@pytest.fixture
def told(slack: Slack, installation: Installation) -> Told:
    """`told(who, "help")`: what they see after typing it."""
    slack.change_app(commands=[COMMAND])

    def type_(who: Person | str, text: str, channel: str = "alerts", **how: Any) -> str:
        before = len(slack.ephemerals(who))
        assert slack.command(who, f"/tocsin {text}", channel, **how)["judgement"]["ok"]
        seen = slack.ephemerals(who)[before:]
        return "\n".join(message["text"] for message in seen)

    return type_


@pytest.mark.parametrize("text", ["help", "HELP", "  Help  me please", ""])
def test_help_lists_every_command(told: Told, alice: Person, text: str) -> None:
    said = told(alice, text)
    for usage in ("help", "link", "unlink", "link team", "unlink team"):
        assert f"`/tocsin {usage}`" in said
    assert "does not know" not in said


def test_what_is_no_command_is_quoted_and_helped(told: Told, alice: Person) -> None:
    said = told(alice, "make <!channel> `coffee` @bob <https://evil.example|good>")
    assert "Tocsin does not know `make" in said
    assert "`/tocsin help`" in said
    assert "<!channel>" not in said
    assert "|good>" not in said.replace("|good&gt;", "")
    assert "&amp;lt;" not in said


def test_the_command_has_the_name_that_it_has_in_slack(told: Told, alice: Person, settings: Any) -> None:
    settings.TOCSIN_SLACK_COMMAND = "/bell"
    assert "`/bell link`" in told(alice, "help")


def test_who_is_not_linked_gets_a_link_and_is_then(told: Told, slack: Slack, carol: Person) -> None:
    said = told(carol, "link")
    assert "Connect your account" in said
    token = said.split("/slack/link/")[1].split("/")[0]
    browser = carol.browser()
    page = browser.get(f"/slack/link/{token}/")
    assert "carol" in page.content.decode()
    assert LinkToken.objects.get().slack_user_name == "carol"


def test_who_is_linked_is_told_as_whom(told: Told, alice: Person, mallory: Person) -> None:
    assert "You are connected as alice@example.com. To change that" in told(alice, "link")
    assert "in no organization that this workspace is connected to" in told(mallory, "LINK")


def test_unlink_asks_on_a_page(told: Told, alice: Person, carol: Person) -> None:
    said = told(alice, "unlink")
    token = said.split("/slack/link/")[1].split("/")[0]
    assert "Disconnect your Slack user?" in alice.browser().get(f"/slack/link/{token}/").content.decode()
    assert Identity.objects.filter(user=alice.user).exists()
    assert "You are not connected." in told(carol, "unlink")


# --- teams -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("line", ["link team", "Unlink  TEAM"])
def test_a_team_needs_a_channel(told: Told, slack: Slack, owner: Person, line: str) -> None:
    slack.change_user(owner.slack_user_id)
    said = told(owner, line, channel=slack.simulation.workspace.direct(owner.slack_user_id).id)
    assert "in the team's channel" in said
    assert not LinkToken.objects.exists()


def test_a_team_needs_somebody_who_may(
    told: Told, alice: Person, carol: Person, bob: Person, mallory: Person, team: Team
) -> None:
    for person in (alice, bob, mallory):
        assert MAY in told(person, "link team")
    assert "Connect your account" in told(carol, "link team")
    assert not LinkToken.objects.filter(purpose="link_team").exists()


@pytest.mark.parametrize(
    ("role", "is_in_team", "is_admin", "may"),
    [
        (Role.OWNER, False, False, True),
        (Role.MANAGER, False, False, True),
        (Role.ADMIN, True, False, True),
        (Role.ADMIN, False, False, False),
        (Role.MEMBER, True, True, True),
        (Role.MEMBER, True, False, False),
        (Role.VIEWER, True, True, False),
    ],
)
def test_who_may_choose_a_teams_channel(
    told: Told,
    organization: Organization,
    workspace: Any,
    team: Team,
    slack: Slack,
    role: Role,
    is_in_team: bool,
    is_admin: bool,
    may: bool,
) -> None:
    person = make_person("dan", organization, role, team=team if is_in_team else None, workspace=workspace)
    TeamMember.objects.filter(member__user=person.user).update(is_admin=is_admin)
    slack.change_user(person.slack_user_id)
    slack.change_channel("alerts", "invite", user=person.slack_user_id)
    assert ("/slack/team/" in told(person, "link team")) is may


def test_nothing_to_unlink_is_said(told: Told, owner: Person, slack: Slack, team: Team) -> None:
    slack.change_user(owner.slack_user_id)
    slack.change_channel("alerts", "invite", user=owner.slack_user_id)
    assert "No team of yours is connected to this channel." in told(owner, "unlink team")
    assert not TeamChannel.objects.exists()


def test_delivered_again_it_is_answered_again(told: Told, slack: Slack, alice: Person) -> None:
    said = told(alice, "help", times=2).split("You can type:")
    assert len(said) == 3
    assert said[1].strip() == said[2].strip()


def test_a_workspace_that_is_not_connected_says_how(slack: Slack, db: None) -> None:
    slack.change_app(commands=[COMMAND])
    assert slack.command("U0ALICE", "/tocsin help")["judgement"]["ok"]
    assert "not connected to Tocsin" in slack.ephemerals("U0ALICE")[-1]["text"]
