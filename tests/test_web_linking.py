"""The link page: it shows both accounts, changes nothing until it is confirmed, and works once."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from tests.people import Person
from tests.slack_fixture import Slack
from tocsin.alerts.models import Destination, Rule
from tocsin.issues.models import Activity, Issue
from tocsin.slack.models import Identity, LinkToken


@pytest.fixture
def card_of(
    slack: Slack,
    make_destination: Callable[..., Destination],
    make_rule: Callable[..., Rule],
    raise_error: Callable[..., list[str]],
    digest_all: Callable[[], int],
    deliver_all: Callable[..., int],
) -> Issue:
    """An issue with a card in #alerts."""
    make_rule(make_destination(slack.channel("alerts"), "#alerts"))
    raise_error()
    digest_all()
    deliver_all()
    return Issue.objects.get()


@pytest.fixture
def invitation(slack: Slack, card_of: Issue, carol: Person, deliver_all: Callable[..., int]) -> Callable[[], str]:
    """`invitation()`: carol, not linked yet, presses Resolve; the path of the page that she is invited to."""

    def press() -> str:
        slack.card(card_of).click("Resolve", as_=carol)
        deliver_all()
        text = str(slack.ephemerals(carol)[-1]["text"])
        return re.search(r"/slack/link/[^/]+/", text)[0]  # type: ignore[index]

    return press


def post(client: Client, path: str, **fields: str) -> Any:
    """As the page's form does it, with its token."""
    page = client.get(path)
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.content.decode())
    assert found, page.status_code
    return client.post(path, {"csrfmiddlewaretoken": found[1], **fields}, headers={"Origin": "http://localhost"})


def test_the_page_asks_and_changes_nothing(invitation: Callable[[], str], carol: Person) -> None:
    answer = carol.browser().get(invitation())
    text = answer.content.decode()
    assert answer.status_code == 200
    for shown in ("carol@example.com", "U0CAROL", "Tocsin Demo", "Acme", "then: resolve SHOP-1", "Not you"):
        assert shown in text
    assert not Identity.objects.filter(user=carol.user).exists()
    assert "no-store" in answer["Cache-Control"]
    assert answer["Referrer-Policy"] == "strict-origin"


def test_confirming_links_and_does_what_was_pressed_once(
    invitation: Callable[[], str], card_of: Issue, carol: Person, slack: Slack, deliver_all: Callable[..., int]
) -> None:
    path = invitation()
    answer = post(carol.browser(), path, then="yes")
    assert "You are connected as carol@example.com." in answer.content.decode()
    assert Identity.objects.get(user=carol.user).slack_user_id == "U0CAROL"
    card_of.refresh_from_db()
    assert card_of.status == "resolved"
    activity = Activity.objects.get(kind="resolved")
    assert (activity.user, activity.origin, activity.identity) == (carol.user, "slack", "T0TOCSIN/U0CAROL")
    deliver_all()
    assert "Reopen" in slack.card(card_of).buttons
    assert any("You are connected" in str(whisper["text"]) for whisper in slack.ephemerals(carol))
    assert carol.browser().get(path).status_code == 410


def test_without_its_box_ticked_nothing_is_done_with_the_issue(
    invitation: Callable[[], str], card_of: Issue, carol: Person
) -> None:
    post(carol.browser(), invitation())
    card_of.refresh_from_db()
    assert card_of.status == "unresolved"
    assert Identity.objects.filter(user=carol.user).exists()


@pytest.mark.parametrize("why", ["wrong", "used", "expired"])
def test_a_link_that_does_not_work_any_more_says_how_to_get_another(
    invitation: Callable[[], str], carol: Person, why: str
) -> None:
    path = invitation()
    if why == "wrong":
        path = "/slack/link/nonsense/"
    elif why == "used":
        post(carol.browser(), path)
    else:
        row = LinkToken.objects.get()
        LinkToken.objects.update(expires_at=row.created_at - timedelta(seconds=1))
    answer = carol.browser().get(path)
    assert answer.status_code == 410
    assert "press the button" in answer.content.decode()


@pytest.mark.parametrize("who", ["eve", "mallory"])
def test_a_stranger_to_the_workspaces_organizations_finds_nothing(
    invitation: Callable[[], str], request: pytest.FixtureRequest, who: str
) -> None:
    path = invitation()
    stranger: Person = request.getfixturevalue(who)
    assert stranger.browser().get(path).status_code == 404
    assert stranger.browser().post(path).status_code == 403, "a form without its token"
    assert LinkToken.objects.get().used_at is None


def test_nobody_is_linked_before_they_sign_in(invitation: Callable[[], str]) -> None:
    path = invitation()
    answer = Client(SERVER_NAME="localhost").get(path)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/?next=/slack/link/")


def test_a_form_from_elsewhere_links_nobody(invitation: Callable[[], str], carol: Person) -> None:
    assert carol.browser().post(invitation(), {"then": "yes"}).status_code == 403
    assert not Identity.objects.filter(user=carol.user).exists()
