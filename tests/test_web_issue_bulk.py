"""The issue list does the same to all issues that are ticked in it, tells what was left, and undoes it by one button."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models import F
from django.http import HttpResponse
from django.test import Client

from tests.guards import Statements
from tests.pages import Page, csrf_token
from tests.people import Person
from tests.test_web_issue_list import titles
from tocsin import bus
from tocsin.accounts.models import Organization, Team
from tocsin.issues.commands import Reopen, SetPriority
from tocsin.issues.models import Activity, BulkAction, Issue, Status
from tocsin.projects.models import Project

LIST = "/organizations/acme/issues/"
MakeIssue = Callable[..., Issue]


def ticks(page: Page) -> list[str]:
    """What the boxes would send, from the oldest issue on."""
    return [box.attributes["value"] for box in page.all("input", name="issue")][::-1]


def press(browser: Client, action: str, *ticked: str, address: str = LIST, **fields: object) -> HttpResponse:
    """Send the list's form, and follow where it leads."""
    form = {"csrfmiddlewaretoken": csrf_token(browser), "action": action, "issue": ticked, **fields}
    answer: HttpResponse = browser.post(address, form, follow=True)
    return answer


def said(page: Page) -> list[str]:
    return [each.text for each in page.all("p", class_="said")]


@pytest.fixture
def three(make_issue: MakeIssue) -> list[Issue]:
    return [make_issue(title=title) for title in ("First", "Second", "Third")]


@pytest.mark.parametrize(
    ("action", "fields", "words", "changed"),
    [
        ("resolve", {}, "Resolved: 2 issues.", {"status": "resolved"}),
        ("archive", {}, "Archived until it escalates: 2 issues.", {"substatus": "until_escalating"}),
        ("assign", {"assignee": "me"}, "Assigned to Alice: 2 issues.", {"assignee_user__email": "alice@example.com"}),
        ("assign", {"assignee": "#backend"}, "Assigned to #backend: 2 issues.", {"assignee_team__slug": "backend"}),
        (
            "assign",
            {"assignee": "bob@example.com"},
            "Assigned to Bob: 2 issues.",
            {"assignee_user__email": "bob@example.com"},
        ),
    ],
)
def test_what_is_ticked_is_done_and_undone(
    alice: Person,
    bob: Person,
    three: list[Issue],
    action: str,
    fields: dict[str, str],
    words: str,
    changed: dict[str, str],
) -> None:
    browser = alice.browser()
    ticked = ticks(Page(browser.get(LIST)))[:2]
    assert ticked == [f"{issue.pk}:1" for issue in three[:2]]
    page = Page(press(browser, action, *ticked, **fields))
    assert said(page) == [f"{words} Undo"]
    assert set(Issue.objects.filter(**changed).values_list("pk", flat=True)) == {issue.pk for issue in three[:2]}
    undo = page.one("button", name="undo")
    assert undo.attributes["form"] == page.one("form", id="bulk").attributes["id"]
    page = Page(press(browser, "", undo=undo.attributes["value"]))
    assert said(page) == ["Undone: 2 issues."]
    assert page.all("button", name="undo") == []
    assert not Issue.objects.filter(**changed).exists()
    assert Activity.objects.filter(user=alice.user, origin="web", kind="undone").count() == 2


def test_reopening_and_the_search_that_was_before(alice: Person, make_issue: MakeIssue) -> None:
    make_issue(title="Gone", status=Status.RESOLVED, substatus="", resolution="now")
    browser, address = alice.browser(), f"{LIST}?status=resolved&q=gone"
    answer = press(browser, "reopen", *ticks(Page(browser.get(address))), address=address)
    assert answer.redirect_chain == [(address, 302)]
    assert said(Page(answer)) == ["Reopened: 1 issue. Undo"]
    assert titles(Page(answer)) == []


