"""From safe lines to what Textual draws. No markup is ever read; every text is made safe once more on its way out."""

from __future__ import annotations

from collections.abc import Callable

from rich.segment import Segment
from rich.style import Style
from textual.content import Content
from textual.strip import Strip

from opalmind_tui.text import safe_block, safe_text
from opalmind_tui.tui.lines import Line, Tone


def content(text: str) -> Content:
    """Text of one or more lines for a widget of Textual, with nothing in it that could be taken for markup."""
    return Content(safe_block(text))


def strip(spans: Line, style_of: Callable[[Tone], Style]) -> Strip:
    """One drawn line. Neighbours of one tone become one segment, so that fewer bytes go out."""
    segments: list[Segment] = []
    text, tone = "", Tone.PLAIN
    for span in spans:
        if span.tone is not tone and text:
            segments.append(Segment(safe_text(text), style_of(tone)))
            text = ""
        text, tone = text + span.text, span.tone
    if text:
        segments.append(Segment(safe_text(text), style_of(tone)))
    return Strip(segments)
