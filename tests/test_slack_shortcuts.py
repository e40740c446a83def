"""Shortcuts: finding, triage of many with one Undo, and a message as a comment; through the modals that the simulator judges."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F

from tests.guards import Statements
from tests.people import Person
from tests.signed import interactive
from tests.slack_fixture import Card, Slack
from tests.test_slack_modals import card as card  # the fixture
from tests.test_slack_modals import issue as issue
from tests.world import TEAM_ID
from tocsin import bus
from tocsin.accounts.models import Member, Organization, Role
from tocsin.issues.commands import Reopen, Resolve, SetPriority
from tocsin.issues.models import Activity, BulkAction, Issue, Status
from tocsin.outbox.models import Delivery
from tocsin.projects.models import Project
from tocsin.slack.action_ids import ShortcutId
from tocsin.slack.models import Connection, Installation, OpenedView, Received, Workspace

MakeIssue = Callable[..., Issue]
ISSUES, WHAT, SEARCH = "Issues", "What to do", "Search"
SHORTCUTS = [
    {"name": "Find issue", "type": "global", "callback_id": ShortcutId.FIND.value},
    {"name": "Triage", "type": "global", "callback_id": ShortcutId.TRIAGE.value},
    {"name": "Comment on issue", "type": "message", "callback_id": ShortcutId.COMMENT.value},
    {"name": "Unknown", "type": "global", "callback_id": "somebody.elses"},
]


@pytest.fixture
def slack_with_shortcuts(slack: Slack, installation: Installation) -> Slack:
    slack.change_app(shortcuts=SHORTCUTS)
    return slack


@pytest.fixture
def three(make_issue: MakeIssue) -> list[Issue]:
    return [make_issue(title=title) for title in ("First", "Second", "Third")]


def begin(slack: Slack, person: Person, shortcut: ShortcutId) -> None:
    answer = slack.shortcut(person, shortcut)
    assert (answer["status"], answer["body"]) == (200, ""), answer
    assert answer["judgement"]["ok"], answer["judgement"]


def entries(slack: Slack, person: Person) -> list[str]:
    """The texts of the check boxes."""
    for block in slack.view(person).view["blocks"]:
        if block.get("element", {}).get("type") == "checkboxes":
            return [option["text"]["text"] for option in block["element"]["options"]]
    return []


def search(slack: Slack, person: Person, typed: str) -> None:
    slack.view(person).type(SEARCH, typed, enter=True)


# --- triage ----------------------------------------------------------------------------------------------------------


@pytest.mark.statements(80)
def test_triage_does_the_same_to_what_is_ticked_and_undoes_it(
    slack_with_shortcuts: Slack, alice: Person, three: list[Issue]
) -> None:
    slack = slack_with_shortcuts
    begin(slack, alice, ShortcutId.TRIAGE)
    assert slack.view(alice).title == "Triage"
    assert entries(slack, alice) == ["SHOP-3 Third", "SHOP-2 Second", "SHOP-1 First"]
    assert "3 found, the last seen first." in slack.view(alice).text
    slack.view(alice).pick(ISSUES, ["SHOP-3 Third", "SHOP-1 First"])
    slack.view(alice).choose(WHAT, "Archive until it escalates")
    answer = slack.view(alice).submit()
    assert answer["judgement"]["ok"], answer["judgement"]
    view = slack.view(alice)
    assert "Archived until it escalates: 2 issues." in view.text
    assert view.submit_label == "Undo"
    assert set(Issue.objects.filter(status=Status.ARCHIVED).values_list("title", flat=True)) == {"First", "Third"}
    assert set(Activity.objects.values_list("user", "origin", "identity")) == {
        (alice.user.pk, "slack", "T0TOCSIN/U0ALICE")
    }
    view.submit()
    assert "Undone: 2 issues." in slack.view(alice).text
    assert slack.view(alice).submit_label == ""
    assert not Issue.objects.exclude(status=Status.UNRESOLVED).exists()


def test_a_search_draws_the_list_anew(slack_with_shortcuts: Slack, alice: Person, three: list[Issue]) -> None:
    slack = slack_with_shortcuts
    bus.perform(Resolve(issue_id=three[0].pk), by=alice.actor())
    begin(slack, alice, ShortcutId.TRIAGE)
    assert entries(slack, alice) == ["SHOP-3 Third", "SHOP-2 Second"]
    search(slack, alice, "is:resolved")
    assert entries(slack, alice) == ["SHOP-1 First"]
    search(slack, alice, "zebra")
    assert "Nothing found." in slack.view(alice).text
    assert slack.view(alice).submit_label == "Search"
    search(slack, alice, "is:open")
    assert "is:open makes no sense. is: takes unresolved, resolved" in slack.view(alice).text
    search(slack, alice, "")
    assert len(entries(slack, alice)) == 3


def test_submitting_with_nothing_ticked_searches_or_asks_for_a_tick(
    slack_with_shortcuts: Slack, alice: Person, three: list[Issue]
) -> None:
    slack = slack_with_shortcuts
    begin(slack, alice, ShortcutId.TRIAGE)
    slack.view(alice).submit()
    assert list(slack.view(alice).errors.values()) == ["Choose issues first."]
    slack.view(alice).type(SEARCH, "second")
    slack.view(alice).submit()
    assert entries(slack, alice) == ["SHOP-2 Second"]
    assert not Activity.objects.exists()


def test_the_first_ten_of_many_are_shown(slack_with_shortcuts: Slack, alice: Person, make_issue: MakeIssue) -> None:
    for number in range(12):
        make_issue(title=f"Number {number}")
    begin(slack_with_shortcuts, alice, ShortcutId.TRIAGE)
    assert len(entries(slack_with_shortcuts, alice)) == 10
    assert "The first 10 of 12, the last seen first." in slack_with_shortcuts.view(alice).text


@pytest.mark.parametrize(
    ("choice", "word"), [("Me (Alice)", "Assigned to Alice"), ("#backend", "Assigned to #backend")]
)
def test_an_assignee_is_found_by_typing(
    slack_with_shortcuts: Slack, alice: Person, three: list[Issue], choice: str, word: str
) -> None:
    slack = slack_with_shortcuts
    begin(slack, alice, ShortcutId.TRIAGE)
    slack.view(alice).choose(WHAT, "Assign…")
    slack.view(alice).pick(ISSUES, ["SHOP-2 Second"])
    slack.view(alice).choose("Who looks after it?", choice)
    slack.view(alice).submit()
    assert f"{word}: 1 issue." in slack.view(alice).text
    assert Issue.objects.exclude(assignee_user=None, assignee_team=None).get().title == "Second"


def test_what_was_left_is_listed_with_its_sentence(
    slack_with_shortcuts: Slack, alice: Person, owner: Person, three: list[Issue]
) -> None:
    slack = slack_with_shortcuts
    begin(slack, alice, ShortcutId.TRIAGE)
    slack.view(alice).pick(ISSUES, ["SHOP-3 Third", "SHOP-2 Second", "SHOP-1 First"])
    bus.perform(SetPriority(issue_id=three[1].pk, priority="low"), by=owner.actor())
    slack.view(alice).submit()
    text = slack.view(alice).text
    assert "Resolved: 2 issues." in text
    assert "SHOP-2 has changed since this list was drawn. It is now: New." in text
    bus.perform(Reopen(issue_id=three[0].pk), by=owner.actor())
    slack.view(alice).submit()
    assert "Undone: 1 issue." in slack.view(alice).text
    assert "SHOP-1 has changed since, so that cannot be undone any more." in slack.view(alice).text


def test_an_undo_that_comes_too_late_says_so(slack_with_shortcuts: Slack, alice: Person, three: list[Issue]) -> None:
    slack = slack_with_shortcuts
    begin(slack, alice, ShortcutId.TRIAGE)
    slack.view(alice).pick(ISSUES, ["SHOP-3 Third"])
    slack.view(alice).submit()
    BulkAction.objects.update(created_at=F("created_at") - timedelta(minutes=10))
    slack.view(alice).submit()
    assert "Undo works for 10 minutes, and they are over." in slack.view(alice).text
    assert Issue.objects.filter(status=Status.RESOLVED).count() == 1


def test_delivered_again_nothing_more_happens_and_the_same_is_said(
    slack_with_shortcuts: Slack, alice: Person, three: list[Issue]
) -> None:
    slack = slack_with_shortcuts
    begin(slack, alice, ShortcutId.TRIAGE)
    slack.view(alice).pick(ISSUES, ["SHOP-3 Third"])
    first, second = slack.view(alice).submit(times=2)["results"]
    assert first["body"] == second["body"]
    assert Activity.objects.count() == 1
    first, second = slack.view(alice).submit(times=2)["results"]
    assert "Undone" in first["body"]
    assert first["body"] == second["body"]
    assert Activity.objects.count() == 2
    opened = slack.shortcut(alice, ShortcutId.FIND, times=2)
    assert [each["status"] for each in opened["results"]] == [200, 200]
    assert len(slack.journal("views.open")) == 2


def test_rights_are_read_when_it_is_submitted(
    slack_with_shortcuts: Slack, alice: Person, three: list[Issue], organization: Organization
) -> None:
    slack = slack_with_shortcuts
    begin(slack, alice, ShortcutId.TRIAGE)
    slack.view(alice).pick(ISSUES, ["SHOP-3 Third"])
    Member.objects.filter(user=alice.user).update(role=Role.VIEWER)
    slack.view(alice).submit()
    assert "Nothing was changed." in slack.view(alice).text
    assert "your role in Acme does not change issues" in slack.view(alice).text
    slack.view(alice).close()
    Member.objects.filter(user=alice.user).update(role=Role.MEMBER)
    begin(slack, alice, ShortcutId.TRIAGE)
    slack.view(alice).pick(ISSUES, ["SHOP-3 Third"])
    alice.leave()
    slack.view(alice).submit()
    assert "not an active member of Acme" in slack.view(alice).text
    assert not Activity.objects.exists()


# --- find ------------------------------------------------------------------------------------------------------------


def test_found_issues_open_and_the_one_that_is_picked_is_acted_on(
    slack_with_shortcuts: Slack, alice: Person, three: list[Issue]
) -> None:
    slack = slack_with_shortcuts
    begin(slack, alice, ShortcutId.FIND)
    view = slack.view(alice)
    assert (view.title, view.submit_label, view.buttons) == ("Find issue", "Search", ["Choose"])
    assert f"/organizations/acme/issues/{three[2].pk}/|SHOP-3 Third>" in view.text
    search(slack, alice, "second")
    slack.view(alice).press("Choose")
    view = slack.view(alice)
    assert (view.submit_label, view.buttons) == ("Apply", [])
    assert "shop.checkout in total" in view.text
    assert not Activity.objects.exists()
    view.submit()
    assert "Resolved: 1 issue." in slack.view(alice).text
    assert Issue.objects.get(status=Status.RESOLVED).title == "Second"


def test_a_picked_issue_that_has_changed_is_left(
    slack_with_shortcuts: Slack, alice: Person, owner: Person, three: list[Issue]
) -> None:
    slack = slack_with_shortcuts
    begin(slack, alice, ShortcutId.FIND)
    search(slack, alice, "second")
    slack.view(alice).press("Choose")
    bus.perform(SetPriority(issue_id=three[1].pk, priority="low"), by=owner.actor())
    slack.view(alice).choose(WHAT, "Resolve")
    slack.view(alice).submit()
    assert "SHOP-2 has changed since this list was drawn" in slack.view(alice).text


def test_another_search_leaves_the_one_that_was_picked(
    slack_with_shortcuts: Slack, alice: Person, three: list[Issue]
) -> None:
    slack = slack_with_shortcuts
    begin(slack, alice, ShortcutId.FIND)
    search(slack, alice, "second")
    slack.view(alice).press("Choose")
    slack.view(alice).type(SEARCH, "third")
    slack.view(alice).submit()
    assert (slack.view(alice).buttons, slack.view(alice).submit_label) == (["Choose"], "Search")
    assert not Activity.objects.exists()


def test_who_may_only_look_finds_and_changes_nothing(
    slack_with_shortcuts: Slack, bob: Person, three: list[Issue]
) -> None:
    slack = slack_with_shortcuts
    begin(slack, bob, ShortcutId.FIND)
    slack.view(bob).type(SEARCH, "second", enter=True)
    slack.view(bob).press("Choose")
    assert (slack.view(bob).submit_label, slack.view(bob).labels) == ("Search", [SEARCH])
    slack.view(bob).close()
    begin(slack, bob, ShortcutId.TRIAGE)
    assert "Your role in Acme does not change issues." in slack.view(bob).text


# --- who there is ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shortcut", ShortcutId)
@pytest.mark.parametrize(
    ("who", "told"),
    [
        ("carol", "Tocsin does not know yet who you are."),
        ("mallory", "not an active member"),
        ("eve", "not an active member"),
    ],
)
def test_a_stranger_is_told_and_sees_nothing(
    slack_with_shortcuts: Slack, card: Card, request: pytest.FixtureRequest, shortcut: ShortcutId, who: str, told: str
) -> None:
    slack, person = slack_with_shortcuts, request.getfixturevalue(who)
    slack.shortcut(person, shortcut, card if shortcut is ShortcutId.COMMENT else None)
    assert told in slack.view(person).text
    assert "ZeroDivisionError" not in slack.view(person).text
    assert not OpenedView.objects.exists()


def test_of_two_organizations_one_is_chosen(
    slack_with_shortcuts: Slack,
    alice: Person,
    installation: Installation,
    elsewhere: Organization,
    make_issue: MakeIssue,
    three: list[Issue],
) -> None:
    slack = slack_with_shortcuts
    bakery = Project.objects.create(organization=elsewhere, slug="bakery", name="Bakery")
    make_issue(of=bakery, title="Burnt")
    Member.objects.create(organization=elsewhere, user=alice.user, role=Role.OWNER)
    begin(slack, alice, ShortcutId.TRIAGE)
    assert "Organization" not in slack.view(alice).labels  # this workspace does not serve the other
    slack.view(alice).close()
    Connection.objects.create(organization=elsewhere, installation=installation)
    begin(slack, alice, ShortcutId.TRIAGE)
    assert len(entries(slack, alice)) == 3
    slack.view(alice).choose("Organization", "Elsewhere")
    assert entries(slack, alice) == ["BAKERY-1 Burnt"]
    slack.view(alice).pick(ISSUES, ["BAKERY-1 Burnt"])
    slack.view(alice).submit()
    assert "Resolved: 1 issue." in slack.view(alice).text
    assert BulkAction.objects.get().organization == elsewhere


def test_a_shortcut_that_is_not_ours_does_nothing(slack_with_shortcuts: Slack, alice: Person) -> None:
    answer = slack_with_shortcuts.shortcut(alice, "somebody.elses")
    assert (answer["status"], answer["body"]) == (200, "")
    assert slack_with_shortcuts.journal("views.open") == []


def test_a_workspace_that_is_not_connected_is_refused(workspace: Workspace) -> None:
    payload: dict[str, Any] = {
        "type": "shortcut",
        "callback_id": ShortcutId.FIND,
        "trigger_id": "1.2.a",
        "action_ts": "1.1",
    }
    payload |= {"team": {"id": TEAM_ID}, "user": {"id": "U0ALICE", "username": "alice", "team_id": TEAM_ID}}
    assert interactive(payload).status_code == 403
    assert not Received.objects.exists()


@pytest.mark.parametrize("missing", ["callback_id", "trigger_id", "user"])
def test_a_shortcut_without_what_it_needs_is_malformed(installation: Installation, missing: str) -> None:
    payload: dict[str, Any] = {"type": "shortcut", "callback_id": ShortcutId.FIND, "trigger_id": "1.2.a"}
    payload |= {"team": {"id": TEAM_ID}, "user": {"id": "U0ALICE"}}
    assert interactive({name: value for name, value in payload.items() if name != missing}).status_code == 400


def test_when_the_trigger_is_too_old_the_person_is_told(
    slack: Slack, installation: Installation, alice: Person
) -> None:
    payload: dict[str, Any] = {"type": "shortcut", "callback_id": ShortcutId.FIND, "trigger_id": "1.2.gone"}
    payload |= {"team": {"id": TEAM_ID}, "user": {"id": "U0ALICE"}}
    slack.expect_faults()
    assert interactive(payload).status_code == 200
    assert "did not open the dialog in time" in Delivery.objects.get(kind="slack.whisper").about["text"]


def test_a_search_asks_a_fixed_number_of_times(
    slack_with_shortcuts: Slack, alice: Person, make_issue: MakeIssue, statements: Statements
) -> None:
    for number in range(12):
        make_issue(title=f"Number {number}")
    begin(slack_with_shortcuts, alice, ShortcutId.TRIAGE)
    with statements.at_most(14):
        search(slack_with_shortcuts, alice, "number")


# --- a message as a comment ------------------------------------------------------------------------------------------


def test_on_a_card_its_issue_is_commented_on(
    slack_with_shortcuts: Slack, card: Card, issue: Issue, alice: Person
) -> None:
    slack = slack_with_shortcuts
    slack.shortcut(alice, ShortcutId.COMMENT, card)
    assert slack.view(alice).title == "Comment on SHOP-1"
    slack.view(alice).type("Comment", "It is the till.")
    slack.view(alice).submit()
    assert not slack.view(alice)
    comment = Activity.objects.get(kind="commented")
    assert (comment.issue_id, comment.text, comment.user) == (issue.pk, "It is the till.", alice.user)


def test_a_reply_below_a_card_becomes_a_comment_with_its_author_and_address(
    slack_with_shortcuts: Slack, card: Card, issue: Issue, alice: Person, bob: Person
) -> None:
    slack = slack_with_shortcuts
    ts = slack.say("Look at <#C1> & the till", bob, thread=card.ts)
    slack.shortcut(alice, ShortcutId.COMMENT, ts)
    view = slack.view(alice)
    assert (view.title, view.labels) == ("Comment on SHOP-1", ["Add something"])
    view.type("Add something", "He is right.")
    slack.view(alice).submit()
    address = f"https://tocsin-demo.slack.com/archives/{slack.channel('alerts')}/p{ts.replace('.', '')}"
    text = Activity.objects.get(kind="commented").text
    assert text.startswith(f"He is right.\n\nBob wrote in Slack ({address}):\nLook at ")
    assert "& the till" in text
    assert OpenedView.objects.count() == 0


def test_elsewhere_the_issue_is_found_by_typing(
    slack_with_shortcuts: Slack, alice: Person, three: list[Issue], organization: Organization, make_issue: MakeIssue
) -> None:
    slack = slack_with_shortcuts
    make_issue(
        of=Project.objects.create(organization=organization, slug="secret", name="Secret"), title="Second secret"
    )
    ts = slack.say("It burns", alice)
    slack.shortcut(alice, ShortcutId.COMMENT, ts)
    view = slack.view(alice)
    assert (view.title, view.labels) == ("Comment on issue", ["Issue", "Add something"])
    assert [text for text, _, _ in view.options("Issue", "")] == ["SHOP-3 Third", "SHOP-2 Second", "SHOP-1 First"]
    assert [text for text, _, _ in view.options("Issue", "second")] == ["SHOP-2 Second"]
    assert [text for text, _, _ in view.options("Issue", "shop-1")] == ["SHOP-1 First"]
    assert view.options("Issue", "is:open") == []
    view.choose("Issue", "SHOP-2 Second")
    slack.view(alice).submit()
    comment = Activity.objects.get()
    assert (comment.issue_id, comment.origin) == (three[1].pk, "slack")
    assert comment.text.startswith("Alice wrote in Slack (https://")
    assert comment.text.endswith("\nIt burns")


def test_who_may_only_look_comments_on_nothing(
    slack_with_shortcuts: Slack, card: Card, bob: Person, three: list[Issue]
) -> None:
    slack = slack_with_shortcuts
    slack.shortcut(bob, ShortcutId.COMMENT, card)
    assert "your role in Acme does not change issues" in slack.view(bob).text
    slack.view(bob).close()
    slack.shortcut(bob, ShortcutId.COMMENT, slack.say("It burns", bob))
    assert slack.view(bob).options("Issue", "") == []
    assert not Activity.objects.exists()
