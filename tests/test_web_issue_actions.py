"""The buttons and menus of an issue's page: what each does, what it refuses, and how it is undone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.http import HttpResponse

from tests.pages import Page, press
from tests.people import Person
from tocsin.clock import database_now
from tocsin.issues.models import Issue, Resolution, Status, Substatus
from tocsin.projects import releases

MakeIssue = Callable[..., Issue]


@pytest.fixture
def issue(make_issue: MakeIssue) -> Issue:
    return make_issue()


@pytest.fixture
def released(issue: Issue) -> Issue:
    """The issue, in a project with two releases."""
    now = database_now() - timedelta(minutes=1)
    for version in ("shop@1.4.1", "shop@1.4.2"):
        releases.ensure([(issue.organization_id, issue.project_id, version)], now)
        now += timedelta(seconds=1)
    return issue


def address(issue: Issue) -> str:
    return f"/organizations/acme/issues/{issue.pk}/"


def send(person: Person, issue: Issue, action: str, **fields: object) -> HttpResponse:
    """Send a form of the issue's page, as it stands there now."""
    issue.refresh_from_db()
    fields.setdefault("seen_version", issue.version)
    answer = press(person.browser(), address(issue), action, **fields)
    issue.refresh_from_db()
    return answer


def told(answer: HttpResponse) -> str:
    """What the page says to whoever sent a form that was refused."""
    return Page(answer).one("p", role="alert").text


# --- resolve ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "resolution", "against"),
    [
        ({}, Resolution.NOW, None),
        ({"when": "now", "release": "left over"}, Resolution.NOW, None),
        ({"when": "next_release"}, Resolution.AFTER, "shop@1.4.2"),
        ({"when": "current_release"}, Resolution.IN, "shop@1.4.2"),
        ({"when": "release", "release": "shop@1.4.1"}, Resolution.IN, "shop@1.4.1"),
        ({"when": "release", "release": " 1.4.1 "}, Resolution.IN, "shop@1.4.1"),
    ],
)
def test_an_issue_is_resolved_in_each_way(
    alice: Person, released: Issue, fields: dict[str, str], resolution: str, against: str | None
) -> None:
    assert send(alice, released, "resolve", **fields).status_code == 302
    assert (released.status, released.resolution) == (Status.RESOLVED, resolution)
    assert (released.resolved_in.version if released.resolved_in else None) == against


def test_the_resolve_menu_offers_every_way_and_the_projects_releases(alice: Person, released: Issue) -> None:
    page = Page(alice.browser().get(address(released)))
    assert page.values("when") == ["now", "next_release", "current_release", "release"]
    assert "Only releases after shop@1.4.2 bring it back." in page.main
    suggested = [option.attributes["value"] for option in page.all("option")]
    assert suggested[:2] == ["shop@1.4.2", "shop@1.4.1"]


def test_without_releases_there_is_no_resolve_menu(alice: Person, issue: Issue) -> None:
    assert Page(alice.browser().get(address(issue))).menus == ["Archive…", "Assign…", "Priority…"]
    for when in ("next_release", "current_release"):
        answer = send(alice, issue, "resolve", when=when)
        assert answer.status_code == 400
        assert "shop has no releases yet" in told(answer)
    assert issue.status == Status.UNRESOLVED


@pytest.mark.parametrize(
    ("fields", "name", "words"),
    [
        ({"when": "release", "release": "shop@9"}, "release", "shop has no release of that name"),
        ({"when": "release", "release": ""}, "release", "shop has no release of that name"),
        ({"when": "release", "release": "a\x00b"}, "release", "Null characters are not allowed"),
        ({"when": "release", "release": "x" * 201}, "release", "at most 200 characters"),
        ({"when": "yesterday"}, "when", "Choose one of the entries."),
    ],
)
def test_a_resolution_that_will_not_do_is_told_at_its_field(
    alice: Person, released: Issue, fields: dict[str, str], name: str, words: str
) -> None:
    answer = send(alice, released, "resolve", **fields)
    assert answer.status_code == 200
    page = Page(answer)
    assert words in page.one("p", id=f"{name}-wrong").text
    assert "open" in page.all("details", class_="choose")[0].attributes
    assert released.version == 1
    if name == "release":
        field = page.one("input", id="release")
        assert field.attributes["value"] == fields["release"].replace("\x00", "")
        assert field.attributes["aria-describedby"] == "release-wrong"
        chosen = [one.attributes["value"] for one in page.all("input", name="when") if "checked" in one.attributes]
        assert chosen == ["release"]


def test_a_part_of_a_version_that_means_two_is_refused(alice: Person, released: Issue) -> None:
    releases.ensure([(released.organization_id, released.project_id, "site@1.4.1")], database_now())
    answer = send(alice, released, "resolve", when="release", release="1.4.1")
    assert "no release of that name" in told(answer)


# --- archive ---------------------------------------------------------------------------------------------------------

WAYS: list[tuple[dict[str, str], str, dict[str, object]]] = [
    ({}, Substatus.UNTIL_ESCALATING, {}),
    ({"until": "until_escalating", "events": "left over"}, Substatus.UNTIL_ESCALATING, {}),
    ({"until": "forever"}, Substatus.FOREVER, {}),
    ({"until": "events", "events": " 20 "}, Substatus.UNTIL_CONDITION, {"archived_events": 20}),
    ({"until": "users", "users": "1000000"}, Substatus.UNTIL_CONDITION, {"archived_users": 1_000_000}),
    (
        {"until": "rate", "rate_events": "100", "minutes": "5", "events": "7"},
        Substatus.UNTIL_CONDITION,
        {"archived_events": 100, "archived_minutes": 5},
    ),
]


