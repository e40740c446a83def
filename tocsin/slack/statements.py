"""The click's own statements, in the SQL that both databases speak. `tests/test_slack_statements.py` has the ORM's beside them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from tocsin import rows
from tocsin.accounts.models import User
from tocsin.clock import database_now
from tocsin.slack.models import Installation, Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class CardRow:
    """A card that hangs somewhere, as far as its deliveries are concerned."""

    id: int
    organization_id: int
    address: str
    team_id: str
    created_at: datetime
    is_current: bool
    is_unfurl: bool = False


def connected(keys: Sequence[str]) -> dict[str, tuple[Installation, frozenset[int]]]:
    """The connected installations of these keys, with their workspaces, and the ids of the organizations that each serves: one
    at least.
    """
    found = rows.run(_connected(len(keys)), tuple(keys))
    at, end = rows.width(Installation), rows.width(Installation) + rows.width(Workspace)
    served: dict[str, tuple[Installation, set[int]]] = {}
    for row in found:
        installation = rows.instance(Installation, row[:at])
        if installation.workspace_id is not None:
            installation.workspace = rows.instance(Workspace, row[at:end])
        served.setdefault(installation.key, (installation, set()))[1].add(row[end])
    return {key: (installation, frozenset(ids)) for key, (installation, ids) in served.items()}


@cache
def _connected(number: int) -> str:
    return (
        f"SELECT {rows.columns(Installation, 'i')}, {rows.columns(Workspace, 'w')}, c.organization_id"
        " FROM slack_installation i"
        " JOIN slack_connection c ON c.installation_id = i.id"
        " LEFT JOIN slack_workspace w ON w.id = i.workspace_id"
        f" WHERE i.state = 'connected' AND i.key IN ({', '.join(['%s'] * number)})"
    )


def linked(workspace_id: int, slack_user_id: str) -> User | None:
    """Whose Slack user that is."""
    found = rows.run(_linked(), (workspace_id, slack_user_id))
    return rows.instance(User, found[0]) if found else None


@cache
def _linked() -> str:
    return (
        f"SELECT {rows.columns(User, 'u')} FROM slack_identity s JOIN accounts_user u ON u.id = s.user_id"
        " WHERE s.workspace_id = %s AND s.slack_user_id = %s"
    )


def insert_received(installation_id: int, key: str, kind: str, outcome: dict[str, Any], now: datetime) -> int | None:
    """The id of the new row; None when this delivery is known. Waits for a transaction that is about to say so."""
    inserted = rows.run(
        "INSERT INTO slack_received (installation_id, key, kind, outcome, received_at) VALUES (%s, %s, %s, %s, %s)"
        " ON CONFLICT (installation_id, key) DO NOTHING RETURNING id",
        (installation_id, key, kind, json.dumps(outcome), rows.parameter(now)),
    )
    return inserted[0][0] if inserted else None


def cards_of(organization_id: int, kind: str, subject_id: int) -> list[CardRow]:
    """The cards of a subject that are not gone, unfurls too, the oldest first."""
    found = rows.run(
        "SELECT c.id, c.organization_id, c.address, w.team_id, c.created_at, c.is_current, c.unfurl_key FROM slack_card c"
        " JOIN slack_workspace w ON w.id = c.workspace_id"
        " WHERE c.organization_id = %s AND c.subject_kind = %s AND c.subject_id = %s AND NOT c.is_gone ORDER BY c.id",
        (organization_id, kind, subject_id),
    )
    return [
        CardRow(
            id=id_,
            organization_id=organization,
            address=address,
            team_id=team_id,
            created_at=rows.time(created_at),
            is_current=bool(is_current),
            is_unfurl=bool(unfurl_key),
        )
        for id_, organization, address, team_id, created_at, is_current, unfurl_key in found
    ]


# --- what a send writes ----------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A message that Slack gave us for a card."""

    card_id: int
    channel: str
    ts: str
    permalink: str = ""
    content_hash: str = ""
    version: int = 0


def store_posted(given: Sequence[Given]) -> None:
    """Keep what Slack gave. The caller holds the lease of each card's post."""
    now = database_now()
    rows.run(
        "UPDATE slack_card AS c SET channel = given.channel, ts = given.ts, posted_at = given.posted_at,"
        " permalink = given.permalink, content_hash = given.content_hash, version = given.version, error = ''"
        f" FROM {_posted()} WHERE c.id = given.id",
        rows.listed_rows(
            [(row.card_id, row.channel, row.ts, now, row.permalink, row.content_hash, row.version) for row in given]
        ),
    )


def _posted() -> str:
    return rows.given(
        id="bigint",
        channel="text",
        ts="text",
        posted_at="timestamptz",
        permalink="text",
        content_hash="text",
        version="bigint",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a card shows now, as Slack has it."""

    card_id: int
    content_hash: str
    version: int


def store_seen(seen: Sequence[Seen]) -> None:
    """Keep what Slack shows. The caller holds the lease of each card's refresh."""
    rows.run(
        "UPDATE slack_card AS c SET content_hash = given.content_hash, version = given.version, error = ''"
        f" FROM {rows.given(id='bigint', content_hash='text', version='bigint')}"
        " WHERE c.id = given.id",
        rows.listed_rows([(row.card_id, row.content_hash, row.version) for row in seen]),
    )
