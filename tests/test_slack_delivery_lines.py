"""Deliveries whose card, issue, workspace or token is no longer what it was; and finding channels."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.people import Person
from tests.slack_fixture import Slack
from tests.test_slack_delivery import alerts, delivery, issue, posted, resolve, rule, the_card, whisper
from tocsin import bus
from tocsin.issues.commands import Reopen
from tocsin.issues.models import Issue
from tocsin.outbox.models import Delivery
from tocsin.slack import channels
from tocsin.slack.models import Card, Connection, Installation

__all__ = ["alerts", "issue", "posted", "rule", "whisper"]  # fixtures

DeliverAll = Callable[..., int]


def test_a_card_whose_row_is_gone_is_no_trouble(slack: Slack, issue: Issue, deliver_all: DeliverAll) -> None:
    Card.objects.all().delete()
    deliver_all()
    assert delivery("post_card").done_at is not None
    assert slack.messages() == []


def test_a_deleted_issue_leaves_a_card_that_says_so(
    slack: Slack, posted: Issue, alice: Person, deliver_all: DeliverAll
) -> None:
    resolve(posted, alice)
    posted.delete()
    deliver_all()
    (message,) = slack.messages()
    assert message["text"] == "This issue was deleted."
    assert the_card().content_hash


def test_a_workspace_that_no_longer_serves_the_organization_is_told_nothing(
    slack: Slack, issue: Issue, deliver_all: DeliverAll
) -> None:
    Connection.objects.all().delete()
    deliver_all()
    assert delivery("post_card").error_code == "not_connected"
    assert slack.journal("chat.postMessage") == []
    assert the_card().error.startswith("The workspace is not connected")


def test_a_token_that_no_key_opens_holds_deliveries_until_the_key_is_back(
    slack: Slack, issue: Issue, deliver_all: DeliverAll, settings: Any
) -> None:
    key, settings.SECRET_KEY = settings.SECRET_KEY, "another-key-that-opens-nothing-0123456789"
    deliver_all()
    row = delivery("post_card")
    assert (row.error_code, row.abandoned_at) == ("token_sealed", None)
    settings.SECRET_KEY = key
    deliver_all(after=30)
    assert slack.card(issue)


def test_a_whisper_of_a_workspace_that_is_gone_is_dropped(
    slack: Slack, whisper: Callable[..., Delivery], installation: Installation
) -> None:
    assert whisper(installation_id=installation.pk + 1).done_at is not None
    assert slack.ephemerals("U0ALICE") == []


def test_a_message_that_was_deleted_at_slack_ends_its_card(
    slack: Slack, posted: Issue, alice: Person, deliver_all: DeliverAll
) -> None:
    resolve(posted, alice)
    channel = slack.channel()
    slack.do(slack.simulation.workspace.remove, slack.simulation.workspace.find(channel, the_card().ts))
    deliver_all()
    assert the_card().is_gone
    bus.perform(Reopen(issue_id=posted.pk), by=alice.actor())
    deliver_all()
    assert len(slack.journal("chat.update")) == 1


def test_a_lost_message_is_found_behind_many_others(slack: Slack, issue: Issue, deliver_all: DeliverAll) -> None:
    slack.loosen()
    slack.fail("chat.postMessage", "reset_after")
    deliver_all()
    for number in range(450):
        slack.say(f"chat {number}", "U0BOB")
    deliver_all(after=6)
    assert len(slack.journal("chat.postMessage")) == 1
    assert the_card().ts == slack.messages()[0]["ts"]


@pytest.mark.parametrize("name", ["alerts", "ops-private", "wanted"])
def test_a_channel_is_found_by_name_on_whatever_page_it_is(slack: Slack, installation: Installation, name: str) -> None:
    for number in range(230):
        slack.change_channel("", "create", name=f"made-{number}")
    slack.change_channel("", "create", name="wanted")
    assert channels.find(installation, name) == slack.channel(name)


@pytest.mark.parametrize("name", ["secret", "old", "nowhere"])
def test_a_channel_that_the_bot_cannot_use_is_not_found(slack: Slack, installation: Installation, name: str) -> None:
    assert channels.find(installation, name) is None


def test_what_a_restored_token_had_waiting_is_sent_though_it_is_two_days_old(
    slack: Slack, issue: Issue, deliver_all: DeliverAll
) -> None:
    slack.simulation.workspace.app.token_error = "account_inactive"
    deliver_all()
    Delivery.objects.update(created_at=delivery("post_card").created_at - timedelta(hours=48))
    slack.simulation.workspace.app.token_error = ""
    deliver_all(after=60)
    assert slack.card(issue)
