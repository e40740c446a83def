"""Who is who in Slack: one's own connections, and those of an organization's people for its managers and owners."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from tocsin.accounts.access import access_managed, organizations_of
from tocsin.accounts.models import Organization, User
from tocsin.clock import database_now
from tocsin.errors import NotFound
from tocsin.slack import outsiders, parting, team_channels
from tocsin.slack.models import Identity
from tocsin.web.forms import whole_number
from tocsin.web.shell import shell
from tocsin.web.views.page import page


@page("GET", "HEAD", "POST")
def mine(request: HttpRequest, user: User) -> HttpResponse:
    """One's own. POST with `identity` ends one of them."""
    if request.method == "POST":
        identity_id = whole_number(request.POST.get("identity", ""))
        messages.success(request, parting.disconnect(identity_id, user, database_now()))
        return redirect(reverse("slack-identities"))
    organization = organizations_of(user).first()
    around = shell(user, organization) if organization else {}
    return render(request, "people/identities.html", {**around, **_said(), "identities": parting.identities_of(user)})


@page("GET", "HEAD", "POST")
def of_organization(request: HttpRequest, user: User, slug: str) -> HttpResponse:
    """Of everybody in the organization, with the channels of its teams and who may connect. POST with `identity` or
    `team_channel` ends one of them; with `outsiders` it says whether guests and people of other companies may connect.
    """
    organization = access_managed(slug, user)
    found = parting.identities_in(organization)
    if request.method == "POST":
        messages.success(request, _changed(request, user, organization, found))
        return redirect(reverse("slack-people", args=[organization.slug]))
    shown = {
        "identities": found,
        "of_all": True,
        "team_channels": team_channels.of_organization(organization),
        "connections": outsiders.connections_of(organization),
    }
    return render(request, "people/identities.html", {**shell(user, organization), **_said(), **shown})


def _changed(request: HttpRequest, user: User, organization: Organization, found: QuerySet[Identity]) -> str:
    """Do what the form asks; returns what was done."""
    now = database_now()
    if "outsiders" in request.POST:
        connection_id = whole_number(request.POST.get("connection", ""))
        allowed = request.POST["outsiders"] == "yes"
        return outsiders.allow(organization, connection_id, user, now, allowed=allowed)
    if "team_channel" in request.POST:
        return team_channels.disconnect(organization, whole_number(request.POST["team_channel"]), user, now)
    identity_id = whole_number(request.POST.get("identity", ""))
    if not found.filter(pk=identity_id).exists():
        raise NotFound("This connection is not there any more.")
    return parting.disconnect(identity_id, user, now)


def _said() -> dict[str, str]:
    return {"slack_command": settings.TOCSIN_SLACK_COMMAND}
