"""The people of the tests: alice may, bob may look, eve is elsewhere, mallory was removed a second ago."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from django.contrib.auth.hashers import make_password
from django.test import Client

from tocsin.accounts.actor import Actor, Origin
from tocsin.accounts.models import Member, Organization, Role, Team, TeamMember, User
from tocsin.clock import database_now
from tocsin.slack.models import Identity, Workspace

PASSWORD = "correct horse battery staple"


@cache
def _hashed_password() -> str:
    """Argon2 takes its time by design; every person of a run shares one hash."""
    return make_password(PASSWORD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody with an account, and with a user id in the Slack workspace of the tests (linked or not)."""

    user: User
    organization: Organization
    slack_user_id: str

    def actor(self, origin: Origin = Origin.WEB) -> Actor:
        """Them, doing something now."""
        identity = f"T0TOCSIN/{self.slack_user_id}" if origin is Origin.SLACK else ""
        return Actor(user=self.user, origin=origin, now=database_now(), identity=identity)

    def browser(self) -> Client:
        """A signed-in client; it checks CSRF tokens, as browsers are made to."""
        client = Client(enforce_csrf_checks=True, SERVER_NAME="localhost")
        client.force_login(self.user)
        return client

    def leave(self) -> None:
        """Lose the membership, and with it every right."""
        Member.objects.filter(organization=self.organization, user=self.user).delete()


def make_person(
    name: str, organization: Organization, role: Role, *, team: Team | None = None, workspace: Workspace | None = None
) -> Person:
    """A member with that role, in the team if one is given, linked to Slack if a workspace is given."""
    user = User.objects.create(email=f"{name}@example.com", name=name.capitalize(), password=_hashed_password())
    member = Member.objects.create(organization=organization, user=user, role=role)
    if team is not None:
        TeamMember.objects.create(organization=organization, team=team, member=member)
    person = Person(user=user, organization=organization, slack_user_id=f"U0{name.upper()}")
    if workspace is not None:
        Identity.objects.create(
            workspace=workspace, slack_user_id=person.slack_user_id, user=user, linked_at=database_now()
        )
    return person
