"""Clicks on cards: signed, taken from the message that was really posted, through the door that Slack uses."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta

import pytest
from django.db import connection
from structlog.testing import capture_logs

from tests.people import Person, make_person
from tests.signed import block_actions, interactive, pressed
from tests.slack_fixture import Card, Slack
from tests.threads import at_once
from tocsin import bus
from tocsin.accounts.models import Member, Organization, Role
from tocsin.alerts.changes import RuleFired
from tocsin.alerts.models import Destination, Rule
from tocsin.clock import database_now
from tocsin.issues.changes import IssueChanged
from tocsin.issues.commands import Archive, Resolve
from tocsin.issues.models import Activity, Issue
from tocsin.outbox.models import Delivery
from tocsin.projects.models import Project
from tocsin.slack.models import (
    Identity,
    Installation,
    KeptClick,
    LinkToken,
    Received,
    ResponseUrl,
    Workspace,
)
from tocsin.slack.received import purge
from tocsin.sqlite import base as sqlite_base


@pytest.fixture
def issue(make_issue: Callable[..., Issue]) -> Issue:
    return make_issue()


@pytest.fixture
def card(
    issue: Issue,
    slack: Slack,
    make_destination: Callable[..., Destination],
    make_rule: Callable[..., Rule],
    deliver_all: Callable[..., int],
) -> Card:
    """The card of the issue, posted to #alerts."""
    destination = make_destination(slack.channel("alerts"), "#alerts")
    rule = make_rule(destination)
    bus.publish(
        RuleFired(
            organization_id=issue.organization_id,
            issue_id=issue.pk,
            destination_id=destination.pk,
            rule_ids=(rule.pk,),
            event_id="",
            episode=1,
            now=database_now(),
        )
    )
    deliver_all()
    return slack.card(issue)


def test_a_click_resolves_the_issue_and_the_card_says_by_whom(
    card: Card, issue: Issue, slack: Slack, alice: Person, deliver_all: Callable[..., int]
) -> None:
    answer = card.click("Resolve", as_=alice)
    assert (answer["status"], answer["body"]) == (200, "")
    issue.refresh_from_db()
    assert issue.status == "resolved"
    deliver_all()
    shown = slack.card(issue)
    assert shown.buttons == ["Reopen", "Archive…", "Undo"]
    assert f"<@{alice.slack_user_id}>" in shown.text


ROUND = (("Resolve", "resolved"), ("Reopen", "unresolved"), ("Resolve", "resolved"), ("Undo", "unresolved"))


def test_every_button_does_what_it_says(
    card: Card, issue: Issue, slack: Slack, alice: Person, deliver_all: Callable[..., int]
) -> None:
    for label, status in ROUND:
        slack.card(issue).click(label, as_=alice)
        deliver_all(after=30)
        issue.refresh_from_db()
        assert issue.status == status


def test_a_link_is_acknowledged_for_everybody_and_changes_nothing(
    card: Card, issue: Issue, alice: Person, bob: Person, carol: Person, deliver_all: Callable[..., int]
) -> None:
    for person in (alice, bob, carol):
        answer = card.choose("More actions", "Open", as_=person)
        assert (answer["status"], answer["body"]) == (200, "")
    assert not Received.objects.exists()
    assert deliver_all() == 0


# --- the four people, and one who is not linked ----------------------------------------------------------------------
REFUSED = {
    "bob": ("your role in Acme does not change issues",),
    "eve": ("eve@example.com", "Acme", "/slack/link/"),
    "mallory": ("mallory@example.com", "Acme", "/slack/link/"),
    "carol": ("/slack/link/", "resolve SHOP-1"),
}


@pytest.mark.parametrize(("name", "said"), REFUSED.items(), ids=REFUSED)
def test_who_may_not_is_told_why_and_nothing_changes(
    name: str, said: tuple[str, ...], card: Card, issue: Issue, slack: Slack, request, deliver_all: Callable[..., int]
) -> None:
    person = request.getfixturevalue(name)
    answer = card.click("Resolve", as_=person)
    assert (answer["status"], answer["body"]) == (200, "")
    deliver_all()
    issue.refresh_from_db()
    assert (issue.status, issue.version) == ("unresolved", 1)
    (whisper,) = slack.ephemerals(person)
    for part in said:
        assert part in whisper["text"]


