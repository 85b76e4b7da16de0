"""What would become of lines that `track --from` reads, without taking any of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from opalmind_tui.tracking.lines import Line
from opalmind_tui.tracking.queue import Acceptance, Answer

if TYPE_CHECKING:
    from opalmind_tui.engine.engine import Engine

KNOWN_TO_THE_QUEUE = frozenset({"pending", "scheduled", "inflight", "dead"})
"""States in which a request keeps its idempotency key from others."""


class Foresight:
    """Judges batch by batch; a key that comes twice in the file is known the second time.

    What was delivered already under a line's key is not looked up, and of a key that is in the queue nothing tells
    whether the payload is the same: both count as the queue would count them at best.
    """

    def __init__(self) -> None:
        self._fingerprints: dict[str, str] = {}

    async def judged(self, engine: Engine, lines: list[Line]) -> tuple[list[Line], Mapping[int, Answer]]:
        """The lines, and an answer to each that would be offered, by its number. Raises `StoreUnavailable`."""
        ids = [line.id for line in lines if line.request is not None and line.id]
        known = {row.id for row in await engine.queue.rows_of(ids)} if ids else set()
        return lines, {
            line.number: Answer(await self._outcome(engine, line, known), line.id)
            for line in lines
            if line.request is not None
        }

    async def _outcome(self, engine: Engine, line: Line, known: set[str]) -> Acceptance:
        assert line.request is not None
        key, fingerprint = line.request.key, line.request.fingerprint
        if line.id in known:
            return Acceptance.DUPLICATE
        if not key:
            return Acceptance.ACCEPTED
        if key in self._fingerprints:
            same = self._fingerprints[key] == fingerprint
            return Acceptance.DUPLICATE if same else Acceptance.CONFLICT
        self._fingerprints[key] = fingerprint
        rows = await engine.queue.find(key)
        taken = any(row.key == key and row.state in KNOWN_TO_THE_QUEUE for row in rows)
        return Acceptance.DUPLICATE if taken else Acceptance.ACCEPTED
