"""When memory will be full: a straight line through the last minutes, or nothing where there is no clear one."""

from __future__ import annotations

import math

SPACING = 5.0
"""Seconds between two kept points."""
POINTS = 60
"""Points that are kept: five minutes."""
_FEWEST = 4
_FARTHEST = 30 * 86_400.0
"""Seconds; a farther end is not worth a word."""

Points = tuple[tuple[float, int], ...]


def with_point(points: Points, at: float, used: int) -> Points:
    """Add a measurement unless the last one is too near. A fall by half (a flush, a restart) starts anew."""
    if points and (used < points[-1][1] / 2 or at < points[-1][0]):
        points = ()
    if points and at - points[-1][0] < SPACING:
        return points
    return (*points, (at, used))[-POINTS:]


def full_in(points: Points, used: int, most: int) -> float | None:
    """Seconds until `used` bytes reach `most` at the slope of the points.

    None where there is no limit, memory does not grow, or its growth is lost in its noise: the slope has to stand
    three standard errors above zero (ordinary least squares).
    """
    if most <= 0:
        return None
    if used >= most:
        return 0.0
    if len(points) < _FEWEST:
        return None
    count = len(points)
    middle = sum(at for at, _ in points) / count
    level = sum(size for _, size in points) / count
    spread = sum((at - middle) ** 2 for at, _ in points)
    slope = sum((at - middle) * (size - level) for at, size in points) / spread if spread else 0.0
    residue = sum((size - level - slope * (at - middle)) ** 2 for at, size in points)
    if slope <= 0 or slope < 3 * math.sqrt(residue / (count - 2) / spread):
        return None
    seconds = (most - used) / slope
    return seconds if seconds < _FARTHEST else None
