"""An organization of any size: `python -m bench.generate --issues 1000000 --events 10`.

Fills the database of TOCSIN_DATABASE_URL, which must be empty or new, with bulk inserts. Prints one JSON object that says what
is there. Issue `n` (from 1) has the id n, one card (id n, in the channels by turns) and `--events` stored events; person `n` is
the Slack user `slack_user(n)` of the first workspace.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

ORGANIZATION = PROJECT = TEAM = 1  # their ids; every issue is of this project
SESSION = "be" * 16  # the cookie of person 1, who is signed in
BOT_TOKEN = "xoxb-of-the-bench"  # the recorder takes any
OLDEST = timedelta(days=90)
HOURS_AT_MOST = 4  # rows of counts an issue has

# The issue's title is the exception as it would be shown; every 7th title is one word longer, so that a search finds some.
TYPES = ("ValueError", "KeyError", "TimeoutError", "ZeroDivisionError", "IntegrityError", "ConnectionResetError")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    issues: int = 1000
    events: int = 10  # an issue
    payload: int = 300  # bytes of an event
    members: int = 3
    workspaces: int = 1
    channels: int = 1
    projects: int = 1
    rules: int = 1  # project n, up to this one, tells channel n of new and regressed issues
    waiting: int = 0  # of so many issues, the first, the card is still to be posted
    unresolved: int = 100  # of a hundred issues


def team_id(number: int) -> str:
    """Of workspace `number`, from 1."""
    return f"T0BENCH{number:03}"


def slack_user(number: int) -> str:
    """Of person `number`, from 1."""
    return f"U0BENCH{number:06}"


def channel_id(number: int) -> str:
    """Of channel `number`, from 1."""
    return f"C0BENCH{number:04}"


def public_key(project: int) -> str:
    """Of project `project`, from 1."""
    return f"{project:032x}"


def card_ts(issue: int) -> str:
    """Slack's name for the card of an issue."""
    return f"17{issue:08}.000100"


def workspace_of(channel: int, sizes: Sizes) -> int:
    """Channels are dealt to the workspaces by turns."""
    return (channel - 1) % sizes.workspaces + 1


def channel_of(issue: int, sizes: Sizes) -> int:
    """Cards are dealt to the channels by turns."""
    return (issue - 1) % sizes.channels + 1


def fill(sizes: Sizes, now: datetime) -> dict[str, int]:
    """Write everything, in one transaction. Returns how many rows each table got."""
    from django.db import transaction

    written: dict[str, int] = {}
    with transaction.atomic():
        for table, number in (*_tenancy(sizes, now), *_slack(sizes, now), *_issues(sizes, now)):
            written[table] = written.get(table, 0) + number
    _sign_in(now)
    return written


def _sign_in(now: datetime) -> None:
    from django.conf import settings
    from django.contrib import auth
    from django.contrib.sessions.backends.db import SessionStore
    from django.contrib.sessions.models import Session

    from tocsin.accounts.models import User

    person = User.objects.get(pk=1)
    held = {
        auth.SESSION_KEY: str(person.pk),
        auth.BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[0],
        auth.HASH_SESSION_KEY: person.get_session_auth_hash(),
    }
    expires = now + timedelta(days=365)
    Session.objects.create(session_key=SESSION, session_data=SessionStore().encode(held), expire_date=expires)


def _tenancy(sizes: Sizes, now: datetime) -> Iterator[tuple[str, int]]:
    from bench.rows import insert
    from tocsin.accounts import models as accounts
    from tocsin.projects import models as projects

    people = range(1, sizes.members + 1)
    yield "organizations", insert(accounts.Organization, ("id", "slug", "name"), [(1, "acme", "Acme")], now)
    yield (
        "users",
        insert(
            accounts.User,
            ("id", "email", "name", "search", "password"),
            ((n, *_person(n), "!") for n in people),
            now,
        ),
    )
    roles = ((n, ORGANIZATION, n, "member") for n in people)
    yield "members", insert(accounts.Member, ("id", "organization_id", "user_id", "role"), roles, now)
    team = [(TEAM, ORGANIZATION, "backend", "Backend")]
    yield "teams", insert(accounts.Team, ("id", "organization_id", "slug", "name"), team, now)
    inside = ((n, ORGANIZATION, TEAM, n) for n in people)
    yield "team members", insert(accounts.TeamMember, ("id", "organization_id", "team_id", "member_id"), inside, now)
    numbers = range(1, sizes.projects + 1)
    made = ((n, ORGANIZATION, f"shop-{n}", f"Shop {n}", sizes.issues if n == PROJECT else 0) for n in numbers)
    columns = ("id", "organization_id", "slug", "name", "last_number")
    yield "projects", insert(projects.Project, columns, made, now)
    cared = ((ORGANIZATION, n, TEAM) for n in numbers)
    yield "project teams", insert(projects.ProjectTeam, ("organization_id", "project_id", "team_id"), cared, now)
    keys = ((ORGANIZATION, n, public_key(n)) for n in numbers)
    yield "keys", insert(projects.Key, ("organization_id", "project_id", "public_key"), keys, now)


