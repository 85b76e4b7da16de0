"""What a time to live would do, in five lines: the words first, then a small chart over other times."""

from __future__ import annotations

from opalmind_tui.snapshot.model import PreviewPoint, TtlPreview
from opalmind_tui.tui import figures
from opalmind_tui.tui.charts import EIGHTHS

COLUMN = 5
"""Cells of one time in the chart."""


def preview_lines(preview: TtlPreview) -> list[str]:
    """The lines, each at most 66 cells."""
    shown = preview.proposed or preview.present
    return [*_words(preview, shown), *_chart(preview, shown.ttl)]


def _words(preview: TtlPreview, shown: PreviewPoint) -> list[str]:
    at = f"At {figures.lifetime(shown.ttl)}"
    if shown.hit_rate is None:
        return [f"{at}: not enough data", shown.reason, ""]
    hits = f"hit rate about {_percent(shown.hit_rate)} ± {100 * shown.margin:.0f} points"
    lines = [f"{at}: {hits}", f"requests to Matomo about {figures.short(shown.requests_per_hour)}/h"]
    lines[1] += f", memory about {figures.size(round(shown.memory))}"
    today = preview.present
    if shown is not today and today.hit_rate is not None:
        rate = today.hit_rate if preview.measured is None else preview.measured
        asked = f"about {figures.short(today.requests_per_hour)}/h"
        lines.append(f"today: {_percent(rate)}, {asked}, {figures.size(round(today.memory))}")
        if shown.expiring:
            lines[2] += f"; about {figures.short(shown.expiring)} entries too old at once"
    else:
        lines.append(f"from {figures.lifetime(round(preview.seconds))} of look-ups")
    return lines


def _chart(preview: TtlPreview, marked: float) -> list[str]:
    bars, names = "", ""
    for point in preview.candidates:
        level = "·" if point.hit_rate is None else EIGHTHS[max(1, round(8 * point.hit_rate))]
        bars += f"{level * 2:>{COLUMN}}"
        name = figures.brief_lifetime(point.ttl)
        names += f"{f'[{name}]' if point.ttl == marked else name:>{COLUMN}}"
    return [bars, names]


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
