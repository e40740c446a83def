"""What a person is told when something went wrong, what every answer carries, and whether the service is well."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import pytest
from django.core.exceptions import SuspiciousOperation
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, HttpResponse
from django.test import Client, override_settings
from django.urls import path
from structlog.stdlib import ProcessorFormatter

from tests.pages import Page
from tests.people import Person
from tocsin import urls
from tocsin.issues.models import Issue
from tocsin.web.middleware import CONTENT_SECURITY_POLICY

SECRET = "what only the log may hold"


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError(SECRET)


def suspicious(request: HttpRequest) -> HttpResponse:
    raise SuspiciousOperation(SECRET)


urlpatterns = [*urls.urlpatterns, path("broken/", broken), path("suspicious/", suspicious)]
handler400, handler403, handler404 = urls.handler400, urls.handler403, urls.handler404
handler500 = urls.handler500


@pytest.fixture
def visitor() -> Iterator[Client]:
    """Of a Tocsin with two pages that fail."""
    with override_settings(ROOT_URLCONF=__name__):
        yield Client(SERVER_NAME="localhost", raise_request_exception=False)


@pytest.mark.parametrize(
    ("address", "status", "title"),
    [
        ("/nowhere/", 404, "Nothing here"),
        ("/broken/", 500, "Our mistake"),
        ("/suspicious/", 400, "That did not work"),
        ("/organizations/acme/issues", 404, "Nothing here"),
    ],
)
def test_a_fault_has_a_page_of_ours_that_says_what_to_do(
    visitor: Client, db: None, address: str, status: int, title: str
) -> None:
    answer = visitor.get(address)
    assert answer.status_code == status
    page = Page(answer)
    assert page.one("h1").text == title
    assert page.one("a", class_="button").attributes["href"] == "/"
    assert SECRET not in page.text
    assert answer["Content-Security-Policy"] == CONTENT_SECURITY_POLICY


def test_a_request_for_another_host_is_refused(db: None) -> None:
    assert Client(SERVER_NAME="evil.example.com").get("/").status_code == 400


def test_the_page_for_our_faults_needs_no_database(visitor: Client) -> None:
    """No fixture has opened one: a query would fail the test."""
    assert visitor.get("/broken/").status_code == 500


@pytest.mark.parametrize("address", ["/", "/livez", "/nowhere/", "/static/tocsin.css", "/accounts/login/"])
def test_every_answer_carries_the_strict_policy(visitor: Client, db: None, address: str) -> None:
    answer = visitor.get(address)
    policy = answer["Content-Security-Policy"]
    for part in ("default-src 'self'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"):
        assert part in policy
    assert "unsafe" not in policy
    assert answer["X-Content-Type-Options"] == "nosniff"
    answer.close()


def test_pages_of_a_person_stay_in_no_cache(alice: Person, make_issue: Callable[..., Issue]) -> None:
    issue = make_issue()
    browser = alice.browser()
    for address in ("/organizations/acme/issues/", f"/organizations/acme/issues/{issue.pk}/"):
        assert "no-store" in browser.get(address)["Cache-Control"]


# --- health --------------------------------------------------------------------------------------------------------------


def test_livez_answers_without_a_database(visitor: Client) -> None:
    answer = visitor.get("/livez")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_readyz_is_ready_when_every_migration_is_applied(visitor: Client, db: None) -> None:
    answer = visitor.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "database": "ok", "migrations": "ok"})


def test_readyz_says_which_command_is_missing(visitor: Client, db: None) -> None:
    MigrationRecorder(connection).record_unapplied("issues", "0001_initial")
    answer = visitor.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["migrations"] == "1 to apply: run `tocsin migrate`"


@pytest.mark.parametrize("address", ["/livez", "/readyz"])
def test_health_is_only_read(visitor: Client, db: None, address: str) -> None:
    assert visitor.post(address).status_code == 405


# --- logs ----------------------------------------------------------------------------------------------------------------


def test_the_secret_of_a_link_page_never_reaches_the_log(db: None, caplog: pytest.LogCaptureFixture) -> None:
    Client(SERVER_NAME="localhost", enforce_csrf_checks=True).post("/slack/link/a-secret-token/")
    ours = next(one for one in logging.getLogger().handlers if isinstance(one.formatter, ProcessorFormatter))
    lines = [ours.format(record) for record in caplog.records]
    assert ["/slack/link/[hidden]/" in line for line in lines] == [True]
    assert "a-secret-token" not in lines[0]
