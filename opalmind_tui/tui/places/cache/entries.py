"""The list of the entries of a kind of report: a page at a time, with a cursor that stays on its entry."""

from __future__ import annotations

from opalmind_tui.snapshot.entries import OTHERS, EntryListing, EntryOrder, EntryRow, EntryState, EntryView
from opalmind_tui.snapshot.model import Reading
from opalmind_tui.tui import figures
from opalmind_tui.tui.cursor_view import CursorView
from opalmind_tui.tui.lines import Area, Line, Span, Tone, fit, line, listed, outside, paragraph
from opalmind_tui.tui.places.cache.asked import asked_for
from opalmind_tui.tui.places.queue.window import Window
from opalmind_tui.tui.table import Column, head, row

_HEAD = 1
_TONES = {
    EntryState.FRESH: Tone.OK, EntryState.STALE: Tone.DIM, EntryState.CORRUPT: Tone.FAIL, EntryState.FOREIGN: Tone.WARN,
}  # fmt: skip


class Shown:
    """An entry as the list shows it.

    Args:
        now: epoch seconds.
        ttl: seconds that entries of its feature live now; None where that is not known.
        site: Matomo's name of its site, raw.
        several: whether the list has entries of several kinds.
    """

    __slots__ = ("age", "entry", "left", "several", "site")

    def __init__(self, entry: EntryRow, now: float, ttl: float | None, site: str = "", *, several: bool) -> None:
        self.site = site
        self.entry, self.several = entry, several
        self.left = entry.left(now)
        # An entry does not say when it was written: that is its end less the time to live, if that is still the same.
        age = ttl - (entry.expires_at - now) if ttl is not None and entry.expires_at is not None else -1.0
        self.age = age if age >= 0 else None


def _left(one: Shown) -> Span:
    if one.left is None:
        return Span("no end", Tone.WARN)
    return Span("ended", Tone.DIM) if one.entry.state is EntryState.STALE else Span(figures.span(one.left))


def _size(one: Shown) -> Span:
    return Span(figures.UNKNOWN if one.entry.size is None else figures.size(one.entry.size))


def _words(one: Shown) -> Span:
    words = asked_for(one.entry.key).words
    return outside(f"{one.entry.feature}  {words}" if one.several and one.entry.feature else words, limit=400)


COLUMNS: tuple[Column[Shown], ...] = (
    Column("state", 7, lambda one: Span(str(one.entry.state), _TONES[one.entry.state])),
    Column("left", 6, _left, to_right=True),
    Column("age", 6, lambda one: Span(figures.span(one.age), Tone.DIM), to_right=True),
    Column("size", 5, _size, to_right=True),
    Column("site", 5, lambda one: outside(asked_for(one.entry.key).site, limit=5), to_right=True),
    Column("name", 20, lambda one: outside(one.site, Tone.DIM, 20), from_width=90),
    Column("asked for", 10, _words, share=1),
)


class EntryList(CursorView):
    """The list. Enter opens the value."""

    class Moved(CursorView.Moved):
        """The cursor or the rows in view changed."""

    class Opened(CursorView.Opened):
        """A row was opened by a double click."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.window: Window[EntryRow] = Window()
        self.feature = ""
        self.order = EntryOrder.ENDING
        self._reading: Reading[EntryListing] | None = None
        self._ttls: dict[str, float] = {}
        self._sites: dict[str, str] = {}
        self._now = 0.0

    @property
    def view(self) -> EntryView:
        """What to ask for."""
        part = self.window.part(self.page)
        return EntryView(self.feature, self.order, part.anchor, part.above, part.first, part.rows)

    @property
    def listing(self) -> EntryListing | None:
        """The newest window."""
        return self._reading.value if self._reading is not None else None

    @property
    def position(self) -> tuple[int, int]:
        """The first and the last row in view, counted from 1."""
        return self.window.top + 1, min(self.window.length, self.window.top + self.page)

    def begin(self, feature: str, order: EntryOrder) -> None:
        """Turn to another list."""
        self.feature, self.order, self._reading, self.window = feature, order, None, Window()
        self.redraw()

    def show(self, reading: Reading[EntryListing], ttls: dict[str, float], sites: dict[str, str], now: float) -> None:
        """Draw a newer window, unless it is of another list."""
        found = reading.value
        if found is not None and (found.view.feature, found.view.order) != (self.feature, self.order):
            return
        if found is not None and not found.view.rows:
            return
        self._reading, self._ttls, self._sites, self._now = reading, ttls, sites, now
        if found is not None:
            self.window.follow(found, self.page)
        self.redraw()

    @property
    def short(self) -> bool:
        """Whether rows that are, or soon will be, in view are not at hand."""
        return self.window.short(self.page)

    def draw(self, area: Area) -> list[Line]:
        if not self.window.length:
            said = self._instead(Area(area.width - 4, area.height - 1))
            return [(), *(line("  ", *spans) for spans in said)]
        numbers = range(self.window.top, min(self.window.length, self.window.top + area.height - _HEAD))
        title = fit(line("  ", *head(COLUMNS, area.width - 3), " "), area.width)
        return [title, *(self._line(number, area.width) for number in numbers)]

    def _instead(self, room: Area) -> list[Line]:
        """What stands where no list does."""
        reading = self._reading
        if reading is None or reading.value is None:
            error = reading.error if reading is not None else ""
            return paragraph(outside(error or "Looking ...").text, room, Tone.FAIL if error else Tone.DIM)
        if (age := reading.value.age(self._now)) is not None:
            said = f"No entry is left of those seen {figures.span(age)} ago."
            return paragraph(said, room, Tone.DIM)
        return paragraph("No entry." if reading.value.done else "Nothing found yet ...", room, Tone.DIM)

    def _line(self, number: int, width: int) -> Line:
        entry = self.window.row(number)
        tone = self.window.tone(number)
        if entry is None:
            return fit(line(Span("  ...", tone or Tone.DIM)), width)
        several = self.feature in ("", OTHERS)
        site = self._sites.get(asked_for(entry.key).site, "")
        shown = Shown(entry, self._now, self._ttls.get(entry.feature), site, several=several)
        return listed(row(COLUMNS, shown, width - 3), tone)

    def first_in_view(self) -> int:
        return self.window.top

    def row_count(self) -> int:
        return self.window.length

    def step_by(self, steps: int) -> None:
        self.window.move(steps, self.page)

    def stand_on(self, number: int) -> None:
        self.window.stand(number, self.page)

    def suit(self) -> None:
        self.window.keep_in_view(self.page)

    def on_resize(self) -> None:
        super().on_resize()
        self.post_message(self.Moved())
