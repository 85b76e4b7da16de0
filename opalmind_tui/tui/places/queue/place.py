"""The Queue place: tabs, filter, list."""

from __future__ import annotations

from msgspec.structs import replace
from textual import on
from textual.app import ComposeResult

from opalmind_tui.engine.port import EnginePort
from opalmind_tui.snapshot.filters import NO_FILTER, Filter, Term
from opalmind_tui.snapshot.listing import ORDERS, GroupView, Listing, ListView, Order, Tab, count_of
from opalmind_tui.snapshot.model import QueueView, Snapshot
from opalmind_tui.snapshot.wanted import Wanted
from opalmind_tui.tui.bars import PlaceBar
from opalmind_tui.tui.lines import Line, Span, Tone, line
from opalmind_tui.tui.places.place import Place
from opalmind_tui.tui.places.queue.groups import GroupList
from opalmind_tui.tui.places.queue.requests import WindowList
from opalmind_tui.tui.places.queue.search import Search
from opalmind_tui.tui.places.queue.tabs import TABS, Tabs
from opalmind_tui.tui.situation import GROUPS, Situation

_ORDER_WORDS = {
    Order.NEWEST: "newest first", Order.NEXT_TRY: "next try first", Order.OLDEST_ACCEPTED: "oldest first",
    Order.NEWEST_ACCEPTED: "newest accepted first",
}  # fmt: skip


