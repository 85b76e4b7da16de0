"""Rates and history from counters. Always from time stamps, never from the number of ticks: a loop may stall."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from opalmind_tui.snapshot.model import Figure, Series

WINDOW = 15.0
"""Seconds that a rate looks back."""
STEP = 2.0
"""Seconds between two points of the history."""
POINTS = 450
"""Points kept: a quarter of an hour."""


LIVE = (
    Figure.BACKLOG, Figure.ACCEPTED, Figure.DELIVERED, Figure.RETRIED, Figure.DEAD, Figure.HIT_RATE, Figure.MEMORY,
    Figure.OPS, Figure.ROUND_TRIP,
)  # fmt: skip
"""The figures that a process follows by itself."""


class Rates:
    """Per-second rates of growing counters over the last `WINDOW` seconds."""

    def __init__(self, window: float = WINDOW) -> None:
        self._window = window
        self._samples: deque[tuple[float, dict[str, float]]] = deque()

    def add(self, at: float, values: Mapping[str, float]) -> None:
        """Note the values at a moment (epoch seconds). A moment not after the last one starts anew."""
        if self._samples and at <= self._samples[-1][0]:
            if at == self._samples[-1][0]:
                return
            self._samples.clear()
        self._samples.append((at, dict(values)))
        while len(self._samples) > 2 and at - self._samples[1][0] >= self._window:
            self._samples.popleft()

    def counter(self, name: str) -> float:
        """Growth per second of a counter; 0 until there are two samples, and after it was reset."""
        return max(0.0, self.slope(name))

    def slope(self, name: str) -> float:
        """Change per second of a figure that may fall."""
        if len(self._samples) < 2:
            return 0.0
        (start, first), (end, last) = self._samples[0], self._samples[-1]
        if name not in first or name not in last:
            return 0.0
        return (last[name] - first[name]) / (end - start)


class RecentFigures:
    """The main figures over the last quarter of an hour, one point every `STEP` seconds."""

    def __init__(self) -> None:
        self._points: dict[Figure, deque[float | None]] = {figure: deque(maxlen=POINTS) for figure in LIVE}
        self._last_slot: int | None = None
        self._series: tuple[Series, ...] | None = None

    def add(self, at: float, values: Mapping[Figure, float | None]) -> None:
        """Note the figures at a moment. Moments that nobody measured become gaps."""
        slot = int(at // STEP)
        if self._last_slot is not None:
            if slot <= self._last_slot:
                return
            for _ in range(min(slot - self._last_slot - 1, POINTS)):
                self._append({})
        self._last_slot = slot
        self._append(values)

    def _append(self, values: Mapping[Figure, float | None]) -> None:
        self._series = None
        for figure, points in self._points.items():
            points.append(values.get(figure))

    def series(self) -> tuple[Series, ...]:
        """All of them, oldest point first. The same object until there is another point."""
        if self._series is None:
            points = self._points.items()
            self._series = tuple(Series(figure, points=tuple(found), step=STEP) for figure, found in points)
        return self._series
