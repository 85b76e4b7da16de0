"""The lines between the panels: the head of the screen, the head of the list, the keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual.events import Click
from textual.message import Message
from textual.widget import Widget

from opalmind_tui.snapshot.model import Snapshot
from opalmind_tui.text import cells, safe_text
from opalmind_tui.tui import figures
from opalmind_tui.tui.actions import Situation
from opalmind_tui.tui.line_view import LineView
from opalmind_tui.tui.lines import Area, Line, Span, Tone, apart, line
from opalmind_tui.tui.panels import header, keys
from opalmind_tui.tui.request_list import title
from opalmind_tui.tui.sheet import stale_age


@dataclass(frozen=True, slots=True)
class Status:
    """What the dashboard itself has to say: the outcome of the last act, or its own trouble."""

    text: str = ""
    tone: Tone = Tone.DIM
    lasts: bool = False
    """It stays until another that lasts, or an empty one, takes its place; others pass."""


class Header(LineView):
    """Where you are, what is wrong, and what degraded means. As high as it needs."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._snapshot: Snapshot | None = None
        self._paused = False

    def show(self, snapshot: Snapshot, *, paused: bool) -> None:
        """Draw a newer snapshot."""
        self._snapshot, self._paused = snapshot, paused
        width = self.app.size.width
        lines = self.draw(Area(width, 0))
        grow(self, len(lines))
        self.redraw(lines if width == self.content_size.width else None)

    def draw(self, area: Area) -> list[Line]:
        if self._snapshot is None:
            return [line(Span(" opalmind", Tone.TITLE)), line(Span(" Connecting …", Tone.DIM))]
        return header.render(self._snapshot, area.width, paused=self._paused)


class ListBar(LineView):
    """The head of the lower part: tabs where one part is in view at a time, and the status at the right."""

    class Chosen(Message):
        """A tab was clicked."""

        def __init__(self, section: str) -> None:
            super().__init__()
            self.section = section

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._snapshot: Snapshot | None = None
        self._position = (0, 0)
        self._tabs: tuple[str, ...] = ()
        self._active = ""
        self._status = Status()

    def show(self, snapshot: Snapshot | None, position: tuple[int, int], tabs: tuple[str, ...], active: str) -> None:
        """Draw a newer state; with `tabs` the names of the parts, else the head of the list."""
        self._snapshot, self._position, self._tabs, self._active = snapshot, position, tabs, active
        self.redraw()

    def say(self, status: Status) -> None:
        """Change the status."""
        self._status = status
        self.redraw()

    def draw(self, area: Area) -> list[Line]:
        left: Line = ()
        for tab in self._tabs:
            chosen = tab == self._active
            left += (Span(f"{'▌' if chosen else ' '}{tab.upper()} ", Tone.ACCENT if chosen else Tone.DIM),)
        if not self._tabs and self._snapshot is not None:
            mark = "▌" if self._active == "requests" else " "
            left = line(Span(mark, Tone.ACCENT), *title(self._snapshot, self._position))
        return [apart(left, self._right(self.room), area.width)]

    @property
    def room(self) -> int:
        """Cells for a status; what is more is cut."""
        return max(10, self.content_size.width - 20)

    def _right(self, room: int) -> Line:
        if self._status.text:
            return line(Span(f" {safe_text(self._status.text, room)} ", self._status.tone))
        reading = self._snapshot.requests if self._snapshot else None
        if self._snapshot is None or reading is None or reading.value is None:
            return ()
        if reading.error:
            return line(Span(f"✗ {safe_text(reading.error, room)} ", Tone.FAIL))
        age = stale_age(reading, self._snapshot)
        return line(Span(f"{figures.span(age)} old ", Tone.WARN)) if age is not None else ()

    def on_click(self, event: Click) -> None:
        start = 0
        for tab in self._tabs:
            end = start + cells(tab) + 2
            if start <= event.x < end:
                self.post_message(self.Chosen(tab))
            start = end


class KeyBar(LineView):
    """The keys. As high as they need."""

    class Pressed(Message):
        """A key was clicked."""

        def __init__(self, action: str) -> None:
            super().__init__()
            self.action = action

    ALLOW_SELECT: ClassVar[bool] = False

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._now = Situation()
        self._width = 0

    def show(self, now: Situation) -> None:
        """Draw a newer state."""
        width = self.app.size.width
        if now == self._now and width == self._width:
            return
        self._now, self._width = now, width
        lines = keys.render(now, width)
        grow(self, len(lines))
        self.redraw(lines if width == self.content_size.width else None)

    def draw(self, area: Area) -> list[Line]:
        return keys.render(self._now, area.width)

    def on_click(self, event: Click) -> None:
        for one in keys.place(self._now, self.content_size.width):
            if one.row == event.y and one.start <= event.x < one.end:
                self.post_message(self.Pressed(one.action.id))


def grow(widget: Widget, rows: int) -> None:
    """Make a widget so many rows high; a layout is made only when that changes."""
    height = widget.styles.height
    if height is None or height.value != rows:
        widget.styles.height = rows
