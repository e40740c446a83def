"""A nightly report that divides by the number of sales of a day without any."""

from __future__ import annotations

import sentry_sdk

from tocsin.process.programs import reporting


def average_basket(revenue: list[int]) -> float:
    return sum(revenue) / len(revenue)


def report(days: dict[str, list[int]]) -> dict[str, float]:
    return {day: average_basket(revenue) for day, revenue in days.items()}


def main() -> None:
    reporting.start("batch-1")
    sentry_sdk.set_tag("job", "nightly-report")
    try:
        report({"saturday": [1200, 3400], "sunday": []})
    except ZeroDivisionError:
        sentry_sdk.capture_exception()
    reporting.finish()
