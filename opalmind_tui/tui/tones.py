"""What a tone looks like: its colours by the names that the themes give them. Data, because Textual works out the
styles of component classes again for each widget and each of them, which takes longer than the rest of a start."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from rich.color import Color as RichColor
from rich.style import Style
from textual.color import Color

from opalmind_tui.tui.lines import Tone


class Look(Struct, frozen=True):
    """Of one tone.

    Args:
        colour: variable of a theme that the text takes.
        ground: variable of a theme; empty: what is behind.
        bold: stronger than the rest.
        no_colour: what it has besides where there are no colours, so that it still differs.
    """

    colour: str
    ground: str = ""
    bold: bool = False
    no_colour: Style = Style.null()


_BOLD = Style(bold=True)
LOOKS: Mapping[Tone, Look] = {
    Tone.PLAIN: Look("foreground"),
    Tone.DIM: Look("om-dim"),
    Tone.STRONG: Look("om-strong", bold=True),
    Tone.TITLE: Look("om-strong", bold=True),
    Tone.ACCENT: Look("accent", bold=True),
    Tone.CHART: Look("om-chart"),
    Tone.OK: Look("success"),
    Tone.WARN: Look("warning", no_colour=_BOLD),
    Tone.FAIL: Look("error", bold=True),
    Tone.UNKNOWN: Look("om-dim", bold=True),
    Tone.OK_BADGE: Look("om-on-ok", "om-ok", no_colour=_BOLD),
    Tone.WARN_BADGE: Look("om-on-warn", "om-warn", bold=True),
    Tone.FAIL_BADGE: Look("om-on-fail", "om-fail", bold=True),
    Tone.UNKNOWN_BADGE: Look("om-on-unknown", "om-unknown"),
    Tone.BADGE: Look("om-on-badge", "om-badge", bold=True),
    Tone.PRODUCTION: Look("om-on-production", "om-production", bold=True),
    Tone.STAGING: Look("om-on-staging", "om-staging", bold=True),
    Tone.DEVELOPMENT: Look("om-on-development", "om-development", bold=True),
    Tone.ENVIRONMENT: Look("om-on-environment", "om-environment", bold=True),
    Tone.KEY: Look("accent", bold=True),
    Tone.CURSOR: Look("om-cursor-text", "om-cursor"),
    Tone.CURSOR_LOST: Look("om-dim", "om-cursor-lost", no_colour=Style(underline=True)),
}


def style_of(tone: Tone, variables: Mapping[str, str], behind: Style, *, no_colour: bool) -> Style:
    """A tone in a theme.

    Args:
        tone: which.
        variables: colours of the theme, by name.
        behind: the style of the widget.
        no_colour: nobody wants any.
    """
    look = LOOKS[tone]
    style = behind + Style(
        color=_colour(variables, look.colour), bgcolor=_colour(variables, look.ground), bold=look.bold or None
    )
    return style + look.no_colour if no_colour else style


def _colour(variables: Mapping[str, str], name: str) -> RichColor | None:
    return Color.parse(variables[name]).rich_color if name else None
