"""Keys that an operator chose: they work, they are shown everywhere, and what cannot work is refused by line."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace
from textual.command import CommandPalette
from textual.keys import Keys, _character_to_key

from opalmind_tui.errors import SettingsError
from opalmind_tui.recording.replay import Replay
from opalmind_tui.settings.config_file import ConfigFile, read_config
from opalmind_tui.snapshot.census import CountProgress
from opalmind_tui.tui.actions import ACTIONS, BY_ID
from opalmind_tui.tui.app import OpalmindApp
from opalmind_tui.tui.dialogs.plan import PlanDialog
from opalmind_tui.tui.dialogs.reading import ReadingDialog
from opalmind_tui.tui.keymap import STANDARD, key_name, sign_of
from opalmind_tui.tui.remapping import NAMED, Preferences, read_keymap
from tests.make_readme import EXAMPLE
from tests.tui.engine import FakeEngine
from tests.tui.fixtures import healthy
from tests.tui.redis_fixtures import CENSUS, REPORT
from tests.tui.support import NEVER, recording, refreshed, screen_text, settled


def file(tmp_path: Path, text: str) -> ConfigFile:
    path = tmp_path / "config.toml"
    path.write_text(text)
    return read_config(path)


def test_keys_are_called_as_textual_calls_them() -> None:
    for character in (*map(chr, range(33, 127)), "ä", "я", "ß", "€", "ß"):
        assert key_name(character) == _character_to_key(character)
        assert sign_of(key_name(character)) == character
    known = {key.value for key in Keys}
    assert {key for key in NAMED if not key.startswith("alt+")} <= known
    assert {"f5", "ctrl+r", "shift+tab", "pagedown", "space"} <= NAMED


async def test_chosen_keys_work_and_are_shown_and_the_others_do_nothing(tmp_path: Path) -> None:
    text = '[keys]\nretry_all = "F5"\npurge_all = []\nhelp = "Y"\npalette = "ctrl+o"\nquit = "Q"\ndown = ["ctrl+n"]'
    app = OpalmindApp(FakeEngine(healthy()), interval=NEVER, preferences=Preferences(read_keymap(file(tmp_path, text))))
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(pilot)
        shown = screen_text(pilot)
        assert "F5 Retry dead" in shown
        assert "Y Help" in shown
        assert "Q Quit" in shown
        assert "Purge dead" not in shown
        for key in ("R", "D", "question_mark", "q", "ctrl+p"):
            await pilot.press(key)
            await settled(pilot)
            assert pilot.app.screen is app.frame, key
        before = app.frame.situation.selected
        await pilot.press("ctrl+n")
        await settled(pilot)
        assert app.frame.situation.selected != before
        await pilot.press("Y")
        await settled(pilot)
        assert isinstance(pilot.app.screen, ReadingDialog)
        told = [line.split() for line in screen_text(pilot).splitlines()]
        assert any("F5" in line and "Retry" in line for line in told)
        await pilot.press("escape", "ctrl+o")
        await settled(pilot)
        assert isinstance(pilot.app.screen, CommandPalette)
        await pilot.press(*"retry dead")
        await settled(pilot)
        while "(F5)" not in screen_text(pilot):
            await pilot.pause(0.01)
        await pilot.press("escape", "f5")
        await settled(pilot)
        assert isinstance(pilot.app.screen, PlanDialog)
        await pilot.press("escape", "Q")
        await settled(pilot)
    assert app.return_code == 0


async def test_sentences_name_the_chosen_keys(tmp_path: Path) -> None:
    chosen = Preferences(read_keymap(file(tmp_path, '[keys]\npause = "g"\nhome = []\nplay = "F6"\ncount = "C"')))
    stand_in = FakeEngine(healthy())
    app = OpalmindApp(stand_in, interval=NEVER, preferences=chosen)
    async with app.run_test() as pilot:
        await settled(pilot)
        await pilot.press("g")
        await settled(pilot)
        assert "Frozen. g goes on." in screen_text(pilot), "a letter is not another key"
        await pilot.press("4", "tab")
        await settled(pilot)
        assert "C counts every key" in screen_text(pilot)
        counted = CountProgress(1_000, 1_000, census=replace(CENSUS, counted=True, total=1_000))
        stand_in.report = replace(REPORT, counting=counted)
        await refreshed(pilot, stand_in, healthy())
        assert "C counts again" in screen_text(pilot)
    engine = Replay(recording(healthy()))
    replayed = OpalmindApp(engine, interval=NEVER, preferences=chosen, playback=engine.playback)
    async with replayed.run_test() as pilot:
        await settled(pilot)
        assert "F6 plays." in screen_text(pilot)
    assert STANDARD.opening("play", "space") == "Space"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[keys]\nretyr = "x"', r"line 2, keys\.retyr: cannot use an unknown action; accepted: retry, perhaps"),
        ('[keys]\n\nretry = "ctrl+shift+alt+r"', r'line 3, keys\.retry: cannot use "ctrl\+shift\+alt\+r"'),
        ("[keys]\nretry = 5", "line 2, .*cannot use 5"),
        ('[keys]\nretry = ["a", 5]', "line 2, .*cannot use a list"),
        ('[keys]\nretry = ""', "one key, such as"),
        ('[keys]\nretry = "\\u001b"', "one key, such as"),
        ('[keys]\nretry = "ctrl+i"', 'terminals send "tab"'),
        ('[keys]\nretry = "q"', r'line 2, keys\.retry: cannot use "q", which .* of "quit" \(Quit\).*another one'),
        ('[keys]\nquit = "r"', r'line 2, keys\.quit: .*key of "retry"'),
        ('[keys]\nquit = "Q"\nretry = "ctrl+q"', r'line 3, keys\.retry: .* of "quit" \(Quit\); accepted: a key'),
        ('[keys]\nretry = "f5"\npurge = "f5"', r"keys\.(retry|purge): .*F5"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said) as caught:
        read_keymap(file(tmp_path, text))
    assert str(caught.value).isprintable()


def test_keys_can_be_swapped_and_shared_where_they_never_meet(tmp_path: Path) -> None:
    swapped = read_keymap(file(tmp_path, '[keys]\nretry = "d"\npurge = "r"'))
    assert (swapped.keys(BY_ID["retry"]), swapped.keys(BY_ID["purge"])) == (("d",), ("r",))
    assert read_keymap(file(tmp_path, "")) == STANDARD


def test_every_line_of_the_example_can_be_used(tmp_path: Path) -> None:
    table = EXAMPLE.read_text("utf-8").partition("[keys]")[2].partition("[ui]")[0]
    keys = [row for line in table.splitlines() if (row := line.removeprefix("# ")).split(" = ")[0] in BY_ID]
    assert len(keys) == 3
    keymap = read_keymap(file(tmp_path, "[keys]\n" + "\n".join(keys)))
    assert {keymap.sign(action) for action in ACTIONS} >= {"F5", "↓ j", "–"}
