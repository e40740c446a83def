"""Pages for what went wrong."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from tocsin.errors import DomainError, Forbidden, NotFound, Stale

STATUSES: dict[type[DomainError], int] = {NotFound: 404, Forbidden: 403, Stale: 409, DomainError: 400}
TITLES: dict[int, str] = {
    400: "That did not work",
    403: "You may not do that",
    404: "Nothing here",
    409: "Somebody was faster",
    410: "This link does not work any more",
    429: "A little slower, please",
    500: "Our mistake",
}


def status_of(error: DomainError) -> int:
    """The HTTP status that says what kind of refusal this is."""
    return next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)


def refused(request: HttpRequest, error: DomainError) -> HttpResponse:
    """A page that says the error's sentence, which was written for this person."""
    return error_page(request, status_of(error), str(error))


def error_page(request: HttpRequest, status: int, sentence: str) -> HttpResponse:
    context = {"status": status, "title": TITLES[status], "sentence": sentence}
    return render(request, "errors/error.html", context, status=status)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The form's token did not match: most often a page that was open for long."""
    return render(request, "errors/csrf.html", status=403)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_page(request, 400, "The address or the form that your browser sent makes no sense to us.")


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_page(request, 403, "You have no right to see this. Ask an owner of your organization.")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_page(request, 404, "There is no page at this address. It may have moved, or be mistyped.")


def too_many_requests(request: HttpRequest) -> HttpResponse:
    """Sign-in was tried too often from this address."""
    return error_page(request, 429, "That was tried too often. Wait a minute, then try again.")


def server_error(request: HttpRequest) -> HttpResponse:
    """Drawn without the database or the session: either may be what is broken."""
    return render(None, "errors/500.html", status=500)
