"""Where a person begins."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from tocsin.accounts.access import organizations_of
from tocsin.accounts.models import User
from tocsin.web.views.page import page


@page("GET", "HEAD")
def home(request: HttpRequest, user: User) -> HttpResponse:
    """On to the issues of the person's first organization; without one, a page that says how to get into one."""
    organization = organizations_of(user).first()
    if organization is None:
        return render(request, "no_organization.html", {"person": user})
    return redirect("issues", slug=organization.slug)
