"""Modals: opened by a click, drawn anew as choices change, submitted, refused, outdated."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.people import Person
from tests.slack_fixture import Card, Slack
from tocsin import bus
from tocsin.alerts.changes import RuleFired
from tocsin.alerts.models import Destination, Rule
from tocsin.clock import database_now
from tocsin.issues.commands import Archive, Reopen, Resolve, SetPriority
from tocsin.issues.models import Activity, Issue, Resolution, Status, Substatus
from tocsin.projects import releases
from tocsin.slack.action_ids import Form
from tocsin.slack.models import OpenedView, Received, ResponseUrl

DeliverAll = Callable[..., int]


@pytest.fixture
def issue(make_issue: Callable[..., Issue]) -> Issue:
    return make_issue()


@pytest.fixture
def card(
    issue: Issue,
    slack: Slack,
    make_destination: Callable[..., Destination],
    make_rule: Callable[..., Rule],
    deliver_all: DeliverAll,
) -> Card:
    """The card of the issue, posted to #alerts. The project has two releases."""
    now = database_now() - timedelta(minutes=1)
    for version in ("shop@1.4.1", "shop@1.4.2"):
        releases.ensure([(issue.organization_id, issue.project_id, version)], now)
        now += timedelta(seconds=1)
    destination = make_destination(slack.channel("alerts"), "#alerts")
    bus.publish(
        RuleFired(
            organization_id=issue.organization_id,
            issue_id=issue.pk,
            destination_id=destination.pk,
            rule_ids=(make_rule(destination).pk,),
            event_id="",
            episode=1,
            now=database_now(),
        )
    )
    deliver_all()
    return slack.card(issue)


# --- resolve ---------------------------------------------------------------------------------------------------------
RESOLVE_WHEN = "Since when is it solved?"


@pytest.mark.parametrize(
    ("choice", "resolution", "against"),
    [
        ("Now", Resolution.NOW, None),
        ("In the next release", Resolution.AFTER, "shop@1.4.2"),
        ("In the current release", Resolution.IN, "shop@1.4.2"),
    ],
)
def test_the_resolve_modal_resolves(
    card: Card, issue: Issue, slack: Slack, alice: Person, choice: str, resolution: str, against: str | None
) -> None:
    answer = card.click("Resolve…", as_=alice)
    assert (answer["status"], answer["body"]) == (200, "")
    view = slack.view(alice)
    assert view.title == "Resolve SHOP-1"
    view.choose(RESOLVE_WHEN, choice)
    submitted = slack.view(alice).submit()
    assert (submitted["status"], submitted["body"]) == (200, "")
    assert not slack.view(alice)
    issue.refresh_from_db()
    assert (issue.status, issue.resolution) == (Status.RESOLVED, resolution)
    assert (issue.resolved_in.version if issue.resolved_in else None) == against


def test_a_release_is_found_by_typing(
    card: Card, issue: Issue, slack: Slack, alice: Person, deliver_all: DeliverAll
) -> None:
    card.click("Resolve…", as_=alice)
    slack.view(alice).choose(RESOLVE_WHEN, "In another release…")
    view = slack.view(alice)
    assert view.labels == [RESOLVE_WHEN, "Release"]
    assert [text for text, _, _ in view.options("Release", "")] == ["shop@1.4.2", "shop@1.4.1"]
    assert [text for text, _, _ in view.options("Release", "1.4.1")] == ["shop@1.4.1"]
    assert view.options("Release", "2") == [("shop@1.4.2", "shop@1.4.2", "")]
    assert view.options("Release", "nothing") == []
    view.choose("Release", "shop@1.4.1")
    slack.view(alice).submit()
    issue.refresh_from_db()
    assert (issue.resolution, issue.resolved_in and issue.resolved_in.version) == (Resolution.IN, "shop@1.4.1")
    deliver_all()
    assert "*Resolved in shop@1.4.1* by <@U0ALICE>" in slack.card(issue).text


