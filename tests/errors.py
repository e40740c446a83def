"""Errors that really happen, reported by the real Sentry SDK."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from typing import Any

import pytest
import sentry_sdk
from django.test import Client
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from tocsin.projects.models import Key


def divide_by_an_empty_basket() -> float:
    """What goes wrong unless a test brings an error of its own."""
    prices: list[float] = []
    return sum(prices) / len(prices)


class IntoThisProcess(Transport):
    """Hands the SDK's envelopes, packed as the SDK packs them, to Tocsin's WSGI application in this process."""

    def capture_envelope(self, envelope: Envelope) -> None:
        body = io.BytesIO()
        with gzip.GzipFile(fileobj=body, mode="wb") as packed:
            envelope.serialize_into(packed)
        assert self.parsed_dsn is not None
        auth = self.parsed_dsn.to_auth(f"sentry.python/{sentry_sdk.VERSION}")
        answer = Client(SERVER_NAME="localhost").post(
            f"/api/{self.parsed_dsn.project_id}/envelope/",
            data=body.getvalue(),
            content_type="application/x-sentry-envelope",
            headers={"X-Sentry-Auth": auth.to_header(), "Content-Encoding": "gzip"},
        )
        assert answer.status_code == 200, (answer.status_code, answer.content)


@pytest.fixture
def raise_error(key: Key) -> Callable[..., list[str]]:
    """`raise_error()`: something fails and the SDK reports it. Returns the ids of the events.

    `raise_error(action, times=3, release="shop@1.2", to="http://127.0.0.1:…")`: what fails, how often, options of the SDK,
    and the running processes that hear of it (over HTTP; without `to`, this process does).
    """

    def report(
        action: Callable[[], object] = divide_by_an_empty_basket, *, times: int = 1, to: str = "", **options: Any
    ) -> list[str]:
        transport = {} if to else {"transport": IntoThisProcess}
        client = sentry_sdk.Client(
            dsn=key.dsn(to or "http://localhost"),
            default_integrations=False,
            in_app_include=["tests"],
            **{"release": "", "environment": "production", **transport, **options},
        )
        with sentry_sdk.isolation_scope() as scope:
            scope.set_client(client)
            ids = [_report_one(action) for _ in range(times)]
        client.close(timeout=10)
        return ids

    return report


def _report_one(action: Callable[[], object]) -> str:
    try:
        action()
    except Exception as error:  # noqa: BLE001 - whatever the test lets fail
        event_id = sentry_sdk.capture_exception(error)
        assert event_id is not None, "the SDK sent nothing"
        return event_id
    raise AssertionError(f"{action} was to fail, and did not")
