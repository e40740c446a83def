"""Until it escalates: the forecast beside a slow and obviously right oracle."""

from __future__ import annotations

import math
import random
from datetime import datetime, timedelta

import pytest

from tocsin.issues.forecast import CONSTANTS, Constants, hour_of, limit

HOUR = datetime.fromisoformat("2026-03-09T15:00:00+00:00")
Counts = dict[datetime, int]


def oracle(counts: Counts, hour: datetime, first_seen: datetime) -> float:
    """In plain steps, as the specification says it."""
    if first_seen > hour - timedelta(days=7):
        busiest = 0
        at = hour - timedelta(days=7)
        while at <= hour:
            busiest = max(busiest, counts.get(at, 0))
            at += timedelta(hours=1)
        return max(10.0, 2.0 * busiest)
    values = [counts.get(hour - timedelta(days=days), 0) for days in (1, 2, 3, 4, 5, 6, 7)]
    mean = sum(values) / 7
    deviation = math.sqrt(sum((value - mean) ** 2 for value in values) / 7)
    return max(10.0, mean + 3 * deviation)


def test_the_limit_is_the_oracles() -> None:
    for seed in range(2_000):
        chance = random.Random(seed)
        age = timedelta(hours=chance.choice([0, 1, 23, 167, 168, 169, 400, 1000]), microseconds=chance.randint(-1, 1))
        most = chance.choice([0, 3, 50, 10_000])
        counts = {
            HOUR - timedelta(hours=back): chance.randint(0, most)
            for back in range(24 * 9)
            if chance.random() < chance.choice([0.05, 0.5, 1.0])
        }
        assert limit(counts, hour=HOUR, first_seen=HOUR - age) == pytest.approx(oracle(counts, HOUR, HOUR - age)), seed


@pytest.mark.parametrize(
    ("counts", "age_in_days", "expected"),
    [
        ({}, 30, 10),
        ({}, 0, 10),
        (dict.fromkeys(range(1, 8), 20), 30, 20),
        ({1: 70}, 30, 10 + 3 * math.sqrt((60**2 + 6 * 10**2) / 7)),
        ({0: 100}, 0, 200),  # what came in this hour, before it was archived
        ({0: 100}, 30, 10),
        ({8: 10_000}, 30, 10),  # eight days ago
    ],
)
def test_the_limit_by_table(counts: dict[int, int], age_in_days: int, expected: float) -> None:
    by_hour = {HOUR - timedelta(days=day): count for day, count in counts.items()}
    assert limit(by_hour, hour=HOUR, first_seen=HOUR - timedelta(days=age_in_days)) == pytest.approx(expected)


def test_the_constants_stand_in_one_table() -> None:
    assert (CONSTANTS.days, CONSTANTS.least, CONSTANTS.deviations, CONSTANTS.young_factor) == (7, 10, 3.0, 2.0)
    assert hour_of(HOUR + timedelta(minutes=59, microseconds=7)) == HOUR


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (timedelta(days=7) - timedelta(microseconds=1), 100),  # younger: twice the busiest hour
        (timedelta(days=7), 10),  # seven of this hour are known
        (timedelta(days=7) + timedelta(microseconds=1), 10),
    ],
)
def test_at_seven_days_the_hour_of_the_day_takes_over(age: timedelta, expected: float) -> None:
    busy = {HOUR - timedelta(hours=5): 50}
    assert limit(busy, hour=HOUR, first_seen=HOUR - age) == expected


def test_what_is_seen_for_the_first_time_within_the_hour_is_young() -> None:
    assert limit({HOUR: 6}, hour=HOUR, first_seen=HOUR + timedelta(minutes=59)) == 12


def test_only_the_seven_days_before_and_the_hour_itself_count() -> None:
    week = timedelta(days=7)
    elsewhere = {HOUR - week - timedelta(hours=1): 10_000, HOUR + timedelta(hours=1): 10_000}
    for age in (timedelta(hours=3), timedelta(days=6, hours=23), week, 4 * week):
        assert limit(elsewhere, hour=HOUR, first_seen=HOUR - age) == 10
    assert limit({HOUR - week: 30}, hour=HOUR, first_seen=HOUR - timedelta(days=1)) == 60


@pytest.mark.parametrize("day", range(1, 8))
def test_each_of_the_seven_days_weighs_the_same(day: int) -> None:
    counts = {HOUR - timedelta(days=day): 70}
    expected = 10 + 3 * math.sqrt((60**2 + 6 * 10**2) / 7)
    assert limit(counts, hour=HOUR, first_seen=HOUR - timedelta(days=30)) == pytest.approx(expected)


def test_other_constants_make_another_forecast() -> None:
    by = Constants(days=2, least=4, deviations=1.0, young_factor=5.0)
    counts = {HOUR - timedelta(days=1): 10, HOUR - timedelta(days=2): 20, HOUR - timedelta(days=3): 900}
    assert limit(counts, hour=HOUR, first_seen=HOUR - timedelta(days=2), by=by) == 15 + 5
    assert limit(counts, hour=HOUR, first_seen=HOUR - timedelta(days=1), by=by) == 100
    assert limit({}, hour=HOUR, first_seen=HOUR, by=by) == 4
