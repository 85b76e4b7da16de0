"""A real program in a real pseudo-terminal, and what its screen shows."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence

import pyte


class Terminal:
    """One program and its screen.

    Args:
        arguments: the program and its arguments.
        environment: its environment; TERM says 256 colours, as over SSH.
    """

    def __init__(
        self, arguments: Sequence[str], *, environment: Mapping[str, str], columns: int = 80, lines: int = 24
    ) -> None:
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        self.output = bytearray()
        """Everything that the program has written."""
        self._terminal, child = pty.openpty()
        fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        made = {**environment, "TERM": "xterm-256color", "COLORTERM": "", "LANG": "C.UTF-8"}
        # A session of its own with this terminal, so that a hang-up reaches it as from a lost connection.
        self.process = subprocess.Popen(
            arguments, stdin=child, stdout=child, stderr=child, env=made, start_new_session=True
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
        self.output += data
        self._stream.feed(data)
        return bool(data)

    def wait_for(self, what: str, seen: Callable[[str], bool], seconds: float = 20.0) -> str:
        """Read until the screen shows something; returns the screen. Raises `AssertionError` with the screen."""
        deadline = time.monotonic() + seconds
        while not seen(self.text):
            assert time.monotonic() < deadline, f"{what} was not seen within {seconds:.0f} s. The screen:\n{self.text}"
            assert self.read(0.2), f"it ended before {what} was seen. The screen:\n{self.text}"
        return self.text

    def colours_of(self, text: str) -> tuple[str, str]:
        """The colours of the lowest such text on the screen, of its letters and behind them; it must be there."""
        row = max(number for number, line in enumerate(self._screen.display) if text in line)
        cell = self._screen.buffer[row][self._screen.display[row].index(text)]
        return cell.fg, cell.bg

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self._terminal, keys.encode())

    def ended(self, seconds: float = 10.0) -> int:
        """The exit code. Raises `AssertionError` when it does not end."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"it did not end within {seconds:.0f} s. The screen:\n{self.text}"
            self.read(0.1)
        while self.read(0.0) and select.select([self._terminal], [], [], 0.0)[0]:
            pass
        return self.process.returncode

    def close(self) -> None:
        """End the program, politely first."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        os.close(self._terminal)