FIRST_NAMES = (
    "Alice",
    "Anton",
    "Bela",
    "Carol",
    "Dmitri",
    "Élodie",
    "Fatima",
    "Goran",
    "Hana",
    "Ines",
    "Jun",
    "Kemal",
    "Lea",
)
LAST_NAMES = (
    "Adler",
    "Bianchi",
    "Costa",
    "Dubois",
    "Eriksen",
    "Fischer",
    "García",
    "Horvat",
    "Ito",
    "Jansen",
    "Kovács",
)


def _person(number: int) -> tuple[str, str, str]:
    """E-mail, name, and what they are found by."""
    from tocsin.accounts.search import words

    name = f"{FIRST_NAMES[number % len(FIRST_NAMES)]} {LAST_NAMES[number // 3 % len(LAST_NAMES)]}"
    email = f"person-{number}@example.com"
    return email, name, words(name, email)


def _slack(sizes: Sizes, now: datetime) -> Iterator[tuple[str, int]]:
    from bench.rows import insert, moment
    from tocsin.alerts import models as alerts
    from tocsin.slack import models as slack

    teams, at = range(1, sizes.workspaces + 1), moment(now)
    named = ((n, team_id(n), f"Workspace {n}", f"https://w{n}.example/") for n in teams)
    yield "workspaces", insert(slack.Workspace, ("id", "team_id", "name", "url"), named, now)
    columns = ("id", "workspace_id", "key", "bot_token", "bot_user_id", "bot_id", "installed_at")
    installed = ((n, n, team_id(n), _sealed(n), "U0BOT", "B0BOT", at) for n in teams)
    yield "installations", insert(slack.Installation, columns, installed, now)
    connected = ((ORGANIZATION, n) for n in teams)
    yield "connections", insert(slack.Connection, ("organization_id", "installation_id"), connected, now)
    people = ((1, slack_user(n), n, at) for n in range(1, sizes.members + 1))
    columns = ("workspace_id", "slack_user_id", "user_id", "linked_at")
    yield "identities", insert(slack.Identity, columns, people, now)
    told = ((n, ORGANIZATION, "slack", _address(n, sizes), f"#alerts-{n}") for n in range(1, sizes.channels + 1))
    columns = ("id", "organization_id", "kind", "address", "name")
    yield "destinations", insert(alerts.Destination, columns, told, now)
    when = json.dumps(["first_seen", "regressed"])
    rules = range(1, sizes.rules + 1)
    made = ((n, ORGANIZATION, n, "New and regressed issues", when) for n in rules)
    yield "rules", insert(alerts.Rule, ("id", "organization_id", "project_id", "name", "when"), made, now)
    columns = ("organization_id", "rule_id", "destination_id")
    yield "rule destinations", insert(alerts.RuleDestination, columns, ((ORGANIZATION, n, n) for n in rules), now)


def _sealed(workspace: int) -> str:
    from tocsin.slack.models import Installation

    installation = Installation(key=team_id(workspace))
    installation.seal_token(BOT_TOKEN)
    return installation.bot_token


def _address(channel: int, sizes: Sizes) -> str:
    return f"{team_id(workspace_of(channel, sizes))}/{channel_id(channel)}"


# --- issues ----------------------------------------------------------------------------------------------------------


def title(issue: int) -> str:
    return f"{TYPES[issue % len(TYPES)]}: order {issue} cannot be shipped" + (" overseas" if issue % 7 == 0 else "")


def issue_hash(issue: int) -> str:
    """A grouping hash that no event has."""
    return f"{issue:032x}"


