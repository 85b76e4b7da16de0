"""Keeps what a dashboard sees. What that takes is loaded with the first snapshot: nothing waits for it before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from opalmind_tui.recording.coders import Clean
    from opalmind_tui.recording.files import Writing
    from opalmind_tui.recording.tape import Tape
    from opalmind_tui.snapshot.audit import AuditEntry
    from opalmind_tui.snapshot.model import Snapshot


class Recorder:
    """Keeps the newest snapshots, and writes all of them to a file where that was asked for.

    Args:
        product: the version of this program.
        clean: every text goes through it (I10).
        path: a new file that everything is written to from now on; None for none.
        at: when that begins, epoch seconds.

    Raises `CannotRecord`.
    """

    def __init__(self, product: str, clean: Clean = str, path: Path | None = None, at: float = 0.0) -> None:
        self._product, self._clean = product, clean
        self.file = self._begun(path, at) if path is not None else None

    def _begun(self, path: Path, at: float) -> Writing:
        from opalmind_tui.recording.files import Writing
        from opalmind_tui.recording.form import head_line, packed

        file = Writing(path)
        file.put(packed(head_line(self._product, at)))
        return file

    @cached_property
    def tape(self) -> Tape:
        """What is kept."""
        from opalmind_tui.recording.tape import Tape

        sink: Callable[[bytes], None] | None = self.file.put if self.file is not None else None
        return Tape(self._clean, sink)

    def take(self, snapshot: Snapshot) -> None:
        """Note a snapshot."""
        self.tape.take(snapshot)

    def contents(self, audit: Sequence[AuditEntry] = ()) -> bytes:
        """A recording of what is kept. `audit`: what operators did, the newest first."""
        from opalmind_tui.recording.codec import Codec
        from opalmind_tui.recording.form import MOST_ENTRIES, head_line, line, packed
        from opalmind_tui.snapshot.audit import AuditEntry

        tape, coder = self.tape, Codec(self._clean).of(AuditEntry)
        entries = [coder.plain(entry) for entry in audit[:MOST_ENTRIES]]
        head = packed(head_line(self._product, tape.span[1]))
        return head + tape.packed() + packed(line({"audit": entries}))

    @property
    def trouble(self) -> str:
        """Why nothing is written to the file any more; empty while it goes on."""
        return self.file.trouble if self.file is not None else ""

    def end(self) -> None:
        """No more will come. A file with nothing in it goes."""
        # Where nothing was seen nothing is loaded at the end, either.
        empty = "tape" not in self.__dict__ or not self.tape.frames
        if "tape" in self.__dict__:
            self.tape.end()
        if self.file is not None:
            self.file.end()
            if empty:
                self.file.path.unlink(missing_ok=True)
