"""The dialog of old that asks when an issue is resolved: opened from attachments, submitted, refused, too late."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.people import Person, make_person
from tests.signed import interactive
from tests.slack_fixture import Card, Slack
from tests.test_slack_attachments import answered, card, issue, kept, make_release, only, post_card, send, value
from tocsin import bus
from tocsin.accounts.models import Member, Role, Team
from tocsin.issues.commands import Archive
from tocsin.issues.models import Activity, Issue
from tocsin.projects.models import Release, ReleaseProject
from tocsin.slack.models import Identity, Received, ResponseUrl

__all__ = ["card", "issue", "post_card"]  # fixtures

NOW, NEXT, CURRENT = "Now", "In the next release", "In the current release (shop@1.4.2)"


@pytest.fixture
def released(issue: Issue, post_card: Callable[[Issue], Card]) -> Card:
    """The card of an issue whose project has releases."""
    make_release(issue, "shop@1.4.1")
    make_release(issue, "shop@1.4.2")
    return post_card(issue)


def test_the_button_opens_a_dialog_and_leaves_the_message_alone(
    released: Card, issue: Issue, slack: Slack, alice: Person
) -> None:
    result = released.click("Resolve…", as_=alice)
    assert (result["status"], result["body"]) == (200, "")
    dialog = slack.dialog(alice)
    assert (dialog.title, dialog.submit_label) == ("Resolve issue", "Resolve")
    assert dialog.labels == [f"{issue.short_id} is resolved"]
    assert dialog.values == {"resolve_type": "resolved"}
    callback = json.loads(dialog.dialog["callback_id"])
    address = result["payload"]["response_url"]
    assert callback == {"issue": issue.pk, "orig_response_url": address, "is_message": True}
    assert slack.card(issue).message == released.message


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        (NOW, "*Resolved* by"),
        (NEXT, "*Resolved in the release after shop@1.4.2*"),
        (CURRENT, "*Resolved in shop@1.4.2*"),
    ],
)
def test_the_choice_is_done_and_the_message_rewritten_at_its_address(
    released: Card,
    issue: Issue,
    slack: Slack,
    alice: Person,
    deliver_all: Callable[..., int],
    choice: str,
    words: str,
) -> None:
    released.click("Resolve…", as_=alice)
    dialog = slack.dialog(alice)
    dialog.choose("resolve_type", choice)
    result = slack.dialog(alice).submit()
    assert (result["status"], result["body"]) == (200, "")
    assert not slack.dialog(alice)
    issue.refresh_from_db()
    assert issue.status == "resolved"
    deliver_all()
    (sent,) = slack.journal("response_url")
    assert sent["args"].keys() == {"replace_original", "attachments"}
    assert not slack.journal("chat.update"), "the card is sent once more when things have settled, not at once"
    assert only(slack.card(issue))["text"].splitlines()[-1].startswith(words)
    deliver_all(after=4)
    assert len(slack.journal("chat.update")) == 1
    assert kept(issue).content_hash


def test_a_spent_address_leaves_the_message_to_an_update(
    released: Card, issue: Issue, slack: Slack, alice: Person, deliver_all: Callable[..., int]
) -> None:
    released.click("Resolve…", as_=alice)
    slack.advance(31 * 60)
    slack.dialog(alice).submit()
    deliver_all()
    assert only(slack.card(issue))["text"].splitlines()[-1].startswith("*Resolved* by")
    assert len(slack.journal("chat.update")) == 1
    assert not ResponseUrl.objects.exists()


def test_an_address_that_is_not_slacks_is_never_called(
    released: Card, issue: Issue, slack: Slack, alice: Person, deliver_all: Callable[..., int]
) -> None:
    released.click("Resolve…", as_=alice)
    dialog = slack.dialog(alice).dialog
    about = json.loads(dialog["callback_id"]) | {"orig_response_url": "http://169.254.169.254/latest/"}
    result = slack.dialog(alice).submit(raw={"payload": {"callback_id": json.dumps(about)}})
    assert result["status"] == 200
    assert not ResponseUrl.objects.exists()
    deliver_all()
    assert only(slack.card(issue))["text"].splitlines()[-1].startswith("*Resolved* by")


def test_an_address_that_is_too_long_is_kept_here(released: Card, slack: Slack, alice: Person) -> None:
    where = {"as": alice.slack_user_id, "channel": released.channel, "ts": released.ts, **released.place("Resolve…")}
    long = f"{slack.url}/response/actions/{'x' * 250}"
    assert slack.click({**where, "raw": {"payload": {"response_url": long}}})["body"] == ""
    callback = slack.dialog(alice).dialog["callback_id"]
    assert len(callback) <= 255
    row = ResponseUrl.objects.get()
    assert json.loads(callback)["kept"] == row.key
    assert row.clear_url == long


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chosen", [None, "", "archived", "ignored", "unresolved", "resolved:inSomeRelease", 7])
def test_a_choice_that_is_none_is_said_at_the_field(
    released: Card, issue: Issue, slack: Slack, alice: Person, chosen: Any
) -> None:
    released.click("Resolve…", as_=alice)
    about = slack.dialog(alice).dialog
    payload = {
        "type": "dialog_submission",
        "team": {"id": slack.team_id, "domain": "x"},
        "user": {"id": alice.slack_user_id, "name": "alice"},
        "channel": {"id": released.channel, "name": "alerts"},
        "submission": {"resolve_type": chosen},
        "callback_id": about["callback_id"],
        "action_ts": "1700000001.000100",
        "state": about["state"],
    }
    response = interactive(payload)
    if chosen == 7:
        assert response.status_code == 400, "Slack sends text"
    else:
        assert json.loads(response.content) == {
            "errors": [{"name": "resolve_type", "error": "Choose when the issue is resolved."}]
        }
    assert not Activity.objects.filter(issue=issue).exists()
    assert not Received.objects.filter(kind="dialog").exists(), "it may be submitted again"


def test_a_release_that_is_gone_is_said_in_the_dialog_which_stays(
    released: Card, issue: Issue, slack: Slack, alice: Person
) -> None:
    released.click("Resolve…", as_=alice)
    slack.dialog(alice).choose("resolve_type", CURRENT)
    ReleaseProject.objects.all().delete()
    Release.objects.all().delete()
    slack.dialog(alice).submit()
    dialog = slack.dialog(alice)
    assert dialog
    assert "release" in dialog.errors["resolve_type"]
    dialog.choose("resolve_type", NOW)
    slack.dialog(alice).submit()
    assert not slack.dialog(alice)
    issue.refresh_from_db()
    assert issue.status == "resolved"


def whispered(slack: Slack, person: Person, deliver_all: Callable[..., int]) -> str:
    deliver_all()
    return str(slack.ephemerals(person)[-1]["text"])


def test_who_may_not_gets_no_dialog(released: Card, slack: Slack, bob: Person, mallory: Person, carol: Person) -> None:
    for person, words in ((bob, "may look"), (mallory, "not an active member"), (carol, "Connect your account")):
        assert words in answered(released.click("Resolve…", as_=person))["text"]
        assert not slack.dialog(person)


def test_who_was_removed_meanwhile_is_told_and_nothing_is_done(
    released: Card, issue: Issue, slack: Slack, alice: Person, deliver_all: Callable[..., int]
) -> None:
    released.click("Resolve…", as_=alice)
    Member.objects.filter(user=alice.user).delete()
    result = slack.dialog(alice).submit()
    assert (result["status"], result["body"]) == (200, "")
    assert "not an active member" in whispered(slack, alice, deliver_all)
    assert not Activity.objects.filter(issue=issue).exists()


def test_who_was_parted_meanwhile_is_invited(
    released: Card, issue: Issue, slack: Slack, alice: Person, deliver_all: Callable[..., int]
) -> None:
    released.click("Resolve…", as_=alice)
    Identity.objects.filter(user=alice.user).delete()
    slack.dialog(alice).submit()
    assert "Connect your account" in whispered(slack, alice, deliver_all)
    assert not Activity.objects.filter(issue=issue).exists()


def test_an_issue_that_was_deleted_meanwhile_is_said_to_be_gone(
    released: Card, issue: Issue, slack: Slack, alice: Person, deliver_all: Callable[..., int]
) -> None:
    released.click("Resolve…", as_=alice)
    issue.delete()
    slack.dialog(alice).submit()
    assert "That issue is gone" in whispered(slack, alice, deliver_all)


def test_a_stale_dialog_changes_nothing_and_says_who_was_faster(
    released: Card,
    issue: Issue,
    slack: Slack,
    alice: Person,
    team: Team,
    deliver_all: Callable[..., int],
) -> None:
    released.click("Resolve…", as_=alice)
    bus.perform(Archive(issue_id=issue.pk), by=make_person("dora", issue.organization, Role.MEMBER, team=team).actor())
    slack.dialog(alice).submit()
    said = whispered(slack, alice, deliver_all)
    assert "Dora" in said
    issue.refresh_from_db()
    assert issue.status == "archived"


def test_the_same_submission_again_has_no_second_effect(
    released: Card, issue: Issue, slack: Slack, alice: Person, deliver_all: Callable[..., int]
) -> None:
    released.click("Resolve…", as_=alice)
    result = slack.dialog(alice).submit(times=3)
    assert [(each["status"], each["body"]) for each in result["results"]] == [(200, "")] * 3
    assert Activity.objects.filter(issue=issue).count() == 1
    deliver_all()
    assert len(slack.journal("response_url")) == 1


# --- when Slack does not open it -------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", ["trigger_expired", "trigger_exchanged", "fatal_error"])
def test_a_dialog_that_cannot_be_opened_is_told_in_the_answer(
    released: Card, issue: Issue, slack: Slack, alice: Person, error: str
) -> None:
    slack.fail("dialog.open", "error", error=error)
    body = answered(released.click("Resolve…", as_=alice))
    assert (body["response_type"], body["replace_original"]) == ("ephemeral", False)
    assert "did not open the dialog" in body["text"]
    assert issue.short_id in body["text"]
    assert slack.card(issue).message == released.message


def test_a_list_that_opens_the_dialog_is_answered_with_nothing_and_the_card_says_the_rest(
    released: Card, issue: Issue, slack: Slack, alice: Person, deliver_all: Callable[..., int]
) -> None:
    result = send(released, alice, slack, value("ignored"), value("resolve_dialog", name="resolve_dialog"))
    assert (result["status"], result["body"]) == (200, "")
    assert slack.dialog(alice)
    deliver_all()
    assert slack.card(issue).buttons == ["Stop archiving"]


def test_cancelling_does_nothing(released: Card, issue: Issue, slack: Slack, alice: Person) -> None:
    released.click("Resolve…", as_=alice)
    assert slack.dialog(alice).cancel()["status"] == 200
    assert not slack.dialog(alice)
    assert not Activity.objects.filter(issue=issue).exists()