@pytest.mark.parametrize(("fields", "substatus", "columns"), WAYS)
def test_an_issue_is_archived_in_each_way(
    alice: Person, issue: Issue, fields: dict[str, str], substatus: str, columns: dict[str, object]
) -> None:
    assert send(alice, issue, "archive", **fields).status_code == 302
    assert (issue.status, issue.substatus) == (Status.ARCHIVED, substatus)
    conditions = ("archived_until", "archived_events", "archived_users", "archived_minutes")
    assert {name: getattr(issue, name) for name in conditions if getattr(issue, name) is not None} == columns


@pytest.mark.parametrize(
    ("fields", "hours"),
    [
        ({"hours": "1"}, 1),
        ({"hours": "168", "typed_hours": "left over"}, 168),
        ({"hours": "other", "typed_hours": "36"}, 36),
    ],
)
def test_an_issue_is_archived_for_hours(alice: Person, issue: Issue, fields: dict[str, str], hours: int) -> None:
    before = database_now()
    send(alice, issue, "archive", until="hours", **fields)
    assert issue.archived_until is not None
    assert before <= issue.archived_until - timedelta(hours=hours) <= database_now()


@pytest.mark.parametrize(("offset", "hour"), [("0", 15), ("", 15), ("120", 13), ("-330", 20.5), ("1440", -9)])
def test_an_issue_is_archived_until_what_the_readers_clock_will_show(
    alice: Person, issue: Issue, offset: str, hour: float
) -> None:
    day = (database_now() + timedelta(days=20)).date()
    send(alice, issue, "archive", until="time", until_at=f"{day}T15:00", offset=offset)
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    assert issue.archived_until == midnight + timedelta(hours=hour)


def test_the_archive_menu_offers_the_seven_ways_of_slack(alice: Person, issue: Issue) -> None:
    page = Page(alice.browser().get(address(issue)))
    ways = ["until_escalating", "hours", "time", "events", "users", "rate", "forever"]
    assert page.values("until") == ways
    assert page.one("select", id="hours").text == "1 hour4 hours1 day1 weekAnother number…"


@pytest.mark.parametrize(
    ("fields", "name", "words"),
    [
        ({"until": "events", "events": ""}, "events", "whole number of events from 1 to 1,000,000"),
        ({"until": "events", "events": "0"}, "events", "whole number of events from 1 to 1,000,000"),
        ({"until": "events", "events": "1.5"}, "events", "whole number of events from 1 to 1,000,000"),
        ({"until": "events", "events": "1000001"}, "events", "whole number of events from 1 to 1,000,000"),
        ({"until": "events", "events": "9" * 21}, "events", "at most 20 characters"),
        ({"until": "users", "users": "-1"}, "users", "whole number of users from 1 to 1,000,000"),
        ({"until": "users", "users": "١"}, "users", "whole number of users from 1 to 1,000,000"),
        ({"until": "rate", "rate_events": "10001", "minutes": "5"}, "rate_events", "events from 1 to 10,000"),
        ({"until": "rate", "rate_events": "5", "minutes": "x"}, "minutes", "minutes from 1 to 10,080"),
        ({"until": "hours", "hours": "other", "typed_hours": "8761"}, "typed_hours", "hours from 1 to 8,760"),
        ({"until": "hours", "hours": "other", "typed_hours": ""}, "typed_hours", "hours from 1 to 8,760"),
        ({"until": "time", "until_at": ""}, "until_at", "Say until when: a date and a time."),
        ({"until": "time", "until_at": "soon"}, "until_at", "Say until when: a date and a time."),
        ({"until": "time", "until_at": "2001-01-01T00:00"}, "until_at", "a time that is to come, within a year"),
        ({"until": "time", "until_at": "9999-12-31T23:59", "offset": "-60"}, "until_at", "Say until when"),
        ({"until": "time", "until_at": "2999-01-01T00:00"}, "until_at", "a time that is to come, within a year"),
        ({"until": "time", "until_at": "2999-01-01T00:00", "offset": "1441"}, "until_at", "less than or equal"),
    ],
)
def test_an_end_that_will_not_do_is_told_at_its_field_and_what_was_typed_is_kept(
    alice: Person, issue: Issue, fields: dict[str, str], name: str, words: str
) -> None:
    answer = send(alice, issue, "archive", **fields)
    assert answer.status_code == 200
    page = Page(answer)
    assert words in page.one("p", id=f"{name}-wrong").text
    field = page.one("input", id=name)
    assert field.attributes["value"] == fields[name]
    assert field.attributes["aria-describedby"] == f"{name}-wrong"
    assert "autofocus" in field.attributes
    assert [one.attributes["value"] for one in page.all("input", name="until") if "checked" in one.attributes] == [
        fields["until"]
    ]
    opened = [menu.text.split()[0] for menu in page.all("details", class_="choose") if "open" in menu.attributes]
    assert opened == ["Archive…"]
    assert issue.version == 1


def test_a_way_to_archive_that_is_none_is_told(alice: Person, issue: Issue) -> None:
    assert told(send(alice, issue, "archive", until="noon")) == "Choose one of the entries."
    assert issue.version == 1


def test_an_archived_issue_can_be_resolved_or_brought_back_by_hand(alice: Person, issue: Issue) -> None:
    send(alice, issue, "archive", until="events", events="20")
    send(alice, issue, "reopen")
    assert (issue.status, issue.archived_events) == (Status.UNRESOLVED, None)
    send(alice, issue, "archive", until="forever")
    send(alice, issue, "resolve")
    assert issue.status == Status.RESOLVED
