"""An issue's page, one event at a time, and what a person does there."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from tocsin import bus
from tocsin.accounts.access import Right
from tocsin.accounts.actor import Actor, Origin
from tocsin.accounts.models import User
from tocsin.clock import database_now
from tocsin.errors import DomainError, Invalid, NotFound
from tocsin.issues.access import access_issue, visible_issues
from tocsin.issues.commands import COMMENT_MAX
from tocsin.issues.models import Issue
from tocsin.issues.service import Performed
from tocsin.web import menus
from tocsin.web.asking import Asked, command_of, shown_at
from tocsin.web.cards import cards_of
from tocsin.web.event import activity_of, find_event, neighbours, shown_event
from tocsin.web.forms import ActionForm
from tocsin.web.listing import sparklines
from tocsin.web.menus import Refused
from tocsin.web.shell import shell
from tocsin.web.views.errors import status_of
from tocsin.web.views.page import page


@page("GET", "HEAD", "POST")
def issue(request: HttpRequest, user: User, slug: str, issue_id: int, event_id: str = "") -> HttpResponse:
    """The issue with its latest event, or with the one that the address names. POST does something to it."""
    found = _issue(slug, issue_id, user)
    if request.method == "POST":
        return _act(request, user, found, event_id)
    return _draw(request, user, found, event_id)


def _issue(slug: str, issue_id: int, user: User) -> Issue:
    found = access_issue(issue_id, user)
    if found.organization.slug != slug:
        raise NotFound("That issue is gone, or it belongs to an organization you are not a member of.")
    return found


def _act(request: HttpRequest, user: User, found: Issue, event_id: str) -> HttpResponse:
    """Do it, then show the page anew; a refusal is said on the page, and what was typed stays."""
    form = ActionForm(request.POST)
    try:
        done = _perform(form, user, found)
    except DomainError as error:
        found = _issue(found.organization.slug, found.pk, user)  # as it is now, if it still may be seen
        return _draw(request, user, found, event_id, refused=_refused(form, error))
    if done.activity is None:
        messages.info(request, done.sentence)
    else:
        messages.success(request, menus.sentence(done, done.activity), extra_tags=menus.undo_tag(done.activity))
    return redirect(request.path)


def _perform(form: ActionForm, user: User, found: Issue) -> Performed:
    access_issue(found.pk, user, Right.TRIAGE)  # before a form tells who or what there is
    if not form.is_valid():
        raise DomainError("Something in this form makes no sense.")
    command = command_of(Asked(issue=found, user=user, values=form.cleaned_data))
    performed: Performed = bus.perform(command, by=Actor(user=user, origin=Origin.WEB, now=database_now()))
    return performed


def _refused(form: ActionForm, error: DomainError) -> Refused:
    wrong = {error.field: str(error)} if isinstance(error, Invalid) else form.sentences()
    shown = {shown_at(field, form.cleaned_data): sentence for field, sentence in wrong.items()}
    return Refused(action=str(form.data.get("action", "")), typed=form.typed(), error=error, wrong=shown)


def _draw(
    request: HttpRequest, user: User, found: Issue, event_id: str, *, refused: Refused | None = None
) -> HttpResponse:
    event, now = find_event(found, event_id), database_now()
    activity, has_earlier_activity = activity_of(found)
    may_triage = visible_issues(user, Right.TRIAGE).filter(pk=found.pk).exists()
    undo = menus.undoable(found, activity, now) if may_triage else None
    context: dict[str, Any] = {
        **shell(user, found.organization),
        "issue": found,
        "spark": sparklines(found.organization, [found], now)[found.pk],
        "may_triage": may_triage,
        "comment_max": COMMENT_MAX,
        "activity": activity,
        "has_earlier_activity": has_earlier_activity,
        "undo": undo,
        "undo_tag": menus.undo_tag(undo),
        "cards": cards_of(found),
        "event": shown_event(event) if event else None,
        "neighbours": neighbours(event) if event else None,
        **(menus.context(found, user, now, refused) if may_triage else menus.said(refused)),
    }
    # A form that is shown again, with what is wrong at its field, is an ordinary page: browsers log any other status as an error.
    status = status_of(refused.error) if refused and "refusal" in context else 200
    return render(request, "issues/issue.html", context, status=status)
