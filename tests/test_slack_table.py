"""The table of what people do in Slack: person × action × style × place, each cell with its state, activity, answer and card.

Every payload is made by the simulator from what was really posted there.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import settings
from slack_sdk import WebClient

from tests.people import Person
from tests.slack_fixture import Card, Result, Slack
from tests.test_slack_attachments import make_release
from tocsin import bus
from tocsin.accounts.models import Team
from tocsin.alerts.changes import RuleFired
from tocsin.alerts.models import Destination, Rule
from tocsin.clock import database_now
from tocsin.issues.commands import Archive, Assign, Command, Reopen, Resolve
from tocsin.issues.models import Activity, Issue
from tocsin.slack.models import Installation

BLOCKS, OLD = "blocks", "attachments"
MESSAGE, EPHEMERAL, UNFURL = "message", "ephemeral", "unfurl"
TEAM, NOBODY = "#backend", "Nobody"
# What only they read, who may not.
REFUSALS = {
    "bob": "may look",
    "carol": "Connect your account",
    "eve": "not an active member",
    "mallory": "not an active member",
}


Do = Callable[[Card, Person], Result]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What is done, in each style, to an issue that these commands have been performed on."""

    does: dict[str, Do]
    before: Callable[[int, int], tuple[Command, ...]]  # of the issue's id, and the team's
    after: tuple[str, bool]  # status, and whether the team looks after it
    activity: Activity.Kind
    words: str  # on the card
    has_release: bool = False


def press(label: str) -> Do:
    return lambda card, person: card.click(label, as_=person)


def choose(entry: str) -> Do:
    return lambda card, person: card.choose("Assign", entry, as_=person)


def nothing(*_: int) -> tuple[Command, ...]:
    return ()


DEEDS = {
    "resolve": Deed(
        does={BLOCKS: press("Resolve"), OLD: press("Resolve")},
        before=nothing,
        after=("resolved", False),
        activity=Activity.Kind.RESOLVED,
        words="*Resolved* by",
    ),
    "resolve in a release": Deed(
        does={BLOCKS: press("Resolve…"), OLD: press("Resolve…")},
        before=nothing,
        after=("resolved", False),
        activity=Activity.Kind.RESOLVED,
        words="*Resolved* by",
        has_release=True,
    ),
    "archive": Deed(
        does={BLOCKS: press("Archive…"), OLD: press("Archive")},
        before=nothing,
        after=("archived", False),
        activity=Activity.Kind.ARCHIVED,
        words="*Archived until it escalates* by",
    ),
    "reopen": Deed(
        does={BLOCKS: press("Reopen"), OLD: press("Reopen")},
        before=lambda issue, _: (Resolve(issue_id=issue),),
        after=("unresolved", False),
        activity=Activity.Kind.REOPENED,
        words="*Reopened* by",
    ),
    "stop archiving": Deed(
        does={BLOCKS: press("Stop archiving"), OLD: press("Stop archiving")},
        before=lambda issue, _: (Archive(issue_id=issue),),
        after=("unresolved", False),
        activity=Activity.Kind.REOPENED,
        words="*Reopened* by",
    ),
    "assign": Deed(
        does={BLOCKS: choose(TEAM), OLD: choose(TEAM)},
        before=nothing,
        after=("unresolved", True),
        activity=Activity.Kind.ASSIGNED,
        words=f"*Assigned to {TEAM}* by",
    ),
    "unassign": Deed(
        does={BLOCKS: choose(NOBODY), OLD: choose(NOBODY)},
        before=lambda issue, team: (Assign(issue_id=issue, team_id=team),),
        after=("unresolved", False),
        activity=Activity.Kind.UNASSIGNED,
        words="*Unassigned* by",
    ),
}


@pytest.fixture(params=list(DEEDS))
def deed(request: pytest.FixtureRequest) -> Deed:
    return DEEDS[request.param]


