"""The table of the Cache place: a line for each kind of report."""

from __future__ import annotations

from opalmind_tui.tui import figures
from opalmind_tui.tui.cursor import ListCursor
from opalmind_tui.tui.cursor_view import CursorView
from opalmind_tui.tui.lines import Area, Line, Span, Tone, fit, line, listed, outside, paragraph
from opalmind_tui.tui.places.cache.rows import FeatureOrder, FeatureRow
from opalmind_tui.tui.table import Column, head, row

_HEAD = 1
_ORIGINS = {"default": "dflt", "environment": "env", "configured": "set"}


def _name(one: FeatureRow) -> Span:
    return outside(one.name, Tone.PLAIN if one.counts is not None and one.id else Tone.DIM, 60)


def _count(one: FeatureRow, number: int, width: int) -> Span:
    return Span(figures.UNKNOWN if one.counts is None else figures.count(number, width))


def _fault(one: FeatureRow, field: str) -> Span:
    number = int(getattr(one.counts, field)) if one.counts is not None else 0
    return Span(figures.count(number, 5), Tone.WARN if number else Tone.DIM)


def _entries(one: FeatureRow) -> Span:
    shown = figures.count(one.number, 6)
    return Span(f"~{figures.short(one.number)}" if one.about else shown)


def _bytes(one: FeatureRow) -> Span:
    octets = one.bytes
    shown = figures.UNKNOWN if octets is None else figures.size(octets)
    return Span(f"~{shown}" if octets and not one.complete else shown)


def _ttl(one: FeatureRow) -> Span:
    if one.counts is None:
        return Span(figures.UNKNOWN, Tone.DIM)
    changed = one.counts.ttl_origin == "configured"
    return Span(figures.lifetime(one.counts.ttl), Tone.ACCENT if changed else Tone.PLAIN)


def _origin(one: FeatureRow) -> Span:
    return Span(_ORIGINS.get(one.counts.ttl_origin, "") if one.counts is not None else "", Tone.DIM)


def _now(one: FeatureRow) -> Span:
    return Span(figures.percent(one.counts.hit_rate if one.counts is not None else None), Tone.STRONG)


COLUMNS: tuple[Column[FeatureRow], ...] = (
    Column("report", 14, _name, share=1),
    Column("now", 5, _now, to_right=True),
    Column("24 h", 5, lambda one: Span(figures.percent(one.day.hit_rate)), to_right=True),
    Column("hits", 6, lambda one: _count(one, one.day.hits, 6), to_right=True, from_width=96),
    Column("misses", 6, lambda one: _count(one, one.day.misses, 6), to_right=True, from_width=96),
    Column("saved", 6, lambda one: _count(one, one.day.hits, 6), to_right=True, from_width=70, below=96),
    Column("saved/h", 7, lambda one: Span(figures.short(one.saved_per_hour)), to_right=True, from_width=96),
    Column("stale", 5, lambda one: _fault(one, "stale_served"), to_right=True, from_width=110),
    Column("corrupt", 7, lambda one: _fault(one, "corrupt"), to_right=True, from_width=110),
    Column("errors", 6, lambda one: _fault(one, "errors"), to_right=True, from_width=110),
    Column("entries", 7, _entries, to_right=True),
    Column("bytes", 6, _bytes, to_right=True),
    Column("TTL", 7, _ttl, to_right=True),
    Column("from", 4, _origin),
)


class FeatureTable(CursorView):
    """The table, with a cursor. Enter opens the entries of a line."""

    class Moved(CursorView.Moved):
        """The cursor stands elsewhere."""

    class Opened(CursorView.Opened):
        """A row was opened by a double click."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.cursor = ListCursor()
        self.order = FeatureOrder.BUSIEST
        self.rows: tuple[FeatureRow, ...] = ()
        self._instead = "Looking ..."

    @property
    def selected(self) -> FeatureRow | None:
        """The line under the cursor."""
        return next((one for one in self.rows if one.id == self.cursor.id), None)

    def show(self, rows: tuple[FeatureRow, ...], error: str = "") -> None:
        """Draw newer lines; the error where there are none."""
        self.rows, self._instead = rows, error or "Looking ..."
        self.cursor.follow([one.id for one in rows], self.page)
        self.redraw()

    def draw(self, area: Area) -> list[Line]:
        if not self.rows:
            said = paragraph(outside(self._instead).text, Area(area.width - 4, area.height - 1), Tone.DIM)
            return [(), *(line("  ", *spans) for spans in said)]
        self.cursor.follow([one.id for one in self.rows], area.height - _HEAD)
        start = self.cursor.offset
        shown = self.rows[start : start + area.height - _HEAD]
        title = fit(line("  ", *head(COLUMNS, area.width - 3), " "), area.width)
        return [title, *(self._line(start + number, one, area.width) for number, one in enumerate(shown))]

    def _line(self, number: int, one: FeatureRow, width: int) -> Line:
        spans = row(COLUMNS, one, width - 3)
        return listed(spans, self.cursor.tone(number))

    def first_in_view(self) -> int:
        return self.cursor.offset

    def row_count(self) -> int:
        return len(self.rows)

    def step_by(self, steps: int) -> None:
        self.cursor.move(steps, self.page)

    def stand_on(self, number: int) -> None:
        self.cursor.take(number, self.page)
