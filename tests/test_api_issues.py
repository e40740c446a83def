"""The JSON API: a token, an issue, a change of status."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from tests.people import Person
from tocsin.accounts.models import ApiToken
from tocsin.accounts.tokens import make_token
from tocsin.issues.models import Activity, Issue

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


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"[" * 100_000, {"status": "gone"}, {"status": 1}, {"status": "resolved", "x": 1}, {}]
)
def test_a_body_of_another_form_is_refused_with_the_right_one(
    alice: Person, make_issue: Callable[..., Issue], body: Any
) -> None:
    issue = make_issue()
    status, answer = ask("PUT", f"/api/0/issues/{issue.pk}/", token_of(alice), body)
    assert status == 400
    assert answer["detail"]
    assert not Activity.objects.exists()


def test_another_method_is_told_which_there_are(alice: Person, make_issue: Callable[..., Issue]) -> None:
    status, answer = ask("DELETE", f"/api/0/issues/{make_issue().pk}/", token_of(alice))
    assert (status, answer["detail"]) == (405, "This address takes GET, PUT.")