@pytest.fixture(params=[BLOCKS, OLD])
def style(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[MESSAGE, EPHEMERAL, UNFURL])
def place(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def issue(make_issue: Callable[..., Issue]) -> Issue:
    return make_issue()


Hang = Callable[[Person], Callable[[], Card]]


@pytest.fixture
def hang(
    deed: Deed,
    style: str,
    place: str,
    issue: Issue,
    team: Team,
    alice: Person,
    owner: Person,
    slack: Slack,
    installation: Installation,
    make_destination: Callable[..., Destination],
    make_rule: Callable[..., Rule],
    deliver_all: Callable[..., int],
) -> Hang:
    """`hang(person)`: the card hangs at that place; what it returns looks at it as that person sees it."""
    channel = slack.channel("alerts")
    destination = make_destination(channel, "#alerts", style=style)
    rule = make_rule(destination, tags=["level"])
    if deed.has_release:
        make_release(issue, "shop@1.0")
    for command in deed.before(issue.pk, team.pk):
        bus.perform(command, by=owner.actor())

    def post_card() -> Card:
        fired = RuleFired(
            organization_id=issue.organization_id,
            issue_id=issue.pk,
            destination_id=destination.pk,
            rule_ids=(rule.pk,),
            event_id="",
            episode=1,
            now=database_now(),
        )
        bus.publish(fired)
        deliver_all()
        return slack.card(issue)

    def hung(person: Person) -> Callable[[], Card]:
        if place == MESSAGE:
            post_card()
            return lambda: slack.card(issue)
        if place == UNFURL:
            slack.change_app(unfurl_domains=["localhost"])
            slack.post(f"{settings.TOCSIN_URL}/organizations/acme/issues/{issue.pk}/", as_=alice)
            deliver_all()
            return lambda: slack.card(issue)
        bot = WebClient(token=slack.bot_token, base_url=slack.api_url, retry_handlers=[])
        bot.chat_postEphemeral(channel=channel, user=person.slack_user_id, **posted_again(post_card()))
        ts = slack.ephemerals(person)[-1]["ts"]

        def seen() -> Card:
            (stored,) = [each for each in slack.ephemerals(person) if each["ts"] == ts]
            return Card(slack=slack, channel=channel, ts=ts, stored=stored)

        return seen

    return hung


def posted_again(card: Card) -> dict[str, Any]:
    """What the app has sent to post that card."""
    sent = card.slack.journal("chat.postMessage")[-1]["args"]
    return {name: sent[name] for name in ("text", "blocks", "attachments") if sent.get(name)}


def submit(slack: Slack, person: Person) -> None:
    result = (slack.view(person) or slack.dialog(person)).submit()
    assert (result["status"], result["body"]) == (200, ""), result


def expect_answer(result: Result, style: str, place: str) -> None:
    """The HTTP answer to a click that was applied."""
    assert (result["status"], result["judgement"]["ok"]) == (200, True), result
    if style == BLOCKS:
        assert result["body"] == ""
        return
    body = json.loads(result["body"])
    if place == MESSAGE:
        assert body.keys() == {"attachments"}
    elif place == EPHEMERAL:
        assert (body["response_type"], body["replace_original"], len(body["attachments"])) == ("ephemeral", True, 1)
    else:
        assert body["callback_id"]
        assert "attachments" not in body


def test_who_may_does_it_and_the_card_says_so(
    hang: Hang,
    deed: Deed,
    style: str,
    place: str,
    issue: Issue,
    slack: Slack,
    alice: Person,
    team: Team,
    deliver_all: Callable[..., int],
) -> None:
    see = hang(alice)
    before = Activity.objects.filter(issue=issue).count()
    result = deed.does[style](see(), alice)
    if slack.view(alice) or slack.dialog(alice):
        assert (result["status"], result["body"]) == (200, ""), result
        assert Activity.objects.filter(issue=issue).count() == before, "opening changes nothing"
        submit(slack, alice)
    else:
        expect_answer(result, style, place)
    deliver_all()
    issue.refresh_from_db()
    status, is_assigned = deed.after
    assert (issue.status, issue.assignee_team == team) == (status, is_assigned)
    done = Activity.objects.filter(issue=issue).order_by("pk").last()
    assert done is not None
    assert (done.kind, done.user, done.issue.version) == (deed.activity, alice.user, issue.version)
    assert Activity.objects.filter(issue=issue).count() == before + 1
    (line,) = [line for line in see().text.splitlines() if line.startswith(deed.words)]
    assert f"<@{alice.slack_user_id}>" in line
    deliver_all(after=4)
    assert deed.words in see().text, "and it stays"
    assert not slack.ephemerals(alice)[place == EPHEMERAL :], "nobody is told what they see"


@pytest.mark.parametrize("who", REFUSALS)
def test_who_may_not_is_told_why_and_nothing_changes(
    hang: Hang,
    deed: Deed,
    style: str,
    place: str,
    who: str,
    issue: Issue,
    slack: Slack,
    request: pytest.FixtureRequest,
    deliver_all: Callable[..., int],
) -> None:
    person: Person = request.getfixturevalue(who)
    see = hang(person)
    shown, before = see().message, Activity.objects.filter(issue=issue).count()
    if deed.activity in (Activity.Kind.ASSIGNED, Activity.Kind.UNASSIGNED):
        listed = see().options("Assign", "", as_=person)
        assert [value for _, value, _ in listed] == (["link"] if who == "carol" else [])
        if not listed:
            return
        result = see().choose("Assign", listed[0][0], as_=person)
    else:
        result = deed.does[style](see(), person)
    assert result["status"] == 200
    deliver_all()
    told = [json.loads(result["body"])] if result["body"] else slack.ephemerals(person)[place == EPHEMERAL :]
    assert [REFUSALS[who] in each["text"] for each in told] == [True], told
    assert not slack.view(person)
    assert not slack.dialog(person)
    assert Activity.objects.filter(issue=issue).count() == before
    assert see().message == shown


@pytest.mark.parametrize("deed", ["resolve", "reopen", "stop archiving", "assign"], indirect=True)
def test_who_was_slower_is_told_by_whom_it_is_done(
    hang: Hang,
    deed: Deed,
    style: str,
    place: str,
    issue: Issue,
    team: Team,
    slack: Slack,
    alice: Person,
    owner: Person,
    deliver_all: Callable[..., int],
) -> None:
    """Somebody else has just done the same, and the card that hangs does not say so yet."""
    seen = hang(alice)()
    commands: dict[Activity.Kind, Command] = {
        Activity.Kind.RESOLVED: Resolve(issue_id=issue.pk),
        Activity.Kind.REOPENED: Reopen(issue_id=issue.pk),
        Activity.Kind.ASSIGNED: Assign(issue_id=issue.pk, team_id=team.pk),
    }
    bus.perform(commands[deed.activity], by=owner.actor())
    before = Activity.objects.filter(issue=issue).count()
    result = deed.does[style](seen, alice)
    assert result["status"] == 200
    deliver_all()
    told = [json.loads(result["body"])] if result["body"] else slack.ephemerals(alice)[place == EPHEMERAL :]
    assert ["Olga" in str(each) for each in told] == [True], told
    assert Activity.objects.filter(issue=issue).count() == before
