"""The tabs of the queue: names above, counts below them at fixed places."""

from __future__ import annotations

from collections.abc import Mapping

from textual.events import Click
from textual.message import Message

from opalmind_tui.snapshot.listing import Tab
from opalmind_tui.tui import figures
from opalmind_tui.tui.line_view import LineView
from opalmind_tui.tui.lines import Area, Line, Span, Tone, fit, line, right
from opalmind_tui.tui.situation import GROUPS

TABS: tuple[str, ...] = (*Tab, GROUPS)
_BRIEF = {
    Tab.FAILED: "fail", Tab.PENDING: "pend", Tab.SCHEDULED: "sched", Tab.INFLIGHT: "infl", Tab.DEAD: "dead",
    Tab.UNKNOWN: "unkn", Tab.DELIVERED: "deliv", Tab.REJECTED: "rej", Tab.TRASH: "trash", GROUPS: "grps",
}  # fmt: skip
_TONES = {Tab.DEAD: Tone.FAIL, Tab.UNKNOWN: Tone.WARN, Tab.REJECTED: Tone.WARN, Tab.FAILED: Tone.WARN}
_NARROW = 80


def places(width: int) -> list[tuple[str, str, int, int]]:
    """Each tab with its name, its first cell and the cell after its last."""
    names = [str(tab) if width >= _NARROW else _BRIEF[tab] for tab in TABS]
    spare = width - sum(len(name) + 1 for name in names)
    gap = min(3, max(0, spare // len(names)))
    found = []
    column = 0
    for tab, name in zip(TABS, names, strict=True):
        end = column + 1 + len(name)
        found.append((tab, name, column, end))
        column = end + gap
    return found


def render(active: str, counts: Mapping[Tab, int], width: int) -> list[Line]:
    """Two lines; the active tab is marked by a sign and in capitals, never by colour alone."""
    names: Line = ()
    figures_: Line = ()
    filled = 0
    for tab, name, start, end in places(width):
        chosen = tab == active
        gap = " " * (start - filled)
        names += line(gap, Span(f"▌{name.upper()}" if chosen else f" {name}", Tone.ACCENT if chosen else Tone.DIM))
        count = counts.get(Tab(tab)) if tab != GROUPS else None
        tone = Tone.DIM if not count else _TONES.get(Tab(tab), Tone.STRONG)
        text = "" if count is None else figures.count(count, end - start - 1)
        figures_ += line(gap, right(text, end - start, tone))
        filled = end
    return [fit(names, width), fit(figures_, width)]


class Tabs(LineView):
    """The two lines; a click chooses."""

    class Chosen(Message):
        """A tab was clicked."""

        def __init__(self, tab: str) -> None:
            super().__init__()
            self.tab = tab

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._active, self._counts = str(Tab.FAILED), dict[Tab, int]()

    def show(self, active: str, counts: Mapping[Tab, int]) -> None:
        """Draw a newer state."""
        self._active, self._counts = active, dict(counts)
        self.redraw()

    def draw(self, area: Area) -> list[Line]:
        return render(self._active, self._counts, area.width)

    def on_click(self, event: Click) -> None:
        for tab, _, start, end in places(self.content_size.width):
            if start <= event.x < end:
                self.post_message(self.Chosen(tab))
