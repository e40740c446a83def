"""Fixtures: an organization with a project, its Slack workspace and channel, the people, and issues."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.environment import BOT_TOKEN
from tests.people import Person, make_person
from tests.samples import sample_event
from tocsin.accounts.models import Organization, Role, Team
from tocsin.alerts.models import Destination, Rule, RuleDestination
from tocsin.clock import database_now
from tocsin.issues.models import Issue, StoredEvent
from tocsin.projects.models import Key, Project, ProjectTeam
from tocsin.slack.models import Connection, Installation, Workspace

TEAM_ID = "T0TOCSIN"


@pytest.fixture
def database(request: pytest.FixtureRequest, db: None) -> None:
    """The test's database, empty. Undone at the end, or really committed (`committed`), or a copy (`processes`)."""
    if "own_database" in request.fixturenames:
        request.getfixturevalue("own_database")


@pytest.fixture
def committed(transactional_db: None) -> None:
    """Commits are real, so that other threads and connections see them; the tables are emptied at the end."""


@pytest.fixture
def organization(database: None) -> Organization:
    return Organization.objects.create(slug="acme", name="Acme")


@pytest.fixture
def team(organization: Organization) -> Team:
    return Team.objects.create(organization=organization, slug="backend", name="Backend")


@pytest.fixture
def project(organization: Organization, team: Team) -> Project:
    """SHOP, looked after by the team."""
    made = Project.objects.create(organization=organization, slug="shop", name="Shop", platform="python")
    ProjectTeam.objects.create(organization=organization, project=made, team=team)
    return made


@pytest.fixture
def key(project: Project) -> Key:
    return Key.objects.create(organization=project.organization, project=project)


# --- Slack -----------------------------------------------------------------------------------------------------------
@pytest.fixture
def workspace(database: None) -> Workspace:
    return Workspace.objects.create(team_id=TEAM_ID, name="Tocsin Demo", url="https://tocsin-demo.slack.com/")


@pytest.fixture
def installation(workspace: Workspace, organization: Organization) -> Installation:
    """Our app in the workspace, serving the organization."""
    made = Installation(
        workspace=workspace, key=TEAM_ID, bot_user_id="U0TOCSIN", bot_id="B0TOCSIN", installed_at=database_now()
    )
    made.seal_token(BOT_TOKEN)
    made.save()
    Connection.objects.create(organization=organization, installation=made)
    return made


@pytest.fixture
def make_destination(organization: Organization, installation: Installation) -> Callable[..., Destination]:
    """`make_destination("C123", "#alerts")`: a channel that can be told."""

    def make(channel: str, name: str, **fields: Any) -> Destination:
        return Destination.objects.create(
            organization=organization, kind="slack", address=f"{TEAM_ID}/{channel}", name=name, **fields
        )

    return make


@pytest.fixture
def make_rule(project: Project) -> Callable[..., Rule]:
    """`make_rule(destination, …)`: tell these of every new and regressed issue of the project."""

    def make(*destinations: Destination, name: str = "New and regressed issues", **fields: Any) -> Rule:
        when = fields.pop("when", [Rule.When.FIRST_SEEN, Rule.When.REGRESSED])
        rule = Rule.objects.create(organization=project.organization, project=project, name=name, when=when, **fields)
        for destination in destinations:
            RuleDestination.objects.create(organization=project.organization, rule=rule, destination=destination)
        return rule

    return make


# --- people ----------------------------------------------------------------------------------------------------------
@pytest.fixture
def alice(organization: Organization, team: Team, workspace: Workspace) -> Person:
    """May: a member of the project's team, linked to Slack."""
    return make_person("alice", organization, Role.MEMBER, team=team, workspace=workspace)


@pytest.fixture
def bob(organization: Organization, team: Team, workspace: Workspace) -> Person:
    """May look: a viewer in the project's team, linked to Slack."""
    return make_person("bob", organization, Role.VIEWER, team=team, workspace=workspace)


@pytest.fixture
def carol(organization: Organization, team: Team) -> Person:
    """A member of the project's team whose Slack user is not linked yet."""
    return make_person("carol", organization, Role.MEMBER, team=team)


@pytest.fixture
def owner(organization: Organization, workspace: Workspace) -> Person:
    """Olga, who owns the organization; linked to Slack."""
    return make_person("olga", organization, Role.OWNER, workspace=workspace)


@pytest.fixture
def elsewhere(database: None) -> Organization:
    """Another organization."""
    return Organization.objects.create(slug="elsewhere", name="Elsewhere")


@pytest.fixture
def eve(elsewhere: Organization, workspace: Workspace) -> Person:
    """Owner of another organization, linked to Slack in the same workspace."""
    return make_person("eve", elsewhere, Role.OWNER, workspace=workspace)


@pytest.fixture
def mallory(organization: Organization, team: Team, workspace: Workspace) -> Person:
    """Was a member of the project's team until a second ago; the Slack link is still there."""
    person = make_person("mallory", organization, Role.MEMBER, team=team, workspace=workspace)
    person.leave()
    return person


# --- issues ----------------------------------------------------------------------------------------------------------
@pytest.fixture
def make_issue(project: Project) -> Callable[..., Issue]:
    """`make_issue()`: an unresolved issue of SHOP with one stored event; fields of Issue may be given."""

    def make(of: Project | None = None, **fields: Any) -> Issue:
        target = of or project
        now = database_now()
        target.refresh_from_db()
        target.last_number += 1
        target.save(update_fields=["last_number"])
        event = sample_event()
        values = {
            "title": "ZeroDivisionError: division by zero",
            "culprit": "shop.checkout in total",
            "platform": "python",
            "status_changed_at": now,
            "first_seen": now,
            "last_seen": now,
            "times_seen": 1,
            **fields,
        }
        issue = Issue.objects.create(
            organization=target.organization, project=target, number=target.last_number, **values
        )
        StoredEvent.objects.create(
            organization=target.organization,
            project=target,
            issue=issue,
            event_id=event.id,
            accepted_at=now,
            timestamp=now,
            payload=event.json,
            environment="production",
        )
        return issue

    return make
