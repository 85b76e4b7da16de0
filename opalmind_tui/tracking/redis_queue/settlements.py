"""What the script `settle` is told of a request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from opalmind_tui.tracking.queue import Claimed, Fate, Settlement, cut
from opalmind_tui.tracking.redis_queue.batches import batches_by_weight
from opalmind_tui.tracking.redis_queue.keys import digest_of
from opalmind_tui.tracking.redis_queue.replies import micros
from opalmind_tui.tracking.redis_queue.scripts import Argument
from opalmind_tui.tracking.rows import shown_when_delivered

MOST_WEIGHT = 200
"""Of what one script settles: a whole bulk that was delivered, in well under 5 ms."""
NOTED_WEIGHT = 4
"""Of a request about which something is noted: what is known of it is read and written, and it gets into lists."""
_LIGHT = frozenset({Fate.DELIVERED, Fate.DROPPED, Fate.UNSENT})


def parts_of(settlements: Sequence[Settlement]) -> Iterator[Sequence[Settlement]]:
    """The settlements in order, a script's worth at a time."""
    weights = [1 if settlement.fate in _LIGHT else NOTED_WEIGHT for settlement in settlements]
    for part in batches_by_weight(weights, MOST_WEIGHT):
        yield settlements[part.start : part.stop]


def told_of_settlement(settlement: Settlement, claimed: Claimed, key: bytes) -> tuple[Argument, ...]:
    """What the script is told of it.

    Args:
        claimed: the request, as far as it is known.
        key: its idempotency key as it stands in Redis, empty for none.
    """
    record = settlement.record if key and settlement.record else b""
    shown = b""
    if settlement.fate is Fate.DELIVERED and claimed.body:
        shown = shown_when_delivered(claimed.body, claimed.accepted, claimed.attempts)
    return settlement.id, digest_of(key), record, shown, _details(settlement)


def _details(settlement: Settlement) -> bytes:
    """All that is not as it is of most: delivered, and nothing to say about it."""
    if settlement.fate is Fate.DELIVERED and not (
        settlement.error or settlement.token or settlement.unposted or settlement.duplicate
    ):
        return b""
    status = "" if settlement.status is None else settlement.status
    flags = "c" * settlement.costs_attempt + "u" * settlement.unknown + "a" * settlement.alone + "t" * settlement.token
    flags += "d" * settlement.duplicate
    flags += "n" * (settlement.unposted or settlement.fate is Fate.UNSENT)
    error = cut(settlement.error).encode("utf-8", "replace")
    return f"{settlement.fate.value} {micros(settlement.delay)} {status} {flags} ".encode() + error
