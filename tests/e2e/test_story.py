"""The whole story, with real processes: an error becomes a card, a click resolves it, it comes back."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from threading import Thread
from urllib.request import urlopen

import pytest
from playwright.sync_api import Page, expect

from tests.commits import CommitGate
from tests.people import PASSWORD, Person
from tests.processes import Running
from tests.slack_fixture import Card as ShownCard
from tests.slack_fixture import Slack
from tests.waiting import until
from tocsin.alerts.models import Destination, Rule
from tocsin.issues.models import Activity, Issue
from tocsin.slack.models import Card

CHANNELS = ("alerts", "ops-private")


@pytest.fixture
def alerts(slack: Slack, make_destination: Callable[..., Destination], make_rule: Callable[..., Rule]) -> None:
    """A rule for each of two channels."""
    for name in CHANNELS:
        make_rule(make_destination(slack.channel(name), f"#{name}"), name=f"Tell {name}", tags=["environment"])


@pytest.fixture
def running(processes: Callable[..., Running], slack: Slack, alerts: None, alice: Person) -> Running:
    """serve and worker, connected to the simulator."""
    begun = processes()
    slack.connect(f"{begun.url}/slack/interactive")
    return begun


def first_issue() -> Issue:
    return until(Issue.objects.first, what="the issue")


def card_with(slack: Slack, issue: Issue, button: str, channel: str = "alerts") -> ShownCard:
    """The issue's card, once it shows this button."""

    def look() -> ShownCard | None:
        card = slack.card(issue, channel)
        return card if card and button in card.buttons else None

    return until(look, what=f"{button} on the card in {channel}")


def kinds_of_activity() -> list[str]:
    return list(Activity.objects.order_by("id").values_list("kind", flat=True))


def test_an_error_becomes_a_card_and_a_click_resolves_it_and_it_comes_back(
    running: Running, slack: Slack, alice: Person, raise_error: Callable[..., list[str]]
) -> None:
    raise_error(to=running.url)
    issue = first_issue()
    first, _ = [card_with(slack, issue, "Resolve", channel) for channel in CHANNELS]
    assert first.buttons == ["Resolve", "Archive…"]
    assert "ZeroDivisionError" in first.text

    # A click on one card: the issue, the card and its copy say the same.
    first.click("Resolve", as_=alice)
    issue.refresh_from_db()
    assert issue.status == "resolved"
    for channel in CHANNELS:
        card = card_with(slack, issue, "Reopen", channel)
        assert f"*Resolved* by <@{alice.slack_user_id}>" in card.text
        assert "Resolve" not in card.buttons
        assert ":white_circle:" in card.text

    # The same error again: a regression. The card reopens in place, its thread is told once, and the channel with it.
    raise_error(to=running.url)
    card = card_with(slack, issue, "Resolve")
    assert card.ts == first.ts
    assert "*Regressed*" in card.text
    (reply,) = until(card.replies, what="the reply")
    assert "is back" in reply["text"]
    issue.refresh_from_db()
    assert (issue.status, issue.substatus, issue.times_seen) == ("unresolved", "regressed", 2)
    assert kinds_of_activity() == ["first_seen", "resolved", "regressed"]


