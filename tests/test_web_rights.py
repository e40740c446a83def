"""Who may see and do what, on every page and with every method."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import URLPattern, get_resolver

from tests.guards import Statements
from tests.pages import Page, csrf_token, press
from tests.people import Person, make_person
from tocsin.accounts.models import Member, Organization, Role
from tocsin.issues.models import Activity, Issue, Status, StoredEvent

MakeIssue = Callable[..., Issue]
NOBODY = "nobody signed in"

# page → person → status of GET
READING: dict[str, dict[str, int]] = {
    "issues": {"alice": 200, "bob": 200, "dora": 200, "eve": 404, "mallory": 404, NOBODY: 302},
    "issue": {"alice": 200, "bob": 200, "dora": 403, "eve": 404, "mallory": 404, NOBODY: 302},
    "event": {"alice": 200, "bob": 200, "dora": 403, "eve": 404, "mallory": 404, NOBODY: 302},
    "home": {"alice": 302, "bob": 302, "dora": 302, "eve": 302, "mallory": 200, NOBODY: 302},
}
WRITING: dict[str, int] = {"alice": 302, "bob": 403, "dora": 403, "eve": 404, "mallory": 404}


@pytest.fixture
def issue(make_issue: MakeIssue) -> Issue:
    return make_issue()


@pytest.fixture
def addresses(issue: Issue) -> dict[str, str]:
    event = StoredEvent.objects.get()
    path = f"/organizations/acme/issues/{issue.pk}/"
    return {
        "home": "/",
        "issues": "/organizations/acme/issues/",
        "issue": path,
        "event": f"{path}events/{event.event_id}/",
    }


@pytest.fixture
def dora(organization: Organization) -> Person:
    """A member of the organization, and of no team."""
    return make_person("dora", organization, Role.MEMBER)


@pytest.fixture
def browser_of(request: pytest.FixtureRequest, dora: Person) -> Callable[[str], Client]:
    def of(name: str) -> Client:
        if name == NOBODY:
            return Client(enforce_csrf_checks=True, SERVER_NAME="localhost")
        person: Person = request.getfixturevalue(name)
        return person.browser()

    return of


@pytest.mark.parametrize(("page", "who"), [(page, who) for page, row in READING.items() for who in row])
def test_a_page_is_read_by_whoever_may(
    browser_of: Callable[[str], Client], addresses: dict[str, str], page: str, who: str
) -> None:
    browser = browser_of(who)
    for method in ("GET", "HEAD"):
        answer = browser.generic(method, addresses[page])
        assert answer.status_code == READING[page][who]
        if answer.status_code in (403, 404):
            assert "ZeroDivisionError" not in answer.content.decode()


@pytest.mark.parametrize("who", WRITING)
@pytest.mark.parametrize("page", ["issue", "event"])
@pytest.mark.parametrize("action", ["resolve", "archive", "reopen", "comment", "assign", "priority", "acknowledge"])
def test_an_issue_is_changed_by_whoever_may(
    browser_of: Callable[[str], Client], addresses: dict[str, str], issue: Issue, who: str, page: str, action: str
) -> None:
    fields = {"text": "It is the till.", "assignee": "me", "priority": "low"}
    answer = press(browser_of(who), addresses[page], action, **fields)
    assert answer.status_code == WRITING[who]
    issue.refresh_from_db()
    if who != "alice":
        assert (issue.status, issue.version, issue.comment_count) == (Status.UNRESOLVED, 1, 0)
        assert issue.acknowledged_at is None
        assert not Activity.objects.exists()


def test_a_viewer_sees_no_buttons_and_is_told_why_a_press_did_nothing(bob: Person, addresses: dict[str, str]) -> None:
    browser = bob.browser()
    page = Page(browser.get(addresses["issue"]))
    assert page.buttons == []
    assert page.all("textarea") == []
    answer = press(browser, addresses["issue"], "resolve")
    alert = Page(answer).one("p", role="alert").text
    assert alert.startswith("You may look at SHOP-1, but your role in Acme does not change issues.")


def test_a_member_of_no_team_is_told_which_right_is_missing(dora: Person, addresses: dict[str, str]) -> None:
    page = Page(dora.browser().get(addresses["issue"]))
    assert "in no team of the project shop. Ask an owner to add you to one." in page.main


def test_there_and_not_yours_read_like_not_there(eve: Person, issue: Issue) -> None:
    browser = eve.browser()
    answers = [
        browser.get(f"/organizations/{path}/")
        for path in (
            f"acme/issues/{issue.pk}",
            "acme/issues/999999",
            f"elsewhere/issues/{issue.pk}",
            f"nowhere/issues/{issue.pk}",
        )
    ]
    texts = {Page(answer).main for answer in answers}
    assert [answer.status_code for answer in answers] == [404] * 4
    assert len(texts) == 1


def test_an_issue_is_not_found_under_another_organization_of_the_same_person(
    alice: Person, elsewhere: Organization, issue: Issue
) -> None:
    Member.objects.create(organization=elsewhere, user=alice.user, role=Role.OWNER)
    browser = alice.browser()
    path = f"/organizations/elsewhere/issues/{issue.pk}/"
    assert browser.get(path).status_code == 404
    assert press(browser, path, "resolve").status_code == 404
    issue.refresh_from_db()
    assert issue.status == Status.UNRESOLVED


def test_a_person_removed_while_reading_loses_every_right_at_once(alice: Person, addresses: dict[str, str]) -> None:
    browser = alice.browser()
    assert browser.get(addresses["issue"]).status_code == 200
    alice.leave()
    assert browser.get(addresses["issue"]).status_code == 404
    assert press(browser, addresses["issue"], "resolve").status_code == 404


def test_a_numberless_or_endless_id_is_a_404(alice: Person, issue: Issue) -> None:
    for number in ("0", "9" * 18, "9" * 19, "9" * 60):
        assert alice.browser().get(f"/organizations/acme/issues/{number}/").status_code == 404


@pytest.mark.parametrize("page", READING)
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_other_methods_are_refused(alice: Person, addresses: dict[str, str], page: str, method: str) -> None:
    browser = Client(SERVER_NAME="localhost")
    browser.force_login(alice.user)
    assert browser.generic(method, addresses[page]).status_code == 405


def test_a_page_without_a_form_takes_no_post(alice: Person, addresses: dict[str, str]) -> None:
    browser = alice.browser()
    assert browser.post(addresses["home"], {"csrfmiddlewaretoken": csrf_token(browser)}).status_code == 405


@pytest.mark.parametrize(
    "page", ["issues", "issue", "event", "/accounts/login/", "/accounts/logout/", "/accounts/password/change/"]
)
def test_a_form_without_its_token_does_nothing(
    alice: Person, addresses: dict[str, str], issue: Issue, page: str
) -> None:
    answer = alice.browser().post(addresses.get(page, page), {"action": "resolve", "csrfmiddlewaretoken": "x" * 64})
    assert answer.status_code == 403
    assert "Please try again" in Page(answer).main
    issue.refresh_from_db()
    assert issue.status == Status.UNRESOLVED


def test_a_form_from_another_site_does_nothing(alice: Person, addresses: dict[str, str], issue: Issue) -> None:
    browser = alice.browser()
    form = {"csrfmiddlewaretoken": csrf_token(browser), "action": "resolve"}
    answer = browser.post(addresses["issue"], form, headers={"Origin": "https://evil.example.com"})
    assert answer.status_code == 403
    issue.refresh_from_db()
    assert issue.status == Status.UNRESOLVED


@pytest.mark.parametrize("page", ["issues", "issue", "event"])
def test_reading_changes_no_row(alice: Person, addresses: dict[str, str], statements: Statements, page: str) -> None:
    browser = alice.browser()
    asked = len(statements.asked)
    browser.get(addresses[page], {"action": "resolve", "text": "It is the till."})
    written = [sql for sql in statements.asked[asked:] if not re.match(r"\W*(SELECT|SAVEPOINT|RELEASE)", sql)]
    assert written == []


PUBLIC = {"account_login", "account_logout", "account_inactive", "livez", "readyz", "metrics"}
ELSEWHERE = ("api/", "slack/")  # doors of other rooms, with rights of their own


def test_every_page_asks_who_is_there(issue: Issue) -> None:
    """A page that is added without the door is found here."""
    visitor = Client(SERVER_NAME="localhost")
    filled = {"slug": "acme", "issue_id": str(issue.pk), "event_id": "0" * 32, "token": "x"}
    for pattern in get_resolver().url_patterns:
        assert isinstance(pattern, URLPattern)
        route = str(pattern.pattern)
        if pattern.name in PUBLIC or (route.startswith(ELSEWHERE) and not route.startswith("slack/link/")):
            continue
        path = "/" + re.sub(r"<\w+:(\w+)>", lambda found: filled[found[1]], route)
        answer = visitor.get(path)
        assert (answer.status_code, answer["Location"].split("?")[0]) == (302, "/accounts/login/"), path
