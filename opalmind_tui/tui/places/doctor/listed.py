"""The list of findings, with a cursor that stays on its finding when the doctor looks again."""

from __future__ import annotations

from textual.events import Click, MouseScrollDown, MouseScrollUp
from textual.message import Message

from opalmind_tui.snapshot.findings import Finding
from opalmind_tui.tui.cursor import ListCursor
from opalmind_tui.tui.line_view import LineView
from opalmind_tui.tui.lines import Area, Line, Tone
from opalmind_tui.tui.panels.findings import finding_line


class FindingList(LineView):
    """The worst first, as the diagnosis has them."""

    can_focus = True

    class Moved(Message):
        """The cursor stands on another finding."""

    class Opened(Message):
        """A finding was opened by a double click."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._findings: dict[str, Finding] = {}
        self.cursor = ListCursor()

    @property
    def page(self) -> int:
        """Rows in view."""
        return max(1, self.content_size.height)

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

    def move(self, steps: int) -> None:
        """Move the cursor by rows."""
        self.cursor.move(steps, self.page)
        self.redraw()
        self.post_message(self.Moved())

    def on_click(self, event: Click) -> None:
        if event.y < len(self._findings) - self.cursor.offset:
            self.cursor.take(self.cursor.offset + event.y, self.page)
            self.redraw()
            self.post_message(self.Moved())
            if event.chain == 2:
                self.post_message(self.Opened())

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        event.stop()
        self.move(1)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        event.stop()
        self.move(-1)
