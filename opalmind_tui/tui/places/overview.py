"""The overview: everything that an on-call engineer asks in the first five seconds, and the keys to act."""

from __future__ import annotations

from msgspec.structs import replace
from textual import on
from textual.app import ComposeResult

from opalmind_tui.engine.port import EnginePort
from opalmind_tui.snapshot.model import Snapshot
from opalmind_tui.snapshot.wanted import Wanted
from opalmind_tui.tui.bars import PlaceBar
from opalmind_tui.tui.card import Card
from opalmind_tui.tui.ground import Row
from opalmind_tui.tui.panels import cache, features, health, queue, server
from opalmind_tui.tui.panels.trends import Trends
from opalmind_tui.tui.places.place import Place
from opalmind_tui.tui.request_list import RequestList, title
from opalmind_tui.tui.situation import Situation

SECTIONS = ("requests", "features", "health", "trends")


class Overview(Place):
    """The first place. Panels above, below them the list or, where the terminal is small, one part at a time."""

    def __init__(self, name: str, engine: EnginePort) -> None:
        super().__init__(name, engine)
        self._section = "requests"

    def compose(self) -> ComposeResult:
        with Row(id="cards"):
            yield Card(queue.render, id="queue", classes="-first")
            yield Card(cache.render, id="cache")
            yield Card(server.render, id="redis")
        with Row(id="sections"):
            yield Card(features.render, id="features", classes="-first", focusable=True)
            yield Card(health.render, id="health", focusable=True)
            yield Card(Trends().render, id="trends", focusable=True)
        yield PlaceBar(id="bar")
        yield RequestList(id="requests")

    @property
    def requests(self) -> RequestList:
        """The list of requests."""
        return self.query_one("#requests", RequestList)

    @property
    def wanted(self) -> Wanted:
        return Wanted(rows=self.requests.wanted)

    def situate(self, now: Situation) -> Situation:
        shown = self.requests.display and now.shown
        return replace(
            now,
            selected=self.requests.selected if shown else None,
            list_shown=shown,
            lost=shown and self.requests.cursor.lost,
        )

    # -- drawing -------------------------------------------------------------------------------------------------

    def show(self, snapshot: Snapshot) -> None:
        super().show(snapshot)
        for card in self.query(Card):
            card.show(snapshot)
        self.requests.show(snapshot)
        self._show_bar()

    def _show_bar(self) -> None:
        snapshot = self.snapshot
        if self._full and snapshot is not None:
            heading = title(snapshot, self.requests.position, focused=self._section == "requests")
            self.bar.show(heading, snapshot=snapshot, reading=snapshot.requests)
        elif not self._full:
            reading = snapshot.requests if snapshot is not None else None
            self.bar.show(tabs=SECTIONS, active=self._section, snapshot=snapshot, reading=reading)

    @property
    def _full(self) -> bool:
        return self.screen.has_class("-full")

    def fit(self) -> None:
        """Decide what is in view: everything, or the section that has the focus."""
        bar, sections = self.query_one("#bar"), self.query_one("#sections")
        below = self.children.index(bar) > self.children.index(sections)
        # Each move is a layout: none where it stands there already.
        if self._full and not below:
            self.move_child(bar, after=sections)
        elif below and not self._full:
            self.move_child(bar, before=sections)
        # Set here and not by the style sheet: what a widget is told itself beats its sheet.
        self.requests.display = self._full or self._section == "requests"
        sections.display = self._full or self._section != "requests"
        for name in SECTIONS[1:]:
            self.query_one(f"#{name}").display = self._full or self._section == name

    # -- moving --------------------------------------------------------------------------------------------------

    def enter(self) -> None:
        self.query_one(f"#{self._section}").focus()

    def turn_to(self, section: str) -> None:
        """Bring a part into view and give it the focus."""
        self._section = section
        self.fit()
        self.enter()
        if self.snapshot is not None:
            self.show(self.snapshot)
        self.moved()

    def step(self, steps: int) -> None:
        self.turn_to(SECTIONS[(SECTIONS.index(self._section) + steps) % len(SECTIONS)])

    def move(self, steps: int, *, pages: bool = False) -> None:
        part = self.query_one(f"#{self._section}")
        if isinstance(part, RequestList | Card):
            part.move(steps * part.page if pages else steps)

    def on_descendant_focus(self) -> None:
        focused = self.screen.focused
        if focused is not None and focused.id in SECTIONS and focused.id != self._section:
            self._section = focused.id
            self._show_bar()
            self.moved()

    @on(PlaceBar.Chosen)
    def _tab_clicked(self, event: PlaceBar.Chosen) -> None:
        self.turn_to(event.section)

    @on(RequestList.Moved)
    def _list_moved(self) -> None:
        self._show_bar()
        self.moved()
        if self.requests.short:
            self.lacks()

    @on(RequestList.Opened)
    def _row_opened(self) -> None:
        self.ask("detail")