# --- archive ---------------------------------------------------------------------------------------------------------
ARCHIVE = "Archive it"

WAYS: list[tuple[str, dict[str, str], tuple[str, ...], dict[str, object], str]] = [
    (
        "Until it escalates",
        {},
        ("clearly more often",),
        {"substatus": Substatus.UNTIL_ESCALATING},
        "until it escalates",
    ),
    ("Forever", {}, ("until somebody stops",), {"substatus": Substatus.FOREVER}, "Archived forever"),
    (
        "Until it happens so many times more",
        {"How many more events?": "21"},
        ("21st event from now",),
        {"archived_events": 21},
        "until 21 more events",
    ),
    (
        "Until so many more users are affected",
        {"How many more users?": "1"},
        ("met 1 person",),
        {"archived_users": 1},
        "until 1 more user",
    ),
    (
        "Until it happens often within minutes",
        {"How many events?": "100", "Within how many minutes?": "5"},
        ("100 times within 5 minutes",),
        {"archived_events": 100, "archived_minutes": 5},
        "until 100 events come within 5 minutes",
    ),
]


@pytest.mark.parametrize(("choice", "typed", "says", "columns", "shown"), WAYS, ids=[way[0] for way in WAYS])
def test_the_archive_modal_says_what_will_happen_and_the_card_shows_when_it_ends(
    card: Card,
    issue: Issue,
    slack: Slack,
    alice: Person,
    deliver_all: DeliverAll,
    choice: str,
    typed: dict[str, str],
    says: tuple[str, ...],
    columns: dict[str, object],
    shown: str,
) -> None:
    card.click("Archive…", as_=alice)
    slack.view(alice).choose(ARCHIVE, choice)
    for label, text in typed.items():
        slack.view(alice).type(label, text)
    for words in says:
        assert words in slack.view(alice).text
    slack.view(alice).submit()
    assert not slack.view(alice)
    issue.refresh_from_db()
    assert issue.status == Status.ARCHIVED
    assert {name: getattr(issue, name) for name in columns} == columns
    deliver_all()
    assert shown in slack.card(issue).text
    assert slack.card(issue).buttons == ["Resolve", "Resolve…", "Stop archiving", "Undo"]


@pytest.mark.parametrize(("entry", "typed", "hours"), [("4 hours", "", 4), ("Another number…", "36", 36)])
def test_archived_for_some_hours(
    card: Card,
    issue: Issue,
    slack: Slack,
    alice: Person,
    deliver_all: DeliverAll,
    entry: str,
    typed: str,
    hours: int,
) -> None:
    card.click("Archive…", as_=alice)
    slack.view(alice).choose(ARCHIVE, "For some hours")
    slack.view(alice).choose("For how long?", entry)
    if typed:
        slack.view(alice).type("Hours", typed)
    assert f"comes back in {hours} hours" in slack.view(alice).text
    slack.view(alice).submit()
    issue.refresh_from_db()
    assert issue.archived_at is not None
    assert issue.archived_until == issue.archived_at + timedelta(hours=hours)
    deliver_all()
    assert f"Archived until <!date^{int(issue.archived_until.timestamp())}^" in slack.card(issue).text


def test_archived_until_a_date_and_time(card: Card, issue: Issue, slack: Slack, alice: Person) -> None:
    at = int(time.time()) + 7200
    card.click("Archive…", as_=alice)
    slack.view(alice).choose(ARCHIVE, "Until a date and time")
    slack.view(alice).pick("Until when?", at)
    slack.view(alice).submit()
    issue.refresh_from_db()
    assert issue.archived_until is not None
    assert issue.archived_until.timestamp() == at


