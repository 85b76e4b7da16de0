"""Access to the history of one figure: what this process saw, and before that the minutes that all processes noted."""

from __future__ import annotations

import math
from functools import lru_cache

from opalmind_tui.snapshot.history import MINUTE, SPANS
from opalmind_tui.snapshot.model import Figure, Series, Snapshot
from opalmind_tui.tui.charts import chart

SHORTEST = SPANS["15 min"]
"""Minutes that the picture of the last moments covers."""
MOST = 10_000
"""Points of it, however short the steps."""
_chart = lru_cache(maxsize=8)(chart)
"""There is a snapshot more often than there is another point."""


def recent(snapshot: Snapshot, figure: Figure) -> Series:
    """The last quarter of an hour; where this process has not seen all of it, the rest as others noted it."""
    own = snapshot.series(figure)
    past = snapshot.past.value
    wanted = int(min(MOST, SHORTEST * MINUTE / own.step)) if own.step > 0 else 0
    missing = wanted - len(own.points)
    if past is None or not past.minutes or not own.points or missing <= 0:
        return own
    noted = past.series(figure, SHORTEST, snapshot.taken_at).points
    earlier: list[float | None] = []
    at = len(own.points)
    while at < wanted:
        # All steps that fall into one minute in one go: this is drawn for ten figures a second.
        minute = min(int(at * own.step // MINUTE), SHORTEST - 1)
        following = max(at + 1, math.ceil(min(wanted, (minute + 1) * MINUTE / own.step)))
        earlier.extend([noted[-1 - minute]] * (following - at))
        at = following
    return Series(own.name, own.unit, (*reversed(earlier), *own.points), own.step)


def phase_of(series: Series, now: float) -> int:
    """The running number of the newest point of a series that ends now."""
    steps = now // series.step if series.step > 0 else 0.0
    return int(steps) if math.isfinite(steps) else 0


def picture(snapshot: Snapshot, figure: Figure, width: int, height: int, *, zero: bool = True) -> list[str]:
    """The last quarter of an hour of a figure as a chart, from 0 up or from its lowest value."""
    series = recent(snapshot, figure)
    # A list of its own for each: who gets it may change it.
    return [*_chart(series.points, width, height, phase=phase_of(series, snapshot.taken_at), zero=zero)]
