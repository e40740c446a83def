"""Requests as Slack sends them: signed, and handed to Tocsin's own address through Django's client."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.test import Client

from tests.environment import SIGNING_SECRET
from tests.world import TEAM_ID

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
INTERACTIVE = "/slack/interactive"
EVENTS = "/slack/events"
ADDRESSES = (INTERACTIVE, "/slack/options", EVENTS, "/slack/commands")


def signature(body: bytes, timestamp: str, secret: str = SIGNING_SECRET) -> str:
    signed = b"v0:" + timestamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def headers(body: bytes, *, shift: int = 0, secret: str = SIGNING_SECRET) -> dict[str, str]:
    """As Slack sends them `shift` seconds from now."""
    timestamp = str(int(time.time()) + shift)
    return {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": signature(body, timestamp, secret)}


def send(path: str, body: bytes, given: Mapping[str, str], content_type: str = FORM) -> HttpResponse:
    """The body with these headers, whatever they are."""
    client = Client(SERVER_NAME="localhost", enforce_csrf_checks=True)
    return client.post(path, data=body, content_type=content_type, headers=dict(given))


def post(path: str, body: bytes, content_type: str = FORM) -> HttpResponse:
    """The body, rightly signed."""
    return send(path, body, headers(body), content_type)


def form(**fields: str) -> bytes:
    return urlencode(fields).encode()


def interactive(payload: object, path: str = INTERACTIVE) -> HttpResponse:
    return post(path, form(payload=json.dumps(payload)))


def event(payload: object, path: str = EVENTS) -> HttpResponse:
    return post(path, json.dumps(payload).encode(), JSON)


def block_actions(
    *actions: dict[str, Any], user: str = "U0ALICE", ts: str = "1700000000.000100", **more: Any
) -> dict[str, Any]:
    """A click on a message in C0ALERTS."""
    return {
        "type": "block_actions",
        "user": {"id": user, "username": user.lower(), "name": user.lower(), "team_id": TEAM_ID},
        "api_app_id": "A0TOCSIN",
        "token": "not-to-be-read",
        "container": {"type": "message", "message_ts": ts, "channel_id": "C0ALERTS", "is_ephemeral": False},
        "trigger_id": "1.2.abc",
        "team": {"id": TEAM_ID, "domain": "tocsin-demo"},
        "enterprise": None,
        "is_enterprise_install": False,
        "channel": {"id": "C0ALERTS", "name": "alerts"},
        "message": {"type": "message", "ts": ts, "text": "…"},
        "actions": list(actions),
        **more,
    }


def pressed(action_id: str, issue: object, version: object = 1, action_ts: str = "1700000001.000200") -> dict[str, Any]:
    """A button about an issue."""
    return {
        "type": "button",
        "action_id": action_id,
        "block_id": json.dumps({"issue": issue, "v": version, "b": "row"}),
        "value": json.dumps({"issue": issue, "v": version}),
        "action_ts": action_ts,
    }
