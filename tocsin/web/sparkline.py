"""Counts by the hour as the bars of a small picture. Pure: the template draws them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

HOURS = 24
WIDTH, HEIGHT, GAP = 96, 24, 1  # of the picture and between bars, in its own units
LEAST = 2  # an hour with a single event among thousands is still seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sparkline:
    """`bars` leaves out the hours in which nothing happened. `label` says the same in words."""

    bars: tuple[Bar, ...]
    label: str


def this_hour(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0)


def first_hour(now: datetime) -> datetime:
    """Where a sparkline that ends with the present hour begins."""
    return this_hour(now) - timedelta(hours=HOURS - 1)


def sparkline(counts: Mapping[datetime, int], now: datetime) -> Sparkline:
    """The last 24 hours, oldest first; `counts` is by the hour's beginning and may hold hours outside."""
    begin = first_hour(now)
    values = [counts.get(begin + timedelta(hours=hour), 0) for hour in range(HOURS)]
    most, step = max(values), WIDTH // HOURS
    bars = []
    for hour, value in enumerate(values):
        if value:
            height = max(LEAST, round(value * HEIGHT / most))
            bars.append(Bar(x=hour * step, y=HEIGHT - height, width=step - GAP, height=height))
    return Sparkline(bars=tuple(bars), label=_words(sum(values), most))


def _words(total: int, most: int) -> str:
    if not total:
        return "no events in the last 24 hours"
    return f"{total:,} {'event' if total == 1 else 'events'} in the last 24 hours, at most {most:,} in one hour"
