"""Few colours, or none, in a real terminal: words and signs decide, and nothing vanishes in its ground."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.tui.terminal import configured, dashboard_in

FEW = {
    "16 colours": ("xterm", {}),
    "Linux console": ("linux", {}),
    "asked for 16": ("xterm-256color", {"TEXTUAL_COLOR_SYSTEM": "standard"}),
    "none": ("xterm-256color", {"NO_COLOR": "1"}),
}
COLOUR = re.compile(rb"\x1b\[([0-9;]*)m")
NO_COLOURS = {b"", b"0", b"1", b"3", b"4", b"7", b"9", b"39", b"49"}
"""Attributes, and the terminal's own colours."""
SIXTEEN = NO_COLOURS | {str(base + number).encode() for base in (30, 40, 90, 100) for number in range(8)}


def attributes(output: bytes) -> set[bytes]:
    """Every number of every sequence that sets colours."""
    return {number for found in COLOUR.findall(output) for number in found.split(b";")}


@pytest.mark.parametrize("colours", FEW)
@pytest.mark.parametrize(("state", "said"), [("outage", "FAIL"), ("degraded", "DEGRADED"), ("healthy", "WARN")])
def test_the_overview_is_readable(state: str, said: str, colours: str, tmp_path: Path) -> None:
    term, environment = FEW[colours]
    with dashboard_in(state, tmp_path / "log", term=term, environment=environment) as terminal:
        terminal.wait_for("QUEUE")
        terminal.wait_for(said)
        for key in ("", "l", "j", "l", "l"):
            terminal.type(key)
            terminal.wait_for(said)
            terminal.read_for(0.3)
            assert not terminal.unreadable()
            assert "▸" in terminal.shown, "the cursor is a sign, not only a ground"
        terminal.type("c")
        terminal.wait_for("All reports")
        terminal.read_for(0.3)
        assert not terminal.unreadable()
        assert terminal.marked("All reports"), "the choice under the cursor stands out"
        assert attributes(terminal.output) <= (NO_COLOURS if colours == "none" else SIXTEEN)


def test_an_empty_wish_for_no_colours_is_none(tmp_path: Path) -> None:
    with dashboard_in("healthy", tmp_path / "log", environment={"NO_COLOR": ""}) as terminal:
        terminal.wait_for("QUEUE")
        assert b"38" in attributes(terminal.output)


def test_without_colours_what_is_wrong_and_where_you_stand_are_reversed(tmp_path: Path) -> None:
    with dashboard_in("outage", tmp_path / "log", environment={"NO_COLOR": "1"}) as terminal:
        terminal.wait_for("PRODUCTION")
        terminal.wait_for("17m02s")
        terminal.read_for(0.5)
        for text in ("PRODUCTION", "✗ FAIL", "▸"):
            assert terminal.marked(text), text
        assert not terminal.marked("✓ OK")
        terminal.type("l")
        terminal.wait_for("NO_COLOR is set")


def test_look_and_keys_of_the_operators_file_come_to_the_screen(tmp_path: Path) -> None:
    text = '[ui]\ntheme = "contrast"\ntime = "local"\n[keys]\nhelp = "F1"\n'
    environment = {**configured(tmp_path, text), "TZ": "Asia/Tokyo"}
    with dashboard_in("healthy", tmp_path / "log", environment=environment) as terminal:
        terminal.wait_for("11:31:07 JST")
        terminal.wait_for("F1 Help")
        terminal.type("l")
        terminal.wait_for("Theme: dark")


@pytest.mark.parametrize("bell", [True, False])
def test_the_bell_rings_when_it_gets_worse_and_only_if_wanted(bell: bool, tmp_path: Path) -> None:
    environment = configured(tmp_path, f"[ui]\nbell = {str(bell).lower()}\n")
    with dashboard_in("worse", tmp_path / "log", environment=environment) as terminal:
        terminal.wait_for("Matomo answers 503")
        terminal.read_for(1.0)
        shapes = re.sub(rb"\x1b\]22;[a-z-]*\x07", b"", terminal.output)
        assert shapes.count(b"\x07") == (1 if bell else 0), "better and worse again within a minute rings once"
