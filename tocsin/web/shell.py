"""What the frame around every page shows of the person's organizations."""

from __future__ import annotations

from typing import Any

from tocsin.accounts.access import manages, organizations_of
from tocsin.accounts.models import Organization, User


def shell(user: User, organization: Organization) -> dict[str, Any]:
    """Template context: `organization` is where the page stands, `other_organizations` where else the person may go, `manages`
    whether they are shown what is for managers and owners.
    """
    others = [other for other in organizations_of(user) if other.pk != organization.pk]
    return {
        "organization": organization,
        "other_organizations": others,
        "manages": manages(user, organization),
    }
