"""What the script `settle` is told of a request."""

from __future__ import annotations

from opalmind_tui.tracking.queue import Fate, Settlement, cut
from opalmind_tui.tracking.redis_queue.keys import digest_of
from opalmind_tui.tracking.redis_queue.replies import micros
from opalmind_tui.tracking.redis_queue.scripts import Argument


def add_settlement(
    settlement: Settlement, key: bytes, record_prefix: bytes, arguments: list[Argument], records: list[bytes]
) -> None:
    """Add what the script is told of it, and the key of its record where one is written.

    Args:
        key: the request's idempotency key as it stands in Redis, empty for none.
    """
    record = settlement.record if key and settlement.record else b""
    if record:
        records.append(record_prefix + key)
    arguments += (settlement.id, digest_of(key), record, _details(settlement))


def _details(settlement: Settlement) -> bytes:
    """All that is not as it is of most: delivered, and nothing to say about it."""
    if settlement.fate is Fate.DELIVERED and not (settlement.error or settlement.token or settlement.unposted):
        return b""
    status = "" if settlement.status is None else settlement.status
    flags = "c" * settlement.costs_attempt + "u" * settlement.unknown + "a" * settlement.alone + "t" * settlement.token
    flags += "n" * (settlement.unposted or settlement.fate is Fate.UNSENT)
    error = cut(settlement.error).encode("utf-8", "replace")
    return f"{settlement.fate.value} {micros(settlement.delay)} {status} {flags} ".encode() + error
