"""What every address of the JSON API has in common: a token, a method, JSON in and out, errors as `{"detail": …}`."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.views.decorators.csrf import csrf_exempt

from tocsin.accounts.models import ApiToken
from tocsin.accounts.tokens import find_token
from tocsin.errors import DomainError, Forbidden, NotFound, Stale

# The first that fits answers: more special errors stand above DomainError.
STATUS_OF: dict[type[DomainError], int] = {NotFound: 404, Forbidden: 403, Stale: 409, DomainError: 400}

View = Callable[..., HttpResponse]


class BadRequest(Exception):
    """The request is not of the form that this address takes. The text says which form."""


def refusal(status: int, detail: str) -> JsonResponse:
    return JsonResponse({"detail": detail}, status=status)


def endpoint(**methods: tuple[ApiToken.Scope, View]) -> View:
    """A view from `GET=(scope, function)`, …: `function(request, token, **arguments)`."""

    @csrf_exempt  # a token is sent by a program, never by a browser on its own
    def view(request: HttpRequest, **arguments: Any) -> HttpResponse:
        if request.method not in methods:
            answer = refusal(405, f"This address takes {', '.join(methods)}.")
            answer["Allow"] = ", ".join(methods)
            return answer
        scope, function = methods[request.method]
        return _answered(request, scope, function, arguments)

    return view


def _answered(request: HttpRequest, scope: ApiToken.Scope, function: View, arguments: dict[str, Any]) -> HttpResponse:
    scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
    token = find_token(shown.strip()) if scheme.lower() == "bearer" and shown.strip() else None
    if token is None:
        answer = refusal(401, "Send an API token: Authorization: Bearer tcsn_…")
        answer["WWW-Authenticate"] = "Bearer"
        return answer
    if scope not in token.scopes:
        return refusal(403, f"This token lacks the scope {scope.value}.")
    try:
        return function(request, token, **arguments)
    except BadRequest as error:
        return refusal(400, str(error))
    except DomainError as error:
        return refusal(next(status for kind, status in STATUS_OF.items() if isinstance(error, kind)), str(error))


def of_organization(function: View) -> View:
    """For addresses that name an organization: it must be the token's own, else there is nothing there."""

    @wraps(function)
    def view(request: HttpRequest, token: ApiToken, *, slug: str, **arguments: Any) -> HttpResponse:
        if slug != token.organization.slug:
            raise NotFound("There is no such organization, or this token is not for it.")
        return function(request, token, **arguments)

    return view


def json_object(request: HttpRequest) -> dict[str, Any]:
    """The body, which needs a Content-Length. Raises BadRequest."""
    try:
        value = json.loads(request.body)
    except RequestDataTooBig as error:
        raise BadRequest("The body is larger than 1 MiB.") from error
    except UnreadablePostError as error:
        raise BadRequest("The body ended before its length.") from error
    except (ValueError, RecursionError) as error:
        raise BadRequest("The body is not JSON, or came without a Content-Length.") from error
    if not isinstance(value, dict):
        raise BadRequest("The body is not a JSON object.")
    return value
