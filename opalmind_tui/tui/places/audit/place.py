"""The Audit place: who is connected, the trail, and the entry under the cursor."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult

from opalmind_tui.snapshot.model import Snapshot
from opalmind_tui.snapshot.wanted import Wanted
from opalmind_tui.tui.bars import PlaceBar
from opalmind_tui.tui.lines import Span, Tone, line
from opalmind_tui.tui.places.audit.trail import Connected, EntryView, TrailList
from opalmind_tui.tui.places.place import Place


class AuditPlace(Place):
    """What operators did, the newest first."""

    def compose(self) -> ComposeResult:
        yield PlaceBar(id="audit-bar")
        yield Connected(id="connected")
        yield TrailList(id="trail")
        yield EntryView(id="entry")

    @property
    def list(self) -> TrailList:
        """The list of entries."""
        return self.query_one(TrailList)

    @property
    def wanted(self) -> Wanted:
        return Wanted(audit=self.list.window.view(self.list.page))

    def enter(self) -> None:
        self.list.focus()

    def show(self, snapshot: Snapshot) -> None:
        super().show(snapshot)
        self.query_one(Connected).show(snapshot)
        self.list.show(snapshot)
        self._show_rest()

    def _show_rest(self) -> None:
        """What follows the cursor."""
        self.query_one(EntryView).show(self.list.selected)
        total = self.list.window.total
        kept = f"  {total:,} {'entry' if total == 1 else 'entries'}, the newest first" if total else ""
        heading = line(Span("▌", Tone.ACCENT), Span("AUDIT", Tone.TITLE), Span(kept, Tone.DIM))
        if self.snapshot is not None:
            self.bar.show(heading, snapshot=self.snapshot, reading=self.snapshot.audit)
        if self.list.window.short(self.list.page):
            self.lacks()

    def move(self, steps: int, *, pages: bool = False) -> None:
        self.list.move(steps * self.list.page if pages else steps)

    @on(TrailList.Moved)
    def _list_moved(self) -> None:
        self._show_rest()
