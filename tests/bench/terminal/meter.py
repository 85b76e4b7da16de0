"""A program in a pseudo-terminal, with the moment at which each piece of its output came.

Output is only noted while the program runs; what it drew is found out afterwards, by an emulator that gets the pieces
one by one. So the meter costs the program as little as can be.
"""

from __future__ import annotations

import fcntl
import os
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pyte

from tests.bench.core.contestants import ROOT, Failed

SIZE = (120, 40)
QUIET = 0.3
"""Seconds without output after which a screen is stable."""
PATIENCE = 60.0
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Metered:
    """A running program."""

    process: subprocess.Popen[bytes]
    master: int
    began: float
    pieces: list[tuple[float, bytes]] = field(default_factory=list)
    _drawn: int = 0

    def __post_init__(self) -> None:
        self.screen = pyte.Screen(*SIZE)
        self._stream = pyte.ByteStream(self.screen)

    @property
    def octets(self) -> int:
        """Bytes that came so far."""
        return sum(len(data) for _, data in self.pieces)

    def read(self, seconds: float) -> bool:
        """Note what comes within a time, at the most one piece. False where nothing came."""
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.master, 65_536)
        except OSError as error:
            raise Failed("the program in the terminal ended") from error
        self.pieces.append((time.perf_counter(), data))
        return True

    def read_for(self, seconds: float) -> None:
        """Note all that comes within a time."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            self.read(left)

    def until_quiet(self, quiet: float = QUIET) -> None:
        """Note what comes until nothing came for so long."""
        end = time.perf_counter() + PATIENCE
        while self.read(quiet):
            if time.perf_counter() > end:
                raise Failed("the screen never gets quiet")

    def draw(self, changed: Callable[[], bool] | None = None) -> float | None:
        """Draw what was noted and not drawn yet, up to the piece after which `changed` holds; returns its moment."""
        while self._drawn < len(self.pieces):
            moment, data = self.pieces[self._drawn]
            self._drawn += 1
            self._stream.feed(data)
            if changed is not None and changed():
                return moment
        return None

    def wait_for(self, text: str) -> float:
        """The moment at which a text came to stand on the screen."""
        end = time.perf_counter() + PATIENCE
        while True:
            moment = self.draw(lambda: text in "\n".join(self.screen.display))
            if moment is not None:
                return moment
            if time.perf_counter() > end:
                raise Failed(f"{text!r} never came: " + " ".join("".join(self.screen.display).split())[:200])
            self.read(0.2)

    def press(self, keys: bytes) -> float:
        """Write keys; returns the moment."""
        moment = time.perf_counter()
        os.write(self.master, keys)
        return moment

    def processor_time(self) -> float:
        """Seconds of processor time of the program, by the scheduler's count in ns."""
        total = 0
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
        return total / 1e9

    def unshared(self) -> float:
        """MiB that only this program has (USS)."""
        lines = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text().splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith("Private")) / 1024


@contextmanager
def metered(arguments: list[str], **variables: str) -> Iterator[Metered]:
    """Python with these arguments in a terminal; it does not outlive the block."""
    master, slave = os.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", SIZE[1], SIZE[0], 0, 0))
    with tempfile.TemporaryDirectory(prefix="opm-bench-") as folder:
        own = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        own |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT)}
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *arguments], stdin=slave, stdout=slave, stderr=slave, start_new_session=True, cwd=ROOT,
            env={**own, "XDG_STATE_HOME": folder, "XDG_CONFIG_HOME": folder, **variables},
        )  # fmt: skip
        os.close(slave)
        try:
            yield Metered(process, master, began)
        finally:
            process.kill()
            process.wait(30)
            os.close(master)
