"""What an issue's page and the list say of how it is, and of what was done."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.pages import Page
from tests.people import Person
from tocsin import bus
from tocsin.accounts import actor
from tocsin.accounts.actor import Origin
from tocsin.accounts.models import Team
from tocsin.clock import database_now
from tocsin.issues.commands import (
    Acknowledge,
    Archive,
    ArchiveUntil,
    Assign,
    Comment,
    Reopen,
    Resolve,
    ResolveIn,
    SetPriority,
    Unassign,
    Undo,
)
from tocsin.issues.models import Activity, Issue, Status, Substatus
from tocsin.projects import releases

MakeIssue = Callable[..., Issue]
LIST = "/organizations/acme/issues/"
FRIDAY = datetime(2031, 5, 2, 15, 30, tzinfo=UTC)


@pytest.fixture
def issue(make_issue: MakeIssue) -> Issue:
    """Its project has one release."""
    made = make_issue()
    releases.ensure([(made.organization_id, made.project_id, "shop@1.4.2")], database_now())
    return made


def read(person: Person, path: str) -> Page:
    answer = person.browser().get(path)
    assert answer.status_code == 200
    return Page(answer)


def lines(page: Page) -> list[str]:
    """What was done, the newest first, without when."""
    return [item.text.rsplit(" 20", 1)[0] for item in page.all("li", class_="done")]


ARCHIVED: list[tuple[dict[str, Any], str]] = [
    ({"substatus": Substatus.FOREVER}, "Archived forever"),
    ({"substatus": Substatus.UNTIL_ESCALATING}, "Archived until it escalates"),
    ({"archived_until": FRIDAY}, "Archived until 2031-05-02 15:30 UTC"),
    ({"archived_events": 50, "archived_events_seen": 12}, "Archived until 50 more events (12 so far)"),
    ({"archived_users": 1}, "Archived until 1 more user"),
    ({"archived_events": 100, "archived_minutes": 5}, "Archived until 100 events come within 5 minutes"),
]


@pytest.mark.parametrize(("columns", "said"), ARCHIVED, ids=[said for _, said in ARCHIVED])
def test_page_and_list_say_until_when_an_issue_is_archived(
    alice: Person, make_issue: MakeIssue, columns: dict[str, Any], said: str
) -> None:
    issue = make_issue(**{"status": Status.ARCHIVED, "substatus": Substatus.UNTIL_CONDITION, **columns})
    for path in (f"{LIST}{issue.pk}/", f"{LIST}?status=archived"):
        assert read(alice, path).one("span", class_="badge-archived").text == said


@pytest.mark.parametrize(
    ("when", "said"),
    [
        (ResolveIn.NOW, "Resolved"),
        (ResolveIn.NEXT_RELEASE, "Resolved in the release after shop@1.4.2"),
        (ResolveIn.CURRENT_RELEASE, "Resolved in shop@1.4.2"),
    ],
)
def test_page_and_list_say_in_which_release_an_issue_is_resolved(
    alice: Person, issue: Issue, when: ResolveIn, said: str
) -> None:
    bus.perform(Resolve(issue_id=issue.pk, when=when), by=alice.actor())
    for path in (f"{LIST}{issue.pk}/", f"{LIST}?status=resolved"):
        assert read(alice, path).one("span", class_="badge-resolved").text == said


@pytest.mark.parametrize("substatus", ["new", "ongoing", "escalating", "regressed"])
def test_an_open_issue_says_how_it_is(alice: Person, make_issue: MakeIssue, substatus: str) -> None:
    issue = make_issue(substatus=substatus)
    badge = read(alice, f"{LIST}{issue.pk}/").one("span", class_=f"badge-{substatus}")
    assert badge.text == substatus.capitalize()
    in_list = read(alice, LIST).all("span", class_=f"badge-{substatus}")
    assert [one.text for one in in_list] == ([] if substatus == "ongoing" else [substatus.capitalize()])


def test_every_kind_of_activity_is_a_line_in_words(alice: Person, carol: Person, team: Team, issue: Issue) -> None:
    issue_id = issue.pk
    for command in (
        Resolve(issue_id=issue_id, when=ResolveIn.CURRENT_RELEASE),
        Reopen(issue_id=issue_id),
        Archive(issue_id=issue_id, until=ArchiveUntil.EVENTS, events=20),
        Assign(issue_id=issue_id, user_id=carol.user.pk),
        Assign(issue_id=issue_id, team_id=team.pk),
        Unassign(issue_id=issue_id),
        SetPriority(issue_id=issue_id, priority="low"),
        Acknowledge(issue_id=issue_id),
        Comment(issue_id=issue_id, text="It is the till."),
    ):
        bus.perform(command, by=alice.actor())
    priority = Activity.objects.get(kind=Activity.Kind.PRIORITY)
    bus.perform(Undo(issue_id=issue_id, activity_id=priority.pk), by=carol.actor(Origin.SLACK))
    assert lines(read(alice, f"{LIST}{issue_id}/")) == [
        "Undid: priority by Carol in Slack,",
        "Commented by Alice",
        "Acknowledged by Alice",
        "Set priority to low by Alice",
        "Unassigned by Alice",
        "Assigned to #backend by Alice",
        "Assigned to Carol by Alice",
        "Archived until 20 more events by Alice",
        "Reopened by Alice",
        "Resolved in shop@1.4.2 by Alice",
    ]


def test_what_tocsin_did_by_itself_names_nobody(alice: Person, issue: Issue) -> None:
    for kind in (Activity.Kind.REGRESSED, Activity.Kind.ESCALATED, Activity.Kind.UNARCHIVED):
        Activity.objects.create(
            organization=issue.organization,
            issue=issue,
            kind=kind,
            origin=Origin.SYSTEM,
            version=1,
            about={"because": "users"} if kind == Activity.Kind.UNARCHIVED else {},
            created_at=database_now(),
        )
    bus.perform(Resolve(issue_id=issue.pk), by=actor.system(database_now()))
    assert lines(read(alice, f"{LIST}{issue.pk}/")) == [
        "Resolved",
        "Back from the archive: the users came",
        "Back from the archive: it escalates",
        "Came back after it was resolved",
    ]


def test_somebody_whose_account_is_gone_is_still_somebody(alice: Person, carol: Person, issue: Issue) -> None:
    bus.perform(Resolve(issue_id=issue.pk), by=carol.actor())
    carol.user.delete()
    assert lines(read(alice, f"{LIST}{issue.pk}/")) == ["Resolved by somebody"]


def test_a_line_tells_the_time_that_an_archive_ends(alice: Person, issue: Issue) -> None:
    until = database_now().replace(microsecond=0) + timedelta(hours=30)
    bus.perform(Archive(issue_id=issue.pk, until=ArchiveUntil.TIME, until_at=until), by=alice.actor())
    page = read(alice, f"{LIST}{issue.pk}/")
    assert page.one("li", class_="done-archived").text.startswith(f"Archived until {until:%Y-%m-%d %H:%M} UTC by Alice")
    exactly = [time for time in page.all("time") if "data-exactly" in time.attributes]
    assert [time.attributes["datetime"] for time in exactly] == [until.isoformat()] * 2
