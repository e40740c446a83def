"""Who a Slack user is in Tocsin."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tocsin.accounts.actor import Actor, Origin
from tocsin.accounts.models import User
from tocsin.slack import statements
from tocsin.slack.models import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """The acting person: an account, and the Slack user they act as."""

    user: User
    workspace: Workspace
    slack_user_id: str

    def actor(self, now: datetime, within: frozenset[int] | None = None) -> Actor:
        """`now` is the database's clock; `within`: the organizations that the installation serves."""
        return Actor(
            user=self.user,
            origin=Origin.SLACK,
            now=now,
            identity=f"{self.workspace.team_id}/{self.slack_user_id}",
            within=within,
        )


def who(workspace: Workspace, slack_user_id: str) -> Person | None:
    """The person, or None for a Slack user who is not linked. Says nothing about what they may do."""
    user = statements.linked(workspace.pk, slack_user_id)
    return Person(user=user, workspace=workspace, slack_user_id=slack_user_id) if user else None
