"""What the script `settle` is told of a request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import orjson

from opalmind_tui.tracking.gist import gist_in
from opalmind_tui.tracking.queue import Claimed, Fate, Settlement, cut
from opalmind_tui.tracking.redis_queue.batches import batches_by_weight
from opalmind_tui.tracking.redis_queue.keys import bytes_of, digest_of
from opalmind_tui.tracking.redis_queue.replies import micros
from opalmind_tui.tracking.redis_queue.scripts import Argument
from opalmind_tui.tracking.request import stored_key
from opalmind_tui.tracking.rows import delivered_entry

MOST_WEIGHT = 200
"""Of what one script settles: a whole bulk that was delivered, in well under 5 ms."""
NOTED_WEIGHT = 4
"""Of a request about which something is noted: what is known of it is read and written, and it gets into lists."""
_RECORD = b'{"key":'
"""How a record begins."""
_HEAD = len(_RECORD)
_LIGHT = frozenset({Fate.DELIVERED, Fate.DROPPED, Fate.UNSENT})


def parts_of(settlements: Sequence[Settlement]) -> Iterator[Sequence[Settlement]]:
    """The settlements in order, a script's worth at a time."""
    if 0 < len(settlements) <= MOST_WEIGHT and all(each.fate is Fate.DELIVERED for each in settlements):
        yield settlements
        return
    weights = [1 if settlement.fate in _LIGHT else NOTED_WEIGHT for settlement in settlements]
    for part in batches_by_weight(weights, MOST_WEIGHT):
        yield settlements[part.start : part.stop]


def told_of_settlements(
    settlements: Sequence[Settlement], claimed: Mapping[str, Claimed]
) -> tuple[list[Argument], list[bytes]]:
    """What the script is told of a part, and the idempotency keys (as they stand in Redis) of those with a record.

    Args:
        claimed: the requests, as far as they are known.
    """
    ends: dict[bytes, int] = {}
    rows: list[list[str | float]] = []
    told: list[Argument] = []
    keys: list[bytes] = []
    rest = b""
    for settlement in settlements:
        request_id, record, gist = settlement.id, settlement.record, settlement.gist
        known = claimed.get(request_id) or Claimed(request_id, b"", 0.0)
        if settlement.fate is Fate.DELIVERED and known.body and not settlement.duplicate:
            gist = gist or gist_in(known.body)
            rows.append(delivered_entry(request_id, gist, known.accepted, known.attempts, len(known.body)))
        name = gist.key if gist else stored_key(known.body)
        key = bytes_of(name)
        begin, end = b"", 0
        if key and record:
            keys.append(key)
            begin, rest = _split(record, name, key, rest)
            end = ends.setdefault(rest, len(ends) + 1)
        told += (request_id, digest_of(key), _said(settlement, begin, end))
    return [orjson.dumps(rows), len(rows), len(ends), *ends, *told], keys


def _split(record: bytes, name: str, key: bytes, rest: bytes) -> tuple[bytes, bytes]:
    """The key as JSON, and what comes after it: the same for a whole bulk. An odd record only loses its last byte.

    Args:
        rest: what came after the one before.
    """
    if rest and record.endswith(rest):
        begin = record[_HEAD : -len(rest)]
        # The plain key between two quotes: nothing else can be part of it.
        if begin[1:-1] == key and begin[:1] == b'"' and record.startswith(_RECORD):
            return begin, rest
    begin = orjson.dumps(name)
    ends = _HEAD + len(begin)
    if record[:ends] == _RECORD + begin:
        return begin, record[ends:]
    return record[:-1], record[-1:]


def _said(settlement: Settlement, begin: bytes, end: int) -> bytes:
    """What there is to say beside that it is delivered, as it is of most."""
    if settlement.fate is Fate.DELIVERED and end <= 1 and (not begin or begin[:1] == b'"') and not (
        settlement.error or settlement.token or settlement.unposted or settlement.duplicate
    ):  # fmt: skip
        return begin
    if begin[:1] == b'"':
        begin = _RECORD + begin
    status = "" if settlement.status is None else settlement.status
    flags = "c" * settlement.costs_attempt + "u" * settlement.unknown + "a" * settlement.alone + "t" * settlement.token
    flags += "d" * settlement.duplicate
    flags += "n" * (settlement.unposted or settlement.fate is Fate.UNSENT)
    error = cut(settlement.error).encode("utf-8", "replace")
    head = f"{settlement.fate.value} {micros(settlement.delay)} {status} {flags} {end} {len(begin)} "
    return head.encode() + begin + error
