"""The one-time pages that connect a team and a Slack channel, or part them. GET asks and changes nothing; POST does it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tocsin.accounts.models import User
from tocsin.clock import database_now
from tocsin.errors import Invalid
from tocsin.slack import team_channels
from tocsin.slack.link_tokens import Spent
from tocsin.web.forms import whole_number
from tocsin.web.views.errors import error_page
from tocsin.web.views.linking import kept_secret
from tocsin.web.views.page import page


def team(request: HttpRequest, token: str) -> HttpResponse:
    """410 for a link that is wrong, used or expired; 404 where it is not the visitor's; 400 where no team was chosen."""
    return kept_secret(_page(request, token))


@page("GET", "HEAD", "POST")
def _page(request: HttpRequest, user: User, token: str) -> HttpResponse:
    try:
        return _do(request, user, token) if request.method == "POST" else _ask(request, user, token)
    except Spent as error:
        return error_page(request, 410, str(error))


def _ask(request: HttpRequest, user: User, token: str, *, wrong: str = "") -> HttpResponse:
    opened = team_channels.open_token(token, user, database_now())
    return render(request, "linking/team.html", {"opened": opened, "wrong": wrong}, status=400 if wrong else 200)


def _do(request: HttpRequest, user: User, token: str) -> HttpResponse:
    try:
        done = team_channels.confirm(token, user, database_now(), team_id=whole_number(request.POST.get("team", "")))
    except Invalid as error:
        return _ask(request, user, token, wrong=str(error))
    return render(request, "linking/done.html", {"done": {"sentence": done}})
