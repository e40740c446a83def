"""Whether this process lives, and whether it can do its work: for supervisors and load balancers."""

from __future__ import annotations

from functools import cache

from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe


@never_cache
@require_safe
def livez(request: HttpRequest) -> JsonResponse:
    """The process answers. Asks nothing of the database, so that its outage restarts nobody."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """The database answers and is at this version: 200, otherwise 503 and what to do."""
    try:
        missing = sorted(known_migrations() - set(MigrationRecorder(connection).applied_migrations()))
    except DatabaseError:
        return _not_ready(database="does not answer", migrations="unknown")
    if missing:
        return _not_ready(database="ok", migrations=f"{len(missing)} to apply: run `tocsin migrate`")
    return JsonResponse({"status": "ok", "database": "ok", "migrations": "ok"})


def _not_ready(**checks: str) -> JsonResponse:
    return JsonResponse({"status": "not ready", **checks}, status=503)


@cache
def known_migrations() -> frozenset[tuple[str, str]]:
    """(app, name) of every migration that this version brings. Read from disk once: the code does not change under us."""
    return frozenset(MigrationLoader(None, ignore_no_migrations=True).disk_migrations)
