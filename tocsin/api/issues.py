"""Issues: list, one, its changes and comments. Field names are those of Sentry's API, so that scripts written for it read them."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse

from tocsin import bus
from tocsin.accounts.access import Right
from tocsin.accounts.actor import Actor, Origin
from tocsin.accounts.models import ApiToken
from tocsin.api.changes import STATUSES, commands_of, state_of
from tocsin.api.endpoint import BadRequest, endpoint, json_object, of_organization
from tocsin.clock import database_now
from tocsin.issues.access import access_issue
from tocsin.issues.commands import Comment
from tocsin.issues.models import Activity, Issue
from tocsin.issues.queries.finding import find
from tocsin.issues.queries.language import parse

PAGE = 100  # issues, or comments, in one answer
SHOWN = ("project", "organization", "assignee_user", "assignee_team", "resolved_in")


def as_json(issue: Issue) -> dict[str, Any]:
    """An issue. Counts are what Sentry's API makes of them: events a text, users a number. Times are ISO 8601 in UTC."""
    return {
        "id": str(issue.pk),
        "shortId": issue.short_id,
        "title": issue.title,
        "culprit": issue.culprit,
        "level": issue.level,
        "type": issue.type,
        "platform": issue.platform,
        **state_of(issue),
        "project": {"id": str(issue.project_id), "slug": issue.project.slug, "name": issue.project.name},
        "count": str(issue.times_seen),
        "userCount": issue.users_seen,
        "numComments": issue.comment_count,
        "firstSeen": issue.first_seen.isoformat(),
        "lastSeen": issue.last_seen.isoformat(),
        "permalink": f"{settings.TOCSIN_URL}/organizations/{issue.organization.slug}/issues/{issue.pk}/",
    }


def _activity_as_json(activity: Activity) -> dict[str, Any]:
    user = activity.user
    return {
        "id": str(activity.pk),
        "type": activity.kind,
        "origin": activity.origin,
        "user": {"id": str(user.pk), "name": user.display_name, "email": user.email} if user else None,
        "text": activity.text,
        "dateCreated": activity.created_at.isoformat(),
    }


def _issue_of(token: ApiToken, issue_id: int, right: Right = Right.READ) -> Issue:
    """An issue of the token's organization: of another there is none for it, whatever its person may there."""
    return access_issue(issue_id, token.user, right, within=frozenset({token.organization_id}))


def _list(request: HttpRequest, token: ApiToken) -> HttpResponse:
    """`?query=is:new level:error …`, `?status=unresolved|resolved|ignored`, `?before=<id>`: the newest 100 with a smaller id. The
    newest issue first.
    """
    issues = find(parse(request.GET.get("query", "")), token.user, [token.organization_id]).select_related(*SHOWN)
    status, before = request.GET.get("status", ""), request.GET.get("before", "")
    if status:
        if status not in STATUSES:
            raise BadRequest(f"status is one of {', '.join(STATUSES)}.")
        issues = issues.filter(status=STATUSES[status])
    if before:
        if not (before.isascii() and before.isdigit() and len(before) <= 18):
            raise BadRequest("before is the id of an issue.")
        issues = issues.filter(pk__lt=int(before))
    return JsonResponse([as_json(issue) for issue in issues.order_by("-pk")[:PAGE]], safe=False)


def _one(request: HttpRequest, token: ApiToken, issue_id: int) -> HttpResponse:
    issue = _issue_of(token, issue_id)
    activities = Activity.objects.filter(organization=token.organization, issue=issue).select_related("user")
    shown = [_activity_as_json(activity) for activity in activities.order_by("-id")[:PAGE]]
    return JsonResponse(as_json(issue) | {"activity": shown})


def _change(request: HttpRequest, token: ApiToken, issue_id: int) -> HttpResponse:
    """Any of `status` (with `statusDetails` or `substatus`), `assignedTo`, `priority`: all of it, or nothing. Answers with the
    issue as it is then.
    """
    asked = json_object(request)
    issue = _issue_of(token, issue_id, Right.TRIAGE)
    actor = _actor(token)
    with transaction.atomic():
        for command in commands_of(asked, issue):
            bus.perform(command, by=actor)
    return JsonResponse(as_json(Issue.objects.select_related(*SHOWN).get(organization=token.organization, pk=issue_id)))


def _actor(token: ApiToken) -> Actor:
    within = frozenset({token.organization_id})
    return Actor(user=token.user, origin=Origin.API, now=database_now(), within=within)


def _comments(request: HttpRequest, token: ApiToken, issue_id: int) -> HttpResponse:
    """The newest 100, the newest first."""
    issue = _issue_of(token, issue_id)
    comments = Activity.objects.filter(organization=token.organization, issue=issue, kind=Activity.Kind.COMMENTED)
    shown = comments.select_related("user").order_by("-id")[:PAGE]
    return JsonResponse([_activity_as_json(comment) for comment in shown], safe=False)


def _comment(request: HttpRequest, token: ApiToken, issue_id: int) -> HttpResponse:
    """`{"text": …}`. Answers with the comment."""
    asked = json_object(request)
    if set(asked) != {"text"} or not isinstance(asked["text"], str):
        raise BadRequest('Send {"text": …}.')
    issue = _issue_of(token, issue_id, Right.TRIAGE)
    performed = bus.perform(Comment(issue_id=issue.pk, text=asked["text"]), by=_actor(token))
    return JsonResponse(_activity_as_json(performed.activity), status=201)


READ, WRITE = ApiToken.Scope.EVENT_READ, ApiToken.Scope.EVENT_WRITE

issues = endpoint(GET=(READ, of_organization(_list)))
issue = endpoint(GET=(READ, _one), PUT=(WRITE, _change))
issue_of_organization = endpoint(GET=(READ, of_organization(_one)), PUT=(WRITE, of_organization(_change)))
comments = endpoint(GET=(READ, _comments), POST=(WRITE, _comment))
comments_of_organization = endpoint(GET=(READ, of_organization(_comments)), POST=(WRITE, of_organization(_comment)))
