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


@dataclass(frozen=True, slots=True, kw_only=True)
class MuteChanged:
    """A mute began, ended, or (`is_count`) kept one more alert from being posted. `issue_id`: on whose card it is shown, if that is
    still there.
    """

    organization_id: int
    destination_id: int
    issue_id: int | None
    now: datetime
    is_count: bool = False
