"""Whether an archived issue happens more often than it used to. Pure: numbers in, numbers out.

Counts are by the hour, as they were accepted. What an hour may bring is read from the same hour of the seven days before it; an
issue that is younger than that may bring twice its busiest hour. Nothing below ten events an hour is an escalation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import fmean, pstdev

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Constants:
    """What the forecast is made with."""

    days: int = 7  # how far back it looks
    least: int = 10  # events an hour: this many never are too many
    deviations: float = 3.0  # above the mean
    young_factor: float = 2.0  # of the busiest hour, while there are fewer days than that


CONSTANTS = Constants()


def limit(counts: Mapping[datetime, int], *, hour: datetime, first_seen: datetime, by: Constants = CONSTANTS) -> float:
    """How many events this hour may bring: more than that is an escalation.

    `counts` are events by the beginning of their hour; hours without events may be missing. Of `hour` itself it holds what came
    before the issue was archived. Only the last seven days are read.
    """
    if hour - first_seen < by.days * DAY:
        oldest = hour - by.days * DAY
        busiest = max((count for at, count in counts.items() if oldest <= at <= hour), default=0)
        return max(float(by.least), by.young_factor * busiest)
    same_hour = [counts.get(hour - day * DAY, 0) for day in range(1, by.days + 1)]
    return max(float(by.least), fmean(same_hour) + by.deviations * pstdev(same_hour))


def hour_of(at: datetime) -> datetime:
    """The beginning of the hour."""
    return at.replace(minute=0, second=0, microsecond=0)
