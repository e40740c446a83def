"""The JSON API: a token, an issue, a change of status."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from tests.people import Person
from tocsin.accounts.models import ApiToken
from tocsin.accounts.tokens import make_token
from tocsin.clock import database_now
from tocsin.issues.models import Activity, Issue
from tocsin.projects import releases

ALL = list(ApiToken.Scope)


def ask(method: str, path: str, token: str = "", body: Any = None) -> tuple[int, Any]:
    """(status, JSON) of a request; the client checks CSRF tokens, as no program has one."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    data = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
    answer = Client(enforce_csrf_checks=True, SERVER_NAME="localhost").generic(
        method, path, data, content_type="application/json", headers=headers
    )
    return answer.status_code, json.loads(answer.content)


def token_of(person: Person, scopes: list[ApiToken.Scope] | None = None) -> str:
    return make_token(person.user, person.organization, "test", ALL if scopes is None else scopes)


def test_an_issue_is_read_listed_and_resolved(alice: Person, make_issue: Callable[..., Issue]) -> None:
    issue, token = make_issue(), token_of(alice)
    status, read = ask("GET", f"/api/0/issues/{issue.pk}/", token)
    assert (status, read["shortId"], read["status"], read["count"]) == (200, "SHOP-1", "unresolved", "1")
    assert ask("GET", "/api/0/organizations/acme/issues/", token)[1][0]["id"] == str(issue.pk)
    status, changed = ask("PUT", f"/api/0/organizations/acme/issues/{issue.pk}/", token, {"status": "resolved"})
    assert (status, changed["status"], changed["substatus"]) == (200, "resolved", None)
    activity = Activity.objects.get()
    assert (activity.user, activity.origin) == (alice.user, "api")
    _, read = ask("GET", f"/api/0/issues/{issue.pk}/", token)
    assert [entry["type"] for entry in read["activity"]] == ["resolved"]


def test_the_list_is_paged_and_chosen_by_status(alice: Person, make_issue: Callable[..., Issue]) -> None:
    first, second = make_issue(), make_issue(status="resolved", substatus="")
    token = token_of(alice)
    path = "/api/0/organizations/acme/issues/"
    assert [one["id"] for one in ask("GET", path, token)[1]] == [str(second.pk), str(first.pk)]
    assert [one["id"] for one in ask("GET", f"{path}?status=resolved", token)[1]] == [str(second.pk)]
    assert [one["id"] for one in ask("GET", f"{path}?before={second.pk}", token)[1]] == [str(first.pk)]
    for wrong in ("status=gone", "before=x", "before=" + "9" * 19, "before=١"):
        assert ask("GET", f"{path}?{wrong}", token)[0] == 400


def test_the_list_is_searched_as_the_page_is(alice: Person, make_issue: Callable[..., Issue]) -> None:
    fatal, _ = make_issue(level="fatal"), make_issue()
    token, path = token_of(alice), "/api/0/organizations/acme/issues/?query="
    assert [one["id"] for one in ask("GET", f"{path}is:new+level:fatal+zero", token)[1]] == [str(fatal.pk)]
    status, refused = ask("GET", f"{path}level:loud", token)
    assert (status, refused["detail"]) == (
        400,
        "level:loud makes no sense. level: takes fatal, error, warning, info, debug.",
    )


@pytest.mark.parametrize("shown", ["", "wrong", "tcsn_wrong"])
def test_without_a_token_there_is_nothing(alice: Person, make_issue: Callable[..., Issue], shown: str) -> None:
    issue = make_issue()
    assert ask("GET", f"/api/0/issues/{issue.pk}/", shown)[0] == 401
    assert ask("PUT", f"/api/0/issues/{issue.pk}/", shown, {"status": "resolved"})[0] == 401


@pytest.mark.parametrize(
    ("who", "read", "change"), [("alice", 200, 200), ("bob", 200, 403), ("eve", 404, 404), ("mallory", 401, 401)]
)
def test_a_token_may_what_its_person_may(
    request: pytest.FixtureRequest, make_issue: Callable[..., Issue], who: str, read: int, change: int
) -> None:
    issue, token = make_issue(), token_of(request.getfixturevalue(who))
    for path in (f"/api/0/issues/{issue.pk}/", f"/api/0/organizations/acme/issues/{issue.pk}/"):
        assert ask("GET", path, token)[0] == read
        assert ask("PUT", path, token, {"status": "resolved"})[0] == change
    issue.refresh_from_db()
    assert issue.status == ("resolved" if change == 200 else "unresolved")


