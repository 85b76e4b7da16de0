"""A program in a real pseudo-terminal: everything that it writes is kept, and drawn by an emulator."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pyte

PATIENCE = 30.0
"""Seconds after which a test gives up; nothing is decided by it."""


class Terminal:
    """A program and its terminal. Use it as a context manager: the program does not outlive it."""

    def __init__(
        self,
        arguments: list[str],
        *,
        size: tuple[int, int] = (80, 24),
        term: str = "xterm-256color",
        controlling: bool = True,
        environment: dict[str, str] | None = None,
    ) -> None:
        self._master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        kept = {
            name: os.environ[name]
            for name in ("PATH", "HOME", "LANG", "PYTHONPATH", "XDG_STATE_HOME", "XDG_CONFIG_HOME")
            if name in os.environ
        }
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**kept, "TERM": term, **(environment or {})},
            cwd=Path(__file__).parent.parent.parent,
            start_new_session=True,
            preexec_fn=_take_terminal if controlling else None,
        )
        os.close(slave)
        self.output = b""
        self._screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self._screen)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *exc: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.hang_up()

    @property
    def shown(self) -> str:
        """What stands on the screen now."""
        return "\n".join(self._screen.display)

    def unreadable(self) -> str:
        """Characters on the screen whose colour is that of their ground."""
        drawn = (cell for row in self._screen.buffer.values() for cell in row.values())
        return "".join(cell.data for cell in drawn if cell.data.strip() and cell.fg == cell.bg != "default")

    def marked(self, text: str) -> bool:
        """Whether a text on the screen is reversed, or on another ground than the screen's corner."""
        row = next(number for number, line in enumerate(self._screen.display) if text in line)
        cell = self._screen.buffer[row][self._screen.display[row].index(text)]
        return bool(cell.reverse) or cell.bg != self._screen.buffer[0][0].bg

    def is_for_lines(self) -> bool:
        """Whether what is typed is echoed and comes by the line, as a shell wants it."""
        wanted = termios.ECHO | termios.ICANON | termios.ISIG
        return int(termios.tcgetattr(self._master)[3]) & wanted == wanted

    def wait(self, condition: Callable[[], bool]) -> None:
        """Read until the condition holds."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, self.shown
            self.read(0.05)

    def wait_for(self, text: str) -> None:
        """Read until a text stands on the screen."""
        self.wait(lambda: text in self.shown)

    def read(self, seconds: float) -> None:
        """Take what the program writes within a time."""
        if self._master < 0:
            time.sleep(seconds)
        elif select.select([self._master], [], [], seconds)[0]:
            try:
                data = os.read(self._master, 65_536)
            except OSError:
                data = b""
                time.sleep(seconds)
            self.output += data
            self._stream.feed(data)

    def read_for(self, seconds: float) -> None:
        """Take all that the program writes within a time."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.read(min(left, 0.05))

    def type(self, text: str | bytes) -> None:
        """Press keys, all at once."""
        os.write(self._master, text.encode() if isinstance(text, str) else text)

    def hang_up(self) -> None:
        """Close the terminal, as a lost connection does."""
        if self._master >= 0:
            os.close(self._master)
            self._master = -1

    def end(self) -> tuple[int, float]:
        """Wait for the end: the exit code, and the seconds that it took."""
        began = time.monotonic()
        self.wait(lambda: self.process.poll() is not None)
        spent = time.monotonic() - began
        while self._master >= 0 and select.select([self._master], [], [], 0)[0]:
            before = len(self.output)
            self.read(0)
            if len(self.output) == before:
                break
        assert self.process.returncode is not None
        return self.process.returncode, spent


def _take_terminal() -> None:
    """Make the terminal the controlling one, so that its loss is told by SIGHUP."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def dashboard_in(state: str, log: Path, **options: object) -> Terminal:
    """The dashboard in a state of the fixtures."""
    return Terminal(["-m", "tests.tui.runner", state, str(log)], **options)  # type: ignore[arg-type]


def configured(folder: Path, text: str) -> dict[str, str]:
    """The environment of a program whose operator has this configuration file."""
    home = folder / "config"
    (home / "opalmind-tui").mkdir(parents=True)
    (home / "opalmind-tui" / "config.toml").write_text(text)
    return {"XDG_CONFIG_HOME": str(home)}
