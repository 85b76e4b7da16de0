"""What is typed in a real terminal is read in the app's loop: whole, in order, and before a timer that is due."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.tui.terminal import Terminal


class Typing:
    """The app of `typist`, and what it noted."""

    def __init__(self, terminal: Terminal, log: Path) -> None:
        self.terminal, self._log = terminal, log

    @property
    def notes(self) -> list[list[str]]:
        """Its lines, in words."""
        return [line.split(" ") for line in self._log.read_text().splitlines()] if self._log.exists() else []

    @property
    def keys(self) -> list[str]:
        """The keys that came."""
        return [note[1] for note in self.notes if note[0] == "key"]

    def one(self, kind: str) -> list[str]:
        """Wait for a note of a kind."""
        self.terminal.wait(lambda: any(note[0] == kind for note in self.notes))
        return next(note[1:] for note in self.notes if note[0] == kind)

    def wait_for_keys(self, *keys: str) -> None:
        """Wait for as many keys as these; they are these."""
        self.terminal.wait(lambda: len(self.keys) >= len(keys))
        assert self.keys == list(keys)


@contextmanager
def typing(folder: Path) -> Iterator[Typing]:
    log = folder / "log"
    with Terminal(["-m", "tests.tui.typist", str(log)]) as terminal:
        both = Typing(terminal, log)
        both.one("ready")
        yield both


def test_no_thread_waits_for_keys(tmp_path: Path) -> None:
    with typing(tmp_path) as both:
        both.terminal.type("T")
        assert not [name for name in both.one("threads") if "input" in name]


def test_what_is_typed_comes_whole_and_in_order(tmp_path: Path) -> None:
    with typing(tmp_path) as both:
        both.terminal.type("ab\x1b[A\r\x1b[3~ü")
        both.wait_for_keys("a", "b", "up", "enter", "delete", "ü")


@pytest.mark.parametrize(
    ("pieces", "key"), [((b"\xc3", b"\xbc"), "ü"), ((b"\xff",), "replacement_character")], ids=["cut", "no text"]
)
def test_bytes(pieces: tuple[bytes, ...], key: str, tmp_path: Path) -> None:
    with typing(tmp_path) as both:
        for piece in pieces:
            both.terminal.type(piece)
            both.terminal.read_for(0.2)
        both.wait_for_keys(key)


def test_an_escape_alone_is_a_key(tmp_path: Path) -> None:
    with typing(tmp_path) as both:
        both.terminal.type("\x1b")
        both.wait_for_keys("escape")
        both.terminal.type("[A")
        both.wait_for_keys("escape", "left_square_bracket", "A")


def test_a_long_paste_comes_in_one_piece(tmp_path: Path) -> None:
    with typing(tmp_path) as both:
        text = "begin" + "x" * 50_000 + "end"
        both.terminal.type("\x1b[200~")
        for start in range(0, len(text), 3000):
            both.terminal.type(text[start : start + 3000])
        both.terminal.type("\x1b[201~")
        assert both.one("paste") == [str(len(text)), text[:9], text[-9:]]


@pytest.mark.parametrize("typed", ["ab", "\x1b\r"], ids=["keys", "known to be a key only later"])
def test_what_is_typed_in_a_stall_is_older_than_a_timer_that_is_due(typed: str, tmp_path: Path) -> None:
    with typing(tmp_path) as both:
        both.terminal.type("S")
        both.one("stalled")
        both.terminal.type(typed)
        timer = float(both.one("timer")[0])
        both.terminal.wait(lambda: len(both.keys) >= (3 if typed == "ab" else 2))
        assert all(float(note[2]) < timer for note in both.notes if note[0] == "key")


def test_stopped_and_continued_it_listens_again(tmp_path: Path) -> None:
    with typing(tmp_path) as both:
        for number in (1, 2):
            both.terminal.process.send_signal(signal.SIGTSTP)
            both.terminal.wait(lambda: _state(both.terminal.process.pid) == "T")
            both.terminal.process.send_signal(signal.SIGCONT)
            both.terminal.wait(lambda number=number: both.terminal.output.count(b"?1049h") == 1 + number)
            both.terminal.read_for(0.3)
            both.terminal.type("a")
            both.wait_for_keys(*"a" * number)


@pytest.mark.parametrize("number", [signal.SIGTSTP, signal.SIGSTOP], ids=lambda number: number.name)
def test_stopped_and_continued_it_gives_the_terminal_back(number: signal.Signals, tmp_path: Path) -> None:
    with typing(tmp_path) as both:
        assert not both.terminal.is_for_lines()
        both.terminal.process.send_signal(number)
        both.terminal.wait(lambda: _state(both.terminal.process.pid) == "T")
        assert both.terminal.is_for_lines() == (number == signal.SIGTSTP)
        both.terminal.process.send_signal(signal.SIGCONT)
        both.terminal.wait(lambda: both.terminal.output.count(b"?1049h") == 2)
        both.terminal.read_for(0.3)
        assert not both.terminal.is_for_lines()
        both.terminal.type("Q")
        assert both.terminal.end()[0] == 0
        assert both.terminal.is_for_lines()


@pytest.mark.parametrize(
    "sequence", ["\x1b[99999999u", "\x1b[48;24;80;0;0t\x1b[<0;5;5M"], ids=["no such character", "no pixels"]
)
def test_what_textual_cannot_bear_ends_nothing(sequence: str, tmp_path: Path) -> None:
    with typing(tmp_path) as both:
        both.terminal.type(sequence)
        both.terminal.read_for(0.3)
        both.terminal.type("b")
        both.terminal.wait(lambda: "b" in both.keys)


def test_a_terminal_that_is_another_programs_now_ends_it(tmp_path: Path) -> None:
    with typing(tmp_path) as both:
        both.terminal.type("E")
        both.one("refused")
        both.terminal.type("a")
        assert both.terminal.end()[0] == 0
        assert both.keys == ["E"]


def test_what_is_typed_to_another_program_is_left_to_it(tmp_path: Path) -> None:
    with typing(tmp_path) as both:
        both.terminal.type("D")
        both.one("disabled")
        both.terminal.type("a")
        both.one("timer")
        assert both.keys == ["D"]


def test_it_can_be_left(tmp_path: Path) -> None:
    with typing(tmp_path) as both:
        both.terminal.type("Q")
        assert both.terminal.end()[0] == 0


def _state(process: int) -> str:
    """As the kernel says it."""
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
