"""The audit log of an organization, for its managers and owners."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tocsin.accounts.access import access_managed
from tocsin.accounts.audit import newest
from tocsin.accounts.models import User
from tocsin.errors import Invalid
from tocsin.web.shell import shell
from tocsin.web.views.page import page

PER_PAGE = 50


@page("GET", "HEAD")
def audit(request: HttpRequest, user: User, slug: str) -> HttpResponse:
    """Newest first; `before`: the id of an entry, for older ones."""
    organization = access_managed(slug, user)
    entries = list(newest(organization, _before(request))[: PER_PAGE + 1])
    shown = entries[:PER_PAGE]
    older = shown[-1].pk if len(entries) > PER_PAGE else None
    return render(request, "people/audit.html", {**shell(user, organization), "entries": shown, "older": older})


def _before(request: HttpRequest) -> int | None:
    text = request.GET.get("before", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise Invalid("This page of the audit log does not exist: begin with the newest.", field="before")
    return int(text)
