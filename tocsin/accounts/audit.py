"""The audit log of an organization: what was done to people's access, by whom, when."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import QuerySet

from tocsin.accounts.models import AuditEntry, Organization, User


def record(
    organizations: Iterable[Organization], action: str, sentence: str, *, by: User | None, now: datetime
) -> None:
    """One entry for each of them. To be called in the transaction that does it. `sentence` is plain text."""
    text = " ".join(sentence.split())[:500]
    AuditEntry.objects.bulk_create(
        AuditEntry(organization=organization, at=now, by=by, action=action, sentence=text)
        for organization in organizations
    )


def newest(organization: Organization, before: int | None = None) -> QuerySet[AuditEntry]:
    """Newest first; `before`: an entry's id, for the next page."""
    found = AuditEntry.objects.filter(organization=organization).select_related("by").order_by("-id")
    return found.filter(pk__lt=before) if before is not None else found
