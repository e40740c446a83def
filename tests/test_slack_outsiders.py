"""Guests, and people of other companies in shared channels: they connect where the organization allows it, and else are told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.pages import Page
from tests.people import Person
from tests.slack_fixture import Slack
from tests.test_web_linking import post
from tocsin.accounts.models import AuditEntry, Member, Organization, Role
from tocsin.slack.models import Connection, Identity, Installation

PEOPLE = "/organizations/acme/slack/"
GUEST: dict[str, Any] = {"is_restricted": True}
STRANGER: dict[str, Any] = {"is_stranger": True}


@pytest.fixture
def path(slack: Slack, installation: Installation, carol: Person) -> str:
    """Of the page that carol, who types `link`, is sent to."""
    slack.change_app(commands=[{"command": "/tocsin"}])
    slack.command(carol, "/tocsin link")
    text = str(slack.ephemerals(carol)[-1]["text"])
    return f"/slack/link/{text.split('/slack/link/')[1].split('/', maxsplit=1)[0]}/"


def is_linked(person: Person) -> bool:
    return Identity.objects.filter(user=person.user).exists()


@pytest.mark.parametrize(("flags", "words"), [(GUEST, "you are a guest"), (STRANGER, "you are of another company")])
def test_outsiders_are_refused_in_words_and_nothing_is_spent(
    path: str, slack: Slack, carol: Person, flags: dict[str, Any], words: str
) -> None:
    browser = carol.browser()
    assert browser.get(path).status_code == 200
    slack.change_user(carol, **flags)
    answer = browser.get(path)
    assert answer.status_code == 403
    assert words in Page(answer).main
    assert "Acme does not let such people connect" in Page(answer).main
    slack.change_user(carol, **dict.fromkeys(flags, False))
    assert browser.get(path).status_code == 200
    assert not is_linked(carol)


def test_who_became_a_guest_while_the_page_was_open_is_refused(path: str, slack: Slack, carol: Person) -> None:
    browser = carol.browser()
    token = browser.get(path).content.decode().split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    slack.change_user(carol, **GUEST)
    answer = browser.post(path, {"csrfmiddlewaretoken": token}, headers={"Origin": "http://localhost"})
    assert answer.status_code == 403
    assert not is_linked(carol)


@pytest.mark.parametrize("flags", [GUEST, STRANGER])
def test_where_the_organization_allows_it_they_connect(
    path: str, slack: Slack, carol: Person, owner: Person, flags: dict[str, Any]
) -> None:
    slack.change_user(carol, **flags)
    connection = Connection.objects.get()
    page = Page(owner.browser().get(PEOPLE))
    assert "They may not connect." in page.main
    assert post(owner.browser(), PEOPLE, connection=str(connection.pk), outsiders="yes").status_code == 302
    assert "They may connect." in Page(owner.browser().get(PEOPLE)).main
    assert post(carol.browser(), path).status_code == 200
    assert is_linked(carol)
    assert [entry.action for entry in AuditEntry.objects.order_by("pk")] == ["slack.outsiders", "slack.link"]


def test_it_is_closed_again_for_those_who_come_then(
    path: str, slack: Slack, carol: Person, alice: Person, owner: Person
) -> None:
    connection = str(Connection.objects.get().pk)
    for allowed in ("yes", "no"):
        post(owner.browser(), PEOPLE, connection=connection, outsiders=allowed)
    slack.change_user(carol, **GUEST)
    assert carol.browser().get(path).status_code == 403
    assert is_linked(alice)


def test_every_organization_of_theirs_there_has_to_allow_it(
    path: str, slack: Slack, carol: Person, elsewhere: Organization, installation: Installation
) -> None:
    Connection.objects.update(allows_outsiders=True)
    slack.change_user(carol, **GUEST)
    assert carol.browser().get(path).status_code == 200
    Connection.objects.create(organization=elsewhere, installation=installation)
    assert carol.browser().get(path).status_code == 200  # she is no member there
    Member.objects.create(organization=elsewhere, user=carol.user, role=Role.MEMBER)
    answer = carol.browser().get(path)
    assert (answer.status_code, "Elsewhere does not let" in Page(answer).main) == (403, True)


@pytest.mark.parametrize("who", ["alice", "bob", "eve", "mallory"])
def test_only_who_manages_may_allow_it(
    who: str, request: pytest.FixtureRequest, installation: Installation, slack: Slack
) -> None:
    person: Person = request.getfixturevalue(who)
    answer = post(person.browser(), "/accounts/slack/", connection=str(Connection.objects.get().pk), outsiders="yes")
    assert answer.status_code == 404  # that page ends connections only
    assert not Connection.objects.get().allows_outsiders
    assert person.browser().get(PEOPLE).status_code in (403, 404)


@pytest.mark.parametrize("wrong", ["", "0", "x", "999999"])
def test_a_workspace_that_is_not_theirs_cannot_be_opened(owner: Person, installation: Installation, wrong: str) -> None:
    assert post(owner.browser(), PEOPLE, connection=wrong, outsiders="yes").status_code == 404
    assert not Connection.objects.get().allows_outsiders


Fault = Callable[[Slack], Any]
FAULTS: dict[str, Fault] = {
    "Slack is away": lambda slack: slack.fail("users.info", "status", None, status=503),
    "the scope is missing": lambda slack: slack.change_app(scopes=["chat:write", "commands"]),
    "too many ask": lambda slack: slack.fail("users.info", "429", None, retry_after=30),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_when_slack_does_not_say_who_they_are_nothing_is_done_and_said_so(
    path: str, slack: Slack, carol: Person, fault: str
) -> None:
    FAULTS[fault](slack)
    answer = carol.browser().get(path)
    assert answer.status_code == 400
    assert "Slack does not tell Tocsin at the moment whether you are a guest" in Page(answer).main
    assert not is_linked(carol)
    slack.heal()
    Connection.objects.update(allows_outsiders=True)  # then nobody need be asked
    assert carol.browser().get(path).status_code == 200


def test_somebody_whom_slack_does_not_know_is_a_stranger(path: str, slack: Slack, carol: Person) -> None:
    slack.fail("users.info", "error", None, error="user_not_found")
    assert "you are of another company" in Page(carol.browser().get(path)).main
