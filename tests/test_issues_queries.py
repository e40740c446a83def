"""What a search finds: each term by a table of cases, within what the person may see, in a number of statements that stays."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.guards import Statements
from tests.pages import Page
from tests.people import Person
from tests.sizes import size
from tests.test_issues_query_language import PIECES
from tocsin.accounts.models import Organization, Team
from tocsin.clock import database_now
from tocsin.errors import Invalid
from tocsin.issues.models import Issue, Status, StoredEvent, Substatus
from tocsin.issues.queries.finding import find
from tocsin.issues.queries.language import parse
from tocsin.projects import releases
from tocsin.projects.models import Project, ProjectTeam

LIST = "/organizations/acme/issues/"
MakeIssue = Callable[..., Issue]


def found(person: Person, typed: str, status: str = "all") -> list[str]:
    answer = person.browser().get(f"{LIST}?{urlencode({'q': typed, 'status': status})}")
    assert answer.status_code == 200
    return sorted(link.text for link in Page(answer).all("a", class_="title"))


@pytest.fixture
def several(make_issue: MakeIssue, alice: Person, bob: Person, team: Team, organization: Organization) -> None:
    """A to F of SHOP, G of SITE."""
    site = Project.objects.create(organization=organization, slug="site", name="Site")
    ProjectTeam.objects.create(organization=organization, project=site, team=team)
    now = database_now()
    make_issue(title="A is new", culprit="web.add")
    make_issue(title="B is back", substatus=Substatus.REGRESSED, level="fatal", assignee_user=alice.user)
    make_issue(title="C goes on", substatus=Substatus.ONGOING, level="warning", assignee_user=bob.user)
    make_issue(title="D is done", status=Status.RESOLVED, substatus=Substatus.NONE, assignee_team=team)
    make_issue(title="E is away", status=Status.ARCHIVED, substatus=Substatus.FOREVER, level="info")
    make_issue(title="F grows", substatus=Substatus.ESCALATING, acknowledged_at=now, acknowledged_by=alice.user)
    make_issue(of=site, title="G is else", status=Status.ARCHIVED, substatus=Substatus.UNTIL_ESCALATING)
    for title, release, environment in (("A", "shop@1.0", "staging"), ("B", "shop@1.1", ""), ("G", "0.9 beta", "test")):
        issue = Issue.objects.get(title__startswith=title)
        StoredEvent.objects.filter(issue=issue).update(release=release, environment=environment)
        releases.ensure([(organization.pk, issue.project_id, release)], now)
        now += timedelta(seconds=1)


@pytest.mark.parametrize(
    ("typed", "letters"),
    [
        ("", "ABCDEFG"),
        ("is:unresolved", "ABCF"),
        ("is:resolved", "D"),
        ("is:archived", "EG"),
        ("is:ignored", "EG"),
        ("is:new", "A"),
        ("is:ongoing", "C"),
        ("is:regressed", "B"),
        ("is:escalating", "F"),
        ("is:until_escalating", "G"),
        ("is:until_condition", ""),
        ("is:forever", "E"),
        ("is:assigned", "BCD"),
        ("is:unassigned", "AEFG"),
        ("is:acknowledged", "F"),
        ("!is:archived", "ABCDF"),
        ("is:unresolved !is:new", "BCF"),
        ("assigned:me", "B"),
        ("!assigned:me", "ACDEFG"),
        ("assigned:none", "AEFG"),
        ("!assigned:none", "BCD"),
        ("assigned:BOB@example.com", "C"),
        ("!assigned:bob@example.com", "ABDEFG"),
        ("assigned:stranger@example.com", ""),
        ("assigned:#backend", "D"),
        ("assigned:#BACKEND", "D"),
        ("!assigned:#backend", "ABCEFG"),
        ("assigned:#frontend", ""),
        ("level:fatal", "B"),
        ("!level:error", "BCE"),
        ("level:error is:unresolved", "AF"),
        ("release:shop@1.0", "A"),
        ("release:1.0", "A"),
        ('release:"0.9 beta"', "G"),
        ("release:1", ""),
        ("release:latest", "BG"),
        ("!release:latest", "ACDEF"),
        ("environment:staging", "A"),
        ("environment:production", "CDEF"),
        ("!environment:production", "ABG"),
        ("environment:PRODUCTION", ""),
        ("project:site", "G"),
        ("project:SHOP", "ABCDEF"),
        ("!project:shop", "G"),
        ("project:nowhere", ""),
        ("is", "ABDEG"),
        ('"is back"', "B"),
        ('"back is"', ""),
        ("!is", "CF"),
        ("web.add", "A"),
        ("shop-2", "B"),
        ("!shop-2 is:assigned", "CD"),
        ("shop-2 is:archived", ""),
        ("%", ""),
        ("\\", ""),
    ],
)
def test_a_search_finds_what_it_means(alice: Person, several: None, typed: str, letters: str) -> None:
    assert [title[0] for title in found(alice, typed)] == [*letters]


def test_a_search_that_speaks_of_the_status_is_not_held_to_the_tab(alice: Person, several: None) -> None:
    assert [title[0] for title in found(alice, "is:resolved", "unresolved")] == ["D"]
    assert [title[0] for title in found(alice, "is:assigned", "unresolved")] == ["B", "C"]
    page = Page(alice.browser().get(f"{LIST}?q=is:resolved"))
    assert page.one("a", **{"aria-current": "page"}).text == "All"
    assert page.one("input", name="status").attributes["value"] == "unresolved"


def test_what_makes_no_sense_is_said_at_the_field(alice: Person, several: None) -> None:
    answer = alice.browser().get(f"{LIST}?q=is:open+<b>")
    page = Page(answer)
    assert answer.status_code == 200
    assert page.one("p", id="q-wrong").text.startswith("is:open makes no sense. is: takes unresolved, resolved")
    field = page.one("input", name="q").attributes
    assert (field["value"], field["aria-invalid"], field["aria-describedby"]) == ("is:open <b>", "true", "q-wrong")
    assert page.all("a", class_="title") == []
    assert "A search may have 500 characters" in Page(alice.browser().get(f"{LIST}?q={'x' * 501}")).main


def test_a_search_finds_nothing_of_others(
    alice: Person, eve: Person, several: None, make_issue: MakeIssue, elsewhere: Organization
) -> None:
    theirs = Project.objects.create(organization=elsewhere, slug="shop", name="Bakery")
    hidden = Project.objects.create(organization=alice.organization, slug="secret", name="Secret")
    for project in (theirs, hidden):
        issue = make_issue(of=project, title="Of others", assignee_user=alice.user)
        StoredEvent.objects.filter(issue=issue).update(release="9.9")
        releases.ensure([(project.organization_id, project.pk, "9.9")], database_now())
    for typed in ("", "others", "shop-1", "secret-1", "project:secret", "assigned:me", "release:9.9", "release:latest"):
        assert "Of others" not in found(alice, typed)
        within = [alice.organization.pk, elsewhere.pk]
        assert "Of others" not in find(parse(typed), alice.user, within).values_list("title", flat=True)
        assert [row.title for row in find(parse(typed), eve.user, within)] in ([], ["Of others"])
    assert list(find(parse(""), alice.user, [])) == []
    assert list(find(parse("others"), eve.user, [alice.organization.pk])) == []


def test_every_term_together_asks_a_fixed_number_of_times(alice: Person, several: None, statements: Statements) -> None:
    typed = "is:unresolved assigned:me level:fatal release:latest !release:2 !environment:x project:shop back shop-2"
    browser = alice.browser()
    browser.get(LIST)
    with statements.at_most(10):
        page = Page(browser.get(f"{LIST}?{urlencode({'q': typed})}"))
    assert [link.text for link in page.all("a", class_="title")] == ["B is back"]


def test_the_newest_releases_of_many_are_those_of_each(project: Project, organization: Organization) -> None:
    now = database_now()
    names = [
        ["shop@1.2", "shop@1.10", "shop@1.9"],
        ["b@2.0", "a@1.0"],
        ["1.0", "nightly"],
        ["x", "y"],
        [],
        ["1.0", "1.0.0"],
    ]
    for number, versions in enumerate(names):
        each = Project.objects.create(organization=organization, slug=f"p{number}", name="P")
        for seconds, version in enumerate(versions):
            releases.ensure([(organization.pk, each.pk, version)], now + timedelta(seconds=seconds))
    known = releases.newest_of(Project.objects.all())
    for each in Project.objects.all():
        newest = releases.newest(each)
        assert known.get(each.pk) == (newest.version if newest else None), each.slug
    assert sorted(known.values()) == ["1.0.0", "a@1.0", "nightly", "shop@1.10", "y"]


def test_whatever_is_searched_for_is_answered(alice: Person, several: None) -> None:
    within = [alice.organization.pk]

    @settings(max_examples=size(2_000), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.lists(PIECES, max_size=12).map("".join))
    def search(typed: str) -> None:
        try:
            query = parse(typed)
        except Invalid:
            return
        assert set(find(query, alice.user, within).values_list("title", flat=True)) <= everything

    everything = set(Issue.objects.values_list("title", flat=True))
    search()
