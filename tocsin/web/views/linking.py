"""The one-time pages that connect a Slack user with an account, or part them. GET asks and changes nothing; POST does it."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tocsin.accounts.models import User
from tocsin.clock import database_now
from tocsin.slack import linking
from tocsin.slack.link_tokens import Spent
from tocsin.web.views.errors import error_page
from tocsin.web.views.page import page


def link(request: HttpRequest, token: str) -> HttpResponse:
    """410 for a link that is wrong, used or expired; 404 where workspace or organization is not the visitor's."""
    return kept_secret(_page(request, token))


def kept_secret(response: HttpResponse) -> HttpResponse:
    """The page's address is a secret: no request names it, and it stays in no cache. The origin alone is told: without one a
    browser says `Origin: null`, and the page's own form would be taken for a forged one.
    """
    response["Referrer-Policy"] = "strict-origin"
    response["Cache-Control"] = "no-store"
    return response


@page("GET", "HEAD", "POST")
def _page(request: HttpRequest, user: User, token: str) -> HttpResponse:
    try:
        return ANSWERS.get(request.method or "", _ask)(request, user, token)
    except Spent as error:
        return error_page(request, 410, str(error))


def _ask(request: HttpRequest, user: User, token: str) -> HttpResponse:
    opened = linking.open_token(token, user, database_now())
    return render(request, "linking/ask.html", {"opened": opened, "is_link": opened.purpose == "link"})


def _do(request: HttpRequest, user: User, token: str) -> HttpResponse:
    done = linking.confirm(token, user, database_now(), then=request.POST.get("then") == "yes")
    return render(request, "linking/done.html", {"done": done})


ANSWERS: dict[str, Callable[[HttpRequest, User, str], HttpResponse]] = {"POST": _do}
