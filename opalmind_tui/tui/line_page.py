"""A page of lines that scrolls; only the lines in view are drawn, and of those only the ones that changed."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import MouseScrollDown, MouseScrollUp
from textual.message import Message

from opalmind_tui.tui.line_view import LineView
from opalmind_tui.tui.lines import Area, Line, fit

_ALL = 1_000_000


class LinePage(LineView):
    """Lines longer than the window. Arrows, pages and vi keys scroll them."""

    can_focus = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup,ctrl+b", "page(-1)", show=False),
        Binding("pagedown,ctrl+f,space", "page(1)", show=False),
        Binding("home,g", f"move(-{_ALL})", show=False),
        Binding("end,G,shift+g", f"move({_ALL})", show=False),
    ]

    class Scrolled(Message):
        """Other lines are in view."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._page: list[Line] = []
        self._top = 0

    def show(self, lines: list[Line]) -> None:
        """Show other lines, from where it stands."""
        self._page = lines
        self._top = self._within(self._top)
        self.redraw()

    @property
    def hidden(self) -> tuple[int, int]:
        """Lines above those in view, and below."""
        return self._top, max(0, len(self._page) - self._top - self.content_size.height)

    def draw(self, area: Area) -> list[Line]:
        self._top = self._within(self._top)
        return [fit(one, area.width) for one in self._page[self._top : self._top + area.height]]

    def _within(self, top: int) -> int:
        return max(0, min(top, len(self._page) - self.content_size.height))

    def action_move(self, steps: int) -> None:
        """Scroll by lines."""
        self._top = self._within(self._top + steps)
        self.redraw()
        self.post_message(self.Scrolled())

    def action_page(self, pages: int) -> None:
        """Scroll by pages; one line stays in view."""
        self.action_move(pages * max(1, self.content_size.height - 1))

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        event.stop()
        self.action_move(3)

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        event.stop()
        self.action_move(-3)
