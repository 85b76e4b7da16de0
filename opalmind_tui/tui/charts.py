"""Figures over time as block characters."""

from __future__ import annotations

import math
from collections.abc import Sequence

EIGHTHS = " ▁▂▃▄▅▆▇█"
Points = Sequence[float | None]


def buckets(points: Points, width: int, phase: int = 0) -> list[float | None]:
    """The newest points in `width` columns, the newest at the right: the highest of each column.

    Args:
        points: oldest first.
        width: columns.
        phase: running number of the newest point. Points keep their column mates while the picture moves on, so that
            it does not shimmer.
    """
    if width <= 0:
        return []
    group = max(1, -(-len(points) // max(1, width - 1))) if len(points) > width else 1
    columns: list[float | None] = []
    end = len(points)
    take = phase % group + 1
    while end > 0 and len(columns) < width:
        columns.append(_highest(points[max(0, end - take) : end]))
        end, take = end - take, group
    return [None] * (width - len(columns)) + columns[::-1]


def filled(points: Points, width: int) -> list[float | None]:
    """All points in exactly `width` columns, the highest of each; few points take several columns each."""
    ends = [-(-len(points) * (at + 1) // width) for at in range(width)]
    starts = [len(points) * at // width for at in range(width)]
    return [_highest(points[start:end]) for start, end in zip(starts, ends, strict=True)]


def _highest(points: Points) -> float | None:
    """The highest that is known. Drawn some hundred times a second: the usual case takes no loop of ours."""
    known = [point for point in points if point is not None] if None in points else points
    return max(known, default=None)  # type: ignore[type-var]


def column(number: int, points: int, width: int) -> int:
    """The column of `filled` in whose middle the point with this number is."""
    return min(width - 1, (2 * number + 1) * width // (2 * points))


def sparkline(points: Points, width: int, *, phase: int = 0, zero: bool = True) -> str:
    """One row. With `zero` the lowest level is 0, otherwise the lowest of the points."""
    return chart(points, width, 1, phase=phase, zero=zero)[0] if width > 0 else ""


def chart(points: Points, width: int, height: int, *, phase: int = 0, zero: bool = True) -> list[str]:
    """`height` rows of `width` cells, topmost first. Moments without a value stay empty, 0 is a thin line."""
    columns = buckets(points, width, phase)
    columns = [column if column is not None and math.isfinite(column) else None for column in columns]
    known = [column for column in columns if column is not None]
    low = 0.0 if zero else min(known, default=0.0)
    high = max(known, default=0.0)
    levels = [_level(column, low, high, height) for column in columns]
    return ["".join(_cell(level, row) for level in levels) for row in reversed(range(height))]


def _level(value: float | None, low: float, high: float, height: int) -> int:
    """Eighths of a cell from the bottom; 0 only where nothing is known."""
    if value is None:
        return 0
    top = 8 * height
    return max(1, min(top, round((value - low) / (high - low) * top))) if high > low else 1


def _cell(level: int, row: int) -> str:
    return EIGHTHS[max(0, min(8, level - 8 * row))]


def bar(share: float, width: int) -> tuple[str, str]:
    """A share (0 to 1) as the filled and the empty part of a bar."""
    filled = round(max(0.0, min(1.0, share)) * width)
    return "█" * filled, "░" * (width - filled)
