"""The list of the Audit place, and the entry under its cursor in full."""

from __future__ import annotations

from opalmind_tui.snapshot.audit import AuditPage, Undoable
from opalmind_tui.snapshot.model import Reading, Snapshot
from opalmind_tui.tui.cursor_view import CursorView
from opalmind_tui.tui.line_view import LineView
from opalmind_tui.tui.lines import Area, Line, Tone, line, outside, paragraph
from opalmind_tui.tui.panels import audit
from opalmind_tui.tui.places.audit.window import TrailWindow

_HEAD = 1
NOTHING = "Nobody did anything yet. What is done by key or by command is kept here, for whoever comes next."


class TrailList(CursorView):
    """The newest entries first."""

    class Moved(CursorView.Moved):
        """The cursor, or what is in view, is another."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.window = TrailWindow()
        self._reading: Reading[AuditPage] | None = None
        self._now = 0.0
        self._undo: Undoable | None = None
        self._undone: frozenset[str] = frozenset()

    @property
    def selected(self) -> audit.Shown | None:
        """The entry under the cursor."""
        return None if self.window.selected is None else self._shown(self.window.at)

    @property
    def position(self) -> tuple[int, int]:
        """How many entries are at hand from the first in view on, and how many there are."""
        return min(len(self.window.entries), self.window.top + self.page), self.window.total

    def show(self, snapshot: Snapshot) -> None:
        """Draw a newer window."""
        self._now, self._undo, self._reading = snapshot.taken_at, snapshot.undo, snapshot.audit
        if snapshot.audit is not None and snapshot.audit.value is not None:
            self.window.follow(snapshot.audit.value, self.page)
            self._undone = frozenset(entry.undoes for entry in self.window.entries if entry.undoes)
        self.redraw()

    def _shown(self, number: int) -> audit.Shown:
        entry, sign = self.window.entries[number], ""
        if entry.ref and entry.ref in self._undone:
            sign = audit.UNDONE
        elif self._undo is not None and (entry.at, entry.what) == (self._undo.at, self._undo.what):
            sign = audit.CAN_BE_UNDONE
        return audit.Shown(entry, self._now, sign)

    def draw(self, area: Area) -> list[Line]:
        reading, window = self._reading, self.window
        if not window.entries:
            error = reading.error if reading is not None else ""
            known = reading is not None and reading.value is not None
            said = outside(error or (NOTHING if known else "Looking ...")).text
            rows = paragraph(said, Area(area.width - 4, area.height - 1), Tone.FAIL if error else Tone.DIM)
            return [(), *(line("  ", *spans) for spans in rows)]
        numbers = range(window.top, min(len(window.entries), window.top + area.height - _HEAD))
        rows = [audit.entry_line(self._shown(one), area.width, cursor=one == window.at) for one in numbers]
        return [audit.headline(area.width), *rows]

    def first_in_view(self) -> int:
        return self.window.top

    def row_count(self) -> int:
        return len(self.window.entries)

    def step_by(self, steps: int) -> None:
        self.window.move(steps, self.page)

    def stand_on(self, number: int) -> None:
        self.window.move(number - self.window.at, self.page)

    def suit(self) -> None:
        self.window.keep_in_view(self.page)

    def on_resize(self) -> None:
        super().on_resize()
        self.post_message(self.Moved())


class EntryView(LineView):
    """One entry in full."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._shown: audit.Shown | None = None

    def show(self, shown: audit.Shown | None) -> None:
        """Draw another entry."""
        self._shown = shown
        self.redraw()

    def draw(self, area: Area) -> list[Line]:
        return audit.entry_lines(self._shown, area)


class Connected(LineView):
    """Who is connected now. As high as it needs."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._snapshot: Snapshot | None = None

    def show(self, snapshot: Snapshot) -> None:
        """Draw a newer snapshot."""
        self._snapshot = snapshot
        self.redraw()

    def draw(self, area: Area) -> list[Line]:
        return [] if self._snapshot is None else audit.connected(self._snapshot, area.width)
