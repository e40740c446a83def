"""What the frame around every page shows of the person's organizations."""

from __future__ import annotations

from typing import Any

from django.db.models import F

from tocsin.accounts.access import ROLES, Right, organizations_of
from tocsin.accounts.models import Organization, User


def shell(user: User, organization: Organization) -> dict[str, Any]:
    """Template context: `organization` is where the page stands, `other_organizations` where else the person may go, `manages`
    whether they are shown what is for managers and owners.
    """
    found = {each.pk: each for each in organizations_of(user).annotate(role=F("members__role"))}
    here = found.pop(organization.pk, None)
    return {
        "organization": organization,
        "other_organizations": list(found.values()),
        "manages": here is not None and here.role in ROLES[Right.MANAGE],
    }