def test_a_change_on_the_page_reaches_every_card(
    running: Running, slack: Slack, alice: Person, raise_error: Callable[..., list[str]], page: Page
) -> None:
    raise_error(to=running.url)
    issue = first_issue()
    for channel in CHANNELS:
        card_with(slack, issue, "Resolve", channel)
    page.goto(f"{running.url}/organizations/acme/issues/{issue.pk}/")
    page.get_by_label("Email").fill(alice.user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Resolve").click()
    expect(page.get_by_role("button", name="Reopen")).to_be_visible()
    for channel in CHANNELS:
        assert "*Resolved* by " in card_with(slack, issue, "Reopen", channel).text


def test_modals_and_menus_are_used_by_hand_on_the_simulators_page(
    running: Running, slack: Slack, alice: Person, raise_error: Callable[..., list[str]], page: Page
) -> None:
    raise_error(to=running.url)
    issue = first_issue()
    card_with(slack, issue, "Resolve")
    page.goto(slack.url)
    page.get_by_label("Act as").select_option(alice.slack_user_id)
    message = page.locator("#messages .message").last
    message.get_by_role("button", name="Archive…").click()
    modal = page.get_by_role("dialog", name=f"Archive {issue.short_id}")
    expect(modal).to_be_visible()
    modal.get_by_label("Until it happens so many times more").check()
    modal.get_by_label("How many more events?").fill("5")
    expect(modal).to_contain_text("5th event from now")
    modal.get_by_role("button", name="Archive", exact=True).click()
    expect(modal).to_be_hidden()
    expect(message).to_contain_text("Archived until 5 more events by @Alice")

    message.get_by_role("button", name="Assign").click()
    page.get_by_label("Search: Assign").fill("ali")
    expect(message.get_by_role("button", name="#backend")).to_be_hidden()
    page.keyboard.press("ArrowDown")
    message.get_by_role("button", name="Me (Alice)").click()
    expect(message).to_contain_text("Assigned to @Alice by @Alice")

    message.get_by_role("button", name="More actions").click()
    message.get_by_role("menuitem", name="Comment").click()
    comment = page.get_by_role("dialog", name=f"Comment on {issue.short_id}")
    comment.get_by_role("button", name="Comment", exact=True).click()
    expect(comment).to_contain_text("Please complete this required field.")
    comment.get_by_label("Comment").fill("I am on it.")
    comment.get_by_role("button", name="Comment", exact=True).click()
    expect(comment).to_be_hidden()
    until(lambda: "commented" in kinds_of_activity(), what="the comment")

    message.get_by_role("button", name="Archive…").or_(
        message.get_by_role("button", name="Stop archiving")
    ).first.click()
    expect(message).to_contain_text("Reopened by @Alice")


def test_the_story_is_played_by_hand_on_the_simulators_page(
    running: Running, slack: Slack, alice: Person, raise_error: Callable[..., list[str]], page: Page
) -> None:
    raise_error(to=running.url)
    issue = first_issue()
    page.goto(slack.url)
    page.get_by_label("Act as").select_option(alice.slack_user_id)
    page.get_by_role("link", name="alerts", exact=False).first.click()
    message = page.locator("[data-ts]", has_text="ZeroDivisionError").first
    message.get_by_role("button", name="Resolve").click()
    expect(message.get_by_role("button", name="Reopen")).to_be_visible()
    expect(message).to_contain_text("Resolved")
    issue.refresh_from_db()
    assert issue.status == "resolved"
    raise_error(to=running.url)
    expect(message.get_by_role("button", name="Resolve")).to_be_visible()
    expect(message).to_contain_text("Regressed")


def test_a_worker_killed_between_sending_and_marking_loses_nothing_and_posts_once(
    running: Running, slack: Slack, raise_error: Callable[..., list[str]]
) -> None:
    """The simulator has the message and holds the answer; the worker that follows finds it by its metadata."""
    held = slack.pause("chat.postMessage", when="after")
    raise_error(to=running.url)
    held.wait_reached(10)
    killed = running.kill("worker")
    held.release()
    until(lambda: running.pid("worker") not in (0, killed), seconds=20, what="another worker")
    until(lambda: Card.objects.exclude(ts="").count() == len(CHANNELS), seconds=60, what="both cards to be known")
    issue = Issue.objects.get()
    for channel in CHANNELS:
        shown = [message for message in slack.messages(channel) if "ZeroDivisionError" in str(message)]
        assert len(shown) == 1, f"one card in {channel}"
        assert Card.objects.filter(ts=shown[0]["ts"], subject_id=issue.pk).exists()


def test_a_web_process_killed_while_it_does_a_click_does_it_once_or_not_at_all(
    running: Running, slack: Slack, alice: Person, raise_error: Callable[..., list[str]]
) -> None:
    raise_error(to=running.url)
    issue = first_issue()
    card_with(slack, issue, "Resolve")
    slack.expect_faults()
    for _ in range(5):
        card = slack.card(issue)
        killed = running.pid("web")
        card.click(card.buttons[0], as_=alice, kill=lambda: running.kill("web"))
        until(lambda before=killed: running.pid("web") not in (0, before), seconds=20, what="another web process")
    assert all(one != other for one, other in pairwise(kinds_of_activity())), "nothing was done twice"
    issue.refresh_from_db()
    card_with(slack, issue, "Reopen" if issue.status == "resolved" else "Resolve")


@pytest.mark.postgresql
def test_a_web_process_killed_between_commit_and_answer_has_done_the_click(
    processes: Callable[..., Running],
    commit_gate: tuple[CommitGate, str],
    slack: Slack,
    alerts: None,
    alice: Person,
    raise_error: Callable[..., list[str]],
) -> None:
    gate, url = commit_gate
    worker = processes(start=False)
    worker.work()
    web = processes(start=False, TOCSIN_DATABASE_URL=url)
    web.serve("--no-worker")
    slack.connect(f"{web.url}/slack/interactive")
    raise_error(to=web.url)
    issue = first_issue()
    card = card_with(slack, issue, "Resolve")
    slack.expect_faults()

    gate.close()
    killer = Thread(target=lambda: (until(gate.held, what="the click's commit"), web.kill("web"), gate.open()))
    killer.start()
    result = card.click("Resolve", as_=alice)
    killer.join()

    assert not result["judgement"]["ok"], "Slack heard no answer"
    assert kinds_of_activity() == ["first_seen", "resolved"]
    card_with(slack, issue, "Reopen")
    # The process that came after it serves the next click.
    until(lambda: web.pid("web") and is_ready(web), seconds=20, what="the next web process")
    card_with(slack, issue, "Reopen").click("Reopen", as_=alice)
    assert kinds_of_activity() == ["first_seen", "resolved", "reopened"]


def is_ready(running: Running) -> bool:
    try:
        with urlopen(f"{running.url}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
