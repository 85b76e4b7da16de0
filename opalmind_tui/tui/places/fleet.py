"""The Fleet place: our processes on this Redis, and the OpalMind services beside them."""

from __future__ import annotations

from textual.app import ComposeResult

from opalmind_tui.engine.port import EnginePort
from opalmind_tui.snapshot.model import Snapshot
from opalmind_tui.tui.bars import PlaceBar
from opalmind_tui.tui.card import Card
from opalmind_tui.tui.lines import Span, Tone, line
from opalmind_tui.tui.panels import processes, services
from opalmind_tui.tui.places.place import Place

_PARTS = ("processes", "services")


class FleetPlace(Place):
    """Two cards; tab goes from one to the other."""

    def __init__(self, name: str, engine: EnginePort) -> None:
        super().__init__(name, engine)
        self._part = _PARTS[0]

    def compose(self) -> ComposeResult:
        yield PlaceBar(id="fleet-bar")
        yield Card(processes.render, id="processes", focusable=True)
        yield Card(services.render, id="services", focusable=True)

    def show(self, snapshot: Snapshot) -> None:
        super().show(snapshot)
        for card in self.query(Card):
            card.show(snapshot)
        heading = line(Span("▌", Tone.ACCENT), Span("FLEET", Tone.TITLE))
        self.bar.show(heading, snapshot=snapshot, reading=snapshot.processes)

    def enter(self) -> None:
        self.query_one(f"#{self._part}").focus()

    def on_descendant_focus(self) -> None:
        focused = self.screen.focused
        if focused is not None and focused.id in _PARTS:
            self._part = focused.id

    def step(self, steps: int) -> None:
        self._part = _PARTS[(_PARTS.index(self._part) + steps) % len(_PARTS)]
        self.enter()

    def move(self, steps: int, *, pages: bool = False) -> None:
        card = self.query_one(f"#{self._part}", Card)
        card.move(steps * card.page if pages else steps)
