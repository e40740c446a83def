"""Cards on their way to Slack: posted, refreshed, answered in their thread; and what becomes of them when Slack fails."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.people import Person
from tests.processes import Running
from tests.slack_fixture import Slack
from tests.waiting import until
from tests.work import let_pass
from tocsin import bus, wiring
from tocsin.accounts.actor import Origin, system
from tocsin.alerts.changes import RuleFired
from tocsin.alerts.models import Destination, Rule
from tocsin.clock import database_now
from tocsin.issues.changes import IssueChanged
from tocsin.issues.commands import Reopen, Resolve
from tocsin.issues.models import Activity, Issue, Status, Substatus
from tocsin.issues.service import Change, apply
from tocsin.outbox import service as outbox
from tocsin.outbox import worker
from tocsin.outbox.models import Delivery, Priority
from tocsin.outbox.service import Route
from tocsin.slack import client
from tocsin.slack.models import Card, Installation, ResponseUrl, Workspace

DeliverAll = Callable[..., int]


@pytest.fixture
def alerts(make_destination: Callable[..., Destination]) -> Destination:
    return make_destination("C0ALERTS", "#alerts")


@pytest.fixture
def rule(make_rule: Callable[..., Rule], alerts: Destination) -> Rule:
    return make_rule(alerts)


@pytest.fixture
def issue(slack: Slack, make_issue: Callable[..., Issue], rule: Rule, alerts: Destination) -> Issue:
    """An issue whose card is to be posted."""
    made = make_issue()
    fire(made, rule, alerts)
    return made


@pytest.fixture
def posted(issue: Issue, deliver_all: DeliverAll) -> Issue:
    """An issue whose card hangs in the channel."""
    deliver_all()
    return issue


def fire(issue: Issue, rule: Rule, destination: Destination, episode: int = 1) -> None:
    bus.publish(
        RuleFired(
            organization_id=issue.organization_id,
            issue_id=issue.pk,
            episode=episode,
            destination_id=destination.pk,
            rule_ids=(rule.pk,),
            event_id=issue.events.get().event_id,
            now=database_now(),
        )
    )


def regress(issue: Issue) -> None:
    issue.refresh_from_db()
    values = {"status": Status.UNRESOLVED, "substatus": Substatus.REGRESSED, "resolved_at": None}
    by = system(database_now(), Origin.SDK)
    apply(issue, Change(kind=Activity.Kind.REGRESSED, values=values), by, began_episode=True)


def resolve(issue: Issue, by: Person) -> None:
    bus.perform(Resolve(issue_id=issue.pk), by=by.actor())


def the_card() -> Card:
    return Card.objects.get()


def calls(slack: Slack, method: str) -> list[dict[str, Any]]:
    return [entry["args"] for entry in slack.journal(method)]


def delivery(kind: str) -> Delivery:
    return Delivery.objects.filter(kind=f"slack.{kind}").latest("id")


# --- posting ---------------------------------------------------------------------------------------------------------
def test_a_posted_card_is_stored_as_slack_has_it(slack: Slack, posted: Issue) -> None:
    card = the_card()
    (message,) = slack.messages()
    assert (card.channel, card.ts, card.version) == ("C0ALERTS", message["ts"], posted.version)
    assert card.ts.replace(".", "") in card.permalink.replace(".", "")
    assert len(card.content_hash) == 64
    assert card.posted_at is not None
    assert delivery("post_card").done_at is not None


def test_posts_and_updates_ping_nobody_unfurl_nothing_and_can_be_found(
    slack: Slack, posted: Issue, alice: Person, deliver_all: DeliverAll
) -> None:
    resolve(posted, alice)
    deliver_all()
    (post,), (update,) = calls(slack, "chat.postMessage"), calls(slack, "chat.update")
    assert (post["unfurl_links"], post["unfurl_media"]) == (False, False)
    for sent in (post, update):
        assert (sent["parse"], sent["link_names"]) == ("none", False)
        assert {"blocks", "text", "attachments"} <= sent.keys()
        assert sent["metadata"] == {
            "event_type": "tocsin_card",
            "event_payload": {"delivery": the_card().delivery_key},
        }


@pytest.mark.parametrize("url", ["https://tocsin-demo.slack.com/", ""])
def test_a_posted_card_has_the_permalink_that_slack_gives(
    slack: Slack, issue: Issue, deliver_all: DeliverAll, installation: Installation, url: str
) -> None:
    Workspace.objects.update(url=url)
    deliver_all()
    card = the_card()
    assert len(slack.journal("chat.getPermalink")) == (0 if url else 1)
    told = client.call(installation.token, "chat.getPermalink", channel=card.channel, message_ts=card.ts)
    assert card.permalink == told["permalink"]


def test_a_card_is_posted_though_its_permalink_cannot_be_had(
    slack: Slack, issue: Issue, alice: Person, deliver_all: DeliverAll
) -> None:
    Workspace.objects.update(url="")
    slack.fail("chat.getPermalink", "error", error="internal_error")
    deliver_all()
    assert the_card().ts
    assert the_card().permalink == ""
    resolve(issue, alice)
    deliver_all()
    assert the_card().permalink


@pytest.mark.parametrize(("kind", "effect"), [("reset_after", 1), ("truncated", 1), ("reset_before", 0), ("html", 0)])
def test_a_lost_answer_is_looked_up_before_anything_is_posted_again(
    slack: Slack, issue: Issue, deliver_all: DeliverAll, kind: str, effect: int
) -> None:
    slack.fail("chat.postMessage", kind, **({"after": True} if effect and kind == "truncated" else {}))
    deliver_all()
    assert len(slack.messages()) == effect
    assert the_card().ts == ""
    deliver_all(after=6)
    (message,) = slack.messages()
    assert the_card().ts == message["ts"]
    assert len(slack.journal("chat.postMessage")) == 2 - effect


def test_a_message_that_was_found_is_brought_up_to_date(
    slack: Slack, issue: Issue, alice: Person, deliver_all: DeliverAll
) -> None:
    slack.fail("chat.postMessage", "reset_after")
    deliver_all()
    resolve(issue, alice)
    deliver_all(after=6)
    deliver_all(after=6)
    assert "*Resolved*" in slack.card(issue).text
    assert the_card().content_hash


def test_a_message_of_somebody_else_with_our_key_is_not_taken_for_ours(
    slack: Slack, issue: Issue, deliver_all: DeliverAll
) -> None:
    slack.fail("chat.postMessage", "reset_after")
    deliver_all()
    Installation.objects.update(bot_id="B0OTHER", bot_user_id="U0OTHER")
    deliver_all(after=6)
    assert len(slack.messages()) == 2


def test_without_the_right_to_read_a_lost_answer_costs_one_duplicate(
    slack: Slack, issue: Issue, deliver_all: DeliverAll
) -> None:
    slack.fail("chat.postMessage", "reset_after")
    slack.fail("conversations.history", "error", error="missing_scope", needed="channels:history")
    deliver_all()
    deliver_all(after=6)
    assert len(slack.messages()) == 2
    assert the_card().ts == slack.messages()[-1]["ts"]


def test_a_rate_limit_of_the_look_up_does_not_stop_posting(
    slack: Slack,
    issue: Issue,
    rule: Rule,
    make_issue: Callable[..., Issue],
    alerts: Destination,
    deliver_all: DeliverAll,
) -> None:
    slack.fail("chat.postMessage", "reset_after")
    slack.fail("conversations.history", "429", retry_after=60)
    deliver_all()
    deliver_all(after=6)
    other = make_issue()
    fire(other, rule, alerts)
    deliver_all()
    assert slack.card(other)


def test_a_rate_limit_waits_as_long_as_slack_says(slack: Slack, issue: Issue, deliver_all: DeliverAll) -> None:
    slack.fail("chat.postMessage", "429", retry_after=20)
    deliver_all()
    deliver_all(after=19)
    assert slack.messages() == []
    deliver_all(after=1)
    assert len(slack.messages()) == 1


# --- where Slack does not want it ------------------------------------------------------------------------------------
def test_a_dead_channel_is_flagged_with_what_to_do(
    slack: Slack, issue: Issue, alerts: Destination, deliver_all: DeliverAll
) -> None:
    slack.change_channel("alerts", "archive")
    deliver_all()
    alerts.refresh_from_db()
    assert alerts.fault == "The channel is archived. Unarchive it, or choose another."
    assert alerts.fault_at is not None
    assert the_card().error == alerts.fault
    assert delivery("post_card").error_code == "is_archived"
    assert delivery("post_card").abandoned_at is not None


def test_what_waits_for_a_post_that_was_given_up(
    slack: Slack, issue: Issue, alice: Person, deliver_all: DeliverAll
) -> None:
    slack.change_channel("alerts", "archive")
    resolve(issue, alice)
    deliver_all()
    refresh = delivery("refresh_card")
    assert refresh.abandoned_at is not None
    assert refresh.error.startswith("The channel is archived.")


def test_the_reply_to_a_card_that_never_was_becomes_the_card(
    slack: Slack, issue: Issue, alerts: Destination, alice: Person, deliver_all: DeliverAll
) -> None:
    slack.change_channel("alerts", "archive")
    deliver_all()
    slack.change_channel("alerts", "unarchive")
    resolve(issue, alice)
    regress(issue)
    deliver_all()
    (message,) = slack.messages()
    assert the_card().ts == message["ts"]
    assert "*Regressed*" in slack.card(issue).text
    alerts.refresh_from_db()
    assert alerts.fault == ""


def test_a_refused_card_is_sent_plainer(slack: Slack, issue: Issue, deliver_all: DeliverAll) -> None:
    slack.fail("chat.postMessage", "error", error="invalid_blocks")
    deliver_all()
    assert slack.card(issue).buttons == ["Resolve", "Archive…"]
    assert "```" not in slack.card(issue).text


def test_a_card_that_is_refused_however_it_is_drawn_is_text_with_a_link(
    slack: Slack, issue: Issue, deliver_all: DeliverAll
) -> None:
    slack.fail("chat.postMessage", "error", times=2, error="msg_blocks_too_long")
    deliver_all()
    (message,) = slack.messages()
    assert "ZeroDivisionError" in message["text"]
    assert f"/issues/{issue.pk}/" in message["text"]


def test_a_revoked_token_pauses_the_workspace_and_a_good_one_resumes_it(
    slack: Slack, issue: Issue, deliver_all: DeliverAll
) -> None:
    slack.simulation.workspace.app.token_error = "token_revoked"
    deliver_all()
    assert Installation.objects.get().state == Installation.State.DISCONNECTED
    row = delivery("post_card")
    assert (row.error_code, row.abandoned_at) == ("token_revoked", None)
    assert "Install the app again" in row.error
    deliver_all(after=60)
    assert slack.messages() == []
    assert calls(slack, "chat.postMessage") == calls(slack, "chat.postMessage")[:1]
    slack.simulation.workspace.app.token_error = ""
    deliver_all(after=60)
    assert len(slack.messages()) == 1
    assert Installation.objects.get().state == Installation.State.CONNECTED


def test_a_token_that_only_one_call_refuses_is_not_dead(slack: Slack, issue: Issue, deliver_all: DeliverAll) -> None:
    slack.fail("chat.postMessage", "error", error="invalid_auth")
    deliver_all()
    assert Installation.objects.get().state == Installation.State.CONNECTED
    deliver_all(after=6)
    assert len(slack.messages()) == 1


# --- refreshing ------------------------------------------------------------------------------------------------------
def test_a_card_that_shows_the_present_is_not_sent_again(slack: Slack, posted: Issue, deliver_all: DeliverAll) -> None:
    outbox.add(
        "slack.refresh_card",
        {"card_id": the_card().pk},
        Route(subject=the_card().outbox_subject, lane="l", pool="slack:T0TOCSIN", method="chat.update"),
        now=database_now(),
        organization=None,
        priority=Priority.REFRESH,
    )
    deliver_all()
    assert slack.journal("chat.update") == []
    Card.objects.update(content_hash="")
    Delivery.objects.filter(kind="slack.refresh_card").update(done_at=None)
    deliver_all()
    assert len(slack.journal("chat.update")) == 1


def test_ten_changes_make_one_update_that_shows_the_last(
    slack: Slack, posted: Issue, alice: Person, deliver_all: DeliverAll
) -> None:
    for _ in range(5):
        resolve(posted, alice)
        bus.perform(Reopen(issue_id=posted.pk), by=alice.actor())
    resolve(posted, alice)
    deliver_all()
    assert len(slack.journal("chat.update")) == 1
    assert "State: *Resolved*" in slack.card(posted).text


def test_after_an_update_of_unknown_outcome_the_card_is_sent_again_though_it_looks_the_same(
    slack: Slack, posted: Issue, alice: Person, deliver_all: DeliverAll
) -> None:
    slack.fail("chat.update", "reset_after")
    resolve(posted, alice)
    deliver_all()
    assert the_card().content_hash == ""
    deliver_all(after=6)
    assert len(slack.journal("chat.update")) == 2
    assert the_card().content_hash


@pytest.mark.parametrize("code", ["message_not_found", "cant_update_message", "edit_window_closed"])
def test_a_message_that_cannot_be_edited_any_more_is_gone_and_no_trouble(
    slack: Slack, posted: Issue, alice: Person, deliver_all: DeliverAll, code: str
) -> None:
    slack.fail("chat.update", "error", error=code)
    resolve(posted, alice)
    deliver_all()
    assert the_card().is_gone
    assert delivery("refresh_card").done_at is not None
    bus.perform(Reopen(issue_id=posted.pk), by=alice.actor())
    deliver_all()
    assert len(slack.journal("chat.update")) == 1


# --- replying --------------------------------------------------------------------------------------------------------
def test_a_new_episode_is_told_in_the_thread_and_to_the_channel_once(
    slack: Slack, posted: Issue, alice: Person, deliver_all: DeliverAll
) -> None:
    resolve(posted, alice)
    slack.fail("chat.postMessage", "reset_after")
    regress(posted)
    deliver_all()
    deliver_all(after=6)
    (told,) = slack.card(posted).replies()
    assert told["subtype"] == "thread_broadcast"
    assert "is back" in told["text"]
    assert delivery("reply").done_at is not None


# --- whispers --------------------------------------------------------------------------------------------------------
@pytest.fixture
def whisper(slack: Slack, installation: Installation, deliver_all: DeliverAll) -> Callable[..., Delivery]:
    def send(**about: Any) -> Delivery:
        values = {
            "installation_id": installation.pk,
            "text": "Only for you.",
            "channel": "C0ALERTS",
            "user": "U0ALICE",
            **about,
        }
        route = Route(subject="whisper:1", lane="slack:T0TOCSIN:C0ALERTS", pool="slack:T0TOCSIN", method="response_url")
        row = outbox.add(
            "slack.whisper", values, route, now=database_now(), organization=None, priority=Priority.ANSWER
        )
        deliver_all()
        row.refresh_from_db()
        return row

    return send


def keep_url(installation: Installation, url: str, **values: Any) -> ResponseUrl:
    row = ResponseUrl(installation=installation, key="k", expires_at=database_now() + timedelta(minutes=30), **values)
    row.seal_url(url)
    row.save()
    return row


def test_a_whisper_without_a_response_url_is_seen_by_one_person_in_the_channel(
    slack: Slack, whisper: Callable[..., Delivery]
) -> None:
    assert whisper().done_at is not None
    (heard,) = slack.ephemerals("U0ALICE")
    assert heard["text"] == "Only for you."
    assert slack.messages() == []


def test_where_no_whisper_is_possible_it_becomes_a_direct_message(
    slack: Slack, whisper: Callable[..., Delivery]
) -> None:
    whisper(channel="C0SECRET")
    (heard,) = slack.direct_messages("U0ALICE")
    assert heard["text"] == "Only for you."


def test_a_lost_direct_message_is_looked_up(
    slack: Slack, whisper: Callable[..., Delivery], deliver_all: DeliverAll
) -> None:
    slack.fail("chat.postMessage", "reset_after")
    whisper(channel="")
    deliver_all(after=6)
    assert len(slack.direct_messages("U0ALICE")) == 1
    assert delivery("whisper").done_at is not None


@pytest.mark.parametrize("why", ["spent", "used up", "too old", "not Slack's"])
def test_a_response_url_that_is_of_no_use_is_forgotten_and_the_next_road_taken(
    slack: Slack, installation: Installation, whisper: Callable[..., Delivery], why: str
) -> None:
    url = "https://evil.example/x" if why == "not Slack's" else f"{slack.url}/response/never-given"
    row = keep_url(installation, url, uses=5 if why == "used up" else 0)
    if why == "too old":
        ResponseUrl.objects.update(expires_at=database_now() - timedelta(seconds=1))
    whisper(response_url_id=row.pk)
    assert len(slack.ephemerals("U0ALICE")) == 1
    assert not ResponseUrl.objects.exists()


def test_a_response_url_that_does_not_answer_is_tried_again_and_its_uses_are_counted(
    slack: Slack, installation: Installation, whisper: Callable[..., Delivery]
) -> None:
    slack.fail("response_url", "status", times=None, status=503)
    row = keep_url(installation, f"{slack.url}/response/any")
    assert whisper(response_url_id=row.pk).done_at is None
    row.refresh_from_db()
    assert row.uses == 1
    assert slack.ephemerals("U0ALICE") == []


# --- two workers, and a dead one ---------------------------------------------------------------------------------------
def in_thread(work: Callable[[], object]) -> threading.Thread:
    from django.db import connection

    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@pytest.mark.usefixtures("committed")
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_worker_that_loses_its_lease_while_slack_answers_leaves_one_current_card_and_drops_no_message(
    slack: Slack, issue: Issue, deliver_all: DeliverAll, when: str
) -> None:
    held = slack.pause("chat.postMessage", when)
    slow = in_thread(lambda: worker.run_once(wiring.SENDERS))
    held.wait_reached()
    let_pass(timedelta(seconds=31))
    deliver_all()  # another worker: looks, and posts where it finds nothing
    held.release()
    slow.join(20)
    assert not slow.is_alive()
    stored = {card.ts for card in Card.objects.all()}
    assert stored == {message["ts"] for message in slack.messages()}
    assert len(stored) == (1 if when == "after" else 2)
    assert Card.objects.filter(is_current=True).count() == 1
    assert delivery("post_card").done_at is not None


@pytest.mark.usefixtures("committed")
@pytest.mark.parametrize("when", ["before", "after"])
def test_an_update_of_a_worker_that_lost_its_lease_is_not_what_stays(
    slack: Slack, posted: Issue, alice: Person, deliver_all: DeliverAll, when: str
) -> None:
    def show(events: int) -> None:
        Issue.objects.update(times_seen=events)
        bus.publish(
            IssueChanged(
                organization_id=posted.organization_id,
                issue_id=posted.pk,
                kind="counts",
                now=database_now(),
                episode=1,
            )
        )

    show(5)
    held = slack.pause("chat.update", when)
    slow = in_thread(lambda: worker.run_once(wiring.SENDERS))
    held.wait_reached()
    show(1)  # what the stored hash says
    deliver_all(after=31)
    assert "Events: *1*" in slack.card(posted).text
    held.release()
    slow.join(20)
    deliver_all(after=6)
    assert "Events: *1*" in slack.card(posted).text
    assert the_card().content_hash


@pytest.mark.parametrize(
    ("method", "when"), [("chat.postMessage", "before"), ("chat.postMessage", "after"), ("chat.update", "after")]
)
def test_a_worker_killed_between_sending_and_marking_loses_and_doubles_nothing(
    slack: Slack,
    processes: Callable[..., Running],
    issue: Issue,
    alice: Person,
    deliver_all: DeliverAll,
    method: str,
    when: str,
) -> None:
    if method == "chat.update":
        deliver_all()
        resolve(issue, alice)
    held = slack.pause(method, when)
    running = processes(start=False)
    running.work("--only", "deliver")
    held.wait_reached()
    killed = running.kill("worker")
    held.release()
    assert running.started[-1].wait(10) == -signal.SIGKILL, killed
    let_pass(timedelta(seconds=31))
    running.started.clear()
    running.work("--only", "deliver")
    until(lambda: not Delivery.objects.filter(done_at__isnull=True).exists(), what="everything to be sent", seconds=20)
    (message,) = slack.messages()
    card = the_card()
    assert card.ts == message["ts"]
    assert card.content_hash
    issue.refresh_from_db()
    assert f"State: *{'Resolved' if issue.status == 'resolved' else 'New'}*" in slack.card(issue).text
