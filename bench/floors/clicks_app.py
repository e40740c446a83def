"""The floor of the clicks: what this machine allows. A bare WSGI function on Granian that checks the signature, reads the form and
runs prepared statements: the same look-ups and the same rows as its peer's, in the peer's tables, one commit a click.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

import msgspec

URL = os.environ["BENCH_DATABASE_URL"]
SECRET = os.environ["SLACK_SIGNING_SECRET"].encode()
IS_SQLITE = URL.startswith("sqlite")
KINDS = {
    "tocsin.resolve": ("resolved", "resolved", ""),
    "tocsin.reopen": ("reopened", "unresolved", "ongoing"),
}  # action → kind, status, substatus

INSTALLATION = "SELECT id, organization_id FROM installations WHERE team_id = %s"
RECEIVED = (
    "INSERT INTO received (installation_id, key, kind, outcome, received_at) VALUES (%s, %s, 'click', %s, %s)"
    " ON CONFLICT DO NOTHING RETURNING id"
)
WHO = (
    "SELECT users.id FROM identities JOIN users ON users.id = user_id WHERE team_id = %s AND slack_user_id = %s"
    " AND is_active"
)
ISSUE = (
    "SELECT organization_id, status, substatus, version FROM issues WHERE id = %s AND EXISTS (SELECT 1 FROM members"
    " JOIN team_members ON member_id = members.id JOIN project_teams ON project_teams.team_id = team_members.team_id"
    " WHERE members.organization_id = issues.organization_id AND user_id = %s AND role <> 'viewer'"
    " AND project_teams.project_id = issues.project_id)" + ("" if IS_SQLITE else " FOR UPDATE OF issues")
)
CHANGE = "UPDATE issues SET status = %s, substatus = %s, resolved_at = %s, status_changed_at = %s, version = %s WHERE id = %s"
ACTIVITY = (
    "INSERT INTO activities (organization_id, issue_id, kind, user_id, origin, identity, version, fields_changed, before,"
    " created_at) VALUES (%s, %s, %s, %s, 'slack', %s, %s, %s, %s, %s)"
)
SUBSCRIBE = "INSERT INTO subscriptions (organization_id, issue_id, user_id, reason) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING"
CARDS = "SELECT id, team_id, channel FROM cards WHERE organization_id = %s AND issue_id = %s AND NOT is_gone"
DELIVERY = (
    "INSERT INTO deliveries (organization_id, kind, about, subject, lane, method, created_at, due_at)"
    " VALUES (%s, 'slack.refresh_card', %s, %s, %s, 'chat.update', %s, %s)"
)
FIELDS_CHANGED = json.dumps(["status", "substatus", "resolved_at"])
_local = threading.local()
Start = Callable[[str, list[tuple[str, str]]], Any]


def _sqlite() -> Any:
    import pysqlite3

    path = "/" + urlsplit(URL).path.lstrip("/")
    connection = pysqlite3.connect(path, isolation_level=None, timeout=30, cached_statements=64)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _postgresql() -> Any:
    import psycopg

    return psycopg.connect(URL.replace("+psycopg", ""), autocommit=True, prepare_threshold=0)


def _connection() -> Any:
    if not hasattr(_local, "connection"):
        _local.connection = _sqlite() if IS_SQLITE else _postgresql()
    return _local.connection


def _sql(statement: str) -> str:
    return statement.replace("%s", "?") if IS_SQLITE else statement


class _Statements:
    """Executes on the thread's connection."""

    def __init__(self) -> None:
        self._execute = _connection().execute

    def __call__(self, statement: str, *values: Any) -> Any:
        return self._execute(_ready(statement), values)


_known: dict[str, str] = {}


def _ready(statement: str) -> str:
    if statement not in _known:
        _known[statement] = _sql(statement)
    return _known[statement]


def application(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
    if environ["REQUEST_METHOD"] != "POST":
        start("200 OK", [("Content-Length", "0")])
        return [b""]
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    timestamp = environ["HTTP_X_SLACK_REQUEST_TIMESTAMP"]
    signed = hmac.new(SECRET, b"v0:%s:%s" % (timestamp.encode(), body), hashlib.sha256).hexdigest()
    is_good = hmac.compare_digest(f"v0={signed}", environ["HTTP_X_SLACK_SIGNATURE"])
    if not is_good or abs(time.time() - int(timestamp)) > 300:
        start("401 Unauthorized", [("Content-Length", "0")])
        return [b""]
    change(msgspec.json.decode(unquote_to_bytes(body.removeprefix(b"payload=").replace(b"+", b" "))))
    start("200 OK", [("Content-Length", "0")])
    return [b""]


def change(payload: dict[str, Any]) -> None:
    run = _Statements()
    run("BEGIN IMMEDIATE" if IS_SQLITE else "BEGIN")
    try:
        _change(run, payload)
    except BaseException:
        run("ROLLBACK")
        raise
    run("COMMIT")


def _change(run: _Statements, payload: dict[str, Any]) -> None:
    now = datetime.now(UTC)
    at: Any = now.strftime("%Y-%m-%d %H:%M:%S.%f") if IS_SQLITE else now
    action, team, slack_user = payload["actions"][0], payload["team"]["id"], payload["user"]["id"]
    (installation, _organization) = run(INSTALLATION, team).fetchone()
    seen = [slack_user, payload["container"], action["action_id"], action["block_id"], action["action_ts"]]
    key = hashlib.sha256(msgspec.json.encode(seen)).hexdigest()
    if run(RECEIVED, installation, key, '{"kind": "done"}', at).fetchone() is None:
        return
    (user,) = run(WHO, team, slack_user).fetchone()
    issue = msgspec.json.decode(action["value"])["issue"]
    (organization, was, was_sub, version) = run(ISSUE, issue, user).fetchone()
    kind, status, substatus = KINDS[action["action_id"]]
    run(CHANGE, status, substatus, at if kind == "resolved" else None, at, version + 1, issue)
    before = json.dumps({"status": was, "substatus": was_sub})
    identity = f"{team}/{slack_user}"
    run(ACTIVITY, organization, issue, kind, user, identity, version + 1, FIELDS_CHANGED, before, at)
    run(SUBSCRIBE, organization, issue, user, kind)
    for card, card_team, channel in run(CARDS, organization, issue).fetchall():
        run(DELIVERY, organization, f'{{"card_id": {card}}}', f"card:{card}", f"slack:{card_team}:{channel}", at, at)