def test_what_was_left_is_told_with_its_sentence(alice: Person, owner: Person, three: list[Issue]) -> None:
    browser = alice.browser()
    ticked = ticks(Page(browser.get(LIST)))
    bus.perform(SetPriority(issue_id=three[1].pk, priority="low"), by=owner.actor())
    done, left = said(Page(press(browser, "resolve", *ticked)))
    assert done == "Resolved: 2 issues. Undo"
    assert left.startswith("1 issue was left as it is. SHOP-2 has changed since this list was drawn. It is now: New.")
    bus.perform(Reopen(issue_id=three[0].pk), by=owner.actor())
    done, left = said(Page(press(browser, "", undo=BulkAction.objects.get().pk)))
    assert done == "Undone: 1 issue."
    assert "SHOP-1 has changed since, so that cannot be undone any more." in left


def test_an_undo_that_comes_too_late_says_so(alice: Person, three: list[Issue]) -> None:
    browser = alice.browser()
    press(browser, "resolve", f"{three[0].pk}:1")
    BulkAction.objects.update(created_at=F("created_at") - timedelta(minutes=10))
    page = Page(press(browser, "", undo=BulkAction.objects.get().pk))
    assert "Undo works for 10 minutes" in page.one("p", id="refusal").text


@pytest.mark.parametrize(
    ("action", "fields", "told", "stays"),
    [
        ("resolve", {"issue": []}, "Choose from 1 to 100 issues.", False),
        ("resolve", {"issue": ["x", "1", "0:1", "9" * 30 + ":1"]}, "Choose from 1 to 100 issues.", False),
        ("assign", {"issue": []}, "Tick issues first", False),
        ("assign", {"assignee": "nobody here"}, "Nobody of that name has access to the project shop.", True),
        ("assign", {"assignee": ""}, "Choose one person or one team.", True),
        ("delete", {}, "Tocsin does not know. Reload it", True),
        ("", {"undo": "999"}, "nothing here that could be undone", True),
        ("", {"undo": "9" * 30}, "Tocsin does not know. Reload it", True),
    ],
)
def test_what_makes_no_sense_is_said_and_what_was_ticked_stays(
    alice: Person, three: list[Issue], action: str, fields: dict[str, object], told: str, stays: bool
) -> None:
    given = {"issue": [f"{three[0].pk}:1"], **fields}
    answer = press(alice.browser(), action, **given)
    page = Page(answer)
    assert told in page.one("p", id="refusal").text
    assert [box.attributes["value"] for box in page.all("input", name="issue", checked="")] == (
        given["issue"] if stays else []
    )
    assert not Activity.objects.exists()


def test_who_may_only_look_has_no_boxes_and_changes_nothing(bob: Person, three: list[Issue]) -> None:
    browser = bob.browser()
    page = Page(browser.get(LIST))
    assert (ticks(page), page.all("form", id="bulk"), page.buttons) == ([], [], [])
    page = Page(press(browser, "resolve", f"{three[0].pk}:1"))
    assert said(page)[0].startswith("1 issue was left as it is. You may look at SHOP-1, but your role")
    assert Issue.objects.filter(status=Status.UNRESOLVED).count() == 3


def test_of_others_nothing_is_changed_or_told(
    alice: Person, eve: Person, elsewhere: Organization, make_issue: MakeIssue, three: list[Issue]
) -> None:
    theirs = make_issue(of=Project.objects.create(organization=elsewhere, slug="bakery", name="Bakery"), title="Secret")
    page = Page(press(alice.browser(), "resolve", f"{theirs.pk}:1", f"{theirs.pk + 99}:1"))
    assert said(page) == [
        "2 issues were left as they are. That issue is gone, or it belongs to an organization you are not a member of."
    ]
    assert press(eve.browser(), "resolve", f"{three[0].pk}:1").status_code == 404
    assert not Activity.objects.exists()


def test_without_its_token_the_form_does_nothing(alice: Person, three: list[Issue]) -> None:
    answer = alice.browser().post(LIST, {"action": "resolve", "issue": [f"{three[0].pk}:1"]})
    assert answer.status_code == 403
    assert not Activity.objects.exists()


@pytest.mark.statements(600)
def test_a_whole_page_is_resolved_at_once(
    alice: Person, team: Team, make_issue: MakeIssue, statements: Statements
) -> None:
    for _ in range(30):
        make_issue()
    browser = alice.browser()
    page = Page(press(browser, "resolve", *ticks(Page(browser.get(LIST)))))
    assert said(page) == ["Resolved: 30 issues. Undo"]
    assert "All quiet" in page.main
