"""Takes every colour out of what is drawn: what had a bright ground is reversed instead."""

from __future__ import annotations

from functools import lru_cache

from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter

_PLAIN = Style(color="default", bgcolor="default")
_BRIGHT = 3 * 128


class NoColour(LineFilter):
    """For a theme in black and white. Textual's own filter of this kind sends greys, or loses what stands out."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same text without colours."""
        return [
            Segment(text, None if style is None else without_colour(style), control)
            for text, style, control in segments
        ]


@lru_cache(1024)
def without_colour(style: Style) -> Style:
    """The same, in the colours that the terminal has by itself."""
    ground = style.bgcolor.triplet if style.bgcolor is not None else None
    bright = ground is not None and sum(ground) >= _BRIGHT
    return style + _PLAIN + Style(reverse=bright is not bool(style.reverse))
