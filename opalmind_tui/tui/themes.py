"""The themes: data only. What is meant for many colours is of the 256-colour cube and ramp; what is meant for 16 is of
those exactly, so that a terminal has nothing to guess."""

from __future__ import annotations

from enum import StrEnum

from textual.theme import Theme

from opalmind_tui.settings.ui import THEMES as NAMES


class Colours(StrEnum):
    """What a terminal can show."""

    MANY = "256 or more"
    SIXTEEN = "16"
    NONE = "none"


def _theme(
    name: str, *, dark: bool, text: str, strong: str, dim: str, grounds: tuple[str, str, str, str], accent: str,
    chart: str, ok: str, warn: str, fail: str, cursor: tuple[str, str], lost: str, badges: tuple[tuple[str, str], ...],
    environments: tuple[tuple[str, str], ...], selection: str = "",
) -> Theme:  # fmt: skip
    """A theme.

    Args:
        name: its name.
        dark: whether its grounds are.
        text, strong, dim: three weights of text.
        grounds: of the screen, a panel, a window and a bar.
        accent, chart, ok, warn, fail: text that means something.
        cursor: ground and text of the row under the cursor.
        lost: ground of the row whose request has left.
        badges: ground and text of the words OK, WARN, FAIL and unknown.
        environments: ground and text of the name of a production, staging, development, demo and other environment.
        selection: ground of selected text; without it the cursor's.
    """
    background, surface, panel, bar = grounds
    words = dict(zip(("ok", "warn", "fail", "unknown"), badges, strict=True))
    words |= zip(("production", "staging", "development", "badge", "environment"), environments, strict=True)
    on_badges = {f"om-{word}": ground for word, (ground, _) in words.items()}
    on_badges |= {f"om-on-{word}": colour for word, (_, colour) in words.items()}
    return Theme(
        name=f"opalmind-{name}", dark=dark, primary=accent, secondary=accent, accent=accent, foreground=text,
        background=background, surface=surface, panel=panel, success=ok, warning=warn, error=fail,
        variables={
            "om-strong": strong, "om-dim": dim, "om-chart": chart, "om-bar": bar, "om-cursor": cursor[0],
            "om-cursor-text": cursor[1], "om-cursor-lost": lost,
            "block-cursor-background": cursor[0], "block-cursor-foreground": cursor[1],
            "input-selection-background": selection or cursor[0], **on_badges,
        },
    )  # fmt: skip


