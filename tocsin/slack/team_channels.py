"""Channels of teams: what concerns the team as a whole is told there. Made and ended from the channel, by a one-time page."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from tocsin.accounts import audit
from tocsin.accounts.access import ROLES, Right, manages
from tocsin.accounts.models import Organization, Role, Team, TeamMember, User
from tocsin.errors import Invalid, NotFound
from tocsin.slack import link_tokens, mrkdwn, notices
from tocsin.slack.identity import Person
from tocsin.slack.link_tokens import OF_TEAMS, ONCE, Purpose
from tocsin.slack.models import Identity, Installation, LinkToken, TeamChannel
from tocsin.slack.payloads import Place
from tocsin.slack.telling import Listener

MAY = "an owner or manager of the organization, or the admin of the team"
NOT_YOURS = "This link is for somebody else, or for another organization's Slack workspace."
NOT_CHOSEN = "Choose one of the teams."


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    id: int
    name: str  # "#payments in Acme"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What the page asks the visitor to choose. All texts are as they came from outside."""

    is_link: bool
    channel: str  # "#ops", or that it is a private one
    workspace: str
    teams: tuple[Choice, ...]  # that can be connected, or disconnected
    already: tuple[str, ...]  # teams that are connected to the channel now


# --- in the channel --------------------------------------------------------------------------------------------------


def invite(listener: Listener, purpose: Purpose, person: Person, now: datetime, *, name: str, channel_name: str) -> str:
    """What somebody is told who wants to connect a team with the channel, or part them: a link, or why there is none."""
    teams = manageable(person.user, listener.organizations)
    if not teams.exists():
        return (
            f"A team's channel is for {MAY} to choose, and you are neither here. Ask one of them to type this command."
        )
    if purpose == Purpose.UNLINK_TEAM and not _linked(listener, teams).exists():
        return "No team of yours is connected to this channel. Nothing was changed."
    token, _ = link_tokens.make(purpose, listener, now, name=name, channel_name=channel_name)
    words = "Choose the team" if purpose == Purpose.LINK_TEAM else "Choose which team to disconnect"
    return f"{mrkdwn.link(link_tokens.page_of(token, purpose), words)} for this channel. {ONCE[purpose]}"


def _linked(listener: Listener, teams: QuerySet[Team]) -> QuerySet[TeamChannel]:
    return TeamChannel.objects.filter(
        workspace=listener.workspace, channel=listener.place.channel, team__in=teams.values("pk")
    )


def manageable(user: User, organizations: Collection[int]) -> QuerySet[Team]:
    """The teams in these organizations whose channels this active person may choose now."""
    managed = Organization.objects.filter(
        pk__in=organizations,
        members__user=user,
        members__user__is_active=True,
        members__role__in=ROLES[Right.MANAGE],
    )
    admin_of = TeamMember.objects.filter(
        organization__in=organizations, member__user=user, member__user__is_active=True
    ).filter(Q(member__role=Role.ADMIN) | Q(is_admin=True, member__role=Role.MEMBER))
    found = Team.objects.filter(organization__in=organizations).select_related("organization")
    return found.filter(Q(organization__in=managed.values("pk")) | Q(pk__in=admin_of.values("team"))).order_by(
        "organization__name", "slug"
    )


# --- the page --------------------------------------------------------------------------------------------------------


def open_token(token: str, visitor: User, now: datetime) -> Opened:
    """What the visitor is asked. Changes nothing. Raises Spent (410) and NotFound (404)."""
    row = link_tokens.find(token, now, OF_TEAMS)
    offered = _offered(row, visitor)
    return Opened(
        is_link=row.purpose == Purpose.LINK_TEAM,
        channel=_shown(row),
        workspace=str(row.workspace),
        teams=tuple(Choice(id=team.pk, name=_named(team)) for team in offered),
        already=tuple(_named(each.team) for each in _at(row).filter(organization__in=_served(row))),
    )


def confirm(token: str, visitor: User, now: datetime, *, team_id: int) -> str:
    """Connect the team, or part it, once. Returns what was done, in plain text. Raises Spent (410), NotFound (404), and Invalid
    where none of the teams was chosen.
    """
    with transaction.atomic():
        row = link_tokens.find(token, now, OF_TEAMS)
        team = next((each for each in _offered(row, visitor) if each.pk == team_id), None)
        if team is None:
            raise Invalid(NOT_CHOSEN, field="team")
        link_tokens.use(row, now)
        if row.purpose == Purpose.LINK_TEAM:
            return _link(row, team, visitor, now)
        return _part(_at(row).get(team=team), visitor, now, installation=row.installation)


