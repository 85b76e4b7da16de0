"""The requests: a virtual list that draws the visible rows and keeps its cursor on a request."""

from __future__ import annotations

from opalmind_tui.snapshot.model import RequestRow, Snapshot
from opalmind_tui.tui.cursor import ListCursor
from opalmind_tui.tui.cursor_view import CursorView
from opalmind_tui.tui.lines import Area, Line, Span, Tone, fit, line
from opalmind_tui.tui.panels import requests

MOST_ROWS = 500
"""Rows that are ever asked for at once."""
_HEAD = 1


class RequestList(CursorView):
    """The list. It holds what the newest snapshot brought, and asks for a page more than it shows."""

    class Moved(CursorView.Moved):
        """Other rows are in view, or the cursor stands elsewhere."""

    class Opened(CursorView.Opened):
        """A row was opened by a double click."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._snapshot: Snapshot | None = None
        self._rows: tuple[RequestRow, ...] = ()
        self.cursor = ListCursor()

    @property
    def wanted(self) -> int:
        """How many rows the next snapshot should bring. Who moves on gets some pages more at a time: the whole list is
        read for each other number, and a held key must not do that with each step."""
        need, step = self.cursor.offset + 2 * self.page, 4 * self.page
        return min(MOST_ROWS, -(-need // step) * step if self.cursor.offset else need)

    @property
    def short(self) -> bool:
        """The cursor comes to the end of what was read, and there is more: a held key should not have to wait."""
        queue = self._snapshot.queue.value if self._snapshot is not None else None
        total = min(MOST_ROWS, queue.backlog + queue.dead) if queue is not None else 0
        return len(self._rows) < total and self.cursor.index >= len(self._rows) - self.page

    @property
    def selected(self) -> RequestRow | None:
        """The request under the cursor, if it is still there."""
        return next((row for row in self._rows if row.id == self.cursor.id), None)

    @property
    def position(self) -> tuple[int, int]:
        """The first and the last row in view, counted from 1."""
        return self.cursor.offset + 1, min(len(self._rows), self.cursor.offset + self.page)

    def show(self, snapshot: Snapshot) -> None:
        """Draw a newer snapshot."""
        self._snapshot = snapshot
        self._rows = snapshot.requests.value or ()
        self.cursor.follow([row.id for row in self._rows], self.page)
        self.redraw()

    def draw(self, area: Area) -> list[Line]:
        snapshot = self._snapshot
        if snapshot is None:
            return []
        if not self._rows:
            room = Area(area.width - 4, area.height - 1)
            return [(), *(fit(line("  ", *spans), area.width) for spans in requests.empty(snapshot, room))]
        self.cursor.follow([row.id for row in self._rows], area.height - _HEAD)
        start = self.cursor.offset
        shown = self._rows[start : start + area.height - _HEAD]
        sites = dict(snapshot.sites)
        lines = [
            requests.request_line(
                row, snapshot.taken_at, area.width, cursor=self.cursor.tone(start + number), sites=sites
            )
            for number, row in enumerate(shown)
        ]
        return [fit(requests.headline(area.width), area.width), *lines]

    def first_in_view(self) -> int:
        return self.cursor.offset

    def row_count(self) -> int:
        return len(self._rows)

    def step_by(self, steps: int) -> None:
        self.cursor.move(steps, self.page)

    def stand_on(self, number: int) -> None:
        self.cursor.take(number, self.page)

    def on_resize(self) -> None:
        super().on_resize()
        self.post_message(self.Moved())


def title(snapshot: Snapshot, position: tuple[int, int], *, focused: bool) -> Line:
    """The head of the list: how many there are, and which of them are in view."""
    queue = snapshot.queue.value
    shown = len(snapshot.requests.value or ())
    total = queue.backlog + queue.dead if queue else shown
    where = f"  {position[0]}–{position[1]} of {max(total, shown):,}" if shown else ""
    return line(Span("▌" if focused else " ", Tone.ACCENT), Span("REQUESTS", Tone.TITLE), Span(where, Tone.DIM))
