"""Muting a rule from a card: the modal, what the card says, and what stays silent."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models import F

from tests.audit.world import Shop
from tests.people import Person
from tests.slack_fixture import Card, Slack
from tocsin import bus
from tocsin.alerts import mutes
from tocsin.alerts.commands import MuteRule
from tocsin.alerts.models import Destination, Rule, RuleDestination, RuleMute
from tocsin.clock import database_now
from tocsin.issues.models import Issue
from tocsin.slack.models import Card as CardRow
from tocsin.slack.models import OpenedView
from tocsin.slack.reconcile import reconcile_all

MORE = "More actions"
MUTE = "Mute this rule here…"
HOW_LONG = "For how long?"
RULE = "New and regressed issues"


@pytest.fixture
def issue(shop: Shop) -> Issue:
    """With its card in #alerts, posted by the shop's one rule."""
    return shop.issue()


@pytest.fixture
def alerts(issue: Issue) -> Destination:
    return Destination.objects.get()


def entries(card: Card) -> list[str]:
    """Of the overflow menu."""
    (row,) = [block for block in card.message["blocks"] if block["type"] == "actions"]
    (menu,) = [element for element in row["elements"] if element["type"] == "overflow"]
    return [option["text"]["text"] for option in menu["options"]]


def mute(shop: Shop, issue: Issue, as_: Person, how_long: str = "1 hour") -> None:
    shop.click(issue, MUTE, as_)
    shop.slack.view(as_).choose(HOW_LONG, how_long)
    shop.slack.view(as_).submit()
    shop.settle()


# --- the modal -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("entry", "hours"), [("1 hour", 1), ("8 hours", 8), ("24 hours", 24)])
def test_the_modal_says_what_will_happen_and_the_card_shows_until_when(
    shop: Shop, issue: Issue, entry: str, hours: int
) -> None:
    shop.click(issue, MUTE, shop.alice)
    view = shop.slack.view(shop.alice)
    assert (view.title, view.labels, view.submit_label) == ("Mute this rule here", [HOW_LONG], "Mute")
    view.choose(HOW_LONG, entry)
    now = database_now()
    assert f"Rule *{RULE}* posts nothing in #alerts until <!date^" in shop.slack.view(shop.alice).text
    said = int(shop.slack.view(shop.alice).text.partition("<!date^")[2].partition("^")[0])
    assert abs(said - (now + timedelta(hours=hours)).timestamp()) < 5
    answer = shop.slack.view(shop.alice).submit()
    assert (answer["status"], answer["body"]) == (200, "")
    assert not shop.slack.view(shop.alice)
    shop.settle()
    muted = RuleMute.objects.get()
    until = int(muted.until.timestamp())
    assert f"Rule *{RULE}* muted here until <!date^{until}^" in shop.card(issue).text
    assert "by <@U0ALICE>" in shop.card(issue).text
    assert entries(shop.card(issue)) == ["Comment", "Unmute", "Priority", "Acknowledge", "Open"]
    shop.assert_kept()


def test_a_week_is_refused_at_its_field_to_a_member_and_taken_from_an_owner(
    shop: Shop, issue: Issue, owner: Person
) -> None:
    shop.click(issue, MUTE, shop.alice)
    shop.slack.view(shop.alice).choose(HOW_LONG, "A week")
    answer = shop.slack.view(shop.alice).submit()
    assert answer["judgement"]["ok"]
    assert "Only an admin of a team of shop" in shop.slack.view(shop.alice).errors["mute_hours"]
    assert not RuleMute.objects.exists()
    shop.slack.view(shop.alice).choose(HOW_LONG, "24 hours")
    shop.slack.view(shop.alice).submit()
    assert RuleMute.objects.get().until - RuleMute.objects.get().created_at == timedelta(hours=24)
    RuleMute.objects.all().delete()
    shop.slack.change_user("U0OLGA", name="olga")
    mute(shop, issue, owner, "A week")
    assert RuleMute.objects.get().until - RuleMute.objects.get().created_at == timedelta(hours=168)


