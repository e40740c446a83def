"""The Assign menu: whom it lists for whom, and what choosing does."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models import F

from tests.people import Person, make_person
from tests.signed import interactive, post
from tests.slack_fixture import Card, Slack
from tests.test_slack_modals import card as card
from tests.test_slack_modals import issue as issue
from tocsin import bus
from tocsin.accounts.models import Organization, Role, Team
from tocsin.clock import database_now
from tocsin.issues.commands import Acknowledge, Assign, Comment
from tocsin.issues.expiry import end_undos
from tocsin.issues.models import Activity, Issue
from tocsin.projects.models import ProjectTeam
from tocsin.slack.models import Workspace

DeliverAll = Callable[..., int]


def texts(listed: list[tuple[str, str, str]]) -> list[tuple[str, str]]:
    return [(group, text) for text, _, group in listed]


@pytest.fixture
def people(organization: Organization, team: Team, workspace: Workspace) -> None:
    for name in ("zoe", "Élodie", "mike"):
        person = make_person(name.lower(), organization, Role.MEMBER, team=team)
        person.user.name = name.capitalize() + " Smith"
        person.user.save()
    make_person("ned", organization, Role.MEMBER)  # in no team
    make_person("olaf", organization, Role.OWNER)


def test_me_first_then_teams_then_people(
    card: Card, alice: Person, bob: Person, people: None, make_issue: Callable[..., Issue]
) -> None:
    assert texts(card.options("Assign", "", alice)) == [
        ("You", "Me (Alice)"),
        ("Teams", "#backend"),
        ("People", "Bob"),
        ("People", "Élodie Smith"),
        ("People", "Mike Smith"),
        ("People", "Olaf"),
        ("People", "Zoe Smith"),
    ]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("b", ["#backend", "Bob"]),
        ("SMI", ["Élodie Smith", "Mike Smith", "Zoe Smith"]),
        ("elo", ["Élodie Smith"]),
        ("mi sm", ["Mike Smith"]),
        ("zoe@exa", ["Zoe Smith"]),
        ("me", ["Me (Alice)"]),
        ("mit", []),
        ("%", ["Me (Alice)", "#backend", "Bob", "Élodie Smith", "Mike Smith", "Olaf", "Zoe Smith"]),
        ("nobody", []),
    ],
)
def test_a_prefix_of_any_word_finds(
    card: Card, alice: Person, bob: Person, people: None, typed: str, found: list[str]
) -> None:
    assert [text for text, _, _ in card.options("Assign", typed, alice)] == found


def test_whoever_acted_last_comes_first(card: Card, issue: Issue, alice: Person, people: None, request) -> None:
    from tocsin.accounts.models import User

    zoe = User.objects.get(email="zoe@example.com")
    bus.perform(Comment(issue_id=issue.pk, text="Mine"), by=alice.actor())
    Activity.objects.update(user=zoe)
    listed = [text for text, _, group in card.options("Assign", "", alice) if group == "People"]
    assert listed[0] == "Zoe Smith"


def test_assigning_and_unassigning_from_the_card(
    card: Card, issue: Issue, slack: Slack, alice: Person, bob: Person, deliver_all: DeliverAll
) -> None:
    answer = card.choose("Assign", "Bob", as_=alice)
    assert (answer["status"], answer["body"]) == (200, "")
    issue.refresh_from_db()
    assert issue.assignee_user == bob.user
    deliver_all()
    shown = slack.card(issue)
    assert "Assignee: *<@U0BOB>*" in shown.text
    assert "*Assigned to <@U0BOB>* by <@U0ALICE>" in shown.text
    shown.choose("Assign", "Nobody", as_=alice)
    assert Issue.objects.get().assignee_user is None
    deliver_all(after=5)
    slack.card(issue).choose("Assign", "#backend", as_=alice)
    assert str(Issue.objects.get().assignee_team) == "#backend"


def test_a_choice_does_not_stick_to_the_menu(
    card: Card, issue: Issue, slack: Slack, alice: Person, bob: Person, deliver_all: DeliverAll
) -> None:
    """Clients keep what was chosen for as long as block_id and action_id stay the same: the version is in it."""
    before = [block["block_id"] for block in card.message["blocks"] if block["type"] == "actions"]
    card.choose("Assign", "Bob", as_=alice)
    deliver_all()
    after = [block["block_id"] for block in slack.card(issue).message["blocks"] if block["type"] == "actions"]
    assert before != after


def test_an_unlinked_person_is_asked_to_connect_first(
    card: Card, issue: Issue, slack: Slack, carol: Person, deliver_all: DeliverAll
) -> None:
    assert card.options("Assign", "", "U0CAROL") == [("Connect your account first", "link", "")]
    card.choose("Assign", "Connect your account first", as_="U0CAROL")
    deliver_all()
    (whisper,) = slack.ephemerals("U0CAROL")
    assert "/slack/link/" in whisper["text"]
    assert "then press again" in whisper["text"]


@pytest.mark.parametrize("name", ["eve", "mallory", "bob"])
def test_who_may_not_assign_is_shown_nobody(card: Card, request: pytest.FixtureRequest, name: str) -> None:
    person: Person = request.getfixturevalue(name)
    assert card.options("Assign", "", person) == []


def query(issue_id: int, user: str = "U0ALICE", action_id: str = "tocsin.assign") -> dict[str, object]:
    return {
        "type": "block_suggestion",
        "team": {"id": "T0TOCSIN"},
        "user": {"id": user},
        "action_id": action_id,
        "block_id": json.dumps({"issue": issue_id, "v": 1}),
        "value": "",
    }


def test_a_foreign_or_missing_issue_has_no_entries(
    card: Card, alice: Person, elsewhere: Organization, make_issue: Callable[..., Issue]
) -> None:
    from tocsin.projects.models import Project

    foreign = make_issue(of=Project.objects.create(organization=elsewhere, slug="other", name="Other"))
    for issue_id in (foreign.pk, 10**12):
        answer = interactive(query(issue_id))
        assert (answer.status_code, json.loads(answer.content)) == (200, {"options": []})
    assert json.loads(interactive(query(1, action_id="tocsin.unknown")).content) == {"options": []}


def test_somebody_without_the_project_is_refused_as_assignee(
    card: Card, issue: Issue, slack: Slack, alice: Person, bob: Person, deliver_all: DeliverAll
) -> None:
    bob.leave()
    card._use(
        {"block_id": card.message["blocks"][-2]["block_id"], "action_id": "tocsin.assign"},
        alice,
        selected={"text": {"type": "plain_text", "text": "Bob"}, "value": f"user:{bob.user.pk}"},
    )
    deliver_all()
    assert "no access to the project shop" in slack.ephemerals(alice)[0]["text"]
    issue.refresh_from_db()
    assert issue.assignee_user is None


@pytest.mark.parametrize("value", ["", "user:", "user:x", "team:-1", "user:1e3", "none ", "user:99999999999999999999"])
def test_a_choice_that_is_none_is_told_and_changes_nothing(
    card: Card, issue: Issue, slack: Slack, alice: Person, deliver_all: DeliverAll, value: str
) -> None:
    chosen = {"text": {"type": "plain_text", "text": "?"}, "value": value} if value else None
    where = next(block for block in card.message["blocks"] if block["type"] == "actions")["block_id"]
    card._use({"block_id": where, "action_id": "tocsin.assign"}, alice, selected=chosen)
    deliver_all()
    assert "does not know that choice" in slack.ephemerals(alice)[0]["text"]
    assert not Activity.objects.exists()


def test_acknowledging_is_shown_with_name_and_time(
    card: Card, issue: Issue, slack: Slack, alice: Person, bob: Person, deliver_all: DeliverAll
) -> None:
    card.choose("More actions", "Acknowledge", as_=alice)
    issue.refresh_from_db()
    assert (issue.acknowledged_by, issue.status, issue.version) == (alice.user, "unresolved", 1)
    deliver_all()
    shown = slack.card(issue)
    assert "*Acknowledged* by <@U0ALICE>" in shown.text
    with pytest.raises(LookupError, match="Acknowledge"):
        shown.choose("More actions", "Acknowledge", as_=alice)
    performed = bus.perform(Acknowledge(issue_id=issue.pk), by=alice.actor())
    assert performed.activity is None
    assert "already acknowledged by Alice" in performed.sentence


def test_undo_puts_back_and_its_button_goes(
    card: Card, issue: Issue, slack: Slack, alice: Person, bob: Person, deliver_all: DeliverAll
) -> None:
    bus.perform(Assign(issue_id=issue.pk, user_id=bob.user.pk), by=alice.actor())
    deliver_all()
    slack.card(issue).click("Undo", as_=alice)
    issue.refresh_from_db()
    assert issue.assignee_user is None
    deliver_all(after=5)
    shown = slack.card(issue)
    assert "Undo" not in shown.buttons
    assert "*Undid: assigned* by <@U0ALICE>" in shown.text


def test_options_and_submissions_may_come_to_any_address(card: Card, issue: Issue, alice: Person) -> None:
    from urllib.parse import urlencode

    for path in ("/slack/interactive", "/slack/options", "/slack/events", "/slack/commands"):
        answer = post(path, urlencode({"payload": json.dumps(query(issue.pk))}).encode())
        assert answer.status_code == 200
        assert json.loads(answer.content)["option_groups"]


def test_teams_without_the_project_are_not_listed(
    card: Card, issue: Issue, alice: Person, organization: Organization, team: Team
) -> None:
    other = Team.objects.create(organization=organization, slug="frontend", name="Front end")
    assert "#frontend" not in [text for text, _, _ in card.options("Assign", "", alice)]
    ProjectTeam.objects.create(organization=organization, project=issue.project, team=other)
    assert "#frontend" in [text for text, _, _ in card.options("Assign", "front", alice)]


def test_the_undo_button_goes_when_its_time_is_over(
    card: Card, issue: Issue, slack: Slack, alice: Person, deliver_all: DeliverAll
) -> None:
    ten_minutes = timedelta(minutes=10)
    card.click("Resolve", as_=alice)
    deliver_all()
    assert end_undos(database_now()) == 0
    assert "Undo" in slack.card(issue).buttons
    Activity.objects.update(created_at=F("created_at") - ten_minutes)
    Issue.objects.update(undo_until=F("undo_until") - ten_minutes)
    assert end_undos(database_now()) == 1
    assert end_undos(database_now()) == 0
    deliver_all(after=5)
    assert slack.card(issue).buttons == ["Reopen", "Archive…"]