def test_a_time_that_is_over_is_refused_at_its_field(card: Card, issue: Issue, slack: Slack, alice: Person) -> None:
    card.click("Archive…", as_=alice)
    slack.view(alice).choose(ARCHIVE, "Until a date and time")
    slack.view(alice).pick("Until when?", int(time.time()) - 60)
    answer = slack.view(alice).submit()
    assert answer["judgement"]["ok"]
    assert slack.view(alice).errors == {"until_at": "Choose a time that is to come, within a year."}
    issue.refresh_from_db()
    assert issue.status == Status.UNRESOLVED
    assert not Received.objects.filter(kind="submission").exists()
    slack.view(alice).pick("Until when?", int(time.time()) + 3600)
    slack.view(alice).submit()
    assert not slack.view(alice)


def test_choices_inside_a_modal_change_no_issue(card: Card, issue: Issue, slack: Slack, alice: Person) -> None:
    card.click("Archive…", as_=alice)
    for choice, *_ in WAYS:
        answer = slack.view(alice).choose(ARCHIVE, choice)
        assert (answer["status"], answer["body"]) == (200, "")
    issue.refresh_from_db()
    assert (issue.status, issue.version) == (Status.UNRESOLVED, 1)
    assert not Activity.objects.exists()


def test_what_was_typed_stays_when_the_modal_is_drawn_anew(card: Card, slack: Slack, alice: Person) -> None:
    card.click("Archive…", as_=alice)
    slack.view(alice).choose(ARCHIVE, "Until it happens often within minutes")
    slack.view(alice).type("How many events?", "7")
    slack.view(alice).type("Within how many minutes?", "3")
    assert "7 times within 3 minutes" in slack.view(alice).text


def test_a_choice_that_another_has_overtaken_is_drawn_by_the_other(card: Card, slack: Slack, alice: Person) -> None:
    """`hash_conflict` harms nobody."""
    card.click("Archive…", as_=alice)
    slack.fail("views.update", "error", error="hash_conflict")
    answer = slack.view(alice).choose(ARCHIVE, "Forever")
    assert (answer["status"], answer["body"]) == (200, "")


# --- priority --------------------------------------------------------------------------------------------------------
def test_a_priority_is_set_shown_and_undone(
    card: Card, issue: Issue, slack: Slack, alice: Person, deliver_all: DeliverAll
) -> None:
    assert "Priority: *High*" in card.text
    card.choose("More actions", "Priority", as_=alice)
    view = slack.view(alice)
    assert (view.title, view.labels) == ("Priority of SHOP-1", ["Priority"])
    view.choose("Priority", "Low")
    answer = slack.view(alice).submit()
    assert (answer["status"], answer["body"]) == (200, "")
    issue.refresh_from_db()
    assert (issue.priority, issue.version) == ("low", 2)
    deliver_all()
    shown = slack.card(issue)
    assert "Priority: *Low*" in shown.text
    assert "*Set priority to low* by <@U0ALICE>" in shown.text
    shown.click("Undo", as_=alice)
    issue.refresh_from_db()
    assert issue.priority == "high"


def test_the_priority_that_it_has_is_chosen_and_changes_nothing(
    card: Card, issue: Issue, slack: Slack, alice: Person
) -> None:
    Issue.objects.update(priority="medium")
    card.choose("More actions", "Priority", as_=alice)
    slack.view(alice).submit()
    assert "SHOP-1 is already of medium priority" in slack.view(alice).text
    assert not Activity.objects.exists()


def test_a_priority_that_somebody_else_has_set_meanwhile_is_set_only_if_it_is_wanted_all_the_same(
    card: Card, issue: Issue, slack: Slack, alice: Person, owner: Person
) -> None:
    card.choose("More actions", "Priority", as_=alice)
    slack.view(alice).choose("Priority", "Low")
    bus.perform(SetPriority(issue_id=issue.pk, priority="medium"), by=owner.actor())
    slack.view(alice).submit()
    issue.refresh_from_db()
    assert issue.priority == "medium"
    view = slack.view(alice)
    assert "already of medium priority by Olga" in view.text
    view.submit()
    issue.refresh_from_db()
    assert issue.priority == "low"


