"""The widget under every part of the overview: lines drawn by Textual's Line API, and only those that changed."""

from __future__ import annotations

from itertools import zip_longest

from rich.style import Style
from textual.geometry import Region, Size
from textual.strip import Strip

from opalmind_tui.tui import wire
from opalmind_tui.tui.ground import Grounded
from opalmind_tui.tui.lines import Area, Line, Tone
from opalmind_tui.tui.tones import style_of


class LineView(Grounded):
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
        size = self.content_size
        if not size:
            return
        self._fit(size)
        former, self._lines = self._lines, self.draw(Area(*size)) if lines is None else lines
        if former is self._lines:
            return
        changed = [y for y, (before, after) in enumerate(zip_longest(former, self._lines)) if before != after]
        for y in changed:
            self._strips.pop(y, None)
        if changed:
            self.refresh(*(Region(0, y, size.width, 1) for y in changed))

    def on_resize(self) -> None:
        """Another size shows other things. A paint that came first has drawn them already."""
        if self._drawn_for != self.content_size:
            self.redraw()

    def _fit(self, size: Size) -> bool:
        """Whether it was drawn for another size."""
        if self._drawn_for == size:
            return False
        self._drawn_for = size
        self._strips.clear()
        self.suit()
        return True

    def notify_style_update(self) -> None:
        """A new theme: same lines, other colours."""
        self._strips.clear()
        self._styles_of.clear()
        super().notify_style_update()

    def render_lines(self, crop: Region) -> list[Strip]:
        """A part of it, as it goes out."""
        size = self.content_size
        if self._fit(size):
            # Textual paints a new size before it tells it.
            self._lines = self.draw(Area(*size))
        strips = [self._strip(y) for y in crop.line_range]
        if crop.column_span == (0, size.width):
            return strips
        return [strip.crop(crop.x, crop.right) for strip in strips]

    def _strip(self, y: int) -> Strip:
        drawn = self._strips.get(y)
        if drawn is None:
            line = self._lines[y] if y < len(self._lines) else ()
            drawn = wire.strip(line, self._style_of).adjust_cell_length(self._drawn_for.width, self.ground)
            self._strips[y] = drawn
        return drawn

    def _style_of(self, tone: Tone) -> Style:
        style = self._styles_of.get(tone)
        if style is None:
            app = self.app
            style = self.in_colours(style_of(tone, app.theme_variables, self.rich_style, no_colour=app.no_color))
            self._styles_of[tone] = style
        return style
