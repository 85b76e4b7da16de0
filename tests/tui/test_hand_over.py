"""The hand-over dialog and the way to the clipboard."""

from __future__ import annotations

import stat
from base64 import b64decode
from pathlib import Path
from unicodedata import category

import pytest
from msgspec.structs import replace

from opalmind_tui.engine import summarising
from opalmind_tui.engine.summarising import save_summary
from opalmind_tui.errors import OpalmindError
from opalmind_tui.tui import clipboard
from opalmind_tui.tui.clipboard import MOST, sequence
from opalmind_tui.tui.dialogs.hand_over import HandOverDialog
from tests.tui.fixtures import healthy
from tests.tui.hostile import MARKUP, PAYLOADS
from tests.tui.support import opened, screen_text
from tests.tui.test_actions import press


def test_the_plain_sequence_and_what_wraps_it() -> None:
    text = "Über ✗ \x1b[2J\n" * 90
    plain = sequence(text, {})
    assert plain.startswith("\x1b]52;c;")
    assert plain.endswith("\a")
    assert b64decode(plain[7:-1]).decode() == text
    tmux = sequence(text, {"TMUX": "/tmp/tmux-0/default,1,0", "TERM": "screen-256color"})
    # For set-clipboard, and for allow-passthrough, whose escapes are doubled.
    assert tmux.startswith(plain)
    inner = tmux[len(plain) :]
    assert (inner[:7], inner[-2:]) == ("\x1bPtmux;", "\x1b\\")
    assert inner[7:-2].replace("\x1b\x1b", "\x1b") == plain
    screen = sequence(text, {"TERM": "screen"})
    pieces = screen.split("\x1b\\")[:-1]
    assert all(piece.startswith("\x1bP") and len(piece) <= 502 for piece in pieces)
    assert "".join(piece[2:] for piece in pieces) == plain
    assert sequence(text, {"STY": "1.pts"}) == screen
    assert sequence("x" * MOST, {})
    assert sequence("x" * (MOST + 1), {}) == ""


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40)], ids=str)
async def test_it_shows_what_it_hands_over(
    size: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(summarising, "folders", lambda: (tmp_path / "new",))
    async with opened(healthy(), size=size) as (pilot, engine):
        engine.summed_up = "# Hand-over\n" + "\n".join(f"line {number}" for number in range(300))
        written: list[str] = []
        monkeypatch.setattr(pilot.app, "copy", lambda text: not written.append(text))
        await press(pilot, "H")
        shown = screen_text(pilot)
        assert "# Hand-over" in shown
        for word in ("Copy", "Save", "Close"):
            assert word in shown
        await press(pilot, "enter")
        assert written == [engine.summed_up]
        assert "clipboard" in screen_text(pilot)
        await press(pilot, "pagedown", "j")
        assert "line 10" in screen_text(pilot)
        await press(pilot, "s")
        (path,) = (tmp_path / "new").iterdir()
        assert path.read_text("utf-8") == engine.summed_up
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert "Saved" in screen_text(pilot)
        await press(pilot, "escape")
        assert not isinstance(pilot.app.screen, HandOverDialog)


async def test_read_only_saves_no_file_and_what_fails_says_why() -> None:
    quiet = replace(healthy(), identity=replace(healthy().identity, read_only=True))
    async with opened(quiet) as (pilot, engine):
        await press(pilot, "H")
        assert "Save" not in screen_text(pilot)
        await press(pilot, "s")
        assert "Saved" not in screen_text(pilot)
        await press(pilot, "escape")
        engine.summary_trouble = OpalmindError("The store is away")
        await press(pilot, "H")
        assert "The store is away" in screen_text(pilot)
        await press(pilot, "c")
        assert "clipboard. Not" not in screen_text(pilot)


async def test_hostile_text_in_it_stays_text() -> None:
    async with opened(healthy(), size=(120, 40)) as (pilot, engine):
        engine.summed_up = "\n".join((MARKUP[0], *PAYLOADS[:30]))
        await press(pilot, "H")
        assert any(payload in screen_text(pilot) for payload in MARKUP)
        assert not any(category(char) in ("Cc", "Cf", "Cs", "Co") for char in screen_text(pilot).replace("\n", ""))


async def test_a_command_that_is_too_long_is_not_said_to_be_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clipboard, "MOST", 100)
    async with opened(healthy(), size=(120, 40)) as (pilot, _):
        await press(pilot, "y")
        assert "too many for a terminal's clipboard" in screen_text(pilot)
        assert "Copied" not in screen_text(pilot)
        assert pilot.app.clipboard == ""


def test_a_folder_that_takes_no_file_is_passed_over(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("x")
    assert save_summary("text", (blocked, tmp_path)).parent == tmp_path
    with pytest.raises(OSError, match="exists"):
        save_summary("text", (blocked,))
