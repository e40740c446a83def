"""A team and a channel: connected and parted by a one-time page, the channel told, the log written."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.pages import Page
from tests.people import Person, make_person
from tests.slack_fixture import Slack
from tests.test_web_linking import post
from tocsin.accounts.models import AuditEntry, Member, Organization, Role, Team
from tocsin.clock import database_now
from tocsin.outbox.models import Delivery
from tocsin.slack.models import Connection, Identity, Installation, LinkToken, TeamChannel, Workspace

Deliver = Callable[..., int]
Ask = Callable[..., str]
PEOPLE = "/organizations/acme/slack/"


@pytest.fixture
def max_(organization: Organization, workspace: Workspace, slack: Slack) -> Person:
    """A manager who is in #alerts and #ops-private."""
    person = make_person("max", organization, Role.MANAGER, workspace=workspace)
    slack.change_user(person.slack_user_id)
    for channel in ("alerts", "ops-private"):
        slack.change_channel(channel, "invite", user=person.slack_user_id)
    return person


@pytest.fixture
def ask(slack: Slack, installation: Installation, team: Team, max_: Person) -> Ask:
    """`ask("link team")`: the path of the page that max is sent to."""
    slack.change_app(commands=[{"command": "/tocsin"}])

    def type_(line: str, channel: str = "alerts", who: Person = max_) -> str:
        assert slack.command(who, f"/tocsin {line}", channel)["judgement"]["ok"]
        found = re.search(r"/slack/team/[^/]+/", slack.ephemerals(who)[-1]["text"])
        assert found, slack.ephemerals(who)[-1]["text"]
        return found[0]

    return type_


def test_the_page_asks_for_the_team_and_changes_nothing(ask: Ask, max_: Person, team: Team) -> None:
    path = ask("link team")
    for _ in range(2):
        answer = max_.browser().get(path)
        page = Page(answer).main
        assert "Which team is #alerts for?" in page
        assert f"#{team.slug} in Acme" in page
        assert "Tocsin Demo" in page
        assert (answer["Referrer-Policy"], "no-store" in answer["Cache-Control"]) == ("strict-origin", True)
    assert not TeamChannel.objects.exists()


def test_connecting_is_done_once_told_in_the_channel_and_written_down(
    ask: Ask, max_: Person, team: Team, slack: Slack, deliver_all: Deliver
) -> None:
    path = ask("link team")
    answer = post(max_.browser(), path, team=str(team.pk))
    assert f"#{team.slug} in Acme is connected to #alerts in Tocsin Demo." in Page(answer).main
    made = TeamChannel.objects.get()
    assert (made.team, made.channel, made.channel_name, made.linked_by) == (team, "C0ALERTS", "alerts", max_.user)
    deliver_all()
    (message,) = slack.messages()
    assert f"Max has connected the team *#{team.slug} in Acme* to this channel" in message["text"]
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.by) == ("slack.link_team", max_.user)
    assert max_.browser().get(path).status_code == 410


def test_it_is_shown_and_ended_on_the_organizations_page(
    ask: Ask, max_: Person, team: Team, slack: Slack, deliver_all: Deliver
) -> None:
    post(max_.browser(), ask("link team", "ops-private"), team=str(team.pk))
    browser = max_.browser()
    page = Page(browser.get(PEOPLE)).main
    assert f"#{team.slug}" in page
    assert "a private channel (C0OPS) in Tocsin Demo" in page
    assert post(browser, PEOPLE, team_channel=str(TeamChannel.objects.get().pk)).status_code == 302
    assert not TeamChannel.objects.exists()
    deliver_all()
    assert "has disconnected the team" in slack.messages("ops-private")[-1]["text"]
    assert "is no longer connected to a private channel" in Page(browser.get(PEOPLE)).main
    assert post(browser, PEOPLE, team_channel="999").status_code == 404


def test_unlink_names_what_it_removes(
    ask: Ask, max_: Person, team: Team, organization: Organization, slack: Slack, deliver_all: Deliver
) -> None:
    other = Team.objects.create(organization=organization, slug="ovens", name="Ovens")
    for each in (team, other):
        post(max_.browser(), ask("link team"), team=str(each.pk))
    path = ask("unlink team")
    page = Page(max_.browser().get(path)).main
    assert "Which team leaves #alerts?" in page
    assert "#ovens in Acme" in page
    answer = post(max_.browser(), path, team=str(other.pk))
    assert "#ovens in Acme is no longer connected to #alerts in Tocsin Demo." in Page(answer).main
    assert [made.team for made in TeamChannel.objects.all()] == [team]
    deliver_all()
    assert "disconnected the team *#ovens in Acme*" in slack.messages()[-1]["text"]


