"""The failures by what they have in common: the largest group first."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from opalmind_tui.snapshot.listing import Group, Groups
from opalmind_tui.snapshot.model import Reading
from opalmind_tui.tui import figures
from opalmind_tui.tui.cursor import ListCursor
from opalmind_tui.tui.cursor_view import CursorView
from opalmind_tui.tui.lines import Area, Line, Span, Tone, fit, line, listed, outside, paragraph
from opalmind_tui.tui.table import Column, head, row

_HEAD = 1


class Shown(Struct, frozen=True):
    """A group, and Matomo's name of its site, raw."""

    group: Group
    name: str


COLUMNS: tuple[Column[Shown], ...] = (
    Column("count", 6, lambda one: Span(figures.count(one.group.count, 6), Tone.STRONG), to_right=True),
    Column(
        "dead",
        6,
        lambda one: Span(figures.count(one.group.dead, 6), Tone.FAIL if one.group.dead else Tone.DIM),
        to_right=True,
    ),
    Column("status", 6, lambda one: Span("-" if one.group.status is None else str(one.group.status)), to_right=True),
    Column("site", 4, lambda one: outside(one.group.site, limit=4), to_right=True),
    Column("name", 20, lambda one: outside(one.name, Tone.DIM, 20), from_width=110),
    Column("kind", 8, lambda one: outside(one.group.kind, Tone.DIM, 8)),
    Column("first", 8, lambda one: Span(figures.clock(one.group.first), Tone.DIM), to_right=True, from_width=100),
    Column("last", 8, lambda one: Span(figures.clock(one.group.last)), to_right=True),
    Column("error", 12, lambda one: outside(one.group.error, Tone.WARN, 300), share=1),
)


class GroupList(CursorView):
    """The list. Enter opens a group as a filter of the failed."""

    class Moved(CursorView.Moved):
        """The cursor stands elsewhere."""

    class Opened(CursorView.Opened):
        """A row was opened by a double click."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.cursor = ListCursor()
        self._reading: Reading[Groups] | None = None
        self._sites: Mapping[str, str] = {}

    @property
    def groups(self) -> tuple[Group, ...]:
        """Those of the newest look."""
        return self._reading.value.groups if self._reading is not None and self._reading.value is not None else ()

    @property
    def selected(self) -> Group | None:
        """The group under the cursor."""
        return next((group for group in self.groups if group.key == self.cursor.id), None)

    def show(self, reading: Reading[Groups], sites: Mapping[str, str]) -> None:
        """Draw newer groups. `sites`: names by number, raw."""
        self._reading, self._sites = reading, sites
        self.cursor.follow([group.key for group in self.groups], self.page)
        self.redraw()

    def draw(self, area: Area) -> list[Line]:
        if not self.groups:
            return [(), *(line("  ", *said) for said in self._instead(Area(area.width - 4, area.height - 1)))]
        self.cursor.follow([group.key for group in self.groups], area.height - _HEAD)
        start = self.cursor.offset
        shown = self.groups[start : start + area.height - _HEAD]
        title = fit(line("  ", *head(COLUMNS, area.width - 3), " "), area.width)
        return [title, *(self._line(start + number, group, area.width) for number, group in enumerate(shown))]

    def _instead(self, room: Area) -> list[Line]:
        reading = self._reading
        if reading is None or reading.value is None:
            error = reading.error if reading is not None else ""
            return paragraph(outside(error or "Looking ...").text, room, Tone.FAIL if error else Tone.DIM)
        nothing = "Nothing in the queue has failed." if reading.value.done else "Nothing found yet ..."
        return paragraph("Nothing fits the filter." if reading.value.view.filter else nothing, room, Tone.DIM)

    def _line(self, number: int, group: Group, width: int) -> Line:
        spans = row(COLUMNS, Shown(group, self._sites.get(group.site, "")), width - 3)
        return listed(spans, self.cursor.tone(number))

    def first_in_view(self) -> int:
        return self.cursor.offset

    def row_count(self) -> int:
        return len(self.groups)

    def step_by(self, steps: int) -> None:
        self.cursor.move(steps, self.page)

    def stand_on(self, number: int) -> None:
        self.cursor.take(number, self.page)