DARK = _theme(
    "dark", dark=True, text="#dadada", strong="#ffffff", dim="#9e9e9e",
    grounds=("#121212", "#1c1c1c", "#262626", "#303030"), accent="#5fafff", chart="#5f87af", ok="#87d787",
    warn="#ffd75f", fail="#ff8787", cursor=("#005f87", "#ffffff"), lost="#303030",
    badges=(("#005f00", "#d7ffd7"), ("#ffd75f", "#121212"), ("#af0000", "#ffffff"), ("#4e4e4e", "#eeeeee")),
    environments=(("#d70000", "#ffffff"), ("#8700af", "#ffffff"), ("#00afaf", "#121212"), ("#005f87", "#ffffff"),
                  ("#c6c6c6", "#121212")),
)  # fmt: skip
LIGHT = _theme(
    "light", dark=False, text="#262626", strong="#000000", dim="#585858",
    grounds=("#e4e4e4", "#ffffff", "#eeeeee", "#dadada"), accent="#005faf", chart="#5f87af", ok="#005f00",
    warn="#5f5f00", fail="#af0000", cursor=("#005faf", "#ffffff"), lost="#d0d0d0",
    badges=(("#d7ffd7", "#005f00"), ("#ffd75f", "#121212"), ("#d70000", "#ffffff"), ("#c6c6c6", "#262626")),
    environments=(("#d70000", "#ffffff"), ("#8700af", "#ffffff"), ("#00afaf", "#121212"), ("#005faf", "#ffffff"),
                  ("#585858", "#ffffff")),
    selection="#afd7ff",
)  # fmt: skip
CONTRAST = _theme(
    "contrast", dark=True, text="#ffffff", strong="#ffffff", dim="#d0d0d0",
    grounds=("#000000", "#000000", "#000000", "#1c1c1c"), accent="#5fd7ff", chart="#87afd7", ok="#5fff5f",
    warn="#ffff00", fail="#ffafaf", cursor=("#ffff00", "#000000"), lost="#303030",
    badges=(("#5fff5f", "#000000"), ("#ffff00", "#000000"), ("#ffafaf", "#000000"), ("#ffffff", "#000000")),
    environments=(("#870000", "#ffffff"), ("#ffafff", "#000000"), ("#00d7af", "#000000"), ("#5fd7ff", "#000000"),
                  ("#ffffff", "#000000")),
    selection="#005f87",
)  # fmt: skip
_BLACK, _RED, _GREEN, _BROWN, _BLUE, _MAGENTA, _CYAN, _GREY = (
    "#000000", "#aa0000", "#00aa00", "#aa5500", "#0000aa", "#aa00aa", "#00aaaa", "#aaaaaa",
)  # fmt: skip
_WHITE = "#ffffff"
_YELLOW = "#ffff55"
_BADGES_16 = ((_GREEN, _BLACK), (_YELLOW, _BLACK), (_RED, _WHITE), (_GREY, _BLACK))
_ENVIRONMENTS_16 = ((_RED, _WHITE), (_MAGENTA, _WHITE), (_CYAN, _BLACK), (_BLUE, _WHITE), (_GREY, _BLACK))
DARK_16 = _theme(
    "dark-16", dark=True, text=_GREY, strong=_WHITE, dim=_GREY, grounds=(_BLACK, _BLACK, _BLACK, _BLACK),
    accent="#55ffff", chart=_CYAN, ok="#55ff55", warn=_YELLOW, fail="#ff5555", cursor=(_CYAN, _BLACK), lost=_BLUE,
    badges=_BADGES_16, environments=_ENVIRONMENTS_16, selection=_BLUE,
)  # fmt: skip
LIGHT_16 = _theme(
    "light-16", dark=False, text=_BLACK, strong=_BLACK, dim=_BLACK, grounds=(_WHITE, _WHITE, _WHITE, _WHITE),
    accent=_BLUE, chart=_BLUE, ok=_BLACK, warn=_BROWN, fail=_RED, cursor=(_BLUE, _WHITE), lost=_GREY,
    badges=_BADGES_16, environments=_ENVIRONMENTS_16, selection=_GREY,
)  # fmt: skip
CONTRAST_16 = _theme(
    "contrast-16", dark=True, text=_WHITE, strong=_WHITE, dim=_WHITE, grounds=(_BLACK, _BLACK, _BLACK, _BLACK),
    accent="#55ffff", chart="#55ffff", ok="#55ff55", warn=_YELLOW, fail="#ff55ff", cursor=(_WHITE, _BLACK), lost=_BLUE,
    badges=(("#55ff55", _BLACK), (_YELLOW, _BLACK), ("#ff55ff", _BLACK), (_WHITE, _BLACK)),
    environments=(_ENVIRONMENTS_16[0], ("#ff55ff", _BLACK), *_ENVIRONMENTS_16[2:]), selection=_BLUE,
)  # fmt: skip
_MARKED = (_WHITE, _BLACK)
NO_COLOUR = _theme(
    "no-colour", dark=True, text=_WHITE, strong=_WHITE, dim=_WHITE, grounds=(_BLACK, _BLACK, _BLACK, _BLACK),
    accent=_WHITE, chart=_WHITE, ok=_WHITE, warn=_WHITE, fail=_WHITE, cursor=_MARKED, lost=_BLACK,
    badges=((_BLACK, _WHITE), _MARKED, _MARKED, _MARKED), environments=(_MARKED,) * 5,
)  # fmt: skip
THEMES = {
    Colours.MANY: dict(zip(NAMES, (DARK, LIGHT, CONTRAST), strict=True)),
    Colours.SIXTEEN: dict(zip(NAMES, (DARK_16, LIGHT_16, CONTRAST_16), strict=True)),
    Colours.NONE: dict.fromkeys(NAMES, NO_COLOUR),
}
"""Each theme by what the terminal can show and by the operator's word for it."""


def colours_of(color_system: str | None, *, none: bool) -> Colours:
    """What a terminal can show, by Rich's name of its colour system; `none`: nobody wants any."""
    if none:
        return Colours.NONE
    return Colours.MANY if color_system in ("256", "truecolor") else Colours.SIXTEEN


def following(name: str) -> str:
    """The operator's word for the theme after another."""
    return NAMES[(NAMES.index(name) + 1) % len(NAMES)]
