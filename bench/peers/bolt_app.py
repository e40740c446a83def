"""The peer of the clicks: the same triage as a Bolt for Python app on Flask with SQLAlchemy, written as its manuals show.

The work is done before the answer (`process_before_response`): a click that is answered is stored. Each click looks up
the installation, takes note of the delivery, looks up the person and their rights, locks and changes the issue, writes the
activity and a row for each card that is now stale, and commits.
"""

from __future__ import annotations

import hashlib
import json
import os
from datetime import UTC, datetime
from typing import Any

from flask import Flask, request
from slack_bolt import Ack, App
from slack_bolt.adapter.flask import SlackRequestHandler
from slack_bolt.authorization import AuthorizeResult
from sqlalchemy import ForeignKey, Index, UniqueConstraint, create_engine, event, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, sessionmaker
from sqlalchemy.types import JSON, DateTime, String

URL = os.environ["BENCH_DATABASE_URL"]


class Base(DeclarativeBase):
    type_annotation_map = {datetime: DateTime(timezone=True), dict[str, Any]: JSON, list[str]: JSON}  # noqa: RUF012


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    is_active: Mapped[bool] = mapped_column(default=True)


class Member(Base):
    __tablename__ = "members"
    __table_args__ = (UniqueConstraint("organization_id", "user_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    organization_id: Mapped[int] = mapped_column(index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    role: Mapped[str] = mapped_column(String(10))


class TeamMember(Base):
    __tablename__ = "team_members"
    __table_args__ = (UniqueConstraint("organization_id", "team_id", "member_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    organization_id: Mapped[int]
    team_id: Mapped[int] = mapped_column(index=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"), index=True)


class ProjectTeam(Base):
    __tablename__ = "project_teams"
    __table_args__ = (UniqueConstraint("organization_id", "project_id", "team_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    organization_id: Mapped[int]
    project_id: Mapped[int] = mapped_column(index=True)
    team_id: Mapped[int] = mapped_column(index=True)


class Installation(Base):
    __tablename__ = "installations"
    id: Mapped[int] = mapped_column(primary_key=True)
    team_id: Mapped[str] = mapped_column(String(40), unique=True)
    organization_id: Mapped[int]
    bot_token: Mapped[str] = mapped_column(String(1000))
    bot_user_id: Mapped[str] = mapped_column(String(40))
    bot_id: Mapped[str] = mapped_column(String(40))


class Identity(Base):
    __tablename__ = "identities"
    __table_args__ = (UniqueConstraint("team_id", "slack_user_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    team_id: Mapped[str] = mapped_column(String(40))
    slack_user_id: Mapped[str] = mapped_column(String(40))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    user: Mapped[User] = relationship(lazy="joined")


class Issue(Base):
    __tablename__ = "issues"
    __table_args__ = (
        UniqueConstraint("organization_id", "project_id", "number"),
        Index("issue_list", "organization_id", "status", "last_seen"),
        Index("issue_list_of_project", "organization_id", "project_id", "status", "last_seen"),
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    organization_id: Mapped[int]
    project_id: Mapped[int]
    number: Mapped[int]
    title: Mapped[str] = mapped_column(String(255))
    culprit: Mapped[str] = mapped_column(String(200))
    status: Mapped[str] = mapped_column(String(12), default="unresolved")
    substatus: Mapped[str] = mapped_column(String(20), default="new")
    version: Mapped[int] = mapped_column(default=1)
    resolved_at: Mapped[datetime | None]
    status_changed_at: Mapped[datetime]
    first_seen: Mapped[datetime]
    last_seen: Mapped[datetime]
    times_seen: Mapped[int]


class Activity(Base):
    __tablename__ = "activities"
    __table_args__ = (Index("activities_of_issue", "organization_id", "issue_id", "id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    organization_id: Mapped[int]
    issue_id: Mapped[int] = mapped_column(ForeignKey("issues.id"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    origin: Mapped[str] = mapped_column(String(8))
    identity: Mapped[str] = mapped_column(String(100))
    version: Mapped[int]
    fields_changed: Mapped[list[str]]
    before: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


class Subscription(Base):
    __tablename__ = "subscriptions"
    __table_args__ = (UniqueConstraint("organization_id", "issue_id", "user_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    organization_id: Mapped[int]
    issue_id: Mapped[int] = mapped_column(ForeignKey("issues.id"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    reason: Mapped[str] = mapped_column(String(20))


class Card(Base):
    __tablename__ = "cards"
    __table_args__ = (Index("cards_of_issue", "organization_id", "issue_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    organization_id: Mapped[int]
    issue_id: Mapped[int]
    team_id: Mapped[str] = mapped_column(String(40))
    channel: Mapped[str] = mapped_column(String(40))
    ts: Mapped[str] = mapped_column(String(40))
    is_gone: Mapped[bool] = mapped_column(default=False)


class Received(Base):
    __tablename__ = "received"
    __table_args__ = (UniqueConstraint("installation_id", "key"), Index("received_age", "received_at"))
    id: Mapped[int] = mapped_column(primary_key=True)
    installation_id: Mapped[int] = mapped_column(ForeignKey("installations.id"), index=True)
    key: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(24))
    outcome: Mapped[dict[str, Any]]
    received_at: Mapped[datetime]


class Delivery(Base):
    __tablename__ = "deliveries"
    __table_args__ = (Index("delivery_open", "due_at", "id"), Index("delivery_order", "subject", "id"))
    id: Mapped[int] = mapped_column(primary_key=True)
    organization_id: Mapped[int]
    kind: Mapped[str] = mapped_column(String(32))
    about: Mapped[dict[str, Any]]
    subject: Mapped[str] = mapped_column(String(64))
    lane: Mapped[str] = mapped_column(String(100))
    method: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    done_at: Mapped[datetime | None]


# --- the database ----------------------------------------------------------------------------------------------------
engine = create_engine(URL, pool_size=int(os.environ.get("BENCH_CONNECTIONS", "16")), max_overflow=0)

if URL.startswith("sqlite"):
    # https://docs.sqlalchemy.org/en/20/dialects/sqlite.html: transactions begin where SQLAlchemy says they do.
    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _: Any) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _began(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


Sessions = sessionmaker(engine, expire_on_commit=False)


# --- the app ---------------------------------------------------------------------------------------------------------
def authorize(enterprise_id: str | None, team_id: str | None, **_: Any) -> AuthorizeResult | None:
    with Sessions() as session:
        installed = session.scalar(select(Installation).where(Installation.team_id == team_id))
    if installed is None:
        return None
    return AuthorizeResult(
        enterprise_id=enterprise_id,
        team_id=team_id,
        bot_token=installed.bot_token,
        bot_user_id=installed.bot_user_id,
        bot_id=installed.bot_id,
    )


app = App(
    signing_secret=os.environ["SLACK_SIGNING_SECRET"],
    authorize=authorize,
    process_before_response=True,
    token_verification_enabled=False,
)


@app.action("tocsin.resolve")
def resolve(ack: Ack, body: dict[str, Any]) -> None:
    change(body, "resolved", {"status": "resolved", "substatus": "", "resolved_at": datetime.now(UTC)})
    ack()


@app.action("tocsin.reopen")
def reopen(ack: Ack, body: dict[str, Any]) -> None:
    change(body, "reopened", {"status": "unresolved", "substatus": "ongoing", "resolved_at": None})
    ack()


def change(body: dict[str, Any], kind: str, values: dict[str, Any]) -> None:
    now = datetime.now(UTC)
    try:
        with Sessions.begin() as session:
            _change(session, body, kind, values, now)
    except IntegrityError:
        return  # this delivery had its effect before


def _change(session: Session, body: dict[str, Any], kind: str, values: dict[str, Any], now: datetime) -> None:
    installation = session.scalars(select(Installation).where(Installation.team_id == body["team"]["id"])).one()
    received = Received(
        installation_id=installation.id, key=_key(body), kind="click", outcome={"kind": "done"}, received_at=now
    )
    session.add(received)
    session.flush()
    who = select(Identity).where(Identity.team_id == body["team"]["id"], Identity.slack_user_id == body["user"]["id"])
    user = session.scalars(who).one().user
    number = json.loads(body["actions"][0]["value"])["issue"]
    issue = session.scalars(_allowed(number, user).with_for_update(of=Issue)).one()
    before = {name: str(getattr(issue, name)) for name in values}
    for name, value in values.items():
        setattr(issue, name, value)
    issue.version += 1
    issue.status_changed_at = now
    session.add(_activity(issue, user, kind, list(values), before, body, now))
    subscribed = select(Subscription).where(
        Subscription.organization_id == issue.organization_id,
        Subscription.issue_id == issue.id,
        Subscription.user_id == user.id,
    )
    if session.scalar(subscribed) is None:
        session.add(
            Subscription(organization_id=issue.organization_id, issue_id=issue.id, user_id=user.id, reason=kind)
        )
    cards = select(Card).where(
        Card.organization_id == issue.organization_id, Card.issue_id == issue.id, Card.is_gone.is_(False)
    )
    session.add_all(_refresh(card, now) for card in session.scalars(cards))


def _key(body: dict[str, Any]) -> str:
    action = body["actions"][0]
    parts = [body["user"]["id"], body["container"], action["action_id"], action["block_id"], action["action_ts"]]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _allowed(number: int, user: User) -> Any:
    """The issue, if the person is in a team of its project and more than a viewer."""
    rights = (
        select(Member.id)
        .join(TeamMember, TeamMember.member_id == Member.id)
        .join(ProjectTeam, ProjectTeam.team_id == TeamMember.team_id)
        .where(
            Member.organization_id == Issue.organization_id,
            Member.user_id == user.id,
            Member.role != "viewer",
            ProjectTeam.project_id == Issue.project_id,
        )
    )
    return select(Issue).where(Issue.id == number, rights.exists())


def _activity(
    issue: Issue, user: User, kind: str, changed: list[str], before: dict[str, str], body: dict[str, Any], now: datetime
) -> Activity:
    return Activity(
        organization_id=issue.organization_id,
        issue_id=issue.id,
        kind=kind,
        user_id=user.id,
        origin="slack",
        identity=f"{body['team']['id']}/{body['user']['id']}",
        version=issue.version,
        fields_changed=changed,
        before=before,
        created_at=now,
    )


def _refresh(card: Card, now: datetime) -> Delivery:
    return Delivery(
        organization_id=card.organization_id,
        kind="slack.refresh_card",
        about={"card_id": card.id},
        subject=f"card:{card.id}",
        lane=f"slack:{card.team_id}:{card.channel}",
        method="chat.update",
        created_at=now,
        due_at=now,
    )


flask_app = Flask(__name__)
handler = SlackRequestHandler(app)


@flask_app.post("/slack/interactive")
def interactive() -> Any:
    return handler.handle(request)


@flask_app.get("/readyz")
def ready() -> str:
    return "ok"


# --- its first rows --------------------------------------------------------------------------------------------------
def seed(issues: int) -> None:
    """The tables, one person with rights, and that many issues with a card each."""
    Base.metadata.create_all(engine)
    now = datetime.now(UTC)
    with Sessions.begin() as session:
        session.add(User(id=1, email="person-1@example.com", name="Person 1"))
        session.flush()
        session.add(Member(id=1, organization_id=1, user_id=1, role="member"))
        session.flush()
        session.add(TeamMember(organization_id=1, team_id=1, member_id=1))
        session.add(ProjectTeam(organization_id=1, project_id=1, team_id=1))
        team = "T0BENCH001"
        session.add(
            Installation(
                id=1,
                team_id=team,
                organization_id=1,
                bot_token="xoxb-of-the-bench",
                bot_user_id="U0BOT",
                bot_id="B0BOT",
            )
        )
        session.add(Identity(team_id=team, slack_user_id="U0BENCH000001", user_id=1))
        for number in range(1, issues + 1):
            session.add(_issue(number, now))
        session.flush()
        for number in range(1, issues + 1):
            ts = f"17{number:08}.000100"
            session.add(Card(id=number, organization_id=1, issue_id=number, team_id=team, channel="C0BENCH0001", ts=ts))
    with engine.begin() as connection:
        connection.exec_driver_sql("ANALYZE")
    engine.dispose()


def _issue(number: int, now: datetime) -> Issue:
    return Issue(
        id=number,
        organization_id=1,
        project_id=1,
        number=number,
        title=f"ValueError: order {number} cannot be shipped",
        culprit="shop.orders in ship",
        status_changed_at=now,
        first_seen=now,
        last_seen=now,
        times_seen=1,
    )


if __name__ == "__main__":
    import sys

    seed(int(sys.argv[1]))
