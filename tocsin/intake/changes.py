"""What intake announces."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaNearlySpent:
    """A project has sent most of the events that it may send in this hour or day. Once a period; published in the transaction
    that spent them. From `quota` events on, further ones are refused until `ends`.
    """

    organization_id: int
    project_id: int
    spent: int
    quota: int
    period: str  # Project.Period
    ends: datetime
    now: datetime
