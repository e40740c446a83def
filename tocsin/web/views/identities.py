"""Who is who in Slack: one's own connections, and those of an organization's people for its managers and owners."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from tocsin.accounts.access import access_managed, organizations_of
from tocsin.accounts.models import User
from tocsin.clock import database_now
from tocsin.errors import NotFound
from tocsin.slack import parting
from tocsin.web.shell import shell
from tocsin.web.views.page import page


@page("GET", "HEAD", "POST")
def mine(request: HttpRequest, user: User) -> HttpResponse:
    """One's own. POST with `identity` ends one of them."""
    if request.method == "POST":
        return _disconnect(request, user, reverse("slack-identities"))
    organization = organizations_of(user).first()
    around = shell(user, organization) if organization else {}
    return render(request, "people/identities.html", {**around, "identities": parting.identities_of(user)})


@page("GET", "HEAD", "POST")
def of_organization(request: HttpRequest, user: User, slug: str) -> HttpResponse:
    """Of everybody in the organization. POST with `identity` ends one of them."""
    organization = access_managed(slug, user)
    found = parting.identities_in(organization)
    if request.method == "POST":
        if not found.filter(pk=_id(request)).exists():
            raise NotFound("This connection is not there any more.")
        return _disconnect(request, user, reverse("slack-people", args=[organization.slug]))
    return render(request, "people/identities.html", {**shell(user, organization), "identities": found, "of_all": True})


def _id(request: HttpRequest) -> int:
    text = request.POST.get("identity", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else 0


def _disconnect(request: HttpRequest, user: User, back: str) -> HttpResponse:
    messages.success(request, parting.disconnect(_id(request), user, database_now()))
    return redirect(back)
