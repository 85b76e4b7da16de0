"""The Doctor place: findings in a list, the one under the cursor in full below it, or beside it."""

from __future__ import annotations

from msgspec.structs import replace
from textual import on
from textual.app import ComposeResult
from textual.containers import Container

from opalmind_tui.engine.port import EnginePort
from opalmind_tui.errors import OpalmindError
from opalmind_tui.snapshot.findings import Diagnosis
from opalmind_tui.snapshot.model import Snapshot
from opalmind_tui.text import safe_text
from opalmind_tui.tui.bars import PlaceBar, Status
from opalmind_tui.tui.card import Card
from opalmind_tui.tui.lines import Area, Line, Span, Tone, paragraph
from opalmind_tui.tui.panels.findings import LOOKING, finding_rows, heading
from opalmind_tui.tui.places.doctor.listed import FindingList
from opalmind_tui.tui.places.place import Place
from opalmind_tui.tui.sheet import Sheet
from opalmind_tui.tui.situation import Situation

_PARTS = ("findings", "finding")
_MOST_LISTED = 2 / 5
"""Of the height, where the finding stands below the list."""


class DoctorPlace(Place):
    """Looks when it comes into view, after an act, and when it is asked to. Tab goes from the list to the text."""

    def __init__(self, name: str, engine: EnginePort) -> None:
        super().__init__(name, engine)
        self._part = _PARTS[0]
        self._diagnosis: Diagnosis | None = None
        self._looking = False
        self._trouble = ""

    def compose(self) -> ComposeResult:
        yield PlaceBar(id="doctor-bar")
        with Container(id="doctor-parts"):
            yield FindingList(id="findings")
            yield Card(self._sheet, id="finding", focusable=True)

    @property
    def list(self) -> FindingList:
        """The findings."""
        return self.query_one(FindingList)

    @property
    def text(self) -> Card:
        """The finding under the cursor."""
        return self.query_one(Card)

    def situate(self, now: Situation) -> Situation:
        return replace(now, finding=self.list.selected if self.is_mounted and now.shown else None)

    # -- looking -------------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Make a diagnosis; until it is there the former one stays."""
        self._looking = True
        self._show_bar()
        self.text.redraw()
        self.run_worker(self._look(), group="doctor", exclusive=True)

    async def _look(self) -> None:
        try:
            self._diagnosis, self._trouble = await self.engine.diagnose(), ""
        except OpalmindError as error:
            self._trouble = safe_text(str(error))
        self._looking = False
        self.list.show(self._diagnosis.findings if self._diagnosis is not None else ())
        self.fit()
        self._show_bar()

    def acted(self) -> None:
        self.look()

    # -- drawing -------------------------------------------------------------------------------------------------

    def show(self, snapshot: Snapshot) -> None:
        super().show(snapshot)
        self.text.show(snapshot)
        self._show_bar()

    def _show_bar(self) -> None:
        now = self.snapshot.taken_at if self.snapshot is not None else 0.0
        self.bar.show(heading(self._diagnosis, now, self.screen.size.width))
        if self._looking and self._diagnosis is not None:
            self.bar.say(Status("looking …", Tone.ACCENT))
        elif self._trouble and self._diagnosis is not None:
            self.bar.say(Status(self._trouble, Tone.FAIL))

    def _sheet(self, snapshot: Snapshot, area: Area) -> Sheet:
        inner = Area(area.width - 2, max(1, area.height - 1))
        finding, found = self.list.selected, self._diagnosis
        if finding is not None:
            note = f"{self.list.cursor.index + 1} of {len(found.findings) if found else 0}"
            return Sheet("FINDING", tuple(finding_rows(finding, inner)), note=note)
        rows: list[Line] = []
        if found is None:
            rows = paragraph(self._trouble or LOOKING, inner, Tone.FAIL if self._trouble else Tone.DIM)
        else:
            rows = [(Span(f"✓ Nothing found in {found.checks} checks.", Tone.OK),)]
        return Sheet("FINDING", tuple(rows))

    def fit(self) -> None:
        """Beside the list from 120 columns on; below it the list takes what it needs, and no more than its part."""
        wide = self.screen.size.width >= 120
        self.set_class(wide, "-beside")
        room = self.query_one("#doctor-parts").size.height or self.screen.size.height
        listed = len(self._diagnosis.findings) if self._diagnosis is not None else 0
        self.list.styles.height = "1fr" if wide else max(1, min(listed, int(room * _MOST_LISTED)))

    # -- moving --------------------------------------------------------------------------------------------------

    def enter(self) -> None:
        self._focus()
        self.look()

    def _focus(self) -> None:
        self.query_one(f"#{self._part}").focus()

    def on_descendant_focus(self) -> None:
        focused = self.screen.focused
        if focused is not None and focused.id in _PARTS:
            self._part = focused.id

    def step(self, steps: int) -> None:
        self._part = _PARTS[(_PARTS.index(self._part) + steps) % len(_PARTS)]
        self._focus()

    def move(self, steps: int, *, pages: bool = False) -> None:
        """Pages are those of the text: it is what may be longer than its room."""
        if pages:
            self.text.move(steps * self.text.page)
        elif self._part == "finding":
            self.text.move(steps)
        else:
            self.list.move(steps)

    @on(FindingList.Moved)
    def _list_moved(self) -> None:
        self.text.rewind()
        self.moved()

    @on(FindingList.Opened)
    def _row_opened(self) -> None:
        self.ask("cure")
