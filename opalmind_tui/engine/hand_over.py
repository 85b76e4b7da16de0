"""What lives only in a process's memory when it ends is written to a file, which `track --from` reads back.

Nothing here awaits: whoever has no patience left with the end of a process cannot interrupt the writing.
"""

from __future__ import annotations

import os
import secrets
import shlex
import tempfile
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs
from msgspec import Struct

from opalmind_tui.private_file import create

if TYPE_CHECKING:
    from opalmind_tui.tracking.queue import Adopted

PROGRAM = "opalmind-tui"
LINES = "opalmind_tui.tracking.saved"
"""The module that writes a request as a line. Few processes need it, and none may look for it only at its end: an
upgrade may have taken the file away by then."""


class HandOver(Struct, frozen=True):
    """What became of the requests.

    Args:
        path: the file; None where none could be written.
        requests: how many there were. `unknown`: of them, how many Matomo or Redis may have all the same.
        failures: a sentence for each folder that took nothing.
    """

    path: Path | None
    requests: int
    unknown: int = 0
    failures: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """What an operator must know: how many, where, what to do."""
        many = f"{self.requests:,} accepted request{'s' if self.requests != 1 else ''} lived only in this process"
        tried = "".join(f" {failure}." for failure in self.failures)
        if self.path is None:
            return f"{many} and {'are' if self.requests != 1 else 'is'} lost: no file could be written.{tried}"
        told = f"{many}: saved in {self.path}."
        if self.unknown:
            told += f' {self.unknown:,} of them may have reached Matomo already; each is marked "unknown" there.'
        take = f"When Redis is back, {PROGRAM} track --from {shlex.quote(str(self.path))} takes them."
        return f"{told} {take}{tried}"


def folders() -> tuple[Path, ...]:
    """Where a file may go, the best place first."""
    return home_folder(), Path(tempfile.gettempdir()), Path.cwd()


def home_folder() -> Path:
    """Where a file goes unless something is wrong there (XDG state)."""
    return platformdirs.user_state_path(PROGRAM)


def save(read: Callable[[], Iterable[Adopted]], places: Iterable[Path] | None = None) -> HandOver:
    """Write the requests to a new file, in the first folder that takes it. Never raises for a folder that does not.

    Args:
        read: gives the requests, anew for each folder.
        places: the folders to try.
    """
    failures: list[str] = []
    for folder in folders() if places is None else places:
        try:
            return _write(folder, read(), tuple(failures))
        except OSError as error:
            failures.append(f"{folder} cannot take a file: {error.strerror or error}")
    return HandOver(None, sum(1 for _ in read()), failures=tuple(failures))


def _write(folder: Path, requests: Iterable[Adopted], failures: tuple[str, ...]) -> HandOver:
    """A whole file or none."""
    from opalmind_tui.tracking.saved import saved_line

    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # The time tells people which one; the rest keeps two processes apart, and nothing is ever overwritten.
    moment = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
    path = folder / f"hand-over-{moment}-{secrets.token_hex(4)}.jsonl"
    # Under another name until it is whole: what is read back is never half a file.
    part = path.with_suffix(".part")
    descriptor = create(part)
    count = unknown = 0
    try:
        with os.fdopen(descriptor, "wb") as file:
            for request in requests:
                file.write(saved_line(request) + b"\n")
                count, unknown = count + 1, unknown + bool(request.unknown or request.in_doubt)
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return HandOver(path, count, unknown, failures)
