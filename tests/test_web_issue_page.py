"""An issue's page: what it shows of an event, and what a person does there."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.guards import Statements
from tests.pages import Page, csrf_token, press
from tests.people import Person
from tests.samples import sample_event
from tocsin import bus
from tocsin.accounts import actor
from tocsin.accounts.actor import Origin
from tocsin.alerts.models import Destination
from tocsin.clock import database_now
from tocsin.issues.commands import COMMENT_MAX, Archive, Comment, Reopen, Resolve
from tocsin.issues.models import Activity, Issue, Status, StoredEvent, Substatus
from tocsin.outbox.models import Delivery
from tocsin.projects import releases
from tocsin.slack.models import Card, Workspace

MakeIssue = Callable[..., Issue]
REAL_EVENTS = sorted(Path(__file__).with_name("events").glob("*.json"))


def address(issue: Issue, event: StoredEvent | None = None) -> str:
    path = f"/organizations/{issue.organization.slug}/issues/{issue.pk}/"
    return f"{path}events/{event.event_id}/" if event else path


def read(person: Person, path: str) -> Page:
    answer = person.browser().get(path)
    assert answer.status_code == 200
    return Page(answer)


def add_event(issue: Issue, *, ago: timedelta = timedelta(0), **fields: Any) -> StoredEvent:
    event, at = sample_event(**fields), database_now() - ago
    return StoredEvent.objects.create(
        organization=issue.organization,
        project=issue.project,
        issue=issue,
        event_id=event.id,
        accepted_at=at,
        timestamp=at,
        payload=event.json,
    )


# --- what is shown ------------------------------------------------------------------------------------------------------


def test_the_head_says_which_issue_it_is_and_how_it_is(alice: Person, make_issue: MakeIssue) -> None:
    issue = make_issue(times_seen=12_345, users_seen=7)
    page = read(alice, address(issue))
    assert page.one("h1").text == "ZeroDivisionError: division by zero"
    assert page.one("span", id="short-id").text == "SHOP-1"
    assert page.one("span", class_="badge-new").text == "New"
    assert page.one("dl", class_="pairs").text.startswith("Events 12,345 Users 7 First 20")
    assert page.buttons == ["Resolve", "Acknowledge", "Comment"]


@pytest.mark.parametrize(
    ("status", "substatus", "buttons", "menus"),
    [
        (Status.UNRESOLVED, Substatus.REGRESSED, ["Resolve"], ["Resolve…", "Archive…"]),
        (Status.RESOLVED, Substatus.NONE, ["Reopen"], ["Archive…"]),
        (Status.ARCHIVED, Substatus.FOREVER, ["Resolve", "Stop archiving"], ["Resolve…"]),
    ],
)
def test_the_buttons_and_menus_are_what_makes_sense_now(
    alice: Person, make_issue: MakeIssue, status: str, substatus: str, buttons: list[str], menus: list[str]
) -> None:
    issue = make_issue(status=status, substatus=substatus)
    releases.ensure([(issue.organization_id, issue.project_id, "shop@1.4.2")], database_now())
    page = read(alice, address(issue))
    assert page.buttons == [*buttons, "Acknowledge", "Comment"]
    assert page.menus == [*menus, "Assign…", "Priority…"]


def test_the_stack_shows_the_source_around_each_call(alice: Person, make_issue: MakeIssue) -> None:
    page = read(alice, address(make_issue()))
    assert [name.text for name in page.all("code", class_="function")] == ["total", "checkout"]
    assert page.all("span", class_="current")[0].text == "12 return paid / basket.count"
    assert "<Basket 7>" in page.one("details", class_="variables").text


def test_chained_exceptions_stand_outermost_first(alice: Person, make_issue: MakeIssue) -> None:
    issue = make_issue()
    chain = [{"type": "KeyError", "value": "'sku'"}, {"type": "CheckoutFailed", "value": "cannot check out"}]
    add_event(issue, exception={"values": chain})
    page = read(alice, address(issue))
    assert [heading.text for heading in page.all("h2", class_="type")] == ["CheckoutFailed", "KeyError"]
    assert page.one("p", class_="caused").text == "caused by"


def test_all_that_the_sdk_told_is_there(alice: Person, make_issue: MakeIssue) -> None:
    issue = make_issue()
    add_event(
        issue,
        release="shop@1.4.2",
        server_name="till-7",
        tags={"country": "NL"},
        user={"id": "42", "email": "reader@example.com"},
        request={"method": "POST", "url": "https://shop.example.com/pay", "headers": {"Accept": "*/*"}},
        contexts={"order": {"lines": 3}, "items": {"odd": "name"}},
        extra={"voucher": "SPRING"},
        breadcrumbs={"values": [{"category": "query", "message": "SELECT 1", "level": "info"}]},
    )
    text = read(alice, address(issue)).main
    told = ("release shop@1.4.2", "on till-7", "country NL", "reader@example.com", "https://shop.example.com/pay")
    for words in (*told, "lines 3", "odd name", "voucher SPRING", "SELECT 1", "sentry.python 2.33.0"):
        assert words in text


def test_a_message_without_an_exception_is_shown(alice: Person, make_issue: MakeIssue) -> None:
    issue = make_issue()
    add_event(issue, exception=None, logentry={"message": "Stock of %s fell", "formatted": "Stock of A-1 fell"})
    assert "Stock of A-1 fell" in read(alice, address(issue)).main


@pytest.mark.parametrize("path", REAL_EVENTS, ids=lambda path: path.stem)
def test_an_event_of_a_real_sdk_is_a_whole_page(alice: Person, make_issue: MakeIssue, path: Path) -> None:
    issue = make_issue()
    event = json.loads(path.read_text())
    add_event(issue, **{**event, "event_id": uuid.uuid4().hex})
    page = read(alice, address(issue))
    for exception in (event.get("exception") or {}).get("values", []):
        assert exception.get("type", exception["value"]) in page.main


HOSTILE = "</code><script>alert(1)</script><img src=x onerror=alert(2)>\"' onload=alert(3) javascript:alert(4)"


def test_a_hostile_event_is_text_and_nothing_else(alice: Person, make_issue: MakeIssue) -> None:
    frame = {
        "function": HOSTILE,
        "module": HOSTILE,
        "filename": HOSTILE,
        "lineno": 3,
        "in_app": True,
        "context_line": HOSTILE,
        "pre_context": [HOSTILE],
        "vars": {HOSTILE: HOSTILE},
    }
    issue = make_issue(title=HOSTILE, culprit=HOSTILE, level=HOSTILE[:10])
    add_event(
        issue,
        level=HOSTILE,
        logger=HOSTILE,
        environment=HOSTILE,
        release=HOSTILE,
        server_name=HOSTILE,
        transaction=HOSTILE,
        exception={"values": [{"type": HOSTILE, "value": HOSTILE, "stacktrace": {"frames": [frame]}}]},
        tags={HOSTILE: HOSTILE},
        user={"id": HOSTILE, "email": HOSTILE},
        request={"url": "javascript:alert(5)", "method": HOSTILE, "data": {HOSTILE: HOSTILE}},
        contexts={HOSTILE: {HOSTILE: [HOSTILE]}},
        extra={HOSTILE: HOSTILE},
        breadcrumbs={"values": [{"category": HOSTILE, "message": HOSTILE, "level": HOSTILE, "data": {"a": HOSTILE}}]},
        sdk={"name": HOSTILE, "version": HOSTILE},
    )
    bus.perform(Comment(issue_id=issue.pk, text=HOSTILE), by=alice.actor())
    for path in (address(issue), "/organizations/acme/issues/?q=" + HOSTILE.replace(" ", "+")):
        page = read(alice, path)
        assert [script.attributes for script in page.all("script")] == [{"src": "/static/tocsin.js", "defer": ""}]
        assert page.all("img") == []
        for element in page.elements:
            assert not [name for name in element.attributes if name.startswith("on") or name == "style"]
            assert not element.attributes.get("href", "").lower().startswith("javascript")
    assert read(alice, address(issue)).main.count("<script>alert(1)</script>") > 10


def test_an_issue_whose_events_were_forgotten_still_has_its_page(alice: Person, make_issue: MakeIssue) -> None:
    issue = make_issue()
    StoredEvent.objects.all().delete()
    page = read(alice, address(issue))
    assert "No events left" in page.main
    assert page.buttons == ["Resolve", "Acknowledge", "Comment"]


# --- from event to event --------------------------------------------------------------------------------------------------


def test_events_are_walked_from_the_latest_to_the_oldest_and_back(alice: Person, make_issue: MakeIssue) -> None:
    issue = make_issue()
    for hours in (1, 1, 2):  # two may be accepted in one batch, at one time
        add_event(issue, ago=timedelta(hours=hours))
    StoredEvent.objects.filter(accepted_at__lt=database_now() - timedelta(minutes=30)).update(
        accepted_at=database_now() - timedelta(hours=1)
    )
    expected = [event.event_id for event in StoredEvent.objects.order_by("-accepted_at", "-pk")]
    path, seen = address(issue), []
    while True:
        page = read(alice, path)
        seen.append(page.one("code", id="event-id").attributes["title"])
        older = page.all("a", rel="prev")
        if not older:
            break
        path = older[0].attributes["href"]
    assert seen == expected
    assert read(alice, path).one("a", rel="next").attributes["href"].endswith(f"/events/{expected[-2]}/")
    assert read(alice, address(issue)).all("a", rel="next") == []


@pytest.mark.parametrize("event_id", ["0" * 32, "latest", "-", "x" * 400])
def test_an_event_that_is_not_there_is_a_404(alice: Person, make_issue: MakeIssue, event_id: str) -> None:
    issue = make_issue()
    answer = alice.browser().get(f"{address(issue)}events/{event_id}/")
    assert answer.status_code == 404
    assert "no such event" in Page(answer).main


def test_an_event_of_another_issue_is_a_404(alice: Person, make_issue: MakeIssue) -> None:
    one, other = make_issue(), make_issue()
    event = StoredEvent.objects.get(issue=other)
    assert alice.browser().get(address(one, event)).status_code == 404


# --- what a person does ---------------------------------------------------------------------------------------------------


def test_a_press_changes_the_issue_and_the_page_says_so(alice: Person, make_issue: MakeIssue) -> None:
    issue, browser = make_issue(), alice.browser()
    steps = [
        ("resolve", Status.RESOLVED, "SHOP-1 is resolved"),
        ("reopen", Status.UNRESOLVED, "SHOP-1 is open again"),
        ("archive", Status.ARCHIVED, "SHOP-1 is archived"),
        ("reopen", Status.UNRESOLVED, "SHOP-1 is open again"),
    ]
    for action, status, said in steps:
        issue.refresh_from_db()
        answer = press(browser, address(issue), action, seen_version=issue.version)
        assert (answer.status_code, answer["Location"]) == (302, address(issue))
        issue.refresh_from_db()
        assert issue.status == status
        assert said in Page(browser.get(address(issue))).one("p", role="status").text
    done = Activity.objects.order_by("pk").values_list("kind", "user", "origin")
    kinds = ["resolved", "reopened", "archived", "reopened"]
    assert list(done) == [(kind, alice.user.pk, "web") for kind in kinds]


def test_the_form_on_the_page_carries_the_version_that_was_seen(alice: Person, make_issue: MakeIssue) -> None:
    page = read(alice, address(make_issue(version=5)))
    assert {field.attributes["value"] for field in page.all("input", name="seen_version")} == {"5"}


def test_a_press_on_an_old_page_is_answered_and_not_applied(
    alice: Person, carol: Person, make_issue: MakeIssue
) -> None:
    issue, browser = make_issue(), alice.browser()
    bus.perform(Archive(issue_id=issue.pk), by=carol.actor())
    answer = press(browser, address(issue), "resolve", seen_version=1)
    assert answer.status_code == 409
    page = Page(answer)
    assert "already archived by Carol" in page.one("p", role="alert").text
    assert page.buttons == ["Resolve", "Stop archiving", "Acknowledge", "Comment", "Undo"]
    issue.refresh_from_db()
    assert issue.status == Status.ARCHIVED


def test_pressing_what_is_so_already_says_so(alice: Person, make_issue: MakeIssue) -> None:
    issue, browser = make_issue(), alice.browser()
    bus.perform(Resolve(issue_id=issue.pk), by=alice.actor())
    press(browser, address(issue), "resolve", seen_version=1)
    assert "already resolved by Alice" in Page(browser.get(address(issue))).one("p", role="status").text
    assert Activity.objects.count() == 1


def test_a_comment_is_written_and_keeps_its_lines(alice: Person, make_issue: MakeIssue) -> None:
    issue, browser = make_issue(), alice.browser()
    press(browser, address(issue), "comment", text="It is the till.\r\n\r\nFix follows.")
    assert Activity.objects.get().text == "It is the till.\n\nFix follows."
    assert "Commented by Alice" in Page(browser.get(address(issue))).one("li", class_="done-commented").text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("  \n ", "this one is empty"),
        ("x" * (COMMENT_MAX + 1), "A comment may have 10,000 characters, and this one has 10,001"),
        ("a\x00b", "Null characters are not allowed"),
    ],
)
def test_a_comment_that_will_not_do_is_kept_for_mending(
    alice: Person, make_issue: MakeIssue, text: str, words: str
) -> None:
    answer = press(alice.browser(), address(make_issue()), "comment", text=text)
    assert answer.status_code == 200
    assert words in Page(answer).one("p", role="alert").text
    assert not Activity.objects.exists()


def test_what_was_typed_is_still_there_after_a_refusal(alice: Person, make_issue: MakeIssue) -> None:
    answer = press(alice.browser(), address(make_issue()), "comment", text="x" * (COMMENT_MAX + 1))
    assert Page(answer).one("textarea").text == "x" * (COMMENT_MAX + 1)


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"action": "delete"},
        {"action": "resolve", "seen_version": "x"},
        {"action": "resolve", "seen_version": 10**30},
    ],
)
def test_a_form_that_makes_no_sense_changes_nothing(
    alice: Person, make_issue: MakeIssue, form: dict[str, object]
) -> None:
    issue, browser = make_issue(), alice.browser()
    answer = browser.post(address(issue), {"csrfmiddlewaretoken": csrf_token(browser), **form})
    assert answer.status_code == 400
    issue.refresh_from_db()
    assert issue.version == 1


def test_activity_names_who_did_what_from_where(alice: Person, make_issue: MakeIssue) -> None:
    issue = make_issue()
    bus.perform(Resolve(issue_id=issue.pk), by=alice.actor(Origin.SLACK))
    bus.perform(Reopen(issue_id=issue.pk), by=actor.system(database_now()))
    told = [item.text for item in read(alice, address(issue)).all("li", class_="done")]
    assert told[0].startswith("Reopened 20")
    assert told[1].startswith("Resolved by Alice in Slack, 20")


# --- its cards ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def make_card(workspace: Workspace, make_destination: Callable[..., Destination]) -> Callable[..., Card]:
    """`make_card(issue, "#alerts", …)`: as if it had been posted and were up to date."""

    def make(issue: Issue, name: str, **fields: Any) -> Card:
        destination = make_destination(f"C{name}", name)
        values = {
            "ts": "1.5",
            "channel": f"C{name}",
            "permalink": f"https://tocsin-demo.slack.com/archives/{name[1:]}/p15",
            "version": issue.version,
            "content_hash": "0" * 64,
            **fields,
        }
        return Card.objects.create(
            organization=issue.organization,
            workspace=workspace,
            destination=destination,
            subject_kind="issue",
            subject_id=issue.pk,
            address=destination.address,
            delivery_key=uuid.uuid4().hex,
            created_at=database_now(),
            **values,
        )

    return make


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({}, "up to date"),
        ({"version": 0}, "updating"),
        ({"content_hash": ""}, "updating"),
        ({"ts": "", "permalink": ""}, "waiting"),
        ({"ts": "", "permalink": "", "error": "The channel is archived."}, "not posted"),
        ({"is_gone": True}, "gone"),
    ],
)
def test_each_card_says_how_it_is(
    alice: Person, make_issue: MakeIssue, make_card: Callable[..., Card], fields: dict[str, Any], state: str
) -> None:
    issue = make_issue()
    make_card(issue, "#alerts", **fields)
    page = read(alice, address(issue))
    card = page.one("ul", class_="cards").text
    assert card.startswith(f"#alerts Tocsin Demo {state}")
    assert fields.get("error", "") in card
    links = [link.attributes["href"] for link in page.all("a", rel="noopener noreferrer")]
    assert links == ([] if "permalink" in fields else ["https://tocsin-demo.slack.com/archives/alerts/p15"])


def test_a_card_says_why_its_delivery_does_not_get_through(
    alice: Person, make_issue: MakeIssue, make_card: Callable[..., Card]
) -> None:
    issue, now = make_issue(), database_now()
    card = make_card(issue, "#alerts", ts="", permalink="")
    Delivery.objects.create(
        kind="slack.post_card",
        subject=card.outbox_subject,
        lane="slack:T0TOCSIN:C1",
        pool="slack:T0TOCSIN",
        method="chat.postMessage",
        created_at=now,
        due_at=now,
        error="Slack does not answer.",
    )
    assert "not posted Slack does not answer." in read(alice, address(issue)).one("ul", class_="cards").text


def test_a_link_that_is_no_web_address_is_not_drawn(
    alice: Person, make_issue: MakeIssue, make_card: Callable[..., Card]
) -> None:
    issue = make_issue()
    make_card(issue, "#alerts", permalink="javascript:alert(1)")
    assert read(alice, address(issue)).all("a", rel="noopener noreferrer") == []


def test_the_number_of_statements_does_not_grow_with_the_page(
    alice: Person, make_issue: MakeIssue, make_card: Callable[..., Card], statements: Statements
) -> None:
    issue, browser = make_issue(), alice.browser()
    browser.get(address(issue))
    with statements.at_most(15):
        browser.get(address(issue))
    for number in range(20):
        make_card(issue, f"#channel-{number}")
        add_event(issue)
        bus.perform(Comment(issue_id=issue.pk, text=f"comment {number}"), by=alice.actor())
    with statements.at_most(16):  # the cards' deliveries are asked for when there are cards
        page = Page(browser.get(address(issue)))
    assert len(page.all("li", class_="done-commented")) == 20
