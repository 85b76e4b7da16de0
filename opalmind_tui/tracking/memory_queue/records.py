"""Idempotency records of what memory delivered, bounded by age and number."""

from __future__ import annotations

from collections import OrderedDict

from opalmind_tui.tracking.queue import KeptRecord
from opalmind_tui.tracking.records import fingerprint_in, with_fingerprint

MOST = 100_000


class Records:
    """Records by key, oldest first. Moments in microseconds."""

    def __init__(self) -> None:
        self._records: OrderedDict[str, tuple[int, bytes]] = OrderedDict()
        self._unshared: OrderedDict[str, None] = OrderedDict()

    def put(self, key: str, record: bytes, fingerprint: str, ends: int, now: int) -> None:
        """Keep a record until `ends`."""
        self._records[key] = (ends, with_fingerprint(record, key, fingerprint))
        self._records.move_to_end(key)
        self._unshared[key] = None
        while len(self._records) > MOST or next(iter(self._records.values()))[0] <= now:
            self._drop(next(iter(self._records)))

    def get(self, key: str, now: int) -> tuple[bytes | None, float | None]:
        """The record and the seconds that it will stay; none where there is none any more."""
        ends, record = self._records.get(key, (0, b""))
        return (record, (ends - now) / 1_000_000) if ends > now else (None, None)

    def fingerprint(self, key: str, now: int) -> str | None:
        """As `fingerprint_in`; None where there is no record any more."""
        ends, record = self._records.get(key, (0, b""))
        if ends <= now:
            return None
        return fingerprint_in(record, key)

    def _drop(self, key: str) -> None:
        del self._records[key]
        self._unshared.pop(key, None)

    def unshared(self, limit: int, now: int) -> list[KeptRecord]:
        """The oldest records that other processes do not know."""
        found = []
        for key, _ in zip(list(self._unshared), range(limit), strict=False):
            ends, record = self._records[key]
            found.append(KeptRecord(key, record, max(1, -(-(ends - now) // 1_000_000))))
        return found

    def shared(self, keys: list[str]) -> None:
        """They are in Redis now."""
        for key in keys:
            self._unshared.pop(key, None)
