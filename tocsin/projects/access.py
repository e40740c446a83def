"""Which projects somebody reaches: those of their teams; owners and managers reach all of their organization."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet

from tocsin.accounts.access import ALL_PROJECTS, ROLES, Right
from tocsin.accounts.models import Member, Role, Team, TeamMember, User
from tocsin.errors import NotFound
from tocsin.projects.models import Project, ProjectTeam


def has_project(user: User, right: Right, *, project: str, organization: str) -> Q:
    """A condition for any query: the user holds `right` on the project that the two field names point at."""
    members = Member.objects.filter(
        organization=OuterRef(organization), user=user, user__is_active=True, role__in=ROLES[right]
    )
    teams = ProjectTeam.objects.filter(
        organization=OuterRef(organization),
        project=OuterRef(project),
        team__in=TeamMember.objects.filter(
            member__user=user, member__user__is_active=True, member__role__in=ROLES[right]
        ).values("team"),
    )
    return Q(Exists(members.filter(role__in=ALL_PROJECTS))) | Q(Exists(teams))


def projects_of(user: User, organization_id: int, right: Right = Right.READ) -> QuerySet[Project]:
    """The projects of an organization that this person reaches."""
    return Project.objects.filter(
        has_project(user, right, project="pk", organization="organization"), organization_id=organization_id
    ).order_by("slug")


def access_project(slug: str, user: User, organization_id: int, right: Right = Right.READ) -> Project:
    """The project, for somebody who holds the right. Raises NotFound."""
    project = projects_of(user, organization_id, right).filter(slug=slug).first()
    if project is None:
        raise NotFound("There is no such project, or you have no access to it.")
    return project


def is_admin_of(project: Project, user: User) -> bool:
    """Whether they decide for the project: an admin of one of its teams, or an owner or manager of the organization."""
    members = Member.objects.filter(organization_id=project.organization_id, user=user, user__is_active=True)
    admins = TeamMember.objects.filter(
        Q(is_admin=True) | Q(member__role=Role.ADMIN),
        organization_id=project.organization_id,
        member__in=members.filter(role__in=ROLES[Right.TRIAGE]),
        team__project_teams__project=project,
    )
    return members.filter(role__in=ALL_PROJECTS).exists() or admins.exists()


def people_of(project: Project) -> QuerySet[User]:
    """Everybody who may at least look at the project: whom its issues can be assigned to."""
    members = Member.objects.filter(organization_id=project.organization_id, user=OuterRef("pk"))
    in_team = TeamMember.objects.filter(
        organization_id=project.organization_id,
        member__user=OuterRef("pk"),
        team__project_teams__project=project,
    )
    reaches = Q(Exists(members.filter(role__in=ALL_PROJECTS))) | Q(Exists(in_team))
    return User.objects.filter(reaches, is_active=True)


def teams_of(project: Project) -> QuerySet[Team]:
    """The teams that look after the project."""
    return Team.objects.filter(organization_id=project.organization_id, project_teams__project=project)
