"""What somebody may do in an organization. Every fetch of a tenant's row goes through an `access_…` function.

"Not there" and "not yours" are one answer. Rights are read in the query, at the time they are used, so that a person who was
removed a second ago has none.
"""

from __future__ import annotations

from enum import StrEnum

from django.db.models import QuerySet

from tocsin.accounts.models import Member, Organization, Role, User
from tocsin.errors import Forbidden, NotFound


class Right(StrEnum):
    """What may be asked, from least to most."""

    READ = "read"
    TRIAGE = "triage"  # resolve, reopen, archive, comment, assign
    MANAGE = "manage"  # who belongs to it, who is who in Slack, what was done


# Which roles hold a right. Owners and managers reach every project; the others those of their teams.
ROLES: dict[Right, tuple[Role, ...]] = {
    Right.READ: (Role.VIEWER, Role.MEMBER, Role.ADMIN, Role.MANAGER, Role.OWNER),
    Right.TRIAGE: (Role.MEMBER, Role.ADMIN, Role.MANAGER, Role.OWNER),
    Right.MANAGE: (Role.MANAGER, Role.OWNER),
}
ALL_PROJECTS: tuple[Role, ...] = (Role.MANAGER, Role.OWNER)


def organizations_of(user: User) -> QuerySet[Organization]:
    """The organizations that this person belongs to now."""
    return Organization.objects.filter(members__user=user, members__user__is_active=True).order_by("slug")


def access_organization(slug: str, user: User) -> Organization:
    """The organization, for one of its members. Raises NotFound."""
    organization = organizations_of(user).filter(slug=slug).first()
    if organization is None:
        raise NotFound("There is no such organization, or you are not a member of it.")
    return organization


def manages(user: User, organization: Organization) -> bool:
    """Whether this active person may manage the organization now."""
    held = Member.objects.filter(organization=organization, user=user, user__is_active=True)
    return held.filter(role__in=ROLES[Right.MANAGE]).exists()


def access_managed(slug: str, user: User) -> Organization:
    """The organization, for one of its managers and owners. Raises NotFound, and Forbidden for its other members."""
    organization = access_organization(slug, user)
    if not manages(user, organization):
        raise Forbidden(f"This page is for managers and owners of {organization.name}.")
    return organization


def is_member(user: User, organization_id: int) -> bool:
    """Whether this active person belongs to the organization now."""
    return Member.objects.filter(organization_id=organization_id, user=user, user__is_active=True).exists()
