"""The widget under every part of the overview: lines drawn by Textual's Line API, and only those that changed."""

from __future__ import annotations

from rich.style import Style
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from opalmind_tui.tui import wire
from opalmind_tui.tui.lines import Area, Line, Tone
from opalmind_tui.tui.tones import style_of


class LineView(Widget):
    """Shows what `draw` returns. Call `redraw` when something that it depends on has changed."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._lines: list[Line] = []
        self._drawn_for = Size()
        self._strips: dict[int, Strip] = {}
        self._styles_of: dict[Tone, Style] = {}

    def draw(self, area: Area) -> list[Line]:
        """The lines for an area. Pure in what the widget was given."""
        raise NotImplementedError

    def suit(self) -> None:
        """Put what is in view right for another size. It comes before that size is drawn."""

    def redraw(self, lines: list[Line] | None = None) -> None:
        """Draw anew; only lines that differ from those on the screen are sent. `lines`: those of `draw`, if at hand."""
        width, height = self.content_size
        if not width or not height:
            return
        self._fit()
        former, self._lines = self._lines, self.draw(Area(width, height)) if lines is None else lines
        for y in range(max(len(former), len(self._lines))):
            before = former[y] if y < len(former) else None
            after = self._lines[y] if y < len(self._lines) else None
            if before != after:
                self._strips.pop(y, None)
                self.refresh(Region(0, y, width, 1))

    def on_resize(self) -> None:
        """Another size shows other things. A paint that came first has drawn them already."""
        if self._drawn_for != self.content_size:
            self.redraw()

    def _fit(self) -> None:
        if self._drawn_for != self.content_size:
            self._drawn_for = self.content_size
            self._strips.clear()
            self.suit()

    def notify_style_update(self) -> None:
        """A new theme: same lines, other colours."""
        self._strips.clear()
        self._styles_of.clear()
        super().notify_style_update()

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        if self._drawn_for != self.content_size:
            # Textual paints a new size before it tells it.
            self._fit()
            self._lines = self.draw(Area(*self._drawn_for))
        drawn = self._strips.get(y)
        if drawn is None:
            line = self._lines[y] if y < len(self._lines) else ()
            drawn = self._strips[y] = wire.strip(line, self._style_of)
        return drawn

    def _style_of(self, tone: Tone) -> Style:
        style = self._styles_of.get(tone)
        if style is None:
            app = self.app
            style = style_of(tone, app.theme_variables, self.rich_style, no_colour=app.no_color)
            self._styles_of[tone] = style
        return style
