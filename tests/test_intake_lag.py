"""Accepting goes on while digest stands still, and everybody who should know is told."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F, Sum
from django.test import Client
from structlog.testing import capture_logs

from tests.pages import Page
from tests.people import Person
from tests.samples import sample_event
from tests.sizes import size
from tests.test_intake_limits import led_astray
from tocsin.accounts.models import Organization
from tocsin.intake.lag import LagLog
from tocsin.intake.models import Accepted, ItemCount
from tocsin.issues.models import Issue, IssueCount, StoredEvent
from tocsin.projects.models import Key, Project

ISSUES = "/organizations/acme/issues/"


def let_wait(time: timedelta) -> None:
    """As if so much time had passed."""
    Accepted.objects.update(accepted_at=F("accepted_at") - time)


def flood(key: Key, number: int) -> None:
    """So many events, twenty an envelope, of seven issues."""
    for first in range(0, number, 20):
        events = [sample_event(fingerprint=[str(at % 7)]) for at in range(first, min(number, first + 20))]
        body = b"{}\n" + b"".join(b'{"type":"event"}\n%s\n' % event.json for event in events)
        answer = Client().post(
            f"/api/{key.project_id}/envelope/?sentry_key={key.public_key}",
            data=gzip.compress(body, 1),
            content_type="application/octet-stream",
            headers={"Content-Encoding": "gzip"},
        )
        assert answer.status_code == 200


def metrics(**headers: str) -> dict[str, float]:
    answer = Client(headers=headers).get("/metrics")
    assert answer.status_code == 200
    lines = [line for line in answer.content.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.split() for line in lines)}


@pytest.mark.guarantee
def test_while_digest_stands_still_events_are_accepted_and_then_all_are_counted(
    key: Key, alice: Person, digest_all: Callable[[], int]
) -> None:
    number = size(2_000)
    flood(key, number)
    let_wait(timedelta(seconds=40))
    page = Page(alice.browser().get(ISSUES)).main
    assert f"Events are being processed: {number:,} wait, the oldest for 4" in page
    shown = metrics()
    assert shown["tocsin_events_waiting"] == number
    assert 40 <= shown["tocsin_events_waiting_oldest_seconds"] < 160
    assert digest_all() == number
    assert StoredEvent.objects.count() == number
    assert Issue.objects.count() == 7
    assert Issue.objects.aggregate(Sum("times_seen")) == {"times_seen__sum": number}
    assert IssueCount.objects.aggregate(Sum("count")) == {"count__sum": number}
    accepted = ItemCount.objects.filter(kind="event").values_list("outcome").annotate(Sum("count"))
    assert dict(accepted) == {"accepted": number}
    assert metrics() == {
        "tocsin_events_waiting": 0,
        "tocsin_events_waiting_oldest_seconds": 0,
        "tocsin_events_set_aside": 0,
    }
    assert "being processed" not in Page(alice.browser().get(ISSUES)).main


def test_the_log_tells_of_it_once_a_minute_and_of_its_end(key: Key, digest_all: Callable[[], int]) -> None:
    watching = LagLog()
    flood(key, 3)
    with capture_logs() as lines:
        watching.look()
        assert lines == []
        let_wait(timedelta(seconds=11))
        watching.look()
        watching.look()
        (line,) = lines
        assert (line["log_level"], line["waiting"]) == ("warning", 3)
        assert 11 <= line["oldest_seconds"] < 60
        watching.said_at -= timedelta(seconds=60)
        watching.look()
        assert len(lines) == 2
        digest_all()
        watching.look()
        watching.look()
        assert [line["log_level"] for line in lines] == ["warning", "warning", "info"]


def test_one_projects_flood_is_not_told_to_another(key: Key, project: Project, alice: Person, eve: Person) -> None:
    flood(key, 2)
    let_wait(timedelta(hours=3))
    assert "2 wait, the oldest for 3 h" in Page(alice.browser().get(ISSUES)).main
    assert "being processed" not in Page(eve.browser().get("/organizations/elsewhere/issues/")).main
    blog = Project.objects.create(organization=project.organization, slug="blog", name="Blog")
    flood(Key.objects.create(organization=project.organization, project=blog), 5)
    assert "2 wait, the oldest for 3 h" in Page(alice.browser().get(ISSUES)).main


# --- who may read the metrics ----------------------------------------------------------------------------------------


TOKEN = "a-token-for-prometheus"
REQUESTS: dict[str, tuple[dict[str, Any], int]] = {
    "this machine": ({"REMOTE_ADDR": "127.0.0.1"}, 200),
    "this machine, by IPv6": ({"REMOTE_ADDR": "::1"}, 200),
    "another machine": ({"REMOTE_ADDR": "192.0.2.1"}, 403),
    "an unknown one": ({"REMOTE_ADDR": ""}, 403),
    "through a proxy on this machine": ({"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "127.0.0.1"}, 403),
    "through another kind of it": ({"REMOTE_ADDR": "127.0.0.1", "HTTP_FORWARDED": "for=192.0.2.1"}, 403),
    "the token": ({"REMOTE_ADDR": "192.0.2.1", "HTTP_AUTHORIZATION": f"Bearer {TOKEN}"}, 200),
    "the token, through a proxy": (
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "192.0.2.1", "HTTP_AUTHORIZATION": f"Bearer {TOKEN}"},
        200,
    ),
    "a wrong token": ({"REMOTE_ADDR": "192.0.2.1", "HTTP_AUTHORIZATION": f"Bearer {TOKEN}x"}, 403),
    "an odd token": ({"REMOTE_ADDR": "192.0.2.1", "HTTP_AUTHORIZATION": "Bearer \udcff"}, 403),
    "the token alone": ({"REMOTE_ADDR": "192.0.2.1", "HTTP_AUTHORIZATION": TOKEN}, 403),
    "no token": ({"REMOTE_ADDR": "192.0.2.1", "HTTP_AUTHORIZATION": "Bearer "}, 403),
}


@pytest.mark.parametrize(("environ", "status"), REQUESTS.values(), ids=REQUESTS)
def test_metrics_are_for_this_machine_or_for_the_token(
    database: None, settings: Any, environ: dict[str, Any], status: int
) -> None:
    settings.TOCSIN_METRICS_TOKEN = TOKEN
    assert Client(**environ).get("/metrics").status_code == status
    settings.TOCSIN_METRICS_TOKEN = ""
    without = 403 if "HTTP_AUTHORIZATION" in environ else status
    assert Client(**environ).get("/metrics").status_code == without


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_metrics_are_only_read(database: None, method: str) -> None:
    assert Client().generic(method, "/metrics").status_code == 405


def test_without_a_database_there_are_no_metrics_and_no_5xx_but_503(
    committed: None, organization: Organization
) -> None:
    with led_astray():
        assert Client().get("/metrics").status_code == 503
