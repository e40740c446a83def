"""What the issues announce. Published inside the transaction that made them true."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tocsin.issues.event import Event

COUNTS = "counts"
UNDO_ENDED = "undo_ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueChanged:
    """An issue is no longer as it was. `kind` is an Activity.Kind, or COUNTS when only the numbers grew, or UNDO_ENDED when the
    last action can no longer be undone.
    """

    organization_id: int
    issue_id: int
    kind: str
    now: datetime
    episode: int
    began_episode: bool = False  # it needs somebody anew: regressed, or back from the archive
    activity_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventStored:
    """An event was counted. `is_new` and `is_regression` say what it did to its issue."""

    organization_id: int
    project_id: int
    issue_id: int
    episode: int
    is_new: bool
    is_regression: bool
    event: Event
    now: datetime
