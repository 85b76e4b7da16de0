"""Drives `opalmind-tui demo` in a pseudo-terminal: waits for delivered requests, presses keys, quits with q.

Usage: drive_demo.py PROGRAM [COLUMNS LINES]
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping

import pyte

START = 60.0
"""Seconds until requests must have been delivered, on a slow machine."""
REACT = 15.0
END = 10.0
HELP = "esc: close"
"""What only the help says."""


class Screen:
    """A program in a pseudo-terminal and what its screen shows."""

    def __init__(
        self, arguments: list[str], columns: int, lines: int, environment: Mapping[str, str] = os.environ
    ) -> None:
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        self._terminal, child = pty.openpty()
        fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        variables = {**environment, "TERM": "xterm-256color", "COLORTERM": "", "LANG": "C.UTF-8"}
        # A session of its own with this terminal, so that a hang-up reaches it as from a lost connection.
        self.process = subprocess.Popen(
            arguments, stdin=child, stdout=child, stderr=child, env=variables, start_new_session=True
        )
        os.close(child)

    @property
    def text(self) -> str:
        """What the screen shows now."""
        return "\n".join(line.rstrip() for line in self._screen.display)

    def read(self, seconds: float) -> bool:
        """Take in what the program writes within this time; False when it has closed the terminal."""
        if not select.select([self._terminal], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self._terminal, 65_536)
        except OSError:
            return False
        self._stream.feed(data)
        return bool(data)

    def wait_for(self, what: str, seen: Callable[[str], bool], seconds: float) -> None:
        """Read until the screen shows something; end the program and this one when it does not."""
        deadline = time.monotonic() + seconds
        while not seen(self.text):
            if time.monotonic() > deadline or not self.read(0.2):
                self.give_up(f"{what} was not seen within {seconds:.0f} s")

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self._terminal, keys.encode())

    def ended(self, seconds: float) -> int:
        """The exit code."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None:
            if time.monotonic() > deadline:
                self.give_up(f"it did not end within {seconds:.0f} s")
            self.read(0.1)
        return self.process.returncode

    def give_up(self, why: str) -> None:
        """Show the screen and fail."""
        print(f"{why}. The screen:\n{self.text}", file=sys.stderr)
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
        raise SystemExit(1)


def delivered(text: str) -> int:
    """The number behind the word delivered; 0 while there is none."""
    found = re.search(r"delivered\s+([\d,.]*\d)", text)
    return int(re.sub(r"\D", "", found[1])) if found else 0


def drive(command: list[str], columns: int = 120, lines: int = 40) -> str:
    """Drive the demo; returns what the screen showed before the end. Raises `SystemExit` when it fails."""
    screen = Screen(command, columns, lines)
    screen.wait_for("a delivered request", lambda text: delivered(text) > 0, START)
    first = delivered(screen.text)
    screen.wait_for("the next delivered request", lambda text: delivered(text) > first, REACT)
    screen.press("?")
    screen.wait_for("the help", lambda text: HELP in text, REACT)
    screen.press("\x1b")
    screen.wait_for("the panels again", lambda text: HELP not in text and delivered(text) > 0, REACT)
    shown = screen.text
    screen.press("q")
    code = screen.ended(END)
    if code:
        screen.give_up(f"it ended with code {code}")
    return shown


if __name__ == "__main__":
    seen = drive([sys.argv[1], "demo"], *(int(value) for value in sys.argv[2:4]))
    print(f"{seen}\n\ndelivered {delivered(seen)}, ended with code 0")