def test_a_team_has_several_channels_and_a_channel_several_teams(
    ask: Ask, max_: Person, team: Team, organization: Organization
) -> None:
    other = Team.objects.create(organization=organization, slug="ovens", name="Ovens")
    for each, channel in ((team, "alerts"), (other, "alerts"), (team, "ops-private")):
        post(max_.browser(), ask("link team", channel), team=str(each.pk))
    assert TeamChannel.objects.count() == 3
    page = Page(max_.browser().get(ask("link team"))).main
    assert "Every team that you may choose is connected to this channel." in page


@pytest.mark.parametrize("chosen", ["", "0", "x", "999999"])
def test_without_one_of_the_teams_nothing_is_done_and_the_page_asks_again(
    ask: Ask, max_: Person, elsewhere: Organization, chosen: str
) -> None:
    path = ask("link team")
    answer = post(max_.browser(), path, team=chosen)
    assert answer.status_code == 400
    assert "Choose one of the teams." in Page(answer).main
    assert not TeamChannel.objects.exists()
    assert max_.browser().get(path).status_code == 200


def test_a_team_of_another_organization_cannot_be_chosen(ask: Ask, max_: Person, elsewhere: Organization) -> None:
    theirs = Team.objects.create(organization=elsewhere, slug="ovens", name="Ovens")
    assert post(max_.browser(), ask("link team"), team=str(theirs.pk)).status_code == 400
    Member.objects.create(
        organization=elsewhere, user=max_.user, role=Role.OWNER
    )  # which this workspace does not serve
    assert post(max_.browser(), ask("link team"), team=str(theirs.pk)).status_code == 400
    assert not TeamChannel.objects.exists()


def test_the_page_is_for_the_one_who_typed_while_they_may(
    ask: Ask, max_: Person, owner: Person, alice: Person, team: Team
) -> None:
    path = ask("link team")
    for other in (owner, alice):
        assert other.browser().get(path).status_code == 404
    Member.objects.filter(user=max_.user).update(role=Role.MEMBER)
    assert max_.browser().get(path).status_code == 404
    Member.objects.filter(user=max_.user).update(role=Role.OWNER)
    Identity.objects.filter(user=max_.user).delete()
    assert max_.browser().get(path).status_code == 404
    assert not TeamChannel.objects.exists()


def test_the_link_lives_a_day(ask: Ask, max_: Person) -> None:
    path = ask("link team")
    row = LinkToken.objects.get()
    assert row.expires_at - row.created_at == timedelta(hours=24)
    LinkToken.objects.update(expires_at=database_now())
    assert max_.browser().get(path).status_code == 410
    assert max_.browser().get(path.replace("/team/", "/link/")).status_code == 410


def test_a_link_for_teams_opens_no_page_for_people(ask: Ask, max_: Person) -> None:
    assert max_.browser().get(ask("link team").replace("/team/", "/link/")).status_code == 410


def test_a_channel_where_tocsin_cannot_write_is_said_to_who_connected_it(
    ask: Ask, max_: Person, team: Team, slack: Slack, deliver_all: Deliver
) -> None:
    path = ask("link team", "ops-private")
    slack.change_channel("ops-private", "kick")
    post(max_.browser(), path, team=str(team.pk))
    deliver_all()
    (said,) = slack.direct_messages(max_)
    assert "Tocsin cannot write in <#C0OPS>" in said["text"]
    assert Delivery.objects.get(kind="slack.notice").done_at is None or Delivery.objects.get(kind="slack.notice").error


def test_a_lost_answer_does_not_tell_the_channel_twice(
    ask: Ask, max_: Person, team: Team, slack: Slack, deliver_all: Deliver
) -> None:
    slack.fail("chat.postMessage", "reset_after")
    post(max_.browser(), ask("link team"), team=str(team.pk))
    deliver_all()
    deliver_all()
    assert len(slack.messages()) == 1


def test_a_channel_of_a_workspace_that_is_not_connected_any_more_is_ended_in_silence(
    ask: Ask, max_: Person, team: Team, slack: Slack
) -> None:
    post(max_.browser(), ask("link team"), team=str(team.pk))
    Connection.objects.all().delete()
    Delivery.objects.all().delete()
    assert post(max_.browser(), PEOPLE, team_channel=str(TeamChannel.objects.get().pk)).status_code == 302
    assert not Delivery.objects.exists()
    assert not TeamChannel.objects.exists()
