"""Which installation a payload is for."""

from __future__ import annotations

from dataclasses import dataclass

from tocsin.slack import statements
from tocsin.slack.models import Installation, Workspace
from tocsin.slack.payloads import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A connected installation, and the ids of the organizations that it serves."""

    installation: Installation
    organizations: frozenset[int]


def find(source: Source) -> Found | None:
    """The connected installation, if it serves an organization: of this workspace in its enterprise, else of the
    whole enterprise, else of the workspace.
    """
    if not source.keys:
        return None
    by_key = statements.connected(source.keys)
    key = next((key for key in source.keys if key in by_key), None)
    return Found(installation=by_key[key][0], organizations=by_key[key][1]) if key else None


def workspace_of(installation: Installation, source: Source) -> Workspace:
    """Where the Slack user's identity lives: the installation's workspace, or the whole enterprise, in which ids are the same
    everywhere.
    """
    if installation.workspace is not None:
        return installation.workspace
    workspace, _ = Workspace.objects.get_or_create(team_id=installation.enterprise_id)
    return workspace
