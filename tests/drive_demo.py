"""Drives `opalmind-tui demo` in a pseudo-terminal: waits for delivered requests, presses keys, quits with q.

Usage, from the project's folder: python -m tests.drive_demo PROGRAM [COLUMNS LINES]
"""

from __future__ import annotations

import os
import re
import sys
import time

from tests.support.terminal import Terminal

START = 60.0
"""Seconds until requests must have been delivered, on a slow machine."""
REACT = 15.0
END = 10.0
HELP = "esc: close"
"""What only the help says."""


def delivered(text: str) -> int:
    """The number behind the word delivered; 0 while there is none."""
    found = re.search(r"delivered\s+([\d,.]*\d)", text)
    return int(re.sub(r"\D", "", found[1])) if found else 0


def drive(command: list[str], columns: int = 120, lines: int = 40) -> str:
    """Drive the demo; returns what the screen showed before the end. Raises `AssertionError` with the screen."""
    terminal = Terminal(command, environment=os.environ, columns=columns, lines=lines)
    try:
        terminal.wait_for("a delivered request", lambda text: delivered(text) > 0, START)
        first = delivered(terminal.text)
        terminal.wait_for("the next delivered request", lambda text: delivered(text) > first, REACT)
        terminal.press("?")
        terminal.wait_for("the help", lambda text: HELP in text, REACT)
        terminal.press("\x1b")
        # A lone escape is told from the beginning of a sequence by time: a key right behind it would be part of one.
        time.sleep(1.0)
        shown = terminal.wait_for("the panels again", lambda text: HELP not in text and delivered(text) > 0, REACT)
        terminal.press("q")
        code = terminal.ended(END)
        assert code == 0, f"it ended with code {code}. The screen:\n{terminal.text}"
        return shown
    finally:
        terminal.close()


if __name__ == "__main__":
    seen = drive([sys.argv[1], "demo"], *(int(value) for value in sys.argv[2:4]))
    print(f"{seen}\n\ndelivered {delivered(seen)}, ended with code 0")