def test_a_member_without_the_project_is_told_which_right_is_missing(
    card: Card, issue: Issue, slack: Slack, organization, workspace, deliver_all: Callable[..., int]
) -> None:
    dave = make_person("dave", organization, Role.MEMBER)
    Identity.objects.create(workspace=workspace, slack_user_id="U0EVE", user=dave.user, linked_at=database_now())
    card.click("Resolve", as_="U0EVE")
    deliver_all()
    issue.refresh_from_db()
    assert issue.status == "unresolved"
    assert "in no team of the project shop" in slack.ephemerals("U0EVE")[0]["text"]


def test_a_deactivated_person_is_told_so(
    card: Card, issue: Issue, slack: Slack, alice: Person, deliver_all: Callable[..., int]
) -> None:
    alice.user.is_active = False
    alice.user.save()
    card.click("Resolve", as_=alice)
    deliver_all()
    issue.refresh_from_db()
    assert issue.status == "unresolved"
    assert "is not an active member of Acme" in slack.ephemerals(alice)[0]["text"]


def test_rights_removed_count_at_the_next_click(card: Card, issue: Issue, alice: Person) -> None:
    alice.leave()
    card.click("Resolve", as_=alice)
    issue.refresh_from_db()
    assert issue.status == "unresolved"


# --- which issue -----------------------------------------------------------------------------------------------------
def whispers() -> list[str]:
    return [delivery.about["text"] for delivery in Delivery.objects.filter(kind="slack.whisper").order_by("id")]


def test_an_issue_of_an_organization_that_is_not_connected_is_403_and_said(
    make_issue: Callable[..., Issue], installation: Installation, alice: Person, elsewhere: Organization
) -> None:
    project = Project.objects.create(organization=elsewhere, slug="other", name="Other")
    Member.objects.create(organization=elsewhere, user=alice.user, role=Role.OWNER)
    foreign = make_issue(project)
    for number, issue_id in enumerate((foreign.pk, foreign.pk + 1000), 1):
        answer = interactive(block_actions(pressed("tocsin.resolve", issue_id)))
        assert (answer.status_code, answer.content) == (403, b"")
        assert len(whispers()) == number
        assert "gone, or it is not shared with this workspace" in whispers()[-1]
    foreign.refresh_from_db()
    assert foreign.status == "unresolved"


@pytest.mark.parametrize("issue", ["7", None, True, -1, 2**63, [1]])
def test_a_button_that_names_no_issue_is_a_whisper(issue: object, installation: Installation, alice: Person) -> None:
    answer = interactive(block_actions(pressed("tocsin.resolve", issue)))
    assert (answer.status_code, answer.content) == (200, b"")
    assert ["cannot read this button" in text for text in whispers()] == [True]


def test_the_workspace_of_the_user_never_decides(issue: Issue, installation: Installation, alice: Person) -> None:
    payload = block_actions(pressed("tocsin.resolve", issue.pk))
    payload["user"]["team_id"] = "T0SOMEBODYELSE"
    assert interactive(payload).status_code == 200
    issue.refresh_from_db()
    assert issue.status == "resolved"
    stranger = block_actions(pressed("tocsin.reopen", issue.pk), team={"id": "T0SOMEBODYELSE"})
    assert interactive(stranger).status_code == 403


# --- stale clicks ----------------------------------------------------------------------------------------------------
def test_a_stale_click_is_answered_and_not_applied(
    card: Card, issue: Issue, slack: Slack, alice: Person, owner: Person, deliver_all: Callable[..., int]
) -> None:
    bus.perform(Archive(issue_id=issue.pk), by=owner.actor())
    card.click("Resolve", as_=alice)
    issue.refresh_from_db()
    assert (issue.status, issue.version) == ("archived", 2)
    deliver_all()
    assert "already archived by Olga" in slack.ephemerals(alice)[0]["text"]
    assert slack.card(issue).buttons == ["Resolve", "Stop archiving", "Undo"]


