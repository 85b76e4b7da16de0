"""In a real pseudo-terminal: what goes out, and how the terminal is given back (I9, I11)."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tui.runner import SECRET
from tests.tui.terminal import Terminal, configured, dashboard_in

SEQUENCE = re.compile(r"\x1b(?:\[[0-9;?<=>$ ]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[^\[\]])")
WRITTEN_BY_TEXTUAL = re.compile(
    r"\x1b\]22;[a-z-]*\x07"  # shape of the mouse pointer
    r"|\x1b\[(?:"
    r"\d+;\d+H"  # cursor to a place
    r"|(?:0|1|2|3|4|7|9|[34]8;5;\d+|[34]8;2;\d+;\d+;\d+|;)*m"  # colours of the 256, or true ones
    r"|\?(?:7|25|1000|1003|1004|1006|1015|1049|2004|2026|2048)[hl]"  # modes
    r"|\?(?:2026|2048)\$p"  # questions about modes
    r"|>\d+u|<u"  # keyboard protocol
    r"|H|\?6n"
    r")"
)
FORBIDDEN = re.compile(
    "[\x00-\x06\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
)


def given_back(terminal: Terminal) -> None:
    """Alternate screen left, mouse off, cursor shown, wrapping on again; nothing of it taken back later. Keys echo."""
    for off, on in ((b"?1049l", b"?1049h"), (b"?25h", b"?25l"), (b"?1000l", b"?1000h"), (b"?1003l", b"?1003h"),
                    (b"?2004l", b"?2004h"), (b"?7h", b"?7l"), (b"?1004l", b"?1004h")):  # fmt: skip
        assert terminal.output.rfind(b"\x1b[" + off) > terminal.output.rfind(b"\x1b[" + on), off
    assert terminal.is_for_lines()


@pytest.mark.parametrize("size", [(80, 24), (200, 60)], ids=str)
def test_no_control_but_textuals_own_goes_out(size: tuple[int, int], tmp_path: Path) -> None:
    with dashboard_in("hostile", tmp_path / "log", size=size) as terminal:
        terminal.wait_for("QUEUE")
        for keys in ("\r", "r", "R", "D", "c", "t", "?", "v", "\x10", "d"):
            terminal.type(keys)
            terminal.read_for(0.4)
            terminal.type("\x1b")
            terminal.read_for(0.2)
        for _ in range(4):
            terminal.type("\t")
            terminal.read_for(0.5)
        terminal.type("\x11")
        assert terminal.end()[0] == 0
        text = terminal.output.decode("utf-8")
        for sequence in SEQUENCE.findall(text):
            assert WRITTEN_BY_TEXTUAL.fullmatch(sequence), ascii(sequence)
        rest = SEQUENCE.sub("", text)
        assert "\x1b" not in rest
        assert not FORBIDDEN.search(rest), ascii(FORBIDDEN.search(rest))
        assert "PURPLE" in rest, "the payloads were never on the screen"
        assert "\x1b[35m" not in text
        assert "\x07" not in rest


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT], ids=lambda number: number.name)
def test_a_signal_gives_the_terminal_back(number: signal.Signals, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with dashboard_in("healthy", log) as terminal:
        terminal.wait_for("delivered 12,041")
        terminal.process.send_signal(number)
        code, spent = terminal.end()
        assert code == 0
        assert spent < 2
        given_back(terminal)
        assert log.read_text() == "started\nstopped\n"


@pytest.mark.parametrize("controlling", [True, False], ids=["told by SIGHUP", "not told"])
@pytest.mark.parametrize("state", ["healthy", "degraded"], ids=["SIGHUP default", "SIGHUP ignored"])
def test_a_lost_terminal_ends_it(state: str, controlling: bool, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with dashboard_in(state, log, controlling=controlling) as terminal:
        terminal.wait_for("delivered ")
        terminal.hang_up()
        code, spent = terminal.end()
        assert code == 0
        assert spent < 2
        assert log.read_text() == "started\nstopped\n"


def test_quit_gives_the_terminal_back(tmp_path: Path) -> None:
    with dashboard_in("healthy", tmp_path / "log") as terminal:
        terminal.wait_for("delivered 12,041")
        terminal.type("q")
        assert terminal.end()[0] == 0
        given_back(terminal)


def test_a_crash_gives_the_terminal_back_and_tells_no_secret(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with dashboard_in("crash", log) as terminal:
        terminal.wait_for("delivered 12,041")
        code, _ = terminal.end()
        assert code == 1
        given_back(terminal)
        assert b"AttributeError" in terminal.output
        assert SECRET.encode() not in terminal.output
        assert log.read_text() == "started\nstopped\n"


def test_an_engine_that_cannot_start_ends_it_with_the_reason(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with dashboard_in("refused", log) as terminal:
        assert terminal.end()[0] == 3
        given_back(terminal)
        assert "Nobody listens at ␛[35mnowhere. Start a server".encode() in terminal.output
        assert log.read_text() == "stopped\n"


def test_without_the_mouse_it_is_never_asked_for(tmp_path: Path) -> None:
    with dashboard_in("empty", tmp_path / "log", environment=configured(tmp_path, "[ui]\nmouse = false")) as terminal:
        terminal.wait_for("Nothing has been tracked yet")
        terminal.type("q")
        terminal.end()
        assert b"?1000h" not in terminal.output
        assert b"?1003h" not in terminal.output


@pytest.mark.parametrize("keys", ["D\r", "Dy", "D\t\r", "D\x1b[C\r", "R\r", "Dy\r\t\r"], ids=ascii)
def test_keys_typed_ahead_confirm_nothing(keys: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with dashboard_in("healthy", log) as terminal:
        terminal.wait_for("delivered 12,041")
        terminal.type(keys)
        terminal.read_for(0.6)
        terminal.process.send_signal(signal.SIGTERM)
        terminal.end()
        assert "ran" not in log.read_text()


def test_a_plan_is_confirmed_by_hand(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with dashboard_in("healthy", log) as terminal:
        terminal.wait_for("delivered 12,041")
        for patience in (0.5, 1, 2, 4, 8):
            terminal.type("R")
            terminal.wait_for("Retry 3 requests")
            terminal.read_for(patience)
            terminal.type("\t\r")
            terminal.read_for(patience)
            if "requests: done" in terminal.shown:
                break
            terminal.type("\x1b")
            terminal.wait(lambda: "This cannot be undone" not in terminal.shown)
        terminal.process.send_signal(signal.SIGTERM)
        terminal.end()
        assert "ran Retry 3 requests" in log.read_text()


def test_bytes_that_are_no_text_end_nothing(tmp_path: Path) -> None:
    with dashboard_in("healthy", tmp_path / "log") as terminal:
        terminal.wait_for("delivered 12,041")
        terminal.type(b"\xff\xc3\x28\xe4\xf0\x9f")
        terminal.read_for(0.5)
        terminal.type("?")
        terminal.wait_for("Retry every dead request")
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.end()[0] == 0
        given_back(terminal)


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_dumb_terminal_is_refused(term: str, tmp_path: Path) -> None:
    with dashboard_in("healthy", tmp_path / "log", term=term) as terminal:
        assert terminal.end()[0] == 2
        assert b"opalmind-tui status" in terminal.output
        assert b"\x1b" not in terminal.output


def test_the_refusal_needs_no_textual() -> None:
    look = "any(name.split('.')[0] in ('textual', 'rich') for name in sys.modules)"
    code = f"import sys, opalmind_tui.tui.terminal; sys.exit({look})"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
