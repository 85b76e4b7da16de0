"""The Cache place: the table of reports, the entries of one of them, the value of one of these."""

from __future__ import annotations

from msgspec.structs import replace
from textual import on
from textual.app import ComposeResult

from opalmind_tui.engine.port import EnginePort
from opalmind_tui.snapshot.entries import OTHERS, EntryOrder, EntryView
from opalmind_tui.snapshot.model import Snapshot
from opalmind_tui.snapshot.wanted import Wanted
from opalmind_tui.tui import figures
from opalmind_tui.tui.bars import PlaceBar
from opalmind_tui.tui.lines import Line, Span, Tone, line, outside
from opalmind_tui.tui.places.cache.about import About
from opalmind_tui.tui.places.cache.entries import EntryList
from opalmind_tui.tui.places.cache.features import FeatureTable
from opalmind_tui.tui.places.cache.rows import ALL, OTHERS_NAME, FeatureOrder, feature_rows
from opalmind_tui.tui.places.cache.value import ValueView
from opalmind_tui.tui.places.place import Place
from opalmind_tui.tui.situation import Situation

_MOST_ROWS = 15
"""Lines of the table with its head, where there is room for all of it."""
_LEAST_ABOUT = 7
"""Lines of what belongs to the line under the cursor."""


class CachePlace(Place):
    """Three levels: enter goes in, escape comes back."""

    def __init__(self, name: str, engine: EnginePort) -> None:
        super().__init__(name, engine)
        self._level = 0
        self._again = 0

    def compose(self) -> ComposeResult:
        yield PlaceBar(id="cache-bar")
        yield FeatureTable(id="features-table")
        yield About(id="about")
        yield EntryList(id="entries")
        yield ValueView(self.engine, id="value")

    @property
    def table(self) -> FeatureTable:
        """The table of reports."""
        return self.query_one(FeatureTable)

    @property
    def list(self) -> EntryList:
        """The entries."""
        return self.query_one(EntryList)

    @property
    def value(self) -> ValueView:
        """The value of an entry."""
        return self.query_one(ValueView)

    # -- what it asks for and shows ------------------------------------------------------------------------------

    @property
    def wanted(self) -> Wanted:
        view = self.list.view if self._level else EntryView()
        return Wanted(entries=replace(view, again=self._again))

    def situate(self, now: Situation) -> Situation:
        if not now.shown or not self.is_mounted:
            return replace(now, list_shown=False)
        entry = self.value.entry if self._level == 2 else self.list.window.selected if self._level == 1 else None
        feature = self.list.feature if self._level else self.table.cursor.id or ""
        return replace(
            now,
            list_shown=False,
            feature=entry.feature if entry is not None else "" if feature == OTHERS else feature,
            entry=entry,
            value_shown=self._level == 2,
            long_ago=self._level < 2 and self._age is not None,
            lost=self._level == 1 and self.list.window.lost,
        )

    def show(self, snapshot: Snapshot) -> None:
        super().show(snapshot)
        self._show_table()
        if self._level and snapshot.entries is not None:
            cache = snapshot.cache.value
            ttls = {one.feature: one.ttl for one in cache.features} if cache is not None else {}
            self.list.show(snapshot.entries, ttls, dict(snapshot.sites), snapshot.taken_at)
            if self.list.short:
                self.lacks()
        self.value.tick(snapshot.taken_at, dict(snapshot.sites))
        self._show_bar()

    def _show_table(self) -> None:
        snapshot = self.snapshot
        if snapshot is not None:
            self.table.show(feature_rows(snapshot, self.table.order), snapshot.cache.error or "")
            listing = snapshot.entries.value if snapshot.entries is not None else None
            self.fit()
            self.query_one(About).show(self.table.selected, listing, snapshot.taken_at)

    def _show_bar(self) -> None:
        snapshot = self.snapshot
        if snapshot is not None and not self._level:
            self.bar.show(self._heading(), snapshot=snapshot, reading=snapshot.cache)
        else:
            self.bar.show(self._heading(), snapshot=snapshot, reading=snapshot.entries if snapshot else None)

    def _heading(self) -> Line:
        title = line(Span("▌", Tone.ACCENT), Span("CACHE", Tone.TITLE))
        if not self._level:
            return line(*title, Span(f"  {self.table.order}", Tone.DIM))
        name = OTHERS_NAME if self.list.feature == OTHERS else self.list.feature or ALL
        title = line(*title, "  ", outside(name, Tone.STRONG, 30))
        if self._level == 2:
            return line(*title, Span(f"  {self.value.heading}", Tone.DIM))
        first, last = self.list.position
        window, found = self.list.window, self.list.listing
        where = f"  {first:,}–{last:,} of {window.length:,}" if window.length else ""
        if found is not None and not found.done:
            where += f", {100 * found.examined // max(1, found.total)} % of the keys searched"
        elif self._age is not None:
            where += f", keys seen {figures.span(self._age)} ago"
        return line(*title, Span(where, Tone.DIM), Span(f"  {self.list.order}", Tone.DIM))

    @property
    def _age(self) -> float | None:
        """Seconds since the keys were gone through, where that is long ago."""
        snapshot = self.snapshot
        if snapshot is None or snapshot.entries is None or snapshot.entries.value is None:
            return None
        return snapshot.entries.value.age(snapshot.taken_at)

    def look(self) -> None:
        """Go through the keys anew: a long walk is not made again for minutes."""
        self._again += 1
        self.lacks()

    # -- moving --------------------------------------------------------------------------------------------------

    def fit(self) -> None:
        table, about = self.table, self.query_one(About)
        table.display = about.display = not self._level
        self.list.display = self._level == 1
        self.value.display = self._level == 2
        room = self.size.height - 1
        rows = len(table.rows) + 1 if table.rows else _MOST_ROWS
        table.styles.height = max(4, min(rows, room - _LEAST_ABOUT))

    def on_resize(self) -> None:
        """The table and what is under it share the room."""
        self.fit()

    def enter(self) -> None:
        self.fit()
        (self.table, self.list, self.value)[self._level].focus()

    def _turn(self, level: int) -> None:
        self._level = level
        self.enter()
        self._show_table()
        self._show_bar()
        self.moved()
        self.lacks()

    def open(self) -> None:
        """One level in; in a value: open or close the line under the cursor."""
        if self._level == 2:
            self.value.switch()
        elif self._level == 1:
            if (entry := self.list.window.selected) is not None:
                self.value.begin(entry)
                self._turn(2)
        elif self.table.cursor.id is not None and not self.table.cursor.lost:
            self.list.begin(self.table.cursor.id, self.list.order)
            self._turn(1)

    def clear(self) -> bool:
        """One level out. False where this is the outermost."""
        if not self._level:
            return False
        self._turn(self._level - 1)
        return True

    def move(self, steps: int, *, pages: bool = False) -> None:
        part = (self.table, self.list, self.value)[self._level]
        part.move(steps * part.page if pages else steps)

    def sort(self) -> None:
        """The next order of the list in view; of a value's lines: all open, or all closed."""
        if self._level == 2:
            self.value.switch_all()
        elif self._level == 1:
            orders = list(EntryOrder)
            self.list.begin(self.list.feature, orders[(orders.index(self.list.order) + 1) % len(orders)])
            self.lacks()
        else:
            names = list(FeatureOrder)
            self.table.order = names[(names.index(self.table.order) + 1) % len(names)]
            self._show_table()
        self._show_bar()

    @on(FeatureTable.Moved)
    def _table_moved(self) -> None:
        self._show_table()
        self.moved()

    @on(EntryList.Moved)
    def _list_moved(self) -> None:
        self._show_bar()
        self.moved()
        if self._level == 1 and self.list.short:
            self.lacks()

    @on(ValueView.Moved)
    def _value_moved(self) -> None:
        self._show_bar()
        self.moved()

    @on(FeatureTable.Opened)
    @on(EntryList.Opened)
    def _row_opened(self) -> None:
        self.ask("open")
