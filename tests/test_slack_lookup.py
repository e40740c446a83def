"""Looking for a message whose answer was lost, before it is posted again: where, what counts, and where we may not look."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from tests.people import Person
from tests.slack_fixture import Slack
from tests.test_slack_delivery import alerts, issue, posted, regress, resolve, rule, the_card
from tocsin.clock import database_now
from tocsin.issues.models import Issue
from tocsin.outbox import service as outbox
from tocsin.outbox.models import OPEN, Delivery, Priority
from tocsin.outbox.service import Route
from tocsin.simulator.state import Channel, Posted
from tocsin.slack.models import Card, Installation

__all__ = ["alerts", "issue", "posted", "rule"]  # fixtures

DeliverAll = Callable[..., int]
Message = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """Something that is posted once, and where it hangs."""

    kind: str  # of its delivery
    looks_by: str  # the method that looks for it
    found: Callable[[], list[Message]]

    @property
    def row(self) -> Delivery:
        return Delivery.objects.get(kind=self.kind)

    @property
    def metadata(self) -> dict[str, Any]:
        """What its message carries."""
        row = self.row
        keys: dict[str, Callable[[], tuple[str, str]]] = {
            "slack.post_card": lambda: ("tocsin_card", the_card().delivery_key),
            "slack.reply": lambda: ("tocsin_reply", f"{the_card().delivery_key}-{row.about['activity_id']}"),
            "slack.whisper": lambda: ("tocsin_whisper", f"whisper-{row.pk}"),
        }
        event_type, delivery = keys[self.kind]()
        return {"event_type": event_type, "event_payload": {"delivery": delivery}}


def card(slack: Slack, request: pytest.FixtureRequest) -> Sending:
    request.getfixturevalue("issue")
    return Sending(kind="slack.post_card", looks_by="conversations.history", found=slack.messages)


def reply(slack: Slack, request: pytest.FixtureRequest) -> Sending:
    issue = request.getfixturevalue("posted")
    resolve(issue, request.getfixturevalue("alice"))
    request.getfixturevalue("deliver_all")()
    regress(issue)
    return Sending(
        kind="slack.reply",
        looks_by="conversations.replies",
        found=lambda: slack.messages(thread=the_card().ts),
    )


def direct_message(slack: Slack, request: pytest.FixtureRequest) -> Sending:
    installation: Installation = request.getfixturevalue("installation")
    outbox.add(
        "slack.whisper",
        {"installation_id": installation.pk, "text": "Only for you.", "channel": "", "user": "U0ALICE"},
        Route(subject="whisper:1", lane="slack:T0TOCSIN:U0ALICE", pool="slack:T0TOCSIN", method="chat.postEphemeral"),
        now=database_now(),
        organization=None,
        priority=Priority.ANSWER,
    )
    return Sending(
        kind="slack.whisper", looks_by="conversations.history", found=lambda: slack.direct_messages("U0ALICE")
    )


EVERYTHING = (card, reply, direct_message)


@pytest.fixture(params=EVERYTHING, ids=lambda make: make.__name__)
def sending(slack: Slack, request: pytest.FixtureRequest) -> Sending:
    """A card, a reply in its thread, a direct message: about to be posted."""
    made: Sending = request.param(slack, request)
    return made


def posts(slack: Slack) -> int:
    return len(slack.journal("chat.postMessage"))


def forge(slack: Slack, channel: str, metadata: dict[str, Any], thread: str = "", **fields: Any) -> str:
    """A message that carries this metadata; `fields` say whose it is. Returns its ts."""

    def put() -> str:
        workspace = slack.simulation.workspace
        message = {"type": "message", "ts": workspace.next_ts(), "text": "forged", **fields}
        if thread:
            message["thread_ts"] = thread
        return workspace.store(Posted(channel=channel, message=message, metadata=metadata)).ts

    return slack.do(put)


def place_of(slack: Slack, sending: Sending) -> tuple[str, str]:
    """The channel and the thread where it is looked for."""
    if sending.kind == "slack.whisper":
        direct: Channel = slack.do(slack.simulation.workspace.direct, "U0ALICE")
        return direct.id, ""
    return slack.channel(), the_card().ts if sending.kind == "slack.reply" else ""


OTHER_BOT = {"bot_id": "B0OTHER", "user": "U0OTHERBOT"}


@pytest.fixture
def ours(slack: Slack) -> dict[str, str]:
    app = slack.simulation.workspace.app
    return {"bot_id": app.bot_id, "user": app.bot_user_id}


# --- found, or not ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("fault", "how"),
    [
        ("reset_after", {}),
        ("truncated", {"after": True}),
        ("html", {"after": True}),
        ("status", {"after": True, "status": 500}),
        ("error", {"after": True, "error": "fatal_error"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_was_posted_and_never_heard_of_is_found_and_not_posted_again(
    slack: Slack, sending: Sending, deliver_all: DeliverAll, fault: str, how: dict[str, Any]
) -> None:
    before = posts(slack)
    slack.fail("chat.postMessage", fault, **how)
    deliver_all()
    deliver_all(after=6)
    assert len(sending.found()) == 1
    assert posts(slack) == before + 1
    assert len(slack.journal(sending.looks_by)) == 1
    assert sending.row.done_at is not None


@pytest.mark.parametrize("fault", ["reset_before", "truncated", "html"])
def test_what_was_not_posted_is_looked_for_and_then_posted(
    slack: Slack, sending: Sending, deliver_all: DeliverAll, fault: str
) -> None:
    slack.fail("chat.postMessage", fault)
    deliver_all()
    assert sending.found() == []
    deliver_all(after=6)
    assert len(sending.found()) == 1
    assert len(slack.journal(sending.looks_by)) == 1


def test_what_certainly_was_not_posted_is_not_looked_for(
    slack: Slack, sending: Sending, deliver_all: DeliverAll
) -> None:
    slack.fail("chat.postMessage", "429", retry_after=1)
    deliver_all()
    deliver_all(after=6)
    assert len(sending.found()) == 1
    assert slack.journal(sending.looks_by) == []


def test_it_is_looked_for_two_seconds_later_and_not_before(
    slack: Slack, sending: Sending, deliver_all: DeliverAll
) -> None:
    slack.fail("chat.postMessage", "error", error="fatal_error", after=True)
    before = database_now()
    deliver_all()
    assert sending.row.due_at >= before + timedelta(seconds=2)
    assert slack.journal(sending.looks_by) == []
    deliver_all(after=2.1)
    assert len(slack.journal(sending.looks_by)) == 1
    assert len(sending.found()) == 1


def test_a_workspace_that_answers_again_does_not_make_the_look_come_too_early(
    slack: Slack, issue: Issue, deliver_all: DeliverAll, installation: Installation
) -> None:
    """What Slack has just done may not show yet, however well it answers others."""
    slack.fail("chat.postMessage", "reset_after")
    deliver_all()
    direct = Delivery.objects.create(
        kind="slack.whisper",
        about={"installation_id": installation.pk, "text": "Hi.", "channel": "", "user": "U0ALICE"},
        subject="whisper:2",
        lane="slack:T0TOCSIN:U0ALICE",
        pool="slack:T0TOCSIN",
        method="chat.postEphemeral",
        priority=Priority.ANSWER,
        created_at=database_now(),
        due_at=database_now(),
    )
    Delivery.objects.filter(kind="slack.post_card").update(due_at=database_now() + timedelta(seconds=60))
    before = database_now()
    deliver_all(after=6)  # the probe of the pool is the direct message
    direct.refresh_from_db()
    assert direct.done_at is not None
    row = Delivery.objects.get(kind="slack.post_card")
    assert before + timedelta(seconds=2) <= row.due_at <= database_now() + timedelta(seconds=2)
    assert slack.journal("conversations.history") == []
    deliver_all(after=2)
    assert len(slack.messages()) == 1


# --- what counts -----------------------------------------------------------------------------------------------------
def test_the_message_of_another_bot_with_the_same_metadata_does_not_count(
    slack: Slack, sending: Sending, deliver_all: DeliverAll
) -> None:
    channel, thread = place_of(slack, sending)
    forge(slack, channel, sending.metadata, thread, **OTHER_BOT)
    before = posts(slack)
    slack.fail("chat.postMessage", "reset_before")
    deliver_all()
    deliver_all(after=6)
    assert posts(slack) == before + 2


def test_the_message_of_a_person_with_the_same_metadata_does_not_count(
    slack: Slack, sending: Sending, deliver_all: DeliverAll
) -> None:
    channel, thread = place_of(slack, sending)
    forge(slack, channel, sending.metadata, thread, user="U0BOB")
    before = posts(slack)
    slack.fail("chat.postMessage", "reset_before")
    deliver_all()
    deliver_all(after=6)
    assert posts(slack) == before + 2


def test_a_message_of_ours_with_another_type_does_not_count(
    slack: Slack, sending: Sending, deliver_all: DeliverAll, ours: dict[str, str]
) -> None:
    channel, thread = place_of(slack, sending)
    forge(slack, channel, {**sending.metadata, "event_type": "tocsin_other"}, thread, **ours)
    before = posts(slack)
    slack.fail("chat.postMessage", "reset_before")
    deliver_all()
    deliver_all(after=6)
    assert posts(slack) == before + 2


def test_a_message_of_ours_elsewhere_does_not_count(
    slack: Slack, sending: Sending, deliver_all: DeliverAll, ours: dict[str, str]
) -> None:
    _, thread = place_of(slack, sending)
    forge(slack, slack.channel("ops-private"), sending.metadata, **ours)
    if thread:  # in the channel itself, but not in the thread
        forge(slack, slack.channel(), sending.metadata, **ours)
    before = posts(slack)
    slack.fail("chat.postMessage", "reset_before")
    deliver_all()
    deliver_all(after=6)
    assert posts(slack) == before + 2


def test_what_is_older_than_an_hour_before_the_delivery_does_not_count(
    slack: Slack, sending: Sending, deliver_all: DeliverAll, ours: dict[str, str]
) -> None:
    channel, thread = place_of(slack, sending)
    forge(slack, channel, sending.metadata, thread, **ours)
    before = posts(slack)
    slack.fail("chat.postMessage", "reset_before")
    deliver_all()
    later = timedelta(hours=1, minutes=1)
    Delivery.objects.filter(OPEN).update(created_at=database_now() + later)
    Card.objects.update(created_at=database_now() + later)
    deliver_all(after=6)
    assert posts(slack) == before + 2


def test_what_is_a_little_older_than_the_delivery_counts_because_clocks_differ(
    slack: Slack, sending: Sending, deliver_all: DeliverAll, ours: dict[str, str]
) -> None:
    channel, thread = place_of(slack, sending)
    forge(slack, channel, sending.metadata, thread, **ours)
    before = posts(slack)
    slack.fail("chat.postMessage", "reset_before")
    deliver_all()
    later = timedelta(minutes=50)
    Delivery.objects.filter(OPEN).update(created_at=database_now() + later)
    Card.objects.update(created_at=database_now() + later)
    deliver_all(after=6)
    assert posts(slack) == before + 1


# --- pages, and where we may not look --------------------------------------------------------------------------------
def test_it_is_found_behind_many_others(slack: Slack, sending: Sending, deliver_all: DeliverAll) -> None:
    slack.loosen()
    before = posts(slack)
    channel, thread = place_of(slack, sending)
    chatter = [
        {"type": "message", "text": f"chat {number}", "user": "U0BOB", **({"thread_ts": thread} if thread else {})}
        for number in range(450)
    ]

    def talk() -> None:
        workspace = slack.simulation.workspace
        for message in chatter:
            workspace.store(Posted(channel=channel, message={**message, "ts": workspace.next_ts()}))

    if thread:
        slack.do(talk)  # replies come oldest first
    slack.fail("chat.postMessage", "reset_after")
    deliver_all()
    if not thread:
        slack.do(talk)
    deliver_all(after=6)
    assert posts(slack) == before + 1
    assert len(slack.journal(sending.looks_by)) == 3
    assert sending.row.done_at is not None


@pytest.mark.parametrize("scopes", ["history", "history and im:write"])
def test_without_the_right_to_read_one_duplicate_is_the_most(
    slack: Slack, sending: Sending, deliver_all: DeliverAll, scopes: str
) -> None:
    missing = {"channels:history", "groups:history", "im:history", "mpim:history"}
    if "im:write" in scopes:
        missing |= {"im:write", "mpim:write"}
    slack.change_app(scopes=[scope for scope in slack.simulation.workspace.app.scopes if scope not in missing])
    slack.fail("chat.postMessage", "reset_after")
    deliver_all()
    deliver_all(after=6)
    deliver_all(after=60)
    assert len(sending.found()) == 2
    assert sending.row.done_at is not None


def test_a_look_that_fails_is_made_again_and_nothing_posted_meanwhile(
    slack: Slack, sending: Sending, deliver_all: DeliverAll
) -> None:
    before = posts(slack)
    slack.fail("chat.postMessage", "reset_after")
    slack.fail(sending.looks_by, "error", error="internal_error")
    deliver_all()
    deliver_all(after=6)
    assert posts(slack) == before + 1
    assert sending.row.done_at is None
    deliver_all(after=6)
    assert posts(slack) == before + 1
    assert len(sending.found()) == 1
    assert sending.row.done_at is not None


def test_a_look_in_a_thread_that_was_deleted_ends_quietly(
    slack: Slack, posted: Issue, alice: Person, deliver_all: DeliverAll
) -> None:
    resolve(posted, alice)
    deliver_all()
    regress(posted)
    slack.fail("chat.postMessage", "reset_before")
    deliver_all()
    slack.do(slack.simulation.workspace.remove, slack.simulation.workspace.find(slack.channel(), the_card().ts))
    deliver_all(after=6)
    row = Delivery.objects.get(kind="slack.reply")
    assert row.done_at is not None or row.abandoned_at is not None
