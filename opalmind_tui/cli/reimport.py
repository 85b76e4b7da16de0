"""What becomes of the lines of an export before they are offered: known ones are not offered again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec.structs import replace

from opalmind_tui.snapshot.model import State
from opalmind_tui.tracking.lines import Line
from opalmind_tui.tracking.queue import Acceptance, Answer

if TYPE_CHECKING:
    from opalmind_tui.engine.engine import Engine

ASIDE = {
    State.TRASH: "is in the trash here: use queue restore",
    State.REJECTED: "was rejected by Matomo, and would be again",
}
"""Requests that are kept outside the queue: accepting their ids again would change nothing."""


async def judged(engine: Engine, lines: list[Line], *, dry_run: bool) -> tuple[list[Line], Mapping[int, Answer]]:
    """The lines, with those refused that cannot be taken, and the answers known already, by line number.

    Raises `StoreUnavailable`.
    """
    ids = [line.id for line in lines if line.request is not None and line.id]
    known = {row.id: row.state for row in await engine.queue.rows_of(ids)}
    lines = [_refused(line, known.get(line.id)) for line in lines]
    answers = {
        line.number: Answer(Acceptance.DUPLICATE, line.id)
        for line in lines
        if line.request is not None and line.id in known
    }
    if dry_run:
        taken = {line.number: Answer(Acceptance.ACCEPTED, line.id) for line in lines if line.request is not None}
        answers = {**taken, **answers}
    return lines, answers


def _refused(line: Line, state: State | None) -> Line:
    if line.request is None:
        return line
    if not line.id:
        return replace(line, request=None, field="kind", reason="is no line of an export: use track --from")
    if state in ASIDE:
        return replace(line, request=None, field="id", reason=ASIDE[state])
    return line
