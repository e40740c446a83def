"""Cards as attachments of old: buttons and menus of messages, of what one person sees, and of unfurls."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from slack_sdk import WebClient

from tests.people import Person, make_person
from tests.slack_fixture import Card, Message, Slack
from tocsin import bus
from tocsin.accounts.models import Role, Team
from tocsin.alerts.changes import RuleFired
from tocsin.alerts.models import Destination, Rule
from tocsin.clock import database_now
from tocsin.issues.commands import Archive, Reopen, Resolve
from tocsin.issues.models import Activity, Issue
from tocsin.outbox.models import Delivery
from tocsin.projects import releases
from tocsin.slack import models
from tocsin.slack.attachments import GREY, LEVELS
from tocsin.sqlite import base as sqlite_base

OLD = Destination.Style.ATTACHMENTS


@pytest.fixture
def issue(make_issue: Callable[..., Issue]) -> Issue:
    return make_issue()


@pytest.fixture
def post_card(
    slack: Slack,
    make_destination: Callable[..., Destination],
    make_rule: Callable[..., Rule],
    deliver_all: Callable[..., int],
) -> Callable[[Issue], Card]:
    """The card of an issue, in the style of old."""
    destination = make_destination(slack.channel("alerts"), "#alerts", style=OLD)
    rule = make_rule(destination, tags=["level"])

    def post(issue: Issue) -> Card:
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

    return post


@pytest.fixture
def card(issue: Issue, post_card: Callable[[Issue], Card]) -> Card:
    return post_card(issue)


def make_release(issue: Issue, version: str) -> None:
    releases.ensure([(issue.organization_id, issue.project_id, version)], database_now())


def only(card: Card) -> dict[str, Any]:
    (attachment,) = card.message["attachments"]
    shown: dict[str, Any] = attachment
    return shown


def kept(issue: Issue) -> models.Card:
    return models.Card.objects.get(subject_id=issue.pk)


# --- the card --------------------------------------------------------------------------------------------------------


def test_a_card_of_old_is_one_attachment_with_buttons_and_a_menu(card: Card, issue: Issue) -> None:
    shown = only(card)
    assert "blocks" not in card.message
    assert json.loads(shown["callback_id"]) == {"issue": issue.pk}
    assert [(each["name"], each["type"], each.get("value")) for each in shown["actions"]] == [
        ("status", "button", "resolved"),
        ("status", "button", "ignored"),
        ("assign", "select", None),
    ]
    assert shown["fallback"] == f"[{issue.project.slug}] Error: {issue.title}"
    assert shown["color"] == LEVELS["error"].removeprefix("#")
    assert shown["footer"].startswith(f"{issue.short_id} via New and regressed issues")


def test_a_project_with_releases_asks_when_it_is_resolved(post_card: Callable[[Issue], Card], issue: Issue) -> None:
    make_release(issue, "shop@1.0")
    assert [each["name"] for each in only(post_card(issue))["actions"]] == ["resolve_dialog", "status", "assign"]


# --- what the buttons do ---------------------------------------------------------------------------------------------


def answered(result: dict[str, Any]) -> dict[str, Any]:
    assert (result["status"], result["judgement"]["ok"]) == (200, True), result
    body: dict[str, Any] = json.loads(result["body"])
    return body


def test_a_click_is_answered_with_the_card_as_it_is_now(card: Card, issue: Issue, slack: Slack, alice: Person) -> None:
    body = answered(card.click("Resolve", as_=alice))
    assert body.keys() == {"attachments"}
    (rebuilt,) = body["attachments"]
    assert rebuilt["text"].splitlines()[-1].startswith(f"*Resolved* by <@{alice.slack_user_id}>")
    assert rebuilt["color"] == GREY
    assert rebuilt["fields"] == [{"title": "level", "value": "error", "short": True}]
    assert rebuilt["footer"] == f"{issue.short_id} via New and regressed issues · production"
    assert [each["text"] for each in rebuilt["actions"]] == ["Reopen", "Assign"]
    issue.refresh_from_db()
    assert issue.status == "resolved"
    assert slack.card(issue).buttons == ["Reopen"], "the answer has taken the card's place"


STATUSES = [
    ("resolved", "resolved", ""),
    ("ignored", "archived", "until_escalating"),
    ("ignored:archived_until_escalating", "archived", "until_escalating"),
    ("ignored:archived_forever", "archived", "forever"),
    ("ignored:archived_until_condition_met:10", "archived", "until_condition"),
]


def send(card: Card, person: Any, slack: Slack, *actions: dict[str, Any], **raw: Any) -> dict[str, Any]:
    """A click on the first button, with these actions in its payload."""
    where = {"as": getattr(person, "slack_user_id", person), "channel": card.channel, "ts": card.ts}
    changed = {"payload": {"actions": list(actions), **raw}}
    return slack.click({**where, "attachment": 1, "action": 1, "raw": changed})


def value(text: str, name: str = "status") -> dict[str, Any]:
    return {"name": name, "type": "button", "value": text}


@pytest.mark.parametrize(("wire", "status", "substatus"), STATUSES)
def test_every_value_does_what_it_says(
    card: Card, issue: Issue, slack: Slack, alice: Person, wire: str, status: str, substatus: str
) -> None:
    body = answered(send(card, alice, slack, value(wire)))
    issue.refresh_from_db()
    assert (issue.status, issue.substatus if substatus else "") == (status, substatus)
    assert alice.slack_user_id in body["attachments"][0]["text"].splitlines()[-1]


@pytest.mark.parametrize(("when", "words"), [("inNextRelease", "release after"), ("inCurrentRelease", "in shop@1.0")])
def test_a_release_may_be_named_by_the_value(
    card: Card, issue: Issue, slack: Slack, alice: Person, when: str, words: str
) -> None:
    make_release(issue, "shop@1.0")
    body = answered(send(card, alice, slack, value(f"resolved:{when}")))
    assert words in body["attachments"][0]["text"].splitlines()[-1]


@pytest.mark.parametrize("wire", ["unresolved", "unresolved:ongoing"])
def test_an_archived_issue_is_taken_back(
    issue: Issue,
    post_card: Callable[[Issue], Card],
    slack: Slack,
    alice: Person,
    deliver_all: Callable[..., int],
    wire: str,
) -> None:
    card = post_card(issue)
    bus.perform(Archive(issue_id=issue.pk), by=alice.actor())
    deliver_all()
    assert slack.card(issue).buttons == ["Stop archiving"]
    answered(send(card, alice, slack, value(wire)))
    issue.refresh_from_db()
    assert issue.status == "unresolved"


@pytest.mark.parametrize(
    "action",
    [
        value(""),
        value("resolved:inSomeRelease"),
        value("ignored:archived_until_condition_met"),
        value("ignored:archived_until_condition_met:0"),
        value("ignored:archived_until_condition_met:ten"),
        value("resolved:7"),
        {"name": "assign", "type": "select", "selected_options": [{"value": "everybody"}]},
        {"name": "assign", "type": "select", "selected_options": []},
        {"name": "assign", "type": "select"},
        {"name": "assign", "type": "select", "selected_options": None},
    ],
    ids=lambda action: json.dumps(action)[:60],
)
def test_a_known_name_with_another_value_changes_nothing_and_says_so(
    card: Card, issue: Issue, slack: Slack, alice: Person, action: dict[str, Any]
) -> None:
    body = answered(send(card, alice, slack, action))
    assert (body["response_type"], body["replace_original"]) == ("ephemeral", False)
    assert "Nothing was changed" in body["text"]
    assert not Activity.objects.filter(issue=issue).exists()


def test_a_name_that_we_do_not_know_is_acknowledged_and_nothing_else(
    card: Card, issue: Issue, slack: Slack, alice: Person
) -> None:
    result = send(card, alice, slack, value("resolved", name="explode"))
    assert (result["status"], result["body"]) == (200, "")
    assert not Activity.objects.filter(issue=issue).exists()


def test_the_menu_assigns_and_shows_whom(card: Card, issue: Issue, slack: Slack, alice: Person, team: Team) -> None:
    listed = card.options("Assign", "", as_=alice)
    assert {group for _, _, group in listed} == {"You", "Teams"}
    label = next(text for text, value, _ in listed if value == f"team:{team.pk}")
    answered(card.choose("Assign", label, as_=alice))
    issue.refresh_from_db()
    assert issue.assignee_team == team
    menu = only(slack.card(issue))["actions"][-1]
    assert menu["selected_options"] == [{"text": str(team), "value": f"team:{team.pk}"}]
    answered(slack.card(issue).choose("Assign", "Nobody", as_=alice))
    issue.refresh_from_db()
    assert issue.assignee_team is None


def test_who_is_not_linked_is_invited_by_the_answer_and_by_the_menu(card: Card, issue: Issue, carol: Person) -> None:
    body = answered(card.click("Resolve", as_=carol))
    assert (body["response_type"], body["replace_original"]) == ("ephemeral", False)
    assert "Connect your account" in body["text"]
    assert f"resolve {issue.short_id}" in body["text"]
    assert card.options("Assign", "", as_=carol) == [("Connect your account first", "link", "")]
    assert "/slack/link/" in answered(card.choose("Assign", "Connect your account first", as_=carol))["text"]
    assert not Activity.objects.filter(issue=issue).exists()


@pytest.mark.parametrize(
    ("who", "words"), [("bob", "may look"), ("mallory", "not an active member"), ("eve", "not an active member")]
)
def test_who_may_not_is_told_by_the_answer(
    card: Card, issue: Issue, request: pytest.FixtureRequest, who: str, words: str
) -> None:
    body = answered(card.click("Resolve", as_=request.getfixturevalue(who)))
    assert words in body["text"]
    assert body["replace_original"] is False
    assert not Activity.objects.filter(issue=issue).exists()


def test_an_issue_that_is_not_ours_to_show_is_refused_with_a_whisper(
    card: Card, issue: Issue, slack: Slack, alice: Person, deliver_all: Callable[..., int]
) -> None:
    slack.expect_faults()
    callback = json.dumps({"issue": 99_999})
    result = send(card, alice, slack, value("resolved"), callback_id=callback)
    assert (result["status"], result["body"]) == (403, "")
    deliver_all()
    assert "gone, or it is not shared" in slack.ephemerals(alice)[-1]["text"]


def test_a_stale_click_is_answered_and_not_applied(
    card: Card,
    issue: Issue,
    slack: Slack,
    alice: Person,
    team: Team,
    workspace: models.Workspace,
    deliver_all: Callable[..., int],
) -> None:
    bus.perform(Archive(issue_id=issue.pk), by=alice.actor())
    dora = make_person("dora", issue.organization, Role.MEMBER, team=team, workspace=workspace)
    slack.change_user(dora)
    body = answered(card.click("Resolve", as_=dora))
    assert "Alice" in body["text"]
    assert "archived" in body["text"].lower()
    issue.refresh_from_db()
    assert issue.status == "archived"
    deliver_all()
    assert slack.card(issue).buttons == ["Stop archiving"]


# --- lists -----------------------------------------------------------------------------------------------------------


def test_a_list_is_done_in_order_and_read_once_more_after_the_last(
    card: Card, issue: Issue, slack: Slack, alice: Person
) -> None:
    assign = {"name": "assign", "type": "select", "selected_options": [{"value": f"user:{alice.user.pk}"}]}
    body = answered(send(card, alice, slack, assign, value("resolved")))
    lines = body["attachments"][0]["text"].splitlines()
    assert [line.split("*")[1] for line in lines[-2:]] == [f"Assigned to <@{alice.slack_user_id}>", "Resolved"]


def test_a_refusal_ends_the_list_and_what_came_before_stays_and_is_shown(
    card: Card, issue: Issue, slack: Slack, alice: Person, deliver_all: Callable[..., int]
) -> None:
    stranger = {"name": "assign", "type": "select", "selected_options": [{"value": "user:99999"}]}
    body = answered(send(card, alice, slack, value("ignored"), stranger, value("resolved")))
    assert body["replace_original"] is False
    issue.refresh_from_db()
    assert issue.status == "archived"
    deliver_all()
    assert slack.card(issue).buttons == ["Stop archiving"]


# --- once, and true --------------------------------------------------------------------------------------------------


def test_the_same_delivery_again_has_no_second_effect_and_the_answer_of_now(
    card: Card, issue: Issue, slack: Slack, alice: Person
) -> None:
    result = card.click("Resolve", as_=alice, times=3)
    assert Activity.objects.filter(issue=issue).count() == 1
    bodies = [answered(each)["attachments"][0]["text"] for each in result["results"]]
    assert len(set(bodies)) == 1


def test_a_refusal_again_is_said_again(card: Card, slack: Slack, alice: Person) -> None:
    first, second = (send(card, alice, slack, value("nothing"), action_ts="1700000001.000100") for _ in range(2))
    assert first["body"] == second["body"]
    assert models.Received.objects.count() == 1


def test_an_invitation_again_is_a_new_one(card: Card, slack: Slack, carol: Person) -> None:
    first, second = (send(card, carol, slack, value("resolved"), action_ts="1700000001.000100") for _ in range(2))
    links = {answered(each)["text"].partition("<")[2].partition("|")[0] for each in (first, second)}
    assert len(links) == 2


def test_the_card_is_sent_once_more_when_things_have_settled(
    card: Card, issue: Issue, slack: Slack, alice: Person, deliver_all: Callable[..., int]
) -> None:
    card.click("Resolve", as_=alice)
    row = kept(issue)
    issue.refresh_from_db()
    assert (row.content_hash, row.version) == ("", issue.version)
    (waiting,) = Delivery.objects.filter(subject=row.outbox_subject, done_at__isnull=True)
    assert waiting.due_at - waiting.created_at == timedelta(seconds=3)
    since = len(slack.journal("chat.update"))
    deliver_all(after=4)
    (update,) = slack.journal("chat.update")[since:]
    assert update["args"]["attachments"][0]["actions"][0]["text"] == "Reopen"
    assert kept(issue).content_hash != ""


def test_a_change_elsewhere_reaches_a_card_of_old(
    card: Card, issue: Issue, slack: Slack, alice: Person, deliver_all: Callable[..., int]
) -> None:
    bus.perform(Resolve(issue_id=issue.pk), by=alice.actor())
    deliver_all()
    assert only(slack.card(issue))["color"] == GREY.removeprefix("#")
    bus.perform(Reopen(issue_id=issue.pk), by=alice.actor())
    deliver_all()
    assert slack.card(issue).buttons == ["Resolve", "Archive"]


# --- places ----------------------------------------------------------------------------------------------------------


def ephemeral(slack: Slack, card: Card, person: Person) -> Message:
    """The same attachment, seen by that person only."""
    bot = WebClient(token=slack.bot_token, base_url=slack.api_url, retry_handlers=[])
    attachment = {name: value for name, value in only(card).items() if name != "id"}
    attachment["actions"] = [{k: v for k, v in each.items() if k != "id"} for each in attachment["actions"]]
    bot.chat_postEphemeral(channel=card.channel, user=person.slack_user_id, text="", attachments=[attachment])
    return slack.ephemerals(person)[-1]


def test_a_message_for_one_person_is_replaced_for_them(card: Card, issue: Issue, slack: Slack, alice: Person) -> None:
    shown = ephemeral(slack, card, alice)
    place = {"as": alice.slack_user_id, "channel": card.channel, "ts": shown["ts"], "attachment": 1, "action": 1}
    body = answered(slack.click(place))
    assert (body["response_type"], body["replace_original"]) == ("ephemeral", True)
    (after,) = [each for each in slack.ephemerals(alice) if each["ts"] == shown["ts"]]
    assert [each["text"] for each in after["attachments"][0]["actions"]] == ["Reopen", "Assign"]
    assert issue.title.split(":")[0] in after["attachments"][0]["title"], "nothing is hidden from who may see it"


def test_an_unfurl_is_answered_with_the_attachment_itself(
    card: Card, issue: Issue, slack: Slack, alice: Person
) -> None:
    about = {"is_app_unfurl": True, "app_unfurl_url": "https://tocsin.example/x", "message_ts": "1700000000.000100"}
    original = {"attachments": card.message["attachments"], "is_app_unfurl": True}
    result = send(card, alice, slack, value("resolved"), original_message=original, **about)
    body = answered(result)
    assert "attachments" not in body
    assert json.loads(body["callback_id"]) == {"issue": issue.pk}
    assert [each["text"] for each in body["actions"]] == ["Reopen", "Assign"]


# --- when the database does not answer -------------------------------------------------------------------------------


@pytest.mark.sqlite
def test_a_locked_database_is_told_in_the_answer(
    committed: None, issue: Issue, card: Card, slack: Slack, alice: Person
) -> None:
    lock = sqlite_base.Database.connect(connection.settings_dict["NAME"], isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    try:
        body = answered(card.click("Resolve", as_=alice))
    finally:
        lock.execute("ROLLBACK")
        lock.close()
    assert (body["response_type"], body["replace_original"]) == ("ephemeral", False)
    assert "database does not answer" in body["text"]
    assert not models.Received.objects.exists()
