"""The Redis place: server and keys from near, with each look while it is in view."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, cast

from textual import on
from textual.app import ComposeResult

from opalmind_tui.engine.port import EnginePort
from opalmind_tui.snapshot.model import Snapshot
from opalmind_tui.snapshot.wanted import Wanted
from opalmind_tui.tui.bars import PlaceBar
from opalmind_tui.tui.card import Render
from opalmind_tui.tui.ground import Row
from opalmind_tui.tui.lines import Span, Tone, line
from opalmind_tui.tui.panels.near import keys, nodes, server, traffic
from opalmind_tui.tui.places.place import Place
from opalmind_tui.tui.stack import Stack

if TYPE_CHECKING:
    from opalmind_tui.tui.app import OpalmindApp

SECTIONS: dict[str, tuple[Render, ...]] = {
    "server": (server.render, nodes.servers, server.on_disk, traffic.latency),
    "keys": (keys.keys, nodes.census, keys.reports),
    "expires": (keys.expires, keys.biggest),
    "clients": (traffic.cost, traffic.slow_log, traffic.clients),
}
"""On a narrow terminal: one at a time."""
_TWO: dict[str, tuple[Render, ...]] = {
    "server": (
        server.render,
        nodes.servers,
        server.on_disk,
        traffic.latency,
        traffic.cost,
        traffic.slow_log,
        traffic.clients,
    ),
    "keys": (keys.keys, nodes.census, keys.reports, keys.expires, keys.biggest),
}
_THREE: dict[str, tuple[Render, ...]] = {
    "server": (server.render, nodes.servers, server.on_disk, traffic.latency, traffic.cost),
    "keys": (keys.keys, nodes.census, keys.reports, keys.expires),
    "clients": (traffic.clients, traffic.slow_log, keys.biggest),
}
_WIDTHS = ((160, _THREE), (120, _TWO), (0, SECTIONS))


class RedisPlace(Place):
    """Columns beside each other where there is room; otherwise tab goes from part to part."""

    def __init__(self, name: str, engine: EnginePort) -> None:
        super().__init__(name, engine)
        self._section = "server"
        self._renders: Mapping[Render, Render] = {}

    def compose(self) -> ComposeResult:
        key = cast("OpalmindApp", self.app).preferences.keymap.word("count", "x")
        self._renders = {keys.keys: partial(keys.keys, key=key)}
        yield PlaceBar(id="redis-bar")
        with Row(id="stacks"):
            for number, section in enumerate(SECTIONS):
                yield Stack(id=f"near-{section}", classes="" if number else "-first")

    @property
    def wanted(self) -> Wanted:
        return Wanted(closer=True)

    @property
    def _layout(self) -> dict[str, tuple[Render, ...]]:
        return next(layout for width, layout in _WIDTHS if self.screen.size.width >= width)

    def _stack(self, section: str) -> Stack:
        return self.query_one(f"#near-{section}", Stack)

    # -- drawing -------------------------------------------------------------------------------------------------

    def show(self, snapshot: Snapshot) -> None:
        super().show(snapshot)
        for stack in self.query(Stack):
            if stack.display:
                stack.show(snapshot)
        self._show_bar()

    def _show_bar(self) -> None:
        snapshot = self.snapshot
        reading = snapshot.redis if snapshot is not None else None
        if self._layout is SECTIONS:
            self.bar.show(tabs=tuple(SECTIONS), active=self._section, snapshot=snapshot, reading=reading)
        else:
            heading = line(Span("▌", Tone.ACCENT), Span("REDIS", Tone.TITLE), Span("  from near", Tone.DIM))
            self.bar.show(heading, snapshot=snapshot, reading=reading)

    def fit(self) -> None:
        layout = self._layout
        if self._section not in layout:
            self._section = "server"
        for section in SECTIONS:
            stack = self._stack(section)
            stack.set_class(layout is SECTIONS, "-alone")
            stack.display = section in layout and (layout is not SECTIONS or section == self._section)
            stack.hold([self._renders.get(render, render) for render in layout.get(section, ())])
        if self.snapshot is not None:
            self.show(self.snapshot)

    # -- moving --------------------------------------------------------------------------------------------------

    def enter(self) -> None:
        self._stack(self._section).focus()

    def on_descendant_focus(self) -> None:
        focused = self.screen.focused
        if isinstance(focused, Stack) and focused.id is not None:
            self._section = focused.id.removeprefix("near-")

    def _turn_to(self, section: str) -> None:
        self._section = section
        self.fit()
        self.enter()

    def step(self, steps: int) -> None:
        there = tuple(self._layout)
        self._turn_to(there[(there.index(self._section) + steps) % len(there)])

    def move(self, steps: int, *, pages: bool = False) -> None:
        stack = self._stack(self._section)
        stack.move(steps * stack.page if pages else steps)

    def count(self) -> None:
        """Count all keys, go on with that, or stop."""
        self.engine.switch_count()
        self.lacks()

    @on(PlaceBar.Chosen)
    def _tab_clicked(self, event: PlaceBar.Chosen) -> None:
        self._turn_to(event.section)
