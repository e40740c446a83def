"""Where the app is installed, as payloads say it: in a workspace, in one of an Enterprise Grid, or in a whole Grid.

https://docs.slack.dev/enterprise/developing-for-enterprise-orgs
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from tocsin.simulator.state import Enterprise, User, Workspace


def interactive(workspace: Workspace) -> dict[str, Any]:
    """What interactivity says of it. An app that is installed in a whole Grid hears of no team."""
    enterprise = workspace.enterprise
    return {
        "team": None if workspace.app.is_org_wide else {**_team(workspace), **_named(enterprise)},
        "enterprise": {"id": enterprise.id, "name": enterprise.name} if enterprise else None,
        "is_enterprise_install": workspace.app.is_org_wide,
    }


def at(workspace: Workspace) -> str:
    """The id of the team, or of the Grid, that the app is installed in."""
    enterprise = workspace.enterprise
    return enterprise.id if enterprise and workspace.app.is_org_wide else workspace.team.id


def home(workspace: Workspace, user_id: str) -> str:
    """The id of the team that somebody belongs to."""
    user = workspace.users.get(user_id)
    return user.team_id if user else workspace.team.id


def in_view(workspace: Workspace, user: User) -> dict[str, Any]:
    """The same of a modal. Somebody of another company is there with a team of their own."""
    said = interactive(workspace)
    return said | {"team": {"id": user.team_id, "domain": user.team_id.lower()}} if user.is_stranger else said


def command(workspace: Workspace) -> dict[str, str]:
    """The same in the flat form of a command: the workspace in which it was typed is always named."""
    enterprise = workspace.enterprise
    grid = {"enterprise_id": enterprise.id, "enterprise_name": enterprise.name} if enterprise else {}
    return {
        "team_id": workspace.team.id,
        "team_domain": workspace.team.domain,
        **grid,
        "is_enterprise_install": "true" if workspace.app.is_org_wide else "false",
    }


def envelope(workspace: Workspace, event: Mapping[str, Any], *, is_connect: bool = False) -> dict[str, Any]:
    """What an event comes in."""
    app, team, enterprise = workspace.app, workspace.team, workspace.enterprise
    enterprise_id = enterprise.id if enterprise else None
    return {
        "token": app.verification_token,
        "team_id": team.id,
        **({"enterprise_id": enterprise_id} if enterprise else {}),
        "context_team_id": team.id,
        "context_enterprise_id": enterprise_id,
        "api_app_id": app.id,
        "event": dict(event),
        "type": "event_callback",
        "event_id": f"Ev0{secrets.token_hex(5).upper()}",
        "event_time": int(workspace.clock.now()),
        "authorizations": [
            {
                "enterprise_id": enterprise_id,
                "team_id": None if app.is_org_wide else team.id,
                "user_id": app.bot_user_id,
                "is_bot": True,
                "is_enterprise_install": app.is_org_wide,
            }
        ],
        "is_ext_shared_channel": is_connect,
        "event_context": f"4-{secrets.token_urlsafe(16)}",
    }


def tested(workspace: Workspace) -> dict[str, Any]:
    """What auth.test says of it."""
    enterprise = workspace.enterprise
    return {"is_enterprise_install": workspace.app.is_org_wide} | (
        {"enterprise_id": enterprise.id} if enterprise else {}
    )


def _team(workspace: Workspace) -> dict[str, Any]:
    return {"id": workspace.team.id, "domain": workspace.team.domain}


def _named(enterprise: Enterprise | None) -> dict[str, Any]:
    return {"enterprise_id": enterprise.id, "enterprise_name": enterprise.name} if enterprise else {}
