"""Saves what this dashboard saw in the last minutes to a file, and says where it is."""

from __future__ import annotations

import asyncio
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from opalmind_tui.recording.files import CannotRecord, save
from opalmind_tui.recording.form import MOST_ENTRIES
from opalmind_tui.snapshot.audit import AuditEntry, AuditPage, AuditView
from opalmind_tui.snapshot.model import Reading
from opalmind_tui.snapshot.wanted import Wanted
from opalmind_tui.text import safe_text
from opalmind_tui.tui.bars import Status
from opalmind_tui.tui.dialogs.reading import ReadingDialog
from opalmind_tui.tui.figures import size, stamp, words
from opalmind_tui.tui.lines import Tone

if TYPE_CHECKING:
    from opalmind_tui.recording.tape import Tape
    from opalmind_tui.tui.app import OpalmindApp

PROGRAM = "opalmind-tui"
_WHY = 120
"""Most characters of why the audit trail is missing."""
PRIVATE = "Only you can read the file. No token or password is in it; what visitors sent is in it as on this screen."


def save_recording(app: OpalmindApp) -> None:
    """Save it, and open a window that says where."""
    app.run_worker(_save(app), group="save", exclusive=True, exit_on_error=False)


async def _save(app: OpalmindApp) -> None:
    tape = app.recorder.tape
    told = what_is_kept(tape)
    try:
        looked = await app.engine.take_snapshot(Wanted(audit=AuditView(rows=MOST_ENTRIES)))
        trail, lacks = trail_of(looked.audit)
        path = await asyncio.to_thread(save, app.recorder.contents(trail), tape.span[1])
    except CannotRecord as error:
        app.frame.say(Status(str(error), Tone.FAIL))
    else:
        again = f"To see it again:\n\n{PROGRAM} replay {_for_shell(path)}"
        app.push_screen(ReadingDialog("The recording is saved", "\n\n".join((told, *lacks, again, PRIVATE))))


def trail_of(reading: Reading[AuditPage] | None) -> tuple[tuple[AuditEntry, ...], tuple[str, ...]]:
    """What can be had of the audit trail, and a sentence where that is not all of it."""
    if reading is None or reading.value is None:
        why = reading.error if reading is not None and reading.error else "it could not be read"
        return (), (f"Without the audit trail: {safe_text(why, _WHY)}.",)
    old = (f"Of the audit trail only what was read before: {safe_text(reading.error, _WHY)}.",) if reading.error else ()
    return reading.value.entries, old


def _for_shell(path: Path) -> str:
    """A path as a shell takes it; short where it lies at home."""
    if path.is_relative_to(home := Path.home()):
        return f"~/{shlex.quote(str(path.relative_to(home)))}"
    return shlex.quote(str(path))


def what_is_kept(tape: Tape) -> str:
    """How many snapshots, and of which time."""
    first, last = tape.span
    many = f"{tape.frames:,} snapshot{'' if tape.frames == 1 else 's'}"
    return f"{many} over {words(last - first)}, {size(tape.size)} packed,\nfrom {stamp(first)}\nto   {stamp(last)}"
