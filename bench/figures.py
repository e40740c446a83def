"""What was measured: figures with how often they were taken, the table, and the file of results."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number of one side. `n`: how many answers, events or rounds it rests on."""

    part: str  # "clicks"
    what: str  # "1 process, sqlite: answered per second"
    side: str  # tocsin, a peer's name, floor
    value: float
    unit: str
    n: int
    void: str = ""  # why it must not be believed
    more: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def median(values: Sequence[float]) -> float:
    return statistics.median(values) if values else float("nan")


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` (0 to 1) of all do not exceed; NaN of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def table(figures: Sequence[Figure]) -> str:
    """One line a measurement: every side's figure, and Tocsin's as a multiple of each other's."""
    lines = []
    groups: dict[tuple[str, str], list[Figure]] = {}
    for figure in figures:
        groups.setdefault((figure.part, figure.what), []).append(figure)
    for (part, what), sides in groups.items():
        shown = "   ".join(f"{each.side} {_shown(each)}" for each in sides)
        lines.append(f"{part:<10} {what:<58} {shown}{_ratios(sides)}")
        lines += [f"{'':<10} VOID ({each.side}): {each.void}" for each in sides if each.void]
    return "\n".join(lines)


def _shown(figure: Figure) -> str:
    digits = 0 if abs(figure.value) >= 100 else 1 if abs(figure.value) >= 10 else 2
    return f"{figure.value:,.{digits}f} {figure.unit}".rstrip() + f" (n={figure.n:,})"


def _ratios(sides: Sequence[Figure]) -> str:
    """Tocsin's figure as a multiple of each other side's: the ratio is what a noisy machine leaves standing."""
    mine = next((each for each in sides if each.side == "tocsin"), None)
    if mine is None:
        return ""
    others = [each for each in sides if each.side != "tocsin" and each.value]
    return "".join(f"   {mine.value / each.value:.2f}x {each.side}" for each in others)