def test_of_several_rules_one_is_chosen_and_the_other_goes_on(
    shop: Shop, alerts: Destination, make_rule: Callable[..., Rule]
) -> None:
    make_rule(alerts, name="Checkout")
    issue = shop.issue()
    assert "Rule: New and regressed issues +1 other" in shop.card(issue).text
    shop.click(issue, MUTE, shop.alice)
    view = shop.slack.view(shop.alice)
    assert view.labels == ["Which rule?", HOW_LONG]
    assert f"Rule *{RULE}* posts nothing" in view.text
    view.choose("Which rule?", "Checkout")
    assert "Rule *Checkout* posts nothing" in shop.slack.view(shop.alice).text
    shop.slack.view(shop.alice).submit()
    shop.settle()
    assert [muted.rule.name for muted in RuleMute.objects.all()] == ["Checkout"]
    assert "Rule *Checkout* muted here" in shop.card(issue).text
    # One too many: Open gives way, which the title is as well.
    assert entries(shop.card(issue)) == ["Comment", MUTE, "Unmute", "Priority", "Acknowledge"]
    assert "Rule: New and regressed issues ·" in shop.card(shop.issue()).text
    mute(shop, issue, shop.alice)  # which is plain now
    assert {muted.rule.name for muted in RuleMute.objects.all()} == {"Checkout", RULE}
    assert entries(shop.card(issue)) == ["Comment", "Unmute", "Priority", "Acknowledge", "Open"]
    shop.click(issue, "Unmute", shop.alice)
    assert not RuleMute.objects.filter(ended_at=None).exists()
    shop.settle()
    assert "muted here" not in shop.card(issue).text


def test_somebody_who_is_slower_is_told_who_was_first(
    shop: Shop, issue: Issue, alerts: Destination, owner: Person
) -> None:
    shop.click(issue, MUTE, shop.alice)
    rule = Rule.objects.get()
    command = MuteRule(issue_id=issue.pk, destination_id=alerts.pk, rule_ids=(rule.pk,), hours=8)
    bus.perform(command, by=owner.actor())
    shop.slack.view(shop.alice).submit()
    assert f"{RULE} is already muted in #alerts by Olga, until" in shop.slack.view(shop.alice).text
    assert shop.slack.view(shop.alice).submit_label == ""
    assert RuleMute.objects.count() == 1
    shop.settle()
    assert "muted here until" in shop.card(issue).text


def test_a_rule_that_was_muted_on_another_card_is_unmuted_on_any(shop: Shop, issue: Issue) -> None:
    other = shop.issue()
    mute(shop, issue, shop.alice)
    shop.again(issue)
    shop.settle()
    assert "muted here" not in shop.card(other).text
    shop.click(other, MUTE, shop.alice)
    view = shop.slack.view(shop.alice)
    assert (view.title, view.submit_label) == ("Muted here", "Unmute")
    assert f"Rule *{RULE}* muted here until" in view.text
    assert "by Alice" in view.text
    view.submit()
    assert not shop.slack.view(shop.alice)
    assert not RuleMute.objects.filter(ended_at=None).exists()
    shop.settle()
    assert entries(shop.card(issue)) == ["Comment", MUTE, "Priority", "Acknowledge", "Open"]
    assert "muted here" not in shop.card(issue).text


def test_a_message_that_no_rule_has_asked_for_has_nothing_to_mute(shop: Shop, issue: Issue) -> None:
    pressed = shop.driver.pressed(shop.card(issue), MUTE, shop.alice)
    Rule.objects.all().delete()
    shop.driver.send(pressed)
    assert "No rule has asked for this message" in shop.slack.view(shop.alice).text
    assert shop.slack.view(shop.alice).submit_label == ""
    CardRow.objects.update(content_hash="")
    shop.settle()


def test_a_rule_that_is_gone_when_it_is_submitted_is_said(shop: Shop, issue: Issue) -> None:
    shop.click(issue, MUTE, shop.alice)
    RuleDestination.objects.all().delete()
    shop.slack.view(shop.alice).submit()
    assert "No rule tells this channel of it any more" in shop.slack.view(shop.alice).text


def test_who_may_only_look_is_refused(shop: Shop, issue: Issue, slack: Slack) -> None:
    shop.click(issue, MUTE, shop.bob)
    assert not OpenedView.objects.exists()
    mute(shop, issue, shop.alice)
    shop.click(issue, "Unmute", shop.bob)
    shop.settle()
    assert RuleMute.objects.filter(ended_at=None).exists()
    assert ["does not change issues" in each["text"] for each in slack.ephemerals(shop.bob)] == [True, True]