def test_a_priority_that_tocsin_does_not_know_is_refused_at_its_field(
    card: Card, issue: Issue, slack: Slack, alice: Person
) -> None:
    card.choose("More actions", "Priority", as_=alice)
    submitted = slack.view(alice).view | {"state": {"values": {"priority": {"x": {"value": "urgent"}}}}}
    answer = slack.view(alice).submit(raw={"payload": {"view": submitted}})
    assert "A priority is one of high, medium, low." in answer["body"]
    issue.refresh_from_db()
    assert issue.version == 1


# --- comment ---------------------------------------------------------------------------------------------------------
def test_a_comment_is_written(card: Card, issue: Issue, slack: Slack, alice: Person, deliver_all: DeliverAll) -> None:
    card.choose("More actions", "Comment", as_=alice)
    view = slack.view(alice)
    assert view.title == "Comment on SHOP-1"
    view.type("Comment", "It is the *cache* <!channel>.")
    slack.view(alice).submit()
    activity = Activity.objects.get()
    assert (activity.kind, activity.text, activity.user) == ("commented", "It is the *cache* <!channel>.", alice.user)
    deliver_all(after=5)
    assert "Comments: *1*" in slack.card(issue).text


def test_an_empty_comment_is_refused_at_its_field(card: Card, issue: Issue, slack: Slack, alice: Person) -> None:
    card.choose("More actions", "Comment", as_=alice)
    slack.view(alice).type("Comment", "   ")
    slack.view(alice).submit()
    assert slack.view(alice).errors == {"text": "Write a comment first: this one is empty."}
    assert not Activity.objects.exists()


# --- refusals --------------------------------------------------------------------------------------------------------
def test_a_viewer_is_refused_at_opening(
    card: Card, issue: Issue, slack: Slack, bob: Person, deliver_all: DeliverAll
) -> None:
    card.click("Archive…", as_=bob)
    assert not slack.view(bob)
    deliver_all()
    assert "your role in Acme does not change issues" in slack.ephemerals(bob)[0]["text"]
    assert not OpenedView.objects.exists()


@pytest.mark.parametrize("name", ["eve", "mallory", "carol"])
def test_a_stranger_is_refused_at_opening(
    card: Card, slack: Slack, request: pytest.FixtureRequest, name: str, deliver_all: DeliverAll
) -> None:
    person: Person = request.getfixturevalue(name)
    card.click("Archive…", as_=person.slack_user_id or "U0CAROL")
    assert not slack.view(person.slack_user_id or "U0CAROL")
    deliver_all()
    (whisper,) = slack.ephemerals(person.slack_user_id or "U0CAROL")
    assert "/slack/link/" in whisper["text"]


def test_a_right_that_is_lost_meanwhile_is_said_in_the_modal(
    card: Card, issue: Issue, slack: Slack, alice: Person
) -> None:
    card.click("Archive…", as_=alice)
    alice.leave()
    answer = slack.view(alice).submit()
    assert answer["judgement"]["ok"]
    view = slack.view(alice)
    assert "not an active member of Acme" in view.text
    assert view.submit_label == ""
    issue.refresh_from_db()
    assert issue.status == Status.UNRESOLVED


def test_an_issue_that_is_gone_is_said_in_the_modal(card: Card, issue: Issue, slack: Slack, alice: Person) -> None:
    card.click("Archive…", as_=alice)
    issue.delete()
    slack.view(alice).submit()
    assert "gone, or it is not shared with this workspace" in slack.view(alice).text


def test_somebody_else_cannot_submit_it(card: Card, issue: Issue, slack: Slack, alice: Person, bob: Person) -> None:
    card.click("Archive…", as_=alice)
    view = slack.view(alice)
    payload = {"user": {"id": bob.slack_user_id, "username": "bob", "team_id": "T0TOCSIN"}}
    view.submit(raw={"payload": payload})
    issue.refresh_from_db()
    assert issue.status == Status.UNRESOLVED


def test_a_modal_that_is_too_old_says_so(card: Card, issue: Issue, slack: Slack, alice: Person) -> None:
    card.click("Archive…", as_=alice)
    OpenedView.objects.all().delete()
    slack.view(alice).submit()
    assert "too old" in slack.view(alice).text