def test_what_is_so_already_is_said_and_the_card_is_repaired(
    card: Card, issue: Issue, slack: Slack, alice: Person, owner: Person, deliver_all: Callable[..., int]
) -> None:
    bus.perform(Resolve(issue_id=issue.pk), by=owner.actor())
    Delivery.objects.all().delete()  # as if the card had missed it
    card.click("Resolve", as_=alice)
    deliver_all()
    issue.refresh_from_db()
    assert issue.version == 2
    assert "already resolved by Olga" in slack.ephemerals(alice)[0]["text"]
    assert slack.card(issue).buttons == ["Reopen", "Archive…", "Undo"]


# --- lists -----------------------------------------------------------------------------------------------------------
def test_a_refusal_ends_the_list_and_what_came_before_stays(
    make_issue: Callable[..., Issue], installation: Installation, alice: Person, project: Project
) -> None:
    other = Project.objects.create(organization=project.organization, slug="bank", name="Bank")
    mine, theirs, last = make_issue(), make_issue(other), make_issue()
    clicks = [pressed("tocsin.resolve", each.pk) for each in (mine, theirs, last)]
    assert interactive(block_actions(*clicks)).status_code == 200
    for each, status in ((mine, "resolved"), (theirs, "unresolved"), (last, "unresolved")):
        each.refresh_from_db()
        assert each.status == status
    (said,) = whispers()
    assert "in no team of the project bank" in said


def test_what_is_unknown_in_a_list_is_passed_over(
    make_issue: Callable[..., Issue], installation: Installation, alice: Person
) -> None:
    issue = make_issue()
    clicks = [pressed("tocsin.of-tomorrow", issue.pk), pressed("tocsin.resolve", issue.pk)]
    assert interactive(block_actions(*clicks)).status_code == 200
    issue.refresh_from_db()
    assert issue.status == "resolved"


def test_a_fault_undoes_its_click_and_is_told_with_a_reference(
    make_issue: Callable[..., Issue], installation: Installation, alice: Person
) -> None:
    good, bad = make_issue(), make_issue()

    def break_down(change: IssueChanged) -> None:
        if change.issue_id == bad.pk:
            raise RuntimeError("a listener broke")

    bus.listen(IssueChanged, break_down)
    try:
        with capture_logs() as lines:
            answer = interactive(block_actions(*(pressed("tocsin.resolve", each.pk) for each in (good, bad))))
    finally:
        bus.stop_listening(IssueChanged, break_down)
    assert (answer.status_code, answer.content) == (200, b"")
    for issue, status in ((good, "resolved"), (bad, "unresolved")):
        issue.refresh_from_db()
        assert issue.status == status
    (line,) = [line for line in lines if line["log_level"] == "error"]
    (said,) = whispers()
    assert f"`{line['reference']}`" in said
    assert line["issue"] == bad.pk


# --- the same again --------------------------------------------------------------------------------------------------
def test_the_same_delivery_again_has_no_effect_and_the_same_answer(
    make_issue: Callable[..., Issue], installation: Installation, alice: Person
) -> None:
    issue = make_issue()
    gone = block_actions(pressed("tocsin.resolve", issue.pk + 1000, action_ts="1.1"))
    good = block_actions(pressed("tocsin.resolve", issue.pk, action_ts="1.2"))
    assert [interactive(gone).status_code for _ in range(3)] == [403, 403, 403]
    assert [interactive(good).status_code for _ in range(3)] == [200, 200, 200]
    assert Activity.objects.filter(issue=issue, kind="resolved").count() == 1
    assert len(whispers()) == 1


def test_another_installation_may_send_the_same(
    make_issue: Callable[..., Issue], installation: Installation, alice: Person
) -> None:
    issue = make_issue()
    workspace = Workspace.objects.create(team_id="T0SECOND")
    second = Installation.objects.create(workspace=workspace, key="T0SECOND", installed_at=database_now())
    second.connections.create(organization=issue.organization)
    Identity.objects.create(workspace=workspace, slack_user_id="U0ALICE", user=alice.user, linked_at=database_now())
    click = block_actions(pressed("tocsin.resolve", issue.pk))
    assert interactive(click).status_code == 200
    assert interactive(click | {"team": {"id": "T0SECOND"}}).status_code == 200
    assert Received.objects.count() == 2


