"""Every text of every theme can be read: contrast, computed as WCAG 2 defines it."""

from __future__ import annotations

import pytest
from rich._palettes import STANDARD_PALETTE
from rich.color import Color, ColorSystem
from textual.theme import Theme

from opalmind_tui.tui.themes import CONTRAST, CONTRAST_16, DARK, NO_COLOUR, THEMES, Colours, colours_of

ALL = {theme.name: theme for themes in THEMES.values() for theme in themes.values()}
ENVIRONMENTS = ("production", "staging", "development", "badge", "environment")
BADGES = ("ok", "warn", "fail", "unknown", *ENVIRONMENTS)


def luminance(colour: str) -> float:
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def pairs(theme: Theme) -> dict[str, tuple[str, str]]:
    """What is written on what."""
    own = theme.variables
    texts = {
        "text": theme.foreground, "strong": own["om-strong"], "dim": own["om-dim"], "accent": theme.accent,
        "ok": theme.success, "warn": theme.warning, "fail": theme.error,
    }  # fmt: skip
    grounds = {"screen": theme.background, "panel": theme.surface, "window": theme.panel, "bar": own["om-bar"]}
    found = {f"{text} on {ground}": (texts[text], grounds[ground]) for text in texts for ground in grounds}
    found |= {f"badge {name}": (own[f"om-on-{name}"], own[f"om-{name}"]) for name in BADGES}
    found["cursor"] = own["om-cursor-text"], own["om-cursor"]
    found["lost"] = own["om-dim"], own["om-cursor-lost"]
    found["selected"] = theme.foreground, own["input-selection-background"]
    return {name: (str(one), str(other)) for name, (one, other) in found.items()}


def test_the_measure_is_the_standards() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("theme", ALL.values(), ids=ALL)
def test_everything_can_be_read(theme: Theme) -> None:
    least = 7.0 if theme in (CONTRAST, CONTRAST_16) else 4.5
    found = {name: round(contrast(*pair), 2) for name, pair in pairs(theme).items()}
    if theme is NO_COLOUR:
        del found["selected"]  # text on its own ground: the filter reverses it
    assert {name: value for name, value in found.items() if value < least} == {}
    assert contrast(theme.variables["om-chart"], str(theme.surface)) >= 3


@pytest.mark.parametrize("theme", ALL.values(), ids=ALL)
def test_no_two_kinds_of_environment_look_alike(theme: Theme) -> None:
    grounds = {theme.variables[f"om-{name}"] for name in ENVIRONMENTS}
    assert len(grounds) == (1 if theme is NO_COLOUR else len(ENVIRONMENTS))


@pytest.mark.parametrize("theme", THEMES[Colours.SIXTEEN].values(), ids=lambda theme: theme.name)
def test_sixteen_colours_are_sixteen(theme: Theme) -> None:
    """Each comes out as it was meant, so that no text falls together with its ground."""
    for colour in {colour for pair in pairs(theme).values() for colour in pair}:
        number = Color.parse(colour).downgrade(ColorSystem.STANDARD).number
        assert number is not None
        assert STANDARD_PALETTE[number].hex == colour


def test_themes_fit_the_terminal() -> None:
    assert colours_of("truecolor", none=True) is Colours.NONE
    assert colours_of("256", none=False) is Colours.MANY
    assert colours_of("standard", none=False) is colours_of(None, none=False) is Colours.SIXTEEN
    assert THEMES[Colours.MANY]["dark"] is DARK