class QueuePlace(Place):
    """Every request by state. The view that it asks for is data; the engine finds what fits it."""

    def __init__(self, name: str, engine: EnginePort) -> None:
        super().__init__(name, engine)
        self._tab: str = Tab.FAILED
        self._orders: dict[str, Order] = {}

    def compose(self) -> ComposeResult:
        yield PlaceBar(id="queue-bar")
        yield Tabs(id="tabs")
        yield Search(id="search")
        yield WindowList(id="window")
        yield GroupList(id="groups")

    @property
    def list(self) -> WindowList:
        """The list of requests."""
        return self.query_one(WindowList)

    @property
    def groups(self) -> GroupList:
        """The list of groups."""
        return self.query_one(GroupList)

    @property
    def search(self) -> Search:
        """The filter's line."""
        return self.query_one(Search)

    @property
    def filter(self) -> Filter:
        """The filter in force."""
        return self.search.filter

    # -- what it asks for and shows ------------------------------------------------------------------------------

    @property
    def view(self) -> ListView:
        """The part of the list that is in view."""
        part = self.list.part
        return ListView(
            Tab(self._tab), self.filter, self._orders.get(self._tab), part.anchor, part.above, part.first, part.rows
        )

    @property
    def wanted(self) -> Wanted:
        if self._tab == GROUPS:
            return Wanted(groups=GroupView(self.filter))
        return Wanted(view=self.view)

    def situate(self, now: Situation) -> Situation:
        listed = self._tab != GROUPS and now.shown
        return replace(
            now,
            tab=self._tab,
            selected=self.list.window.selected if listed else None,
            list_shown=listed,
            lost=listed and self.list.window.lost,
            marked=tuple(self.list.marked) if listed else (),
            group=self.groups.selected if not listed and now.shown else None,
            all_marked=listed and self.list.all_marked,
            filter=self.filter,
            matching=self.list.window.length if listed else sum(one.count for one in self.groups.groups),
        )

    def show(self, snapshot: Snapshot) -> None:
        super().show(snapshot)
        if snapshot.queue.value is not None:
            self.query_one(Tabs).show(self._tab, _counts(snapshot.queue.value))
        if self._tab == GROUPS:
            if snapshot.groups is not None:
                self.groups.show(snapshot.groups, dict(snapshot.sites))
                self.search.show(snapshot.groups.value)
        elif (listing := snapshot.listing) is not None and self._is_of(listing.value):
            self.list.show(listing, snapshot.taken_at, dict(snapshot.sites))
            self.search.show(listing.value)
            if self.list.short:
                self.lacks()
        self._show_bar()

    def _is_of(self, listing: Listing | None) -> bool:
        """Whether a window is of the list in view; one that was asked for before another key may be of the former."""
        if listing is None:
            return True
        own, view = self.view, listing.view
        return (view.tab, view.filter, view.sorted_by) == (own.tab, own.filter, own.sorted_by)

    def _show_bar(self) -> None:
        snapshot = self.snapshot
        reading = snapshot.groups if snapshot is not None and self._tab == GROUPS else None
        if reading is None and snapshot is not None:
            self.bar.show(self._heading(), snapshot=snapshot, reading=snapshot.listing)
        else:
            self.bar.show(self._heading(), snapshot=snapshot, reading=reading)

    def _heading(self) -> Line:
        title = line(Span("▌", Tone.ACCENT), Span("QUEUE", Tone.TITLE))
        if self._tab == GROUPS:
            return line(*title, Span("  failures that are alike", Tone.DIM))
        if self.list.all_marked:
            return line(*title, Span(f"  all {self.list.window.length:,} are marked, also those to come", Tone.WARN))
        if marked := len(self.list.marked):
            return line(*title, Span(f"  {marked:,} marked: the list stands still", Tone.WARN))
        first, last = self.list.position
        where = f"  {first:,}–{last:,} of {self.list.window.length:,}" if self.list.window.length else ""
        return line(*title, Span(where, Tone.DIM), Span(f"  {_ORDER_WORDS[self.view.sorted_by]}", Tone.DIM))

    # -- moving --------------------------------------------------------------------------------------------------

    def fit(self) -> None:
        self.list.display = self._tab != GROUPS
        self.groups.display = self._tab == GROUPS

    def enter(self) -> None:
        self.fit()
        (self.groups if self._tab == GROUPS else self.list).focus()

    def turn_to(self, tab: str) -> None:
        """Show another tab."""
        if tab != self._tab:
            self._tab = tab
            self._begin()

    def _begin(self) -> None:
        """Another list is in view: ask for it."""
        if self._tab != GROUPS:
            self.list.begin(Tab(self._tab))
        self.enter()
        if self.snapshot is not None and self.snapshot.queue.value is not None:
            self.query_one(Tabs).show(self._tab, _counts(self.snapshot.queue.value))
        self._show_bar()
        self.moved()
        self.lacks()

    def step(self, steps: int) -> None:
        self.turn_to(TABS[(TABS.index(self._tab) + steps) % len(TABS)])

    def move(self, steps: int, *, pages: bool = False) -> None:
        part = self.groups if self._tab == GROUPS else self.list
        part.move(steps * part.page if pages else steps)

    # -- finding -------------------------------------------------------------------------------------------------

    def look_for(self) -> None:
        """Let a filter be typed."""
        self.search.open()

    def unmark(self) -> None:
        """Take all marks back."""
        self.list.unmark()

    def clear(self) -> bool:
        """Take back marks, then the filter. False where there was neither."""
        if self.list.marked or self.list.all_marked:
            self.unmark()
        elif self.filter:
            self.search.take(NO_FILTER)
        else:
            return False
        return True

    def sort(self) -> None:
        """The next order of this tab."""
        if self._tab != GROUPS:
            orders = ORDERS[Tab(self._tab)]
            self._orders[self._tab] = orders[(orders.index(self.view.sorted_by) + 1) % len(orders)]
            self._begin()

    def mark(self) -> None:
        """Mark the request under the cursor."""
        self.list.mark()

    def mark_all(self) -> None:
        """Mark all that tab and filter show, or take that back."""
        self.list.mark_all()

    def open_group(self) -> None:
        """Show the requests of the group under the cursor."""
        group = self.groups.selected
        if group is not None:
            others = tuple(term for term in self.filter.terms if term.field != "group")
            self._tab = Tab.FAILED
            self.search.take(Filter((*others, Term("group", group.key))))

    @on(Search.Changed)
    def _filtered(self) -> None:
        self._begin()

    @on(Tabs.Chosen)
    def _tab_clicked(self, event: Tabs.Chosen) -> None:
        self.turn_to(event.tab)

    @on(WindowList.Moved)
    def _list_moved(self) -> None:
        self._show_bar()
        self.moved()
        if self.list.short:
            self.lacks()

    @on(GroupList.Moved)
    def _groups_moved(self) -> None:
        self.moved()

    @on(WindowList.Opened)
    @on(GroupList.Opened)
    def _row_opened(self) -> None:
        self.ask("detail")


def _counts(view: QueueView) -> dict[Tab, int]:
    return {tab: count_of(tab, view) for tab in Tab}