def test_a_token_of_one_organization_opens_no_other_of_the_same_person(
    alice: Person, eve: Person, make_issue: Callable[..., Issue]
) -> None:
    from tocsin.accounts.models import Member, Role

    issue = make_issue()
    Member.objects.create(organization=alice.organization, user=eve.user, role=Role.OWNER)
    assert ask("GET", f"/api/0/issues/{issue.pk}/", token_of(eve))[0] == 404


def test_a_scope_that_is_missing_is_named(alice: Person, make_issue: Callable[..., Issue]) -> None:
    issue, token = make_issue(), token_of(alice, [ApiToken.Scope.EVENT_READ])
    status, answer = ask("PUT", f"/api/0/issues/{issue.pk}/", token, {"status": "resolved"})
    assert (status, answer["detail"]) == (403, "This token lacks the scope event:write.")


WRONG: list[dict[str, Any]] = [
    {"statusDetails": {}},
    {"status": ["resolved"]},
    {"status": "unresolved", "statusDetails": {"inNextRelease": True}},
    {"status": "resolved", "statusDetails": []},
    {"status": "resolved", "statusDetails": [1]},
    {"status": "resolved", "statusDetails": {"inRelease": 1}},
    {"status": "resolved", "statusDetails": {"inRelease": "shop@9"}},
    {"status": "resolved", "statusDetails": {"inRelease": "latest"}},
    {"status": "resolved", "statusDetails": {"ignoreCount": 1}},
    {"status": "ignored", "substatus": "ongoing"},
    {"status": "ignored", "substatus": []},
    *(
        {"status": "ignored", "statusDetails": details}
        for details in (
            {"ignoreCount": 0},
            {"ignoreCount": True},
            {"ignoreCount": "5"},
            {"ignoreCount": 10**12},
            {"ignoreWindow": 5},
            {"ignoreCount": 5, "ignoreUserCount": 5},
            {"ignoreUserCount": 5, "ignoreWindow": 5},
            {"ignoreDuration": 90},
            {"ignoreUntil": "2037-03-01T12:00:00"},
            {"ignoreUntil": "2037-13-01T12:00:00Z"},
            {"ignoreUntil": "2001-03-01T12:00:00Z"},
            {"ignoreUntil": 5},
            {"x": 5},
        )
    ),
    {"assignedTo": 1},
    {"assignedTo": "#nobody"},
    {"assignedTo": "nobody@example.com"},
    {"priority": "urgent"},
    {"priority": ["low"]},
]


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"[" * 100_000, {"status": "gone"}, {"status": 1}, {"status": "resolved", "x": 1}, {}, *WRONG],
)
def test_a_body_of_another_form_is_refused_with_the_right_one(
    alice: Person, make_issue: Callable[..., Issue], body: Any
) -> None:
    issue = make_issue()
    status, answer = ask("PUT", f"/api/0/issues/{issue.pk}/", token_of(alice), body)
    assert status == 400
    assert answer["detail"]
    assert not Activity.objects.exists()


CHANGES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"status": "resolved"}, {"status": "resolved", "statusDetails": {}}),
    ({"status": "resolvedInNextRelease"}, {"statusDetails": {"inNextRelease": True}}),
    ({"status": "resolved", "statusDetails": {"inNextRelease": True}}, {"statusDetails": {"inNextRelease": True}}),
    ({"status": "resolved", "statusDetails": {"inRelease": "latest"}}, {"statusDetails": {"inRelease": "shop@1.4.2"}}),
    (
        {"status": "resolved", "statusDetails": {"inRelease": "shop@1.4.2"}},
        {"statusDetails": {"inRelease": "shop@1.4.2"}},
    ),
    ({"status": "ignored"}, {"status": "ignored", "substatus": "archived_until_escalating"}),
    ({"status": "ignored", "substatus": "archived_forever"}, {"substatus": "archived_forever"}),
    ({"status": "ignored", "statusDetails": {"ignoreCount": 5}}, {"statusDetails": {"ignoreCount": 5}}),
    ({"status": "ignored", "statusDetails": {"ignoreUserCount": 5}}, {"statusDetails": {"ignoreUserCount": 5}}),
    (
        {"status": "ignored", "statusDetails": {"ignoreCount": 5, "ignoreWindow": 60}},
        {"statusDetails": {"ignoreCount": 5, "ignoreWindow": 60}, "substatus": "archived_until_condition_met"},
    ),
    ({"priority": "low"}, {"priority": "low", "status": "unresolved"}),
    ({"assignedTo": "#backend"}, {}),
]


