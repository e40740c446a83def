"""The issue list: what is in it, in which order, and what it says when it is empty."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection

from tests.guards import Statements
from tests.pages import Page
from tests.people import Person
from tocsin.accounts.models import Organization, Team
from tocsin.clock import database_now
from tocsin.intake.models import Accepted
from tocsin.issues.models import Issue, IssueCount, Status, Substatus
from tocsin.projects.models import Key, Project, ProjectTeam
from tocsin.web.listing import PAGE

LIST = "/organizations/acme/issues/"
MakeIssue = Callable[..., Issue]


def titles(page: Page) -> list[str]:
    return [link.text for link in page.all("a", class_="title")]


def read(person: Person, query: str = "") -> Page:
    answer = person.browser().get(LIST + query)
    assert answer.status_code == 200
    return Page(answer)


@pytest.fixture
def three(make_issue: MakeIssue) -> None:
    """One unresolved, one resolved, one archived."""
    make_issue(title="Open")
    make_issue(title="Done", status=Status.RESOLVED, substatus=Substatus.NONE)
    make_issue(title="Away", status=Status.ARCHIVED, substatus=Substatus.FOREVER)


def test_the_list_shows_what_is_known_of_an_issue(alice: Person, make_issue: MakeIssue) -> None:
    now = database_now()
    issue = make_issue(
        title="KeyError: 'sku'", culprit="shop.web in add", level="warning", times_seen=12_345, users_seen=318
    )
    IssueCount.objects.create(
        organization=issue.organization, issue=issue, hour=now.replace(minute=0, second=0, microsecond=0), count=41
    )
    page = read(alice)
    row = page.one("li", class_="issue").text
    for told in ("KeyError: 'sku'", "shop.web in add", "SHOP-1", "Shop", "New", "12k events", "318 users"):
        assert told in row
    assert page.one("svg", class_="icon-warning").attributes["aria-label"] == "warning"
    assert page.one("svg", class_="spark").attributes["aria-label"].startswith("41 events")
    assert page.one("a", class_="title").attributes["href"] == f"{LIST}{issue.pk}/"
    seen = page.all("time")[0]
    assert seen.attributes["datetime"] == issue.last_seen.isoformat(timespec="seconds")
    assert seen.text == issue.last_seen.strftime("%Y-%m-%d %H:%M UTC")


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", ["Open"]),
        ("?status=unresolved", ["Open"]),
        ("?status=resolved", ["Done"]),
        ("?status=archived", ["Away"]),
        ("?status=all", ["Away", "Done", "Open"]),
        ("?status=nonsense", ["Open"]),
    ],
)
def test_tabs_choose_by_status(alice: Person, three: None, query: str, shown: list[str]) -> None:
    page = read(alice, query)
    assert titles(page) == shown
    assert len(page.all("a", **{"aria-current": "page"})) == 1


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("zerodivision", ["ZeroDivisionError: division by zero"]),
        ("division zero", ["ZeroDivisionError: division by zero"]),
        ("checkout", ["ZeroDivisionError: division by zero"]),
        ("shop-2", ["100% of it: 'sku'"]),
        ("SHOP-1", ["ZeroDivisionError: division by zero"]),
        ("100%25", ["100% of it: 'sku'"]),
        ("%25", ["100% of it: 'sku'"]),
        ("_", []),
        ("shop-99999999999999", []),
        ("shop-I", []),
        ("' OR 1=1 --", []),
        ("%00", ["100% of it: 'sku'", "ZeroDivisionError: division by zero"]),
        ("%ff%fe", []),
    ],
)
def test_search_finds_words_of_title_and_place_and_short_ids(
    alice: Person, make_issue: MakeIssue, query: str, shown: list[str]
) -> None:
    make_issue()
    make_issue(title="100% of it: 'sku'", culprit="shop.web in add")
    assert titles(read(alice, f"?q={query}")) == shown


def test_the_search_is_kept_by_the_tabs_and_the_box(alice: Person, make_issue: MakeIssue) -> None:
    make_issue()
    page = read(alice, "?q=zero+by&project=shop")
    assert page.one("input", name="q").attributes["value"] == "zero by"
    hrefs = [link.attributes["href"] for link in page.all("a") if "status=resolved" in link.attributes["href"]]
    assert hrefs == [f"{LIST}?status=resolved&q=zero+by&project=shop"]


def test_a_project_is_chosen_from_those_the_reader_reaches(
    alice: Person, make_issue: MakeIssue, organization: Organization, team: Team
) -> None:
    site = Project.objects.create(organization=organization, slug="site", name="Site")
    hidden = Project.objects.create(organization=organization, slug="secret", name="Secret plans")
    ProjectTeam.objects.create(organization=organization, project=site, team=team)
    make_issue(title="In the shop")
    make_issue(of=site, title="On the site")
    make_issue(of=hidden, title="Of the secret plans")
    page = read(alice)
    assert titles(page) == ["On the site", "In the shop"]
    assert [option.text for option in page.all("option")] == ["All projects", "Shop", "Site"]
    assert titles(read(alice, "?project=site")) == ["On the site"]
    assert alice.browser().get(LIST + "?project=secret").status_code == 404


def test_pages_follow_one_another_without_gap_or_repetition(alice: Person, make_issue: MakeIssue) -> None:
    now = database_now()
    # Several share a moment: the pages must not break there.
    for number in range(2 * PAGE + 5):
        make_issue(title=f"Issue {number:02}", last_seen=now - timedelta(minutes=number // 7))
    expected = titles(read(alice, "?status=all"))
    seen, address = list(expected), "?status=all"
    while links := read(alice, address).all("a", rel="next"):
        address = links[0].attributes["href"].removeprefix(LIST)
        seen += titles(read(alice, address))
    assert len(seen) == 2 * PAGE + 5
    assert sorted(seen) == [f"Issue {number:02}" for number in range(2 * PAGE + 5)]
    back = [titles(read(alice, address))]
    while links := read(alice, address).all("a", rel="prev"):
        address = links[0].attributes["href"].removeprefix(LIST)
        back.append(titles(read(alice, address)))
    assert back[-1] == expected
    assert [title for page in reversed(back) for title in page] == seen


@pytest.mark.parametrize(
    "cursor", ["after=zebra", "before=9999999999999999-999999999999999999", "after=-1", "after=1-1-1"]
)
def test_a_made_up_cursor_does_no_harm(alice: Person, make_issue: MakeIssue, cursor: str) -> None:
    make_issue(title="Open")
    assert titles(read(alice, f"?{cursor}")) == ["Open"]


def test_the_number_of_statements_does_not_grow_with_the_list(
    alice: Person, make_issue: MakeIssue, statements: Statements
) -> None:
    browser = alice.browser()
    make_issue()
    browser.get(LIST)
    with statements.at_most(9):
        browser.get(LIST)
    for _ in range(PAGE + 2):
        make_issue()
    with statements.at_most(9):
        assert len(titles(Page(browser.get(LIST)))) == PAGE


# --- an empty list says what to do next --------------------------------------------------------------------------------


def test_a_project_without_events_shows_its_dsn(alice: Person, key: Key) -> None:
    page = read(alice)
    assert "Waiting for the first event" in page.main
    dsn = f"http://{key.public_key}@localhost/{key.project_id}"
    assert page.one("code", id=f"dsn-{key.project_id}").text == dsn
    assert dsn in page.one("pre").text


def test_a_key_that_was_switched_off_is_not_shown(alice: Person, key: Key) -> None:
    Key.objects.update(is_active=False)
    assert key.public_key not in read(alice).text


def test_a_member_of_no_team_learns_whom_to_ask(carol: Person, organization: Organization) -> None:
    page = read(carol)
    assert "No project yet" in page.main
    assert "Ask an owner" in page.main


def test_nothing_unresolved_is_good_news(alice: Person, make_issue: MakeIssue) -> None:
    make_issue(status=Status.RESOLVED, substatus=Substatus.NONE)
    page = read(alice)
    assert "All quiet" in page.main
    assert page.one("a", href=f"{LIST}?status=all", class_="button").text == "Show all issues"


def test_a_search_that_finds_nothing_offers_ways_on(alice: Person, make_issue: MakeIssue) -> None:
    make_issue()
    page = read(alice, "?q=zebra&project=shop")
    assert "No unresolved issue with zebra in Shop" in page.main
    assert page.one("a", href=f"{LIST}?status=unresolved", class_="button").text == "Clear the search"


# --- what is missing from the list --------------------------------------------------------------------------------------


def accept(project: Project, number: int, *, waited: timedelta = timedelta(0), reason: str = "") -> None:
    Accepted.objects.create(
        organization=project.organization,
        project=project,
        event_id=f"{number:032x}",
        accepted_at=database_now() - waited,
        payload=b"{}",
        state=Accepted.State.SET_ASIDE if reason else Accepted.State.WAITING,
        reason=reason,
    )


def test_events_that_were_set_aside_are_named_with_their_reasons(alice: Person, project: Project) -> None:
    for number, reason in enumerate(["This is not JSON", "This is not JSON", "The stack is a number"]):
        accept(project, number, reason=reason)
    reasons = [item.text for item in read(alice).all("li") if item.text.startswith("shop")]
    assert reasons == ["shop · 2 events: This is not JSON", "shop · 1 event: The stack is a number"]


def test_a_digest_that_lags_is_told(alice: Person, project: Project) -> None:
    accept(project, 1)
    assert "being processed" not in read(alice).main
    Accepted.objects.all().delete()
    accept(project, 2, waited=timedelta(minutes=5))
    accept(project, 3)
    assert "Events are being processed: 2 wait, the oldest for 5 min." in read(alice).main


def test_what_another_team_lost_is_none_of_the_readers_business(alice: Person, organization: Organization) -> None:
    hidden = Project.objects.create(organization=organization, slug="secret", name="Secret")
    accept(hidden, 1, reason="This is not JSON")
    accept(hidden, 2, waited=timedelta(minutes=5))
    page = read(alice)
    assert "not JSON" not in page.text
    assert "being processed" not in page.text


def test_reading_the_list_changes_no_row(alice: Person, make_issue: MakeIssue, statements: Statements) -> None:
    make_issue()
    browser = alice.browser()
    asked = len(statements.asked)
    browser.get(LIST)
    written = [sql for sql in statements.asked[asked:] if not sql.lstrip("( ").upper().startswith("SELECT")]
    assert written == []
    assert connection.in_atomic_block
