"""Access to the history of one figure."""

from __future__ import annotations

from opalmind_tui.snapshot.model import Figure, Snapshot
from opalmind_tui.tui.charts import chart


def picture(snapshot: Snapshot, figure: Figure, width: int, height: int, *, zero: bool = True) -> list[str]:
    """The history of a figure as a chart, from 0 up or from its lowest value."""
    series = snapshot.series(figure)
    phase = int(snapshot.taken_at // series.step) if series.step > 0 else 0
    return chart(series.points, width, height, phase=phase, zero=zero)
