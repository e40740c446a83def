"""What the alerts announce."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFired:
    """Rules want one destination told of an episode of an issue. Rules that hit one destination at once come
    together.
    """

    organization_id: int
    issue_id: int
    episode: int
    destination_id: int
    rule_ids: tuple[int, ...]
    event_id: str
    now: datetime
