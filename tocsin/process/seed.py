"""First rows: a project with its key and team, and a rule that tells a channel."""

from __future__ import annotations

from dataclasses import dataclass

from tocsin.accounts.models import Member, Organization, Role, Team, TeamMember
from tocsin.alerts.models import Destination, Rule, RuleDestination
from tocsin.errors import DomainError
from tocsin.projects.models import Key, Project, ProjectTeam
from tocsin.slack import channels
from tocsin.slack.models import Installation


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A channel of a workspace."""

    team_id: str
    id: str
    name: str  # without "#"
    style: str = Destination.Style.BLOCKS

    @property
    def address(self) -> str:
        return f"{self.team_id}/{self.id}"


def find_channel(organization: Organization, name: str, style: str = Destination.Style.BLOCKS) -> Channel:
    """The channel of that name (with or without "#") in the organization's workspace. `style`: how it is told, if it is not
    told yet. Raises DomainError, DeliveryError.
    """
    installation = Installation.objects.filter(
        connections__organization=organization, state=Installation.State.CONNECTED, workspace__isnull=False
    ).first()
    if installation is None or installation.workspace is None:
        raise DomainError("No Slack workspace is connected. Set TOCSIN_SLACK_BOT_TOKEN and start tocsin serve once.")
    wanted = name.lstrip("#")
    channel_id = channels.find(installation, wanted)
    if channel_id is None:
        raise DomainError(f"The bot sees no channel #{wanted}. If it is private, invite the bot to it first.")
    return Channel(team_id=installation.workspace.team_id, id=channel_id, name=wanted, style=style)


def project(organization: Organization, slug: str, *, name: str = "") -> tuple[Project, Key]:
    """A project, looked after by a team of the same name in which every member of the organization is. Raises
    DomainError.
    """
    if Project.objects.filter(organization=organization, slug=slug).exists():
        raise DomainError(f"The project {slug!r} is there already.")
    made = Project.objects.create(organization=organization, slug=slug, name=name or slug.capitalize())
    team, _ = Team.objects.get_or_create(organization=organization, slug=slug, defaults={"name": made.name})
    ProjectTeam.objects.create(organization=organization, project=made, team=team)
    for member in Member.objects.filter(organization=organization):
        TeamMember.objects.get_or_create(organization=organization, team=team, member=member)
    return made, Key.objects.create(organization=organization, project=made)


def rule(
    of: Project, name: str, *told: Channel, tags: tuple[str, ...] = ("environment", "release"), note: str = ""
) -> Rule:
    """Tell the channels of every new or regressed issue of the project."""
    made = Rule.objects.create(
        organization=of.organization,
        project=of,
        name=name,
        when=[Rule.When.FIRST_SEEN, Rule.When.REGRESSED],
        tags=list(tags),
        note=note,
    )
    for channel in told:
        destination, _ = Destination.objects.get_or_create(
            organization=of.organization,
            kind="slack",
            address=channel.address,
            defaults={"name": f"#{channel.name}", "style": channel.style},
        )
        RuleDestination.objects.create(organization=of.organization, rule=made, destination=destination)
    return made


def member(organization: Organization, user_id: int, role: Role, *teams: Team) -> Member:
    """A person's place in the organization and in teams of it."""
    made = Member.objects.create(organization=organization, user_id=user_id, role=role)
    for team in teams:
        TeamMember.objects.create(organization=organization, team=team, member=made)
    return made
