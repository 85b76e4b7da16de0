"""The list of the Queue place: a page at a time of a list of any length."""

from __future__ import annotations

from collections.abc import Mapping

from opalmind_tui.snapshot.listing import Listing, Tab
from opalmind_tui.snapshot.model import Reading, RequestRow
from opalmind_tui.tui.cursor_view import CursorView
from opalmind_tui.tui.lines import Area, Line, Span, Tone, fit, line, outside, paragraph
from opalmind_tui.tui.panels import requests
from opalmind_tui.tui.places.queue.window import Part, Window

_HEAD = 1
_NOTHING = {
    Tab.FAILED: "Nothing in the queue has failed.",
    Tab.PENDING: "Nothing waits to be sent.",
    Tab.SCHEDULED: "Nothing waits for another attempt.",
    Tab.INFLIGHT: "Nothing is under way.",
    Tab.DEAD: "Nothing was given up.",
    Tab.UNKNOWN: "Every post was answered.",
    Tab.DELIVERED: "Nothing was delivered yet.",
    Tab.REJECTED: "Matomo has rejected nothing.",
    Tab.TRASH: "The trash is empty. What is purged stays here for 15 minutes.",
}


class WindowList(CursorView):
    """Rows of a listing, with a cursor and marks.

    While rows are marked the list stands still: what was marked is what is seen.
    """

    class Moved(CursorView.Moved):
        """The cursor, the rows in view, or the marks changed."""

    class Opened(CursorView.Opened):
        """A row was opened by a double click."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.window: Window[RequestRow] = Window()
        self.marked: dict[str, RequestRow] = {}
        self.all_marked = False
        self._tab = Tab.FAILED
        self._reading: Reading[Listing] | None = None
        self._now = 0.0
        self._sites: Mapping[str, str] = requests.NO_SITES

    @property
    def part(self) -> Part:
        """What to ask for."""
        return self.window.part(self.page)

    @property
    def short(self) -> bool:
        """Whether more rows are needed soon."""
        return self.window.short(self.page)

    @property
    def position(self) -> tuple[int, int]:
        """The first and the last row in view, counted from 1."""
        return self.window.top + 1, min(self.window.length, self.window.top + self.page)

    def begin(self, tab: Tab) -> None:
        """Turn to another list, or to another filter or order of this one."""
        self._tab, self._reading = tab, None
        self.window = Window()
        self.marked.clear()
        self.all_marked = False
        self.redraw()
        self.post_message(self.Moved())

    def show(self, reading: Reading[Listing], now: float, sites: Mapping[str, str]) -> None:
        """Draw a newer window. `sites`: names by number, raw."""
        self._now, self._sites = now, sites
        if not (self.marked and self.window.has(self.page)):
            self._reading = reading
            if reading.value is not None:
                self.window.follow(reading.value, self.page)
        self.redraw()

    def draw(self, area: Area) -> list[Line]:
        if (instead := self._instead(area)) is not None:
            return instead
        window = self.window
        numbers = range(window.top, min(window.length, window.top + area.height - _HEAD))
        return [fit(requests.headline(area.width), area.width), *(self._line(number, area) for number in numbers)]

    def _instead(self, area: Area) -> list[Line] | None:
        """What stands where no list does."""
        reading = self._reading
        room = Area(area.width - 4, area.height - 1)
        if reading is None or reading.value is None:
            error = reading.error if reading is not None else ""
            said = paragraph(outside(error or "Looking ...").text, room, Tone.FAIL if error else Tone.DIM)
        elif not self.window.length and reading.value.done:
            nothing = "Nothing fits the filter." if reading.value.view.filter else _NOTHING[self._tab]
            said = paragraph(nothing, room, Tone.DIM)
        elif not self.window.length:
            said = paragraph("Nothing found yet ...", room, Tone.DIM)
        else:
            return None
        return [(), *(line("  ", *spans) for spans in said)]

    def _line(self, number: int, area: Area) -> Line:
        tone = self.window.tone(number)
        row = self.window.row(number)
        if row is None:
            return fit(line(Span("  ...", tone or Tone.DIM)), area.width)
        drawn = requests.request_line(row, self._now, area.width, cursor=tone, sites=self._sites)
        if not (self.all_marked or row.id in self.marked):
            return drawn
        first = drawn[0]
        return (Span(f"{first.text[:1]}●", Tone.ACCENT if tone is None else tone), *drawn[1:])

    # -- moving --------------------------------------------------------------------------------------------------

    def first_in_view(self) -> int:
        return self.window.top

    def row_count(self) -> int:
        return self.window.length

    def step_by(self, steps: int) -> None:
        self.window.move(steps, self.page)

    def stand_on(self, number: int) -> None:
        self.window.stand(number, self.page)

    def mark(self) -> None:
        """Mark the row under the cursor, or take the mark back, and go on to the next."""
        if (row := self.window.selected) is not None:
            self.all_marked = False
            if self.marked.pop(row.id, None) is None:
                self.marked[row.id] = row
            self.window.move(1, self.page)
            self.changed()

    def mark_all(self) -> None:
        """Mark the whole list, as it is when it is acted on; or take that back."""
        self.marked.clear()
        self.all_marked = not self.all_marked
        self.changed()

    def unmark(self) -> None:
        """Take all marks back."""
        self.marked.clear()
        self.all_marked = False
        self.changed()

    def suit(self) -> None:
        self.window.keep_in_view(self.page)

    def on_resize(self) -> None:
        super().on_resize()
        self.post_message(self.Moved())
