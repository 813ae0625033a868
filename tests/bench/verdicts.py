"""What was measured, beside what it has to be."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


def median(values: Sequence[float]) -> float:
    """Return the middle of some values, the mean of the two in the middle of an even number."""
    if not values:
        raise ValueError("there is no middle of nothing")
    ordered, half = sorted(values), len(values) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least this share (0 to 1) of the values do not exceed."""
    if not values:
        raise ValueError("nothing was measured")
    ordered = sorted(values)
    return ordered[max(0, -(-round(share * len(ordered) * 1_000_000) // 1_000_000) - 1)]


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Return the median of the ratios of rounds that were measured in turns."""
    return median([mine / other for mine, other in zip(ours, theirs, strict=True)])


@dataclass(frozen=True)
class Figure:
    """One figure, and the bound that it must reach: at least `least`, or at most `most`."""

    name: str
    value: float
    unit: str = ""
    least: float | None = None
    most: float | None = None
    note: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def is_good(self) -> bool:
        """Tell whether the bound is reached."""
        return (self.least is None or self.value >= self.least) and (self.most is None or self.value <= self.most)

    @property
    def bound(self) -> str:
        """Return the bound as people write it."""
        if self.least is not None:
            return f"≥ {self.least:g}"
        return f"≤ {self.most:g}" if self.most is not None else ""

    def plain(self) -> dict[str, Any]:
        """Return the figure for JSON."""
        value = round(self.value, 4)
        bounds = {"least": self.least, "most": self.most}
        given = {name: bound for name, bound in bounds.items() if bound is not None}
        plain = {"name": self.name, "value": value, "unit": self.unit, **given, "ok": self.is_good}
        return plain | ({"note": self.note} if self.note else {}) | ({"details": self.details} if self.details else {})


def table(figures: Sequence[Figure]) -> str:
    """Return figures as a table for people."""
    rows = [
        (
            figure.name,
            f"{figure.value:,.3g} {figure.unit}".strip()
            if figure.value < 1000
            else f"{figure.value:,.0f} {figure.unit}",
            figure.bound,
            "" if not figure.bound else "ok" if figure.is_good else "MISSED",
            figure.note,
        )
        for figure in figures
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)] if rows else []
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[4]]).rstrip()
        for row in rows
    )