@pytest.mark.parametrize(("asked", "shown"), CHANGES, ids=json.dumps)
def test_an_issue_is_changed_in_sentrys_words_and_shown_in_them(
    alice: Person, make_issue: Callable[..., Issue], asked: dict[str, Any], shown: dict[str, Any]
) -> None:
    issue, token = make_issue(), token_of(alice)
    releases.ensure([(issue.organization_id, issue.project_id, "shop@1.4.2")], database_now())
    status, changed = ask("PUT", f"/api/0/issues/{issue.pk}/", token, asked)
    assert (status, {name: changed[name] for name in shown}) == (200, shown)
    assert ask("GET", f"/api/0/issues/{issue.pk}/", token)[1].items() >= shown.items()
    assert ask("GET", "/api/0/organizations/acme/issues/", token)[1][0].items() >= shown.items()


def test_an_issue_is_archived_for_hours_that_are_given_in_minutes(
    alice: Person, make_issue: Callable[..., Issue]
) -> None:
    issue, token = make_issue(), token_of(alice)
    path = f"/api/0/issues/{issue.pk}/"
    assert ask("PUT", path, token, {"status": "ignored", "statusDetails": {"ignoreDuration": 120}})[0] == 200
    issue.refresh_from_db()
    assert issue.archived_until is not None
    assert issue.archived_at is not None
    assert (issue.archived_until - issue.archived_at).total_seconds() == pytest.approx(7200, abs=5)


def test_an_issue_is_archived_until_a_time(alice: Person, make_issue: Callable[..., Issue]) -> None:
    issue, token = make_issue(), token_of(alice)
    until = (database_now() + timedelta(days=30)).isoformat()
    asked = {"status": "ignored", "statusDetails": {"ignoreUntil": until}}
    assert ask("PUT", f"/api/0/issues/{issue.pk}/", token, asked)[1]["statusDetails"] == {"ignoreUntil": until}


@pytest.mark.parametrize("named", ["user:{user}", "ALICE@example.com", "team:{team}", "#backend"])
def test_an_issue_is_assigned_by_id_or_name_and_to_nobody_again(
    alice: Person, make_issue: Callable[..., Issue], named: str
) -> None:
    team = alice.organization.teams.get(slug="backend")
    issue, token = make_issue(), token_of(alice)
    path = f"/api/0/issues/{issue.pk}/"
    asked = named.format(user=alice.user.pk, team=team.pk)
    status, changed = ask("PUT", path, token, {"assignedTo": asked})
    kind = "team" if "team" in named or "#" in named else "user"
    assert (status, changed["assignedTo"]["type"]) == (200, kind)
    assert ask("PUT", path, token, {"assignedTo": None})[1]["assignedTo"] is None


def test_several_changes_are_made_together_or_not_at_all(alice: Person, make_issue: Callable[..., Issue]) -> None:
    issue, token = make_issue(), token_of(alice)
    path = f"/api/0/issues/{issue.pk}/"
    wrong = {"status": "resolved", "assignedTo": "user:999999"}
    assert ask("PUT", path, token, wrong)[0] in (400, 404)
    assert not Activity.objects.exists()
    changed = ask("PUT", path, token, {"status": "resolved", "priority": "low", "assignedTo": "alice@example.com"})[1]
    assert (changed["status"], changed["priority"], changed["assignedTo"]["name"]) == ("resolved", "low", "Alice")


def test_a_comment_is_added_and_read(alice: Person, bob: Person, make_issue: Callable[..., Issue]) -> None:
    issue = make_issue()
    for path in (f"/api/0/issues/{issue.pk}/comments/", f"/api/0/organizations/acme/issues/{issue.pk}/comments/"):
        status, added = ask("POST", path, token_of(alice), {"text": "It is the till."})
        assert (status, added["text"], added["user"]["name"]) == (201, "It is the till.", "Alice")
        assert ask("GET", path, token_of(bob))[1][0] == added
        assert ask("POST", path, token_of(bob), {"text": "x"})[0] == 403
        for wrong in ({}, {"text": ""}, {"text": 1}, {"text": "x", "y": 1}, {"text": "x" * 10_001}):
            assert ask("POST", path, token_of(alice), wrong)[0] == 400


def test_another_method_is_told_which_there_are(alice: Person, make_issue: Callable[..., Issue]) -> None:
    status, answer = ask("DELETE", f"/api/0/issues/{make_issue().pk}/", token_of(alice))
    assert (status, answer["detail"]) == (405, "This address takes GET, PUT.")