def _offered(row: LinkToken, visitor: User) -> list[Team]:
    """Of the teams that they manage: to connect, those that are not connected yet; to part, those that are."""
    is_theirs = Identity.objects.filter(workspace=row.workspace, slack_user_id=row.slack_user_id, user=visitor).exists()
    if not is_theirs or row.installation.state != Installation.State.CONNECTED:
        raise NotFound(NOT_YOURS)
    managed = manageable(visitor, _served(row))
    if not managed.exists():
        raise NotFound(NOT_YOURS)
    there = set(_at(row).values_list("team", flat=True))
    return [team for team in managed if (team.pk in there) is (row.purpose == Purpose.UNLINK_TEAM)]


def _served(row: LinkToken) -> list[int]:
    return list(row.installation.connections.values_list("organization", flat=True))


def _at(row: LinkToken) -> QuerySet[TeamChannel]:
    at = TeamChannel.objects.select_related("team__organization", "organization", "workspace")
    return at.filter(workspace=row.workspace, channel=row.channel).order_by("pk")


def _shown(row: LinkToken) -> str:
    is_named = row.channel_name not in ("", "privategroup", "directmessage")
    return f"#{row.channel_name}" if is_named else f"a private channel ({row.channel})"


def _named(team: Team) -> str:
    return f"#{team.slug} in {team.organization.name}"


# --- both ends -------------------------------------------------------------------------------------------------------


def _link(row: LinkToken, team: Team, visitor: User, now: datetime) -> str:
    made, _ = TeamChannel.objects.get_or_create(
        organization_id=team.organization_id,
        team=team,
        workspace=row.workspace,
        channel=row.channel,
        defaults={
            "channel_name": "" if row.channel_name == "privategroup" else row.channel_name,
            "linked_by": visitor,
            "linked_at": now,
        },
    )
    text = f"{mrkdwn.line(visitor.display_name)} has connected the team *{mrkdwn.line(_named(team))}* to this channel: "
    notices.post(
        _listener(made, row.installation, row.slack_user_id),
        f"{text}what concerns the whole team is told here.",
        now,
        organization_id=team.organization_id,
    )
    sentence = f"{_named(team)} is connected to {_shown(row)} in {row.workspace}."
    audit.record([team.organization], "slack.link_team", sentence, by=visitor, now=now)
    return sentence


def _part(found: TeamChannel, visitor: User, now: datetime, *, installation: Installation | None) -> str:
    identity = Identity.objects.filter(workspace=found.workspace, user=visitor).first()
    sentence = f"{_named(found.team)} is no longer connected to {found.shown} in {found.workspace}."
    if installation is not None:
        notices.post(
            _listener(found, installation, identity.slack_user_id if identity else ""),
            f"{mrkdwn.line(visitor.display_name)} has disconnected the team *{mrkdwn.line(_named(found.team))}* from this "
            "channel: its notifications do not come here any more.",
            now,
            organization_id=found.organization_id,
        )
    audit.record([found.organization], "slack.unlink_team", sentence, by=visitor, now=now)
    found.delete()
    return sentence


def _listener(made: TeamChannel, installation: Installation, slack_user_id: str) -> Listener:
    return Listener(
        installation=installation,
        workspace=made.workspace,
        slack_user_id=slack_user_id,
        place=Place(channel=made.channel),
    )


# --- the organization's page -----------------------------------------------------------------------------------------


def of_organization(organization: Organization) -> QuerySet[TeamChannel]:
    """All of them, by team."""
    found = TeamChannel.objects.filter(organization=organization)
    return found.select_related("team__organization", "organization", "workspace").order_by("team__slug", "pk")


def disconnect(organization: Organization, team_channel_id: int, visitor: User, now: datetime) -> str:
    """End one of them, for a manager or owner. Returns what was done. Raises NotFound."""
    with transaction.atomic():
        found = of_organization(organization).filter(pk=team_channel_id).first()
        if found is None or not manages(visitor, organization):
            raise NotFound("This connection is not there any more, or it is not yours to end.")
        serving = Installation.objects.filter(
            workspace=found.workspace, connections__organization=organization, state=Installation.State.CONNECTED
        )
        return _part(found, visitor, now, installation=serving.first())
