"""The list of findings, with a cursor that stays on its finding when the doctor looks again."""

from __future__ import annotations

from opalmind_tui.snapshot.findings import Finding
from opalmind_tui.tui.cursor import ListCursor
from opalmind_tui.tui.cursor_view import CursorView
from opalmind_tui.tui.lines import Area, Line, Tone
from opalmind_tui.tui.panels.findings import finding_line


class FindingList(CursorView):
    """The worst first, as the diagnosis has them."""

    HEAD = 0

    class Moved(CursorView.Moved):
        """The cursor stands on another finding."""

    class Opened(CursorView.Opened):
        """A finding was opened by a double click."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._findings: dict[str, Finding] = {}
        self.cursor = ListCursor()

    @property
    def selected(self) -> Finding | None:
        """The finding under the cursor."""
        return self._findings.get(self.cursor.id or "")

    def show(self, findings: tuple[Finding, ...]) -> None:
        """Take over a newer diagnosis. Where the finding under the cursor is gone, the next one is taken."""
        self._findings = {}
        for finding in findings:
            twins = sum(found.id == finding.id for found in self._findings.values())
            self._findings[f"{finding.id} {twins}"] = finding
        self.cursor.follow(list(self._findings), self.page)
        if self.cursor.lost:
            self.cursor.take(self.cursor.index, self.page)
        self.redraw()
        self.post_message(self.Moved())

    def draw(self, area: Area) -> list[Line]:
        self.cursor.follow(list(self._findings), area.height)
        start = self.cursor.offset
        shown = list(self._findings.values())[start : start + area.height]
        return [
            finding_line(one, area.width, cursor=Tone.CURSOR if start + number == self.cursor.index else None)
            for number, one in enumerate(shown)
        ]

    def first_in_view(self) -> int:
        return self.cursor.offset

    def row_count(self) -> int:
        return len(self._findings)

    def step_by(self, steps: int) -> None:
        self.cursor.move(steps, self.page)

    def stand_on(self, number: int) -> None:
        self.cursor.take(number, self.page)
