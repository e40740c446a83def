"""The issue list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from tocsin import bus
from tocsin.accounts.access import Right, access_organization
from tocsin.accounts.actor import Actor, Origin
from tocsin.accounts.models import Organization, User
from tocsin.clock import database_now
from tocsin.errors import DomainError, Invalid, NotFound
from tocsin.intake.lag import lag_of
from tocsin.issues.access import visible_issues
from tocsin.issues.bulk import BulkPerformed
from tocsin.issues.queries.language import EVERYTHING, Query, parse
from tocsin.projects.access import has_project, projects_of
from tocsin.projects.models import Key, Project
from tocsin.web import bulk
from tocsin.web.forms import ALL, TABS, BulkForm, FilterForm
from tocsin.web.listing import Listing, Wanted, listing, nearly_spent, set_aside
from tocsin.web.shell import shell
from tocsin.web.views.errors import status_of
from tocsin.web.views.page import page

SHOWN_DSNS = 3  # projects without events whose DSN the empty list shows


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    label: str
    address: str
    is_current: bool


@page("GET", "HEAD", "POST")
def issues(request: HttpRequest, user: User, slug: str) -> HttpResponse:
    """The organization's issues that this person may read. POST does something to those that are ticked."""
    organization = access_organization(slug, user)
    if request.method == "POST":
        return _act(request, user, organization)
    return _draw(request, user, organization)


def _act(request: HttpRequest, user: User, organization: Organization) -> HttpResponse:
    """Do it, then show the list anew; a refusal is said on the page, and what was ticked stays so."""
    sent = _sent(request, user, organization)
    try:
        command = bulk.command_of(sent)
        by = Actor(user=user, origin=Origin.WEB, now=database_now(), within=frozenset({organization.pk}))
        performed: BulkPerformed = bus.perform(command, by=by)
    except DomainError as error:
        return _draw(request, user, organization, sent=sent, refusal=error)
    if performed.done:
        messages.success(request, performed.sentence, extra_tags=bulk.undo_tag(performed.bulk_id))
    if sentence := bulk.left_sentence(performed):
        messages.warning(request, sentence)
    return redirect(request.get_full_path())


def _sent(request: HttpRequest, user: User, organization: Organization) -> bulk.Sent:
    form = BulkForm(request.POST)
    form.is_valid()
    values = form.cleaned_data
    return bulk.Sent(
        user=user,
        organization=organization,
        action=values.get("action", ""),
        ticked=tuple(request.POST.getlist("issue")),
        assignee=values.get("assignee", ""),
        undo=values.get("undo") or 0,
    )


def _draw(
    request: HttpRequest,
    user: User,
    organization: Organization,
    *,
    sent: bulk.Sent | None = None,
    refusal: DomainError | None = None,
) -> HttpResponse:
    projects = list(projects_of(user, organization.pk).annotate(may_triage=_may_triage(user)))
    form = FilterForm(request.GET)
    wanted = _wanted(form, projects)
    now = database_now()
    found = listing(user, organization, wanted, now)
    context = {
        **shell(user, organization),
        "listing": found,
        "wanted": wanted,
        "projects": projects,
        "may_triage": any(project.may_triage for project in projects),
        "sent": sent,
        "refusal": refusal,
        "tabs": _tabs(organization, wanted),
        "newer": _address(organization, wanted, before=found.newer) if found.newer else "",
        "older": _address(organization, wanted, after=found.older) if found.older else "",
        "set_aside": set_aside(projects),
        "lag": lag_of(organization.pk, [project.pk for project in projects], now),
        "nearly_spent": nearly_spent(projects, now),
        **_empty(user, organization, found, wanted, projects),
    }
    # What is wrong in a form is an ordinary page: browsers log any other status as an error.
    status = 200 if refusal is None or isinstance(refusal, Invalid) else status_of(refusal)
    return render(request, "issues/list.html", context, status=status)


def _may_triage(user: User) -> Q:
    return has_project(user, Right.TRIAGE, project="pk", organization="organization")


def _wanted(form: FilterForm, projects: Sequence[Project]) -> Wanted:
    status = form.value("status") or Wanted().status
    slug = form.value("project")
    project = next((project for project in projects if project.slug == slug), None)
    if slug and project is None:
        raise NotFound("There is no such project, or you have no access to it.")
    query, wrong = _query(form.value("q"))
    return Wanted(
        status="" if status == ALL else status,
        typed=form.value("q"),
        query=query,
        wrong=wrong,
        project=project,
        after=form.value("after"),
        before=form.value("before"),
    )


def _query(typed: str) -> tuple[Query, str]:
    """(the query, why it is none)."""
    try:
        return parse(typed), ""
    except Invalid as error:
        return EVERYTHING, str(error)


def _address(organization: Organization, wanted: Wanted, **other: str) -> str:
    """The list's address for this filter; `other` says what differs. A page's cursor is not carried over."""
    asked = {
        "status": wanted.status or ALL,
        "q": wanted.typed,
        "project": wanted.project.slug if wanted.project else "",
        **other,
    }
    return reverse("issues", args=[organization.slug]) + "?" + urlencode({k: v for k, v in asked.items() if v})


def _tabs(organization: Organization, wanted: Wanted) -> list[Tab]:
    return [
        Tab(
            label=label,
            address=_address(organization, wanted, status=str(status)),
            is_current=(wanted.shown_status or ALL) == status,
        )
        for status, label in TABS
    ]


def _empty(
    user: User, organization: Organization, found: Listing, wanted: Wanted, projects: Sequence[Project]
) -> dict[str, Any]:
    """What a list without rows needs to say what to do next: nothing when it has rows."""
    if found.rows:
        return {}
    silent = [project for project in projects if project.last_number == 0]
    has_issues = len(silent) < len(projects) and visible_issues(user).filter(organization=organization).exists()
    return {
        "has_issues": has_issues,
        "dsns": [] if has_issues else _dsns(silent[:SHOWN_DSNS]),
        "clear": _address(organization, Wanted(status=wanted.status)),
        "everywhere": _address(organization, wanted, status=ALL),
    }


def _dsns(projects: Sequence[Project]) -> list[tuple[Project, str]]:
    keys = Key.objects.filter(project__in=projects, is_active=True).order_by("pk")
    newest = {key.project_id: key for key in keys}
    return [(project, newest[project.pk].dsn(settings.TOCSIN_URL)) for project in projects if project.pk in newest]