def test_clicks_at_once_have_one_effect(
    committed: None, make_issue: Callable[..., Issue], installation: Installation, alice: Person
) -> None:
    issue = make_issue()
    payload = block_actions(pressed("tocsin.resolve", issue.pk))
    statuses: list[int] = []
    at_once(lambda _: statuses.append(interactive(payload).status_code), 8)
    assert statuses == [200] * 8
    issue.refresh_from_db()
    assert (issue.status, issue.version) == ("resolved", 2)
    assert Activity.objects.filter(issue=issue, kind="resolved").count() == 1
    assert Received.objects.count() == 1
    assert whispers() == []


def test_two_people_at_once_have_one_effect_and_the_loser_is_told(
    committed: None, make_issue: Callable[..., Issue], installation: Installation, alice: Person, owner: Person
) -> None:
    issue = make_issue()
    clicks = [
        block_actions(pressed("tocsin.resolve", issue.pk), user=alice.slack_user_id),
        block_actions(pressed("tocsin.archive", issue.pk), user=owner.slack_user_id),
    ]
    at_once(lambda number: interactive(clicks[number]), 2)
    issue.refresh_from_db()
    assert issue.version == 2
    (said,) = whispers()
    assert "already" in said


def test_what_slack_sent_is_forgotten_after_48_hours(
    make_issue: Callable[..., Issue], installation: Installation, alice: Person, carol: Person
) -> None:
    issue = make_issue()
    url = "http://127.0.0.1:9/response/x"
    for user in ("U0ALICE", "U0CAROL"):
        interactive(block_actions(pressed("tocsin.resolve", issue.pk), user=user, response_url=url))
    rows = (Received, ResponseUrl, LinkToken, KeptClick)
    now = database_now()
    assert [model.objects.count() for model in rows] == [2, 2, 1, 1]
    assert purge(now) == 0
    assert purge(now + timedelta(minutes=31)) == 2
    assert [model.objects.count() for model in rows] == [2, 0, 1, 1]
    assert purge(now + timedelta(hours=47)) == 0
    assert purge(now + timedelta(hours=49)) == 3  # the kept click goes with its link
    assert [model.objects.count() for model in rows] == [0, 0, 0, 0]


def test_a_response_url_is_kept_sealed_and_only_if_it_is_slacks(
    make_issue: Callable[..., Issue], installation: Installation, bob: Person
) -> None:
    issue = make_issue()
    good, evil = "http://127.0.0.1:9/response/secret", "http://127.0.0.1:10/response/secret"
    for number, url in enumerate((good, evil)):
        click = pressed("tocsin.resolve", issue.pk, action_ts=f"1.{number}")
        interactive(block_actions(click, user="U0BOB", response_url=url))
    (row,) = ResponseUrl.objects.all()
    assert row.clear_url == good
    assert "secret" not in row.url
    assert [delivery.about["response_url_id"] for delivery in Delivery.objects.order_by("id")] == [row.pk, None]


# --- when the database does not answer -------------------------------------------------------------------------------
@pytest.mark.sqlite
def test_a_locked_database_is_503_within_the_deadline_and_the_person_is_told(
    committed: None, issue: Issue, card: Card, slack: Slack, alice: Person
) -> None:
    slack.expect_faults()
    lock = sqlite_base.Database.connect(connection.settings_dict["NAME"], isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    try:
        answer = card.click("Resolve", as_=alice)
    finally:
        lock.execute("ROLLBACK")
        lock.close()
    assert (answer["status"], answer["body"]) == (503, "")
    assert 1.4 < time.monotonic() - began < 2.9
    assert "database does not answer" in slack.ephemerals(alice)[0]["text"]
    assert not Received.objects.exists()
    assert card.click("Resolve", as_=alice)["status"] == 200
    issue.refresh_from_db()
    assert issue.status == "resolved"


@pytest.mark.postgresql
def test_a_locked_row_is_503_within_the_deadline(
    committed: None, make_issue: Callable[..., Issue], installation: Installation, alice: Person
) -> None:
    issue = make_issue()
    with closing(connection.copy()) as other:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("SELECT 1 FROM issues_issue WHERE id = %s FOR UPDATE", [issue.pk])
        began = time.monotonic()
        answer = interactive(block_actions(pressed("tocsin.resolve", issue.pk)))
        other.rollback()
    assert (answer.status_code, answer.content) == (503, b"")
    assert 1.4 < time.monotonic() - began < 2.5
    assert not Received.objects.exists()
