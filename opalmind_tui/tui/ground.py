"""What stands behind the lines: a widget that shows its ground and nothing else."""

from __future__ import annotations

from rich.style import Style
from textual.containers import Horizontal
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from opalmind_tui.tui.no_colour import without_colour


class Grounded(Widget):
    """Goes out as it is.

    Textual asks a widget for its borders, padding, opacity, links and filters at each paint, which costs more than what
    is painted; this one has none of them. As a base it comes last, for Textual looks for styles in the first one.
    """

    _ground: Style | None = None

    @property
    def ground(self) -> Style:
        """Its colour."""
        if self._ground is None:
            self._ground = self.in_colours(Style(bgcolor=self.rich_style.bgcolor))
        return self._ground

    def in_colours(self, style: Style) -> Style:
        """A style as it goes out: without colours where nobody wants any."""
        return without_colour(style) if self.app.no_color else style

    def notify_style_update(self) -> None:
        """A new theme."""
        self._ground = None
        super().notify_style_update()

    def render_lines(self, crop: Region) -> list[Strip]:
        """A part of it."""
        return [Strip.blank(crop.width, self.ground)] * crop.height


class Row(Horizontal, Grounded):
    """Widgets beside each other."""
