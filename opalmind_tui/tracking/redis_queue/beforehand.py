"""On a Cluster: what is done with idempotency records before the queue's scripts run. See `record_places`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from opalmind_tui.tracking.outcomes import Claimed
from opalmind_tui.tracking.queue import Fate, KeptRecord, Settlement
from opalmind_tui.tracking.records import with_fingerprint
from opalmind_tui.tracking.redis_queue.keys import bytes_of, digest_of
from opalmind_tui.tracking.redis_queue.record_places import Apart
from opalmind_tui.tracking.redis_queue.scripts import Scripts

_ID = 14
_DIGEST = 16
TAKEN = "its idempotency key was delivered with another payload"


class Beforehand:
    """Reads and writes records. Raises `StoreUnavailable`."""

    def __init__(self, scripts: Scripts, records: Apart) -> None:
        self._scripts = scripts
        self._records = records

    async def known(self, claimed: Sequence[Claimed], keys: Mapping[str, str]) -> list[Settlement]:
        """What becomes of those that need no sending, because there is a record under their key.

        Args:
            keys: idempotency keys by id, '' for none.

        One that was never tried cannot be what was delivered: it came in after that, as a duplicate or a conflict. Else
        its sender delivered it, and was lost before it could acknowledge.
        """
        keyed = [(one, key) for one in claimed if (key := bytes_of(keys.get(one.id, "")))]
        found = await self._records.fingerprints([key for _, key in keyed])
        recorded = [(one, key, theirs) for (one, key), theirs in zip(keyed, found, strict=True) if theirs is not None]
        entries = await self._scripts.fields(b"key", [digest_of(key) for _, key, _ in recorded])
        return [_fate_of(one, entries.get(digest_of(key)), theirs) for one, key, theirs in recorded]

    async def write_records(
        self, settlements: Sequence[Settlement], keys: Mapping[str, str], ttl: int
    ) -> list[Settlement]:
        """Write the records of what was delivered; returns the settlements without them.

        Args:
            ttl: seconds that they live.
        """
        records = [
            (one.id, key, one.record) for one in settlements if one.record and (key := bytes_of(keys.get(one.id, "")))
        ]
        entries = await self._scripts.fields(b"key", [digest_of(key) for _, key, _ in records])
        written: list[tuple[bytes, bytes, int]] = []
        strays: list[tuple[str, bytes, bytes]] = []
        for request_id, key, record in records:
            entry = entries.get(digest_of(key))
            if entry is None:
                strays.append((request_id, key, record))
            elif entry[:_ID] == request_id.encode():
                written.append((key, _of_payload(record, key, entry[_ID:]), ttl))
            # Else its key was freed when it was purged, and another request has it now: there is no record then.
        written += [(key, record, ttl) for key, record in await self._without_entry(strays)]
        await self._records.write(written)
        return [replace(one, record=None) for one in settlements]

    async def _without_entry(self, strays: Sequence[tuple[str, bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """Of those whose key is free: in the trash the key still was theirs or not; else they were settled before, as a
        rule, and what is recorded then knows the payload."""
        notes = await self._scripts.fields(b"aside", [request_id for request_id, _, _ in strays])
        found = await self._records.fingerprints([key for _, key, _ in strays])
        written: list[tuple[bytes, bytes]] = []
        for (request_id, key, record), known in zip(strays, found, strict=True):
            note = notes.get(request_id, b"").split(b" ", 5)
            if len(note) < 6:
                written += [(key, record)] if known is None else []
            elif note[4] == b"1":
                written.append((key, _of_payload(record, key, note[5][_DIGEST:])))
        return written

    async def keep_records(self, records: Sequence[KeptRecord]) -> None:
        """Write records that are not there; a value that is no record gives way."""
        keys = [bytes_of(kept.key) for kept in records]
        found = await self._records.fingerprints(keys)
        await self._records.write(
            [
                (key, kept.record, kept.ttl)
                for key, kept, theirs in zip(keys, records, found, strict=True)
                if theirs is None
            ]
        )


def _fate_of(claimed: Claimed, entry: bytes | None, delivered: str) -> Settlement:
    ours = entry[_ID:].decode("ascii", "replace") if entry and entry[:_ID] == claimed.id.encode() else ""
    if delivered and ours and delivered != ours:
        return Settlement(claimed.id, Fate.DEAD, error=TAKEN, costs_attempt=False, unposted=True)
    tried = bool(claimed.attempts or claimed.recovered or claimed.unknown)
    return Settlement(claimed.id, Fate.DELIVERED, unposted=True, duplicate=not tried)


def _of_payload(record: bytes, key: bytes, fingerprint: bytes) -> bytes:
    return with_fingerprint(record, key.decode("utf-8", "surrogatepass"), fingerprint.decode("ascii", "replace"))
