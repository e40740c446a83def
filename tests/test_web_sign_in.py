"""Signing in and out, and the frame around every page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client

from tests.pages import Page, csrf_token
from tests.people import PASSWORD, Person
from tocsin.accounts.models import Member, Organization, Role, User

LOGIN = "/accounts/login/"
LIST = "/organizations/acme/issues/"


@pytest.fixture(autouse=True)
def fresh_limits() -> Iterator[None]:
    """The limits count in the cache, which outlives a test."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def visitor() -> Client:
    return Client(enforce_csrf_checks=True, SERVER_NAME="localhost")


def sign_in(visitor: Client, email: str, password: str = PASSWORD, address: str = LOGIN) -> HttpResponse:
    form = {"csrfmiddlewaretoken": csrf_token(visitor), "login": email, "password": password}
    answer: HttpResponse = visitor.post(address, form)
    return answer


def test_a_page_leads_a_stranger_to_sign_in_and_back(visitor: Client, alice: Person) -> None:
    turned_away = visitor.get(LIST + "?status=resolved")
    assert turned_away.status_code == 302
    assert turned_away["Location"] == f"{LOGIN}?next={LIST}%3Fstatus%3Dresolved"
    form = Page(visitor.get(turned_away["Location"])).one("form", method="post")
    answer = sign_in(visitor, "alice@example.com", address=form.attributes["action"])
    assert (answer.status_code, answer["Location"]) == (302, LIST + "?status=resolved")
    assert visitor.get(answer["Location"]).status_code == 200


def test_capitals_in_an_e_mail_do_not_matter(visitor: Client, alice: Person) -> None:
    assert sign_in(visitor, "Alice@Example.COM").status_code == 302


@pytest.mark.parametrize(
    ("email", "password"), [("alice@example.com", "wrong"), ("nobody@example.com", PASSWORD), ("alice@example.com", "")]
)
def test_a_wrong_password_and_an_unknown_e_mail_get_the_same_words(
    visitor: Client, alice: Person, email: str, password: str
) -> None:
    answer = sign_in(visitor, email, password)
    assert answer.status_code == 200
    alerts = [alert.text for alert in Page(answer).all("p", role="alert")]
    expected = "No account has this e-mail and this password. Look at both, then try again."
    assert alerts == [expected if password else "This field is required."]
    assert "_auth_user_id" not in visitor.session


def test_next_never_leads_to_another_host(visitor: Client, alice: Person) -> None:
    answer = sign_in(visitor, "alice@example.com", address=LOGIN + "?next=https://evil.example.com/")
    assert (answer.status_code, answer["Location"]) == (302, "/")


def test_passwords_cannot_be_guessed_by_trying(visitor: Client, alice: Person) -> None:
    for _ in range(5):
        sign_in(visitor, "alice@example.com", "wrong")
    answer = sign_in(visitor, "alice@example.com")
    assert answer.status_code == 200
    assert "Wait five minutes" in Page(answer).main
    assert "_auth_user_id" not in visitor.session


def test_trying_from_one_address_is_slowed_down_with_a_page_of_ours(visitor: Client, alice: Person) -> None:
    answers = [visitor.get(LOGIN).status_code for _ in range(3)]
    token = csrf_token(visitor)
    form = {"csrfmiddlewaretoken": token, "login": "nobody@example.com", "password": "wrong"}
    posted = [visitor.post(LOGIN, form) for _ in range(31)]
    assert answers == [200, 200, 200]
    assert posted[-1].status_code == 429
    assert "A little slower, please" in Page(posted[-1]).main


def test_somebody_whose_account_is_closed_cannot_sign_in(visitor: Client, alice: Person) -> None:
    User.objects.filter(pk=alice.user.pk).update(is_active=False)
    sign_in(visitor, "alice@example.com")
    assert visitor.get(LIST).status_code == 302


def test_an_account_that_is_closed_while_signed_in_sees_nothing_more(alice: Person) -> None:
    browser = alice.browser()
    assert browser.get(LIST).status_code == 200
    User.objects.filter(pk=alice.user.pk).update(is_active=False)
    assert browser.get(LIST).status_code != 200


def test_signing_out_needs_a_press_of_the_button(alice: Person) -> None:
    browser = alice.browser()
    assert "Sign out?" in Page(browser.get("/accounts/logout/")).main
    assert browser.get(LIST).status_code == 200
    browser.post("/accounts/logout/", {"csrfmiddlewaretoken": csrf_token(browser)})
    assert browser.get(LIST).status_code == 302


def test_a_person_changes_their_password(alice: Person, visitor: Client) -> None:
    browser = alice.browser()
    address, new = "/accounts/password/change/", "an even better password"
    form = {"csrfmiddlewaretoken": csrf_token(browser), "oldpassword": PASSWORD, "password1": new, "password2": new}
    assert "not your current password" in Page(browser.post(address, {**form, "oldpassword": "wrong"})).main
    short = Page(browser.post(address, {**form, "password1": "short", "password2": "short"}))
    assert "at least 10 characters" in short.main
    answer = browser.post(address, form, follow=True)
    assert "Your password is changed." in Page(answer).main
    assert sign_in(visitor, "alice@example.com", new).status_code == 302


def test_nobody_signs_up_by_themselves(visitor: Client, db: None) -> None:
    for address in ("/accounts/signup/", "/accounts/", "/accounts/email/", "/accounts/password/reset/"):
        assert visitor.get(address).status_code == 404


def test_the_root_leads_to_the_issues_of_the_first_organization(alice: Person) -> None:
    answer = alice.browser().get("/")
    assert (answer.status_code, answer["Location"]) == (302, LIST)


def test_a_person_without_an_organization_is_told_what_to_do(mallory: Person) -> None:
    page = Page(mallory.browser().get("/"))
    assert "You belong to no organization yet" in page.main
    assert "mallory@example.com" in page.main


def test_a_person_of_two_organizations_can_go_to_the_other(alice: Person, elsewhere: Organization) -> None:
    Member.objects.create(organization=elsewhere, user=alice.user, role=Role.VIEWER)
    page = Page(alice.browser().get(LIST))
    assert page.one("a", href="/organizations/elsewhere/issues/").text == "Elsewhere"
    assert page.all("a", href="/organizations/acme/issues/") == []
