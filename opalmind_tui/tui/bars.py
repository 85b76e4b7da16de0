"""The lines between the panels: the head of the screen, the head of the list, the keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, TypeVar

from msgspec import Struct
from textual.events import Click
from textual.message import Message
from textual.widget import Widget

from opalmind_tui.snapshot.model import Reading, Snapshot
from opalmind_tui.text import cells, safe_text
from opalmind_tui.tui import figures
from opalmind_tui.tui.line_view import LineView
from opalmind_tui.tui.lines import EMPTY, Area, Line, Span, Tone, apart, line
from opalmind_tui.tui.panels import header, keys
from opalmind_tui.tui.sheet import stale_age
from opalmind_tui.tui.situation import Situation

T = TypeVar("T")


class Status(Struct, frozen=True):
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
        self._badge = ""

    def show(self, snapshot: Snapshot, badge: str) -> None:
        """Draw a newer snapshot. `badge`: what the clock is to be read with, such as FROZEN."""
        self._snapshot, self._badge = snapshot, badge
        width = self.app.size.width
        lines = self.draw(Area(width, 0))
        grow(self, len(lines))
        self.redraw(lines if width == self.content_size.width else None)

    def draw(self, area: Area) -> list[Line]:
        if self._snapshot is None:
            return [line(Span(" opalmind", Tone.TITLE)), line(Span(" Connecting …", Tone.DIM))]
        return header.render(self._snapshot, area.width, self._badge)


class PlaceBar(LineView):
    """The bar of a place: its tabs or its title, and at the right what the dashboard has to say."""

    class Chosen(Message):
        """A tab was clicked."""

        def __init__(self, section: str) -> None:
            super().__init__()
            self.section = section

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, classes="bar")
        self._heading: Line = ()
        self._tabs: tuple[str, ...] = ()
        self._trouble: Callable[[int], Line] = lambda room: ()
        self._status = Status()

    def show(
        self,
        heading: Line = EMPTY,
        *,
        tabs: tuple[str, ...] = (),
        active: str = "",
        snapshot: Snapshot | None = None,
        reading: Reading[T] | None = None,
    ) -> None:
        """Draw a newer state: a heading, or tabs; and what is wrong with the reading that the place shows."""
        self._tabs = tabs
        for tab in tabs:
            chosen = tab == active
            heading += (Span(f"{'▌' if chosen else ' '}{tab.upper()} ", Tone.ACCENT if chosen else Tone.DIM),)
        self._heading = heading
        # Made when it is drawn: a bar that was mounted just now does not know its width.
        self._trouble = (lambda room: _trouble(snapshot, reading, room)) if snapshot and reading else lambda room: ()
        self.redraw()

    def say(self, status: Status) -> None:
        """Change the status."""
        self._status = status
        self.redraw()

    def draw(self, area: Area) -> list[Line]:
        status = self._status
        own = line(Span(f" {safe_text(status.text, self.room)} ", status.tone))
        said = own if status.text else self._trouble(self.room)
        return [apart(self._heading, said, area.width)]

    @property
    def room(self) -> int:
        """Cells for a status; what is more is cut."""
        return max(10, self.content_size.width - 20)

    def on_click(self, event: Click) -> None:
        start = 0
        for tab in self._tabs:
            end = start + cells(tab) + 2
            if start <= event.x < end:
                self.post_message(self.Chosen(tab))
            start = end


def _trouble(snapshot: Snapshot, reading: Reading[T], room: int) -> Line:
    """Why the reading failed, or that it is old."""
    if reading.value is None:
        return ()
    if reading.error:
        return line(Span(f"✗ {safe_text(reading.error, room)} ", Tone.FAIL))
    age = stale_age(reading, snapshot)
    return line(Span(f"{figures.span(age)} old ", Tone.WARN)) if age is not None else ()


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
        self._screen = Area(0, 0)

    def show(self, now: Situation) -> None:
        """Draw a newer state."""
        screen = Area(*self.app.size)
        if now == self._now and screen == self._screen:
            return
        self._now, self._screen = now, screen
        lines = keys.render(now, screen)
        grow(self, len(lines))
        self.redraw(lines if screen.width == self.content_size.width else None)

    def draw(self, area: Area) -> list[Line]:
        return keys.render(self._now, Area(area.width, self._screen.height))

    def on_click(self, event: Click) -> None:
        for one in keys.place(self._now, Area(self.content_size.width, self._screen.height)):
            if one.row == event.y and one.start <= event.x < one.end:
                self.post_message(self.Pressed(one.action.id))


def grow(widget: Widget, rows: int) -> None:
    """Make a widget so many rows high; a layout is made only when that changes."""
    height = widget.styles.height
    if height is None or height.value != rows:
        widget.styles.height = rows
