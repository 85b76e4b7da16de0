"""What would become of lines that `track --from` reads, without taking any of them."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from msgspec.structs import replace

from opalmind_tui.tracking.lines import Line
from opalmind_tui.tracking.queue import Acceptance, Answer

if TYPE_CHECKING:
    from opalmind_tui.engine.engine import Engine
    from opalmind_tui.tracking.request import TrackingRequest

KNOWN_TO_THE_QUEUE = frozenset({"pending", "scheduled", "inflight", "dead"})
"""States in which a request keeps its idempotency key from others."""
SIDE_BY_SIDE = 5
"""Keys that are looked for at a time: no more than there are connections, or on a slow line those that wait for one run
out of time."""
IN_THE_QUEUE = "its idempotency key is in the queue: known with the same payload, a conflict with another one"


class Foresight:
    """Judges batch by batch; a key that comes twice in the file is known the second time.

    What was delivered already under a line's key is not looked up, and of a key that is in the queue nothing tells
    whether the payload is the same: both count as the queue would count them at best.
    """

    def __init__(self) -> None:
        self._fingerprints: dict[int, int] = {}
        """By idempotency key, both as hashes: a file may have millions of them."""

    async def judged(self, engine: Engine, lines: list[Line]) -> tuple[list[Line], Mapping[int, Answer]]:
        """The lines, and an answer to each that would be offered, by its number. Raises `StoreUnavailable`."""
        offered = [(line, line.request) for line in lines if line.request is not None]
        ids = [line.id for line, _ in offered if line.id]
        known = {row.id for row in await engine.queue.rows_of(ids)} if ids else set()
        taken = await _taken(engine, {request.key for line, request in offered if request.key and line.id not in known})
        answers = {
            line.number: Answer(
                Acceptance.DUPLICATE if line.id in known else self._outcome(request, request.key in taken), line.id
            )
            for line, request in offered
        }
        unsure = {line.number for line, request in offered if request.key in taken}
        return [replace(line, reason=IN_THE_QUEUE) if line.number in unsure else line for line in lines], answers

    def _outcome(self, request: TrackingRequest, taken: bool) -> Acceptance:
        """Of a line whose key is `taken` in the queue, or not."""
        if not request.key:
            return Acceptance.ACCEPTED
        key, fingerprint = hash(request.key), hash(request.fingerprint)
        if key in self._fingerprints:
            same = self._fingerprints[key] == fingerprint
            return Acceptance.DUPLICATE if same else Acceptance.CONFLICT
        self._fingerprints[key] = fingerprint
        return Acceptance.DUPLICATE if taken else Acceptance.ACCEPTED


async def _taken(engine: Engine, keys: Collection[str]) -> set[str]:
    """Those that requests in the queue keep from others."""
    taken, asked = set[str](), list(keys)
    for start in range(0, len(asked), SIDE_BY_SIDE):
        found = await asyncio.gather(*map(engine.queue.find, asked[start : start + SIDE_BY_SIDE]))
        taken |= {row.key for rows in found for row in rows if row.key in keys and row.state in KNOWN_TO_THE_QUEUE}
    return taken
