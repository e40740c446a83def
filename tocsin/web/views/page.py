"""What every page of a signed-in person has in common."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from tocsin.accounts.models import User
from tocsin.errors import DomainError
from tocsin.web.views import errors

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, User, P], HttpResponse]


def page(*methods: str) -> Callable[[View[P]], Callable[Concatenate[HttpRequest, P], HttpResponse]]:
    """A page for somebody who is signed in, for these methods; the view is given the person.

    Nobody signed in: to the sign-in page and back. A DomainError becomes a page that says its sentence. Never cached: another
    person may sit at this browser next.
    """

    def decorate(view: View[P]) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
        @wraps(view)
        def answer(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            try:
                return view(request, cast("User", request.user), *args, **kwargs)
            except DomainError as error:
                return errors.refused(request, error)

        return never_cache(require_http_methods(methods)(login_required(answer)))

    return decorate
