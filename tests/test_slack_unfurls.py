"""Links to Tocsin that people post: what is shown below them, to whom, and that it works and stays true."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings

from tests.people import Person, make_person
from tests.slack_fixture import Message, Slack
from tests.test_slack_attachments import make_release
from tests.test_web_linking import post
from tocsin import bus
from tocsin.accounts.models import Role, Team
from tocsin.alerts.models import Destination
from tocsin.clock import database_now
from tocsin.issues.commands import Reopen, Resolve
from tocsin.issues.models import Issue
from tocsin.simulator.unfurls import faults_of
from tocsin.slack import in_place, unfurls
from tocsin.slack.cards import Style
from tocsin.slack.models import Card, Installation, LinkToken, WaitingLink
from tocsin.slack.payloads import Place

Deliver = Callable[..., int]


@pytest.fixture
def issue(make_issue: Callable[..., Issue]) -> Issue:
    return make_issue()


@pytest.fixture(autouse=True)
def domains(slack: Slack, installation: Installation) -> None:
    slack.change_app(unfurl_domains=["localhost"])


def url_of(issue: Issue, more: str = "") -> str:
    return f"{settings.TOCSIN_URL}/organizations/{issue.organization.slug}/issues/{issue.pk}/{more}"


def unfurled(slack: Slack) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = slack.messages()[-1].get("attachments", [])
    return found


def text_of(unfurl: dict[str, Any]) -> str:
    return json.dumps(unfurl.get("blocks") or unfurl)


# --- which links ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("http://localhost/organizations/acme/issues/7/", ("acme", 7, "")),
        ("http://localhost/organizations/acme/issues/7", ("acme", 7, "")),
        ("http://localhost/organizations/acme/issues/7/?a=1&amp;b=2#x", ("acme", 7, "")),
        ("http://acme.localhost/issues/7/", ("acme", 7, "")),
        (f"http://localhost/organizations/acme/issues/7/events/{'a' * 32}/", ("acme", 7, "a" * 32)),
        ("http://localhost/organizations/acme/issues/", None),
        ("http://localhost/organizations/acme/issues/0/", None),
        ("http://localhost/organizations/acme/issues/7/delete/", None),
        ("https://localhost/organizations/acme/issues/7/", None),
        ("http://localhost:81/organizations/acme/issues/7/", None),
        ("http://localhost.evil.example/organizations/acme/issues/7/", None),
        ("http://evillocalhost/organizations/acme/issues/7/", None),
        ("http://localhost:port/organizations/acme/issues/7/", None),
        ("http://[localhost/organizations/acme/issues/7/", None),
        ("nonsense", None),
    ],
)
def test_links_are_told_apart_by_their_address(url: str, found: tuple[str, int, str] | None) -> None:
    links = [(link.organization, link.issue_id, link.event_id) for link in unfurls.links_in([url])]
    assert links == ([found] if found else [])


# --- what is shown ---------------------------------------------------------------------------------------------------
def test_a_link_shows_the_issue_with_buttons_to_whoever_is_in_the_channel(
    issue: Issue, slack: Slack, alice: Person, deliver_all: Deliver
) -> None:
    posting = slack.post(f"look: {url_of(issue, '?a=1&b=2')}", as_=alice)
    assert posting.results[0]["status"] == 200
    deliver_all()
    (shown,) = unfurled(slack)
    assert shown["app_unfurl_url"] == url_of(issue, "?a=1&amp;b=2")
    assert issue.culprit in text_of(shown)
    assert slack.card(issue).buttons == ["Resolve", "Archive…"]
    assert "<@" not in text_of(shown), "a new message pings nobody"


def test_the_same_link_twice_unfurls_once_and_different_issues_each(
    issue: Issue, make_issue: Callable[..., Issue], slack: Slack, alice: Person, deliver_all: Deliver
) -> None:
    other = make_issue(title="ValueError: 7")
    slack.post(f"{url_of(issue)} {url_of(issue)} {url_of(other)}", as_=alice, times=3)
    deliver_all()
    assert [shown["app_unfurl_url"] for shown in unfurled(slack)] == [url_of(issue), url_of(other)]
    assert len(slack.journal("chat.unfurl")) == 2
    assert Card.objects.count() == 2


def test_who_may_not_see_it_shows_nothing_to_anybody(
    issue: Issue, slack: Slack, eve: Person, mallory: Person, team: Team, workspace: Any, deliver_all: Deliver
) -> None:
    teamless = make_person("dora", issue.organization, Role.MEMBER, workspace=workspace)
    slack.change_user(teamless)
    slack.change_channel("alerts", "invite", user=teamless.slack_user_id)
    for person in (eve, mallory, teamless):
        slack.post(url_of(issue), as_=person)
    deliver_all()
    assert slack.journal("chat.unfurl") == []
    assert not Card.objects.exists()


def test_who_may_look_shows_it(issue: Issue, slack: Slack, bob: Person, deliver_all: Deliver) -> None:
    slack.post(url_of(issue), as_=bob)
    deliver_all()
    assert len(unfurled(slack)) == 1


def test_an_issue_under_another_organizations_name_shows_nothing(
    issue: Issue, slack: Slack, alice: Person, deliver_all: Deliver
) -> None:
    slack.post(url_of(issue).replace("acme", "umbrella"), as_=alice)
    deliver_all()
    assert slack.journal("chat.unfurl") == []


@pytest.mark.parametrize(
    ("privacy", "style"),
    [(Destination.Privacy.TITLE_ONLY, "blocks"), (Destination.Privacy.FULL, "attachments")],
)
def test_a_channel_that_is_told_has_its_privacy_and_its_style(
    issue: Issue,
    slack: Slack,
    alice: Person,
    make_destination: Callable[..., Destination],
    deliver_all: Deliver,
    privacy: str,
    style: str,
) -> None:
    make_destination(slack.channel("alerts"), "#alerts", privacy=privacy, style=style)
    slack.post(url_of(issue), as_=alice)
    deliver_all()
    (shown,) = unfurled(slack)
    assert (issue.culprit in text_of(shown)) == (privacy == Destination.Privacy.FULL)
    assert ("callback_id" in shown) == (style == "attachments")


def test_a_channel_shared_with_another_company_sees_the_title_only(
    issue: Issue, slack: Slack, alice: Person, deliver_all: Deliver
) -> None:
    slack.simulation.workspace.channels["C0ALERTS"].is_connect = True
    slack.post(url_of(issue), as_=alice)
    deliver_all()
    assert issue.culprit not in text_of(unfurled(slack)[0])


def test_while_it_is_written_only_the_title_shows(
    issue: Issue, slack: Slack, alice: Person, deliver_all: Deliver
) -> None:
    unfurl_id = slack.compose(url_of(issue), as_=alice).ts
    deliver_all()
    previews = slack.simulation.workspace.offers[unfurl_id].previews
    assert issue.short_id in json.dumps(previews)
    assert issue.culprit not in json.dumps(previews)
    assert not Card.objects.exists()


# --- it works and stays true ----------------------------------------------------------------------------------------
@pytest.fixture(params=["blocks", "attachments"])
def shown(
    request: pytest.FixtureRequest,
    issue: Issue,
    slack: Slack,
    alice: Person,
    make_destination: Callable[..., Destination],
    deliver_all: Deliver,
) -> str:
    """The style of the unfurl of a posted link."""
    make_destination(slack.channel("alerts"), "#alerts", style=request.param)
    slack.post(url_of(issue), as_=alice)
    deliver_all()
    return str(request.param)


def test_a_click_resolves_and_the_unfurl_says_by_whom(
    shown: str, issue: Issue, slack: Slack, alice: Person, deliver_all: Deliver
) -> None:
    result = slack.card(issue).click("Resolve", as_=alice)
    assert (result["status"], bool(result["body"])) == (200, shown == "attachments")
    deliver_all()
    issue.refresh_from_db()
    assert issue.status == "resolved"
    (there,) = unfurled(slack)
    assert f"<@{alice.slack_user_id}>" in text_of(there)
    assert slack.card(issue).buttons[0] == "Reopen"
    assert slack.messages()[-1]["text"] == f"<{url_of(issue)}>", "the person's own words stay"
    deliver_all(after=4)
    assert slack.card(issue).buttons[0] == "Reopen"


def test_a_spent_address_leaves_the_unfurl_to_another_chat_unfurl(
    shown: str, issue: Issue, slack: Slack, alice: Person, deliver_all: Deliver
) -> None:
    slack.fail("response_url", "status", status=404, times=None)
    slack.card(issue).click("Resolve", as_=alice)
    deliver_all()
    assert slack.card(issue).buttons[0] == "Reopen"


def test_a_change_elsewhere_reaches_the_unfurl_for_thirty_days(
    shown: str, issue: Issue, slack: Slack, alice: Person, deliver_all: Deliver
) -> None:
    bus.perform(Resolve(issue_id=issue.pk), by=alice.actor())
    deliver_all()
    assert slack.card(issue).buttons[0] == "Reopen"
    card = Card.objects.get()
    Card.objects.update(created_at=card.created_at - timedelta(days=31))
    before = len(slack.journal("chat.unfurl"))
    bus.perform(Reopen(issue_id=issue.pk), by=alice.actor())
    deliver_all()
    assert len(slack.journal("chat.unfurl")) == before


def test_a_dialog_from_an_unfurl_rewrites_it(
    shown: str, issue: Issue, slack: Slack, alice: Person, deliver_all: Deliver
) -> None:
    make_release(issue, "shop@1.0")
    bus.perform(Resolve(issue_id=issue.pk), by=alice.actor())
    bus.perform(Reopen(issue_id=issue.pk), by=alice.actor())
    deliver_all()
    slack.card(issue).click("Resolve…", as_=alice)
    (slack.view(alice) if shown == "blocks" else slack.dialog(alice)).submit()
    deliver_all()
    assert slack.card(issue).buttons[0] == "Reopen"


def test_an_issue_that_is_deleted_meanwhile_is_said_to_be_gone_as_slack_takes_it_there(
    shown: str, issue: Issue, alice: Person
) -> None:
    card = Card.objects.get()
    place = Place(channel=card.channel, ts=card.ts, thread_ts="", is_ephemeral=False, is_unfurl=True)
    spot = in_place.spot_of(
        place,
        workspace=card.workspace,
        issue=issue,
        style=Style(shown),
        is_message=False,
        now=database_now(),
    )
    issue.delete()
    body = in_place.answer(spot, database_now()).body
    assert isinstance(body, dict)
    assert faults_of(body) == []
    assert "was deleted" in text_of(body)


def test_slack_that_does_not_know_its_own_link_yet_is_asked_again(
    issue: Issue, slack: Slack, alice: Person, deliver_all: Deliver
) -> None:
    slack.fail("chat.unfurl", "error", error="cannot_unfurl_url", times=2)
    slack.post(url_of(issue), as_=alice)
    for _ in range(3):
        deliver_all(after=1)
    assert len(unfurled(slack)) == 1


def test_a_link_that_slack_does_not_unfurl_is_given_up(
    issue: Issue, slack: Slack, alice: Person, deliver_all: Deliver
) -> None:
    slack.fail("chat.unfurl", "error", error="cannot_unfurl_url", times=None)
    slack.post(url_of(issue), as_=alice)
    for _ in range(4):
        deliver_all(after=1)
    assert len(slack.journal("chat.unfurl")) == 3
    assert Card.objects.get().is_gone


# --- who is not linked ----------------------------------------------------------------------------------------------
def prompts(slack: Slack, person: Any) -> list[Message]:
    return slack.ephemerals(person)


def test_who_is_not_linked_is_asked_and_their_links_unfurl_when_they_are(
    issue: Issue, slack: Slack, carol: Person, deliver_all: Deliver
) -> None:
    slack.post(url_of(issue), as_=carol)
    deliver_all()
    assert unfurled(slack) == []
    (prompt,) = prompts(slack, carol)
    assert issue.title not in json.dumps(prompt)
    link = prompt["blocks"][1]["elements"][0]["url"]
    assert post(carol.browser(), link.removeprefix(settings.TOCSIN_URL)).status_code == 200
    deliver_all()
    (shown,) = unfurled(slack)
    assert issue.culprit in text_of(shown)
    assert not WaitingLink.objects.exists()


def test_a_stranger_with_no_such_issue_is_not_asked(slack: Slack, carol: Person, deliver_all: Deliver) -> None:
    slack.post(f"{settings.TOCSIN_URL}/organizations/acme/issues/99999/", as_=carol)
    deliver_all()
    assert slack.journal("chat.unfurl") == []
    assert not LinkToken.objects.exists()


@pytest.mark.parametrize("button", ["Connect", "Not now"])
def test_the_question_goes_away_whatever_is_pressed(
    issue: Issue, slack: Slack, carol: Person, deliver_all: Deliver, button: str
) -> None:
    slack.post(url_of(issue), as_=carol)
    deliver_all()
    (prompt,) = prompts(slack, carol)
    label = {"Connect": 0, "Not now": 1}[button]
    element = prompt["blocks"][1]["elements"][label]
    where = {"block_id": prompt["blocks"][1]["block_id"], "action_id": element["action_id"]}
    asked = {"as": carol.slack_user_id, "channel": "C0ALERTS", "ts": prompt["ts"], **where}
    result = slack.click(asked)
    assert (result["status"], result["body"]) == (200, "")
    deliver_all()
    assert prompts(slack, carol) == []


def test_cannot_prompt_is_final(issue: Issue, slack: Slack, carol: Person, deliver_all: Deliver) -> None:
    slack.simulation.workspace.unprompted.add(carol.slack_user_id)
    slack.post(url_of(issue), as_=carol)
    for _ in range(3):
        deliver_all(after=60)
    assert len(slack.journal("chat.unfurl")) == 1


def test_messages_of_our_own_are_never_unfurled(
    issue: Issue, slack: Slack, installation: Any, deliver_all: Deliver
) -> None:
    from tests.signed import event

    told = {
        "type": "event_callback",
        "team_id": slack.team_id,
        "event_id": "Ev1",
        "event": {
            "type": "link_shared",
            "user": installation.bot_user_id,
            "channel": "C0ALERTS",
            "message_ts": "1.1",
            "event_ts": "1.1",
            "links": [{"domain": "localhost", "url": url_of(issue)}],
        },
    }
    assert event(told).status_code == 200
    deliver_all()
    assert slack.journal("chat.unfurl") == []
