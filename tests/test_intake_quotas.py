"""A project sends as many events as it may; before they are spent, somebody is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import Sum
from django.test import Client

from tests.people import Person
from tests.samples import sample_event
from tests.threads import at_once
from tests.waiting import until
from tocsin import bus
from tocsin.clock import database_now
from tocsin.errors import DomainError
from tocsin.intake.changes import QuotaNearlySpent
from tocsin.intake.models import Accepted, ItemCount, QuotaSpent
from tocsin.intake.quotas import period_around, threshold
from tocsin.projects.models import Key, Project
from tocsin.projects.quotas import QUOTA_MAX, set_quota

HOUR, DAY = Project.Period.HOUR, Project.Period.DAY


@pytest.fixture
def told() -> Iterator[list[QuotaNearlySpent]]:
    """Every warning that was published."""
    heard: list[QuotaNearlySpent] = []
    bus.listen(QuotaNearlySpent, heard.append)
    yield heard
    bus.stop_listening(QuotaNearlySpent, heard.append)


@pytest.fixture(autouse=True)
def _no_hour_ends(database: None) -> None:
    until(lambda: (database_now() + timedelta(seconds=30)).minute != 0, seconds=40, what="an hour that goes on a while")


def send(key: Key, number: int = 1, others: str = "", to: str = "envelope") -> Any:
    """An envelope of so many events, and of one item of the type `others`."""
    body = b"{}\n" + b"".join(b'{"type":"event"}\n%s\n' % sample_event().json for _ in range(number))
    if others:
        body += b'{"type":"%s"}\n{}\n' % others.encode()
    if to == "store":
        body = sample_event().json
    return Client().post(
        f"/api/{key.project_id}/{to}/?sentry_key={key.public_key}", data=body, content_type="application/octet-stream"
    )


def outcomes() -> dict[tuple[str, str], int]:
    rows = ItemCount.objects.values_list("kind", "outcome").annotate(Sum("count"))
    return {(kind, outcome): count for kind, outcome, count in rows}


@pytest.mark.parametrize("to", ["envelope", "store"])
@pytest.mark.parametrize("period", [HOUR, DAY])
def test_a_project_that_has_spent_its_quota_is_told_when_to_try_again(
    key: Key, project: Project, to: str, period: Project.Period
) -> None:
    set_quota(project, 3, period)
    answers = [send(key, to=to) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert Accepted.objects.count() == 3
    refused = answers[-1]
    wait = int(refused.headers["Retry-After"])
    assert 1 <= wait <= {HOUR: 3600, DAY: 86_400}[period]
    assert refused.headers["X-Sentry-Rate-Limits"] == f"{wait}:error:project:quota_{period}"
    assert period in json.loads(refused.content)["detail"]
    assert refused.headers["Access-Control-Allow-Origin"] == "*"
    assert outcomes() == {("event", "accepted"): 3, ("request", "over_quota"): 2}


def test_a_quota_is_of_events_alone(key: Key, project: Project) -> None:
    set_quota(project, 1)
    assert [send(key, 1).status_code, send(key, 1).status_code] == [200, 429]
    assert send(key, 0, "session").status_code == 200
    assert send(key, 1, "session").status_code == 429


def test_the_envelope_that_spends_it_is_taken_whole(key: Key, project: Project) -> None:
    set_quota(project, 3)
    assert [send(key, 2).status_code, send(key, 2).status_code, send(key, 1).status_code] == [200, 200, 429]
    assert Accepted.objects.count() == 4


def test_all_keys_of_a_project_spend_one_quota_and_other_projects_none(key: Key, project: Project) -> None:
    second = Key.objects.create(organization=key.organization, project=project)
    blog = Project.objects.create(organization=key.organization, slug="blog", name="Blog")
    other = Key.objects.create(organization=key.organization, project=blog)
    set_quota(project, 2)
    assert [send(each).status_code for each in (key, second, key, second, other)] == [200, 200, 429, 429, 200]
    assert not QuotaSpent.objects.filter(project=blog).exists()


def test_a_new_period_begins_anew(key: Key, project: Project) -> None:
    set_quota(project, 1, HOUR)
    begins, _ = period_around(HOUR, database_now())
    QuotaSpent.objects.create(
        organization=key.organization, project=project, begins=begins - timedelta(hours=1), count=1000
    )
    assert [send(key).status_code, send(key).status_code] == [200, 429]


def test_a_quota_that_is_raised_or_taken_away_refuses_no_more(key: Key, project: Project) -> None:
    set_quota(project, 1)
    assert [send(key).status_code, send(key).status_code] == [200, 429]
    set_quota(project, 100)
    assert send(key).status_code == 200
    set_quota(project, None)
    assert send(key).status_code == 200


def test_a_quota_holds_for_requests_that_come_together(committed: None, key: Key, project: Project) -> None:
    set_quota(project, 5)
    codes: list[int] = []
    at_once(lambda _: codes.append(send(key).status_code), 8)
    assert sorted(codes) == [200] * 5 + [429] * 3
    assert Accepted.objects.count() == 5


def test_a_key_beyond_its_limit_spends_nothing_of_the_quota(key: Key, project: Project) -> None:
    until(lambda: database_now().second < 50, seconds=15, what="a minute that is not about to end")
    Key.objects.filter(pk=key.pk).update(rate_limit_per_minute=1)
    set_quota(project, 100)
    assert [send(key, 0, "session").status_code, send(key, 3).status_code] == [200, 429]
    assert not QuotaSpent.objects.exists()


@pytest.mark.parametrize("events", [0, -1, QUOTA_MAX + 1])
def test_a_quota_that_makes_no_sense_is_refused_with_a_sentence(project: Project, events: int) -> None:
    with pytest.raises(DomainError, match="at least one event"):
        set_quota(project, events)


def test_without_a_quota_nothing_is_spent_and_nothing_asked(key: Key, statements: Any) -> None:
    assert send(key).status_code == 200
    asked = [sql for sql in statements.asked if "quotaspent" in sql]
    assert len(asked) == 1, "with the key, and never again"
    assert asked[0].startswith("SELECT own.")
    assert not QuotaSpent.objects.exists()


# --- before it bites -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("quota", "expected"), [(1, 1), (2, 2), (5, 4), (10, 8), (11, 9), (1000, 800)])
def test_nearly_all_is_four_fifths(quota: int, expected: int) -> None:
    assert threshold(quota) == expected


@pytest.mark.parametrize("at_a_time", [1, 3])
def test_it_is_announced_once_before_it_is_spent(
    key: Key, project: Project, told: list[QuotaNearlySpent], at_a_time: int
) -> None:
    set_quota(project, 10, HOUR)
    while send(key, at_a_time).status_code == 200:
        if Accepted.objects.count() < 8:
            assert told == []
    (warning,) = told
    assert (warning.organization_id, warning.project_id) == (project.organization_id, project.pk)
    assert (warning.spent, warning.quota, warning.period) == (8 if at_a_time == 1 else 9, 10, "hour")
    assert warning.now < warning.ends <= warning.now + timedelta(hours=1)


def test_a_warning_that_was_undone_is_given_again(
    committed: None, key: Key, project: Project, told: list[QuotaNearlySpent]
) -> None:
    """Somebody who listens fails: nothing was accepted, and nothing was spent."""
    set_quota(project, 1)

    def fail(_: QuotaNearlySpent) -> None:
        raise LookupError("not now")

    bus.listen(QuotaNearlySpent, fail)
    with pytest.raises(LookupError):
        send(key)
    bus.stop_listening(QuotaNearlySpent, fail)
    assert not QuotaSpent.objects.exists()
    assert send(key).status_code == 200
    assert len(told) == 2


def test_the_issue_list_says_what_is_nearly_spent_to_those_who_see_the_project(
    key: Key, project: Project, alice: Person, eve: Person
) -> None:
    address = f"/organizations/{project.organization.slug}/issues/"
    set_quota(project, 1250, HOUR)
    begins, _ = period_around(HOUR, database_now())
    row = QuotaSpent.objects.create(organization=key.organization, project=project, begins=begins, count=999)
    assert "events that it may send" not in alice.browser().get(address).content.decode()
    QuotaSpent.objects.filter(pk=row.pk).update(count=1000)
    assert "Shop has sent 1,000 of the 1,250 events that it may send in one hour" in seen(alice, address)
    QuotaSpent.objects.filter(pk=row.pk).update(count=7777)
    assert "Shop has sent the 1,250 events that it may send in one hour" in seen(alice, address)
    assert "Shop" not in seen(eve, "/organizations/elsewhere/issues/")
    QuotaSpent.objects.filter(pk=row.pk).update(begins=begins - timedelta(hours=1))
    assert "may send" not in seen(alice, address)


def seen(person: Person, address: str) -> str:
    answer = person.browser().get(address)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())
