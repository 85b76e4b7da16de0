"""The History place: the day as charts, over the time that is chosen, with marks where somebody acted."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult

from opalmind_tui.engine.port import EnginePort
from opalmind_tui.snapshot.history import SPANS
from opalmind_tui.snapshot.model import Snapshot
from opalmind_tui.tui.bars import PlaceBar
from opalmind_tui.tui.card import Card
from opalmind_tui.tui.lines import Area
from opalmind_tui.tui.panels.history_charts import HistoryCharts
from opalmind_tui.tui.places.place import Place
from opalmind_tui.tui.sheet import Sheet

_WINDOWS = tuple(SPANS)


class HistoryPlace(Place):
    """One card; tab chooses another span."""

    def __init__(self, name: str, engine: EnginePort) -> None:
        super().__init__(name, engine)
        self._window = _WINDOWS[0]
        self._charts = HistoryCharts()

    def compose(self) -> ComposeResult:
        yield PlaceBar(id="history-bar")
        yield Card(self._render_card, id="history", focusable=True)

    def _render_card(self, snapshot: Snapshot, area: Area) -> Sheet:
        return self._charts.render(snapshot, self._window, area)

    def show(self, snapshot: Snapshot) -> None:
        super().show(snapshot)
        self.query_one(Card).show(snapshot)
        self.bar.show(tabs=_WINDOWS, active=self._window, snapshot=snapshot, reading=snapshot.past)

    def enter(self) -> None:
        self.query_one(Card).focus()

    def step(self, steps: int) -> None:
        self._turn_to(_WINDOWS[(_WINDOWS.index(self._window) + steps) % len(_WINDOWS)])

    def _turn_to(self, window: str) -> None:
        self._window = window
        if self.snapshot is not None:
            self.show(self.snapshot)

    def move(self, steps: int, *, pages: bool = False) -> None:
        card = self.query_one(Card)
        card.move(steps * card.page if pages else steps)

    @on(PlaceBar.Chosen)
    def _tab_clicked(self, event: PlaceBar.Chosen) -> None:
        self._turn_to(event.section)
