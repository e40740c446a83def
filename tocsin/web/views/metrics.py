"""`/metrics`: what Prometheus reads. All of it is read from the database, so any web process answers for the installation."""

from __future__ import annotations

import hmac
from collections.abc import Iterator

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry

from tocsin.clock import database_now
from tocsin.intake.lag import lag
from tocsin.intake.models import Accepted

FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_VIA")
THIS_MACHINE = frozenset({"127.0.0.1", "::1", "::ffff:127.0.0.1"})


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """For this machine, and for who shows TOCSIN_METRICS_TOKEN."""
    if not (_has_token(request) or _is_from_this_machine(request)):
        return HttpResponse(
            "Metrics are for this machine alone, or for a bearer token: see TOCSIN_METRICS_TOKEN.\n",
            status=403,
            content_type="text/plain; charset=utf-8",
        )
    registry = CollectorRegistry()
    registry.register(Waiting())
    try:
        return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
    except DatabaseError:
        return HttpResponse("The database does not answer.\n", status=503, content_type="text/plain; charset=utf-8")


def _has_token(request: HttpRequest) -> bool:
    token = settings.TOCSIN_METRICS_TOKEN
    shown = request.headers.get("Authorization", "")
    return bool(token) and hmac.compare_digest(shown.encode("utf-8", "replace"), f"Bearer {token}".encode())


def _is_from_this_machine(request: HttpRequest) -> bool:
    """What a proxy on this machine hands on is not from this machine."""
    is_forwarded = any(name in request.META for name in FORWARDED)
    return request.META.get("REMOTE_ADDR") in THIS_MACHINE and not is_forwarded


class Waiting(Collector):
    """How far digesting is behind."""

    def describe(self) -> Iterator[Metric]:
        return iter(())

    def collect(self) -> Iterator[Metric]:
        measured = lag(database_now())
        aside = Accepted.objects.filter(state=Accepted.State.SET_ASIDE).count()
        yield GaugeMetricFamily(
            "tocsin_events_waiting", "Events that were accepted and not yet digested.", measured.waiting
        )
        yield GaugeMetricFamily(
            "tocsin_events_waiting_oldest_seconds",
            "For how long the oldest of them has waited.",
            measured.age.total_seconds(),
        )
        yield GaugeMetricFamily("tocsin_events_set_aside", "Events that could not be digested.", aside)