def _issues(sizes: Sizes, now: datetime) -> Iterator[tuple[str, int]]:
    from bench.rows import insert, moment
    from tocsin.issues import models as issues
    from tocsin.outbox.models import Delivery
    from tocsin.slack.models import Card

    numbers = range(1, sizes.issues + 1)
    seen = [moment(now - OLDEST * share / 1000) for share in range(1000)]  # the last hours of the issues, newest first
    oldest = moment(now - OLDEST)

    def last(issue: int) -> Any:
        return seen[issue * 7919 % 1000]

    def issue(n: int) -> tuple[Any, ...]:
        is_open = n * 37 % 100 < sizes.unresolved
        state = ("unresolved", "ongoing", "", None) if is_open else ("resolved", "", "now", last(n))
        return n, 1, 1, n, title(n), "shop.orders in ship", "python", *state, oldest, oldest, last(n), sizes.events

    columns = (
        *("id", "organization_id", "project_id", "number", "title", "culprit", "platform"),
        *(
            "status",
            "substatus",
            "resolution",
            "resolved_at",
            "status_changed_at",
            "first_seen",
            "last_seen",
            "times_seen",
        ),
    )
    yield "issues", insert(issues.Issue, columns, map(issue, numbers), now)
    hashes = ((1, 1, issue_hash(n), n) for n in numbers)
    yield "hashes", insert(issues.IssueHash, ("organization_id", "project_id", "hash", "issue_id"), hashes, now)
    first = ((1, n, "first_seen", "sdk", 1, oldest) for n in numbers)
    columns = ("organization_id", "issue_id", "kind", "origin", "version", "created_at")
    yield "activities", insert(issues.Activity, columns, first, now)
    hours = min(HOURS_AT_MOST, sizes.events)
    counts = ((1, n, moment(_hour(now, n, back)), 1) for n in numbers for back in range(hours))
    yield "counts", insert(issues.IssueCount, ("organization_id", "issue_id", "hour", "count"), counts, now)
    yield "events", insert(issues.StoredEvent, EVENT, _events(sizes, seen, oldest), now)
    yield "cards", insert(Card, CARD, _cards(sizes, oldest), now)
    yield "deliveries", insert(Delivery, DELIVERY, _waiting(sizes, moment(now)), now)


def _hour(now: datetime, issue: int, back: int) -> datetime:
    newest = (now - OLDEST * (issue * 7919 % 1000) / 1000).replace(minute=0, second=0, microsecond=0)
    return newest - timedelta(hours=back)


EVENT = (
    *("organization_id", "project_id", "issue_id", "event_id", "accepted_at", "timestamp", "payload", "environment"),
    "release",
)


def _events(sizes: Sizes, seen: list[Any], oldest: Any) -> Iterator[tuple[Any, ...]]:
    for n in range(1, sizes.issues + 1):
        newest = seen[n * 7919 % 1000]
        for k in range(sizes.events):
            event_id = f"{n:016x}{k:016x}"
            at = oldest if k else newest
            yield 1, 1, n, event_id, at, at, _payload(event_id, n, sizes.payload), "production", "shop@1.0"


def _payload(event_id: str, issue: int, length: int) -> bytes:
    """An event cut to `length` bytes: one exception without frames, and padding where more is wanted."""
    name, _, value = title(issue).partition(": ")
    exception = {"values": [{"type": name, "value": value}]}
    event = {"event_id": event_id, "platform": "python", "level": "error", "exception": exception, "extra": {"pad": ""}}
    event["extra"] = {"pad": "x" * max(0, length - len(json.dumps(event)))}
    return json.dumps(event).encode()


CARD = (
    *("id", "organization_id", "workspace_id", "destination_id", "subject_kind", "subject_id", "address"),
    *("delivery_key", "created_at", "channel", "ts", "posted_at", "permalink"),
)


def _cards(sizes: Sizes, at: Any) -> Iterator[tuple[Any, ...]]:
    for n in range(1, sizes.issues + 1):
        channel = channel_of(n, sizes)
        link = f"https://w{workspace_of(channel, sizes)}.example/archives/{channel_id(channel)}/p{n}"
        where = (channel_id(channel), card_ts(n), at, link) if n > sizes.waiting else ("", "", None, "")
        of = ("issue", n, _address(channel, sizes))
        yield n, 1, workspace_of(channel, sizes), channel, *of, f"{n:032x}", at, *where


DELIVERY = (*("organization", "kind", "about", "subject", "lane", "pool", "method", "created_at", "due_at"),)


def _waiting(sizes: Sizes, at: Any) -> Iterator[tuple[Any, ...]]:
    """Channels by turns, as they would have come."""
    for n in range(1, sizes.waiting + 1):
        team, _, channel = _address(channel_of(n, sizes), sizes).partition("/")
        where = (f"card:{n}", f"slack:{team}:{channel}", f"slack:{team}", "chat.postMessage")
        yield 1, "slack.post_card", json.dumps({"card_id": n}), *where, at, at


# --- as a program ----------------------------------------------------------------------------------------------------


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.generate", description=__doc__)
    for name, default in asdict(Sizes()).items():
        parser.add_argument(f"--{name}", type=int, default=default)
    sizes = Sizes(**vars(parser.parse_args()))
    from tocsin.process import setup

    setup.django()
    from django.core.management import call_command
    from django.db import connection

    from tocsin.accounts.models import Organization
    from tocsin.clock import database_now

    call_command("migrate", interactive=False, verbosity=0)
    if Organization.objects.exists():
        print("bench.generate: this database is in use. Give it an empty one.", file=sys.stderr)
        return 1
    written = fill(sizes, database_now())
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    setup.close_connections()
    print(json.dumps(written))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