# --- what it does ----------------------------------------------------------------------------------------------------
def test_a_muted_rule_posts_nothing_and_the_card_counts_what_it_would_have(shop: Shop, issue: Issue) -> None:
    mute(shop, issue, shop.alice)
    cards = CardRow.objects.count()
    for number in (1, 2):
        assert not shop.card(shop.issue())
        assert f"{number} alert{'s' if number > 1 else ''} not posted" in shop.card(issue).text
    assert CardRow.objects.count() == cards
    shop.click(issue, "Unmute", shop.alice)
    shop.settle()
    assert "not posted" not in shop.card(issue).text
    assert shop.card(shop.issue())
    shop.assert_kept()


def test_a_card_that_hangs_stays_true_and_only_its_thread_is_told(shop: Shop, issue: Issue, slack: Slack) -> None:
    shop.click(issue, "Resolve", shop.alice)
    shop.settle()
    mute(shop, issue, shop.alice)
    shop.again(issue)
    shop.settle()
    assert "State: *Regressed*" in shop.card(issue).text
    (reply,) = slack.journal("chat.postMessage")[-1:]
    assert "is back" in str(reply["args"]["text"])
    assert reply["args"]["thread_ts"] == shop.card(issue).ts
    assert reply["args"]["reply_broadcast"] is False
    shop.assert_kept()


def test_with_another_rule_on_the_card_the_channel_is_told(
    shop: Shop, issue: Issue, alerts: Destination, make_rule: Callable[..., Rule], slack: Slack
) -> None:
    make_rule(alerts, name="Checkout")
    shop.click(issue, "Resolve", shop.alice)
    shop.settle()
    mute(shop, issue, shop.alice)
    shop.again(issue)
    shop.settle()
    assert slack.journal("chat.postMessage")[-1]["args"]["reply_broadcast"] is True
    assert "+1 other" in shop.card(issue).text


def test_the_end_of_a_mute_refreshes_the_card(shop: Shop, issue: Issue) -> None:
    mute(shop, issue, shop.alice)
    RuleMute.objects.update(until=F("until") - timedelta(hours=1))
    assert mutes.end_mutes(database_now()) == 1
    shop.settle()
    assert "muted here" not in shop.card(issue).text
    assert MUTE in entries(shop.card(issue))
    shop.assert_kept()


def test_a_mute_whose_time_is_over_is_not_shown_though_the_clock_has_not_come_by(shop: Shop, issue: Issue) -> None:
    mute(shop, issue, shop.alice)
    RuleMute.objects.update(until=F("until") - timedelta(hours=1))
    shop.click(issue, "Acknowledge", shop.alice)
    shop.settle()
    assert "muted here" not in shop.card(issue).text
    assert RuleMute.objects.filter(ended_at=None).exists()


def test_another_channel_of_the_rule_is_not_muted(
    shop: Shop, make_destination: Callable[..., Destination], slack: Slack
) -> None:
    general = make_destination(slack.channel("general"), "#general")
    RuleDestination.objects.create(organization=general.organization, rule=Rule.objects.get(), destination=general)
    both = shop.issue()
    mute(shop, both, shop.alice)
    CardRow.objects.update(content_hash="")
    reconcile_all(database_now())
    shop.settle()
    muted = RuleMute.objects.get().destination_id
    for row in CardRow.objects.filter(subject_id=both.pk):
        (message,) = [each for each in slack.messages(row.channel) if each["ts"] == row.ts]
        assert ("muted here" in json.dumps(message)) == (row.destination_id == muted)
    shop.issue()
    assert CardRow.objects.latest("pk").destination_id != muted
    shop.assert_kept()


def test_what_is_not_muted_any_more_is_said(shop: Shop, issue: Issue, slack: Slack) -> None:
    mute(shop, issue, shop.alice)
    twice = [shop.driver.pressed(shop.card(issue), "Unmute", shop.alice) for _ in range(2)]
    for pressed in twice:
        shop.driver.send(pressed)
    shop.settle()
    (whisper,) = slack.ephemerals(shop.alice)
    assert "No rule is muted here" in whisper["text"]
    shop.assert_kept()


def test_a_mute_outlives_the_issue_on_whose_card_it_was_begun(shop: Shop, issue: Issue) -> None:
    other = shop.issue()
    mute(shop, issue, shop.alice)
    issue.delete()
    assert RuleMute.objects.get().issue is None
    assert not shop.card(shop.issue(fingerprint=["another"]))
    shop.click(other, MUTE, shop.alice)
    assert shop.slack.view(shop.alice).submit_label == "Unmute"
    assert mutes.end_mutes(database_now() + timedelta(hours=1)) == 1