def test_a_stale_modal_offers_to_do_it_anyway(
    card: Card, issue: Issue, slack: Slack, alice: Person, owner: Person, deliver_all: DeliverAll
) -> None:
    card.click("Archive…", as_=alice)
    slack.view(alice).choose(ARCHIVE, "Until it happens so many times more")
    slack.view(alice).type("How many more events?", "5")
    bus.perform(Resolve(issue_id=issue.pk), by=owner.actor())
    answer = slack.view(alice).submit()
    assert answer["judgement"]["ok"]
    issue.refresh_from_db()
    assert issue.status == Status.RESOLVED
    view = slack.view(alice)
    assert "already resolved by Olga" in view.text
    assert view.submit_label == "Do it anyway"
    view.submit()
    assert not slack.view(alice)
    issue.refresh_from_db()
    assert (issue.status, issue.archived_events) == (Status.ARCHIVED, 5)


def test_what_is_so_already_is_said_in_the_modal(
    card: Card, issue: Issue, slack: Slack, alice: Person, owner: Person
) -> None:
    card.click("Archive…", as_=alice)
    bus.perform(Archive(issue_id=issue.pk), by=owner.actor())
    slack.view(alice).choose(ARCHIVE, "Forever")
    slack.view(alice).submit()
    assert "SHOP-1 is already archived by Olga" in slack.view(alice).text


# --- delivery --------------------------------------------------------------------------------------------------------
def test_a_submission_that_comes_twice_has_one_effect(card: Card, issue: Issue, slack: Slack, alice: Person) -> None:
    card.choose("More actions", "Comment", as_=alice)
    slack.view(alice).type("Comment", "Once")
    answers = slack.view(alice).submit(times=3)["results"]
    assert {(each["status"], each["body"]) for each in answers} == {(200, "")}
    assert Activity.objects.count() == 1


def test_a_click_that_comes_twice_opens_one_modal(card: Card, slack: Slack, alice: Person) -> None:
    card.click("Archive…", as_=alice, times=2)
    assert len(slack.journal("views.open")) == 1
    assert OpenedView.objects.count() == 1


@pytest.mark.parametrize("error", ["expired_trigger_id", "trigger_expired", "internal_error", "ratelimited"])
def test_a_modal_that_does_not_open_ends_in_a_sentence(
    card: Card, issue: Issue, slack: Slack, alice: Person, deliver_all: DeliverAll, error: str
) -> None:
    slack.fail("views.open", "error", error=error)
    answer = card.click("Archive…", as_=alice)
    assert (answer["status"], answer["body"]) == (200, "")
    deliver_all()
    (whisper,) = slack.ephemerals(alice)
    assert "did not open the dialog in time" in whisper["text"]
    assert f"/issues/{issue.pk}/" in whisper["text"]


def test_a_modal_that_is_closed_leaves_no_secret(card: Card, slack: Slack, alice: Person) -> None:
    card.click("Archive…", as_=alice)
    assert ResponseUrl.objects.exists()
    answer = slack.view(alice).close()
    assert (answer["status"], answer["body"]) == (200, "")
    assert not OpenedView.objects.exists()
    assert not ResponseUrl.objects.exists()


def test_the_modal_is_about_the_version_that_was_seen(
    card: Card, issue: Issue, slack: Slack, alice: Person, owner: Person
) -> None:
    """The card showed version 1; the issue has moved on before the button was pressed."""
    bus.perform(Resolve(issue_id=issue.pk), by=owner.actor())
    bus.perform(Reopen(issue_id=issue.pk), by=owner.actor())
    card.click("Archive…", as_=alice)
    assert OpenedView.objects.get().version == 1
    slack.view(alice).submit()
    assert slack.view(alice).submit_label == "Do it anyway"


def test_every_form_has_a_name_of_its_own() -> None:
    assert len({form.value for form in Form}) == len(Form)
