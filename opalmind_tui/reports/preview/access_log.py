"""The sample of look-ups of all processes, in a Redis stream of bounded length.

Each process writes an entry every few seconds: the rate of the sample, and its look-ups packed, 15 bytes each; those of
one key within two seconds count as one with a number. Where more are made than fit, the rate halves; after quiet
minutes it doubles again. Who reads takes the lowest rate among the entries: of those keys everybody's look-ups are
there.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from opalmind_tui.reports.features import NAMES
from opalmind_tui.reports.preview.sample import Access, Sample, hash_of, is_sampled
from opalmind_tui.storage.trouble import TROUBLES, trouble

if TYPE_CHECKING:
    from redis.asyncio import Redis

FLUSH_EVERY = 10.0
"""Seconds between two entries of one process."""
TOGETHER = 2.0
"""Seconds within which look-ups of one key count as made at the same time."""
MOST_IN_ENTRY = 60
"""Look-ups in one entry at the most."""
MOST_ENTRIES = 4_000
"""Entries of the stream: about 4 MB if all are full, and 11 hours of one process."""
MOST_READ = 20_000
"""Look-ups that a reader takes at the most, the newest."""
LOWEST_RATE = 1 / 1024
QUIET_FLUSHES = 30
"""Entries in a row with room for far more, after which a process doubles its rate."""

_ACCESS = struct.Struct(">BIIIH")
"""Feature, milliseconds since the entry's beginning, hash, size, times."""
_FEATURE_NUMBER = {name: number for number, name in enumerate(NAMES)}


class AccessLog:
    """Notes this process's look-ups, shares them, and reads those of all.

    Args:
        client: with byte replies.
        key: the stream.
    """

    def __init__(self, client: Redis, key: str) -> None:
        self._client = client
        self._key = key
        self._rate = 1.0
        self._began = 0.0
        self._noted: list[tuple[str, Access]] = []
        self._newest: dict[int, int] = {}
        self._quiet = 0

    def note(self, feature: str, key: str, size: int, now: float, times: int = 1) -> None:
        """A look-up was made. No I/O.

        Args:
            key: the key's text.
            size: bytes of the stored report, 0 where it is not known.
            now: epoch seconds.
            times: how many were made at about this moment.
        """
        hashed = hash_of(key)
        if not is_sampled(hashed, self._rate) or feature not in _FEATURE_NUMBER:
            return
        if not self._noted:
            self._began = now
        at = self._newest.get(hashed)
        if at is not None and now - self._noted[at][1].at < TOGETHER:
            known = self._noted[at][1]
            self._noted[at] = (feature, replace(known, times=known.times + times, size=size or known.size))
            return
        self._newest[hashed] = len(self._noted)
        self._noted.append((feature, Access(now, hashed, size, times)))
        if len(self._noted) > MOST_IN_ENTRY:
            self._make_room()

    def _make_room(self) -> None:
        """One process keeps to the size of an entry, whatever it meets."""
        while len(self._noted) > MOST_IN_ENTRY and self._rate > LOWEST_RATE:
            self._rate /= 2
            self._quiet = 0
            self._noted = [one for one in self._noted if is_sampled(one[1].key, self._rate)]
        del self._noted[MOST_IN_ENTRY:]
        self._newest = {access.key: at for at, (_, access) in enumerate(self._noted)}

    async def flush(self) -> None:
        """Share what was noted: one command, none where nothing was. Raises `StoreUnavailable`; it is dropped then."""
        noted, self._noted, self._newest = self._noted, [], {}
        rate = self._rate
        self._quiet = self._quiet + 1 if len(noted) * 4 < MOST_IN_ENTRY else 0
        if self._quiet >= QUIET_FLUSHES and self._rate < 1:
            self._rate, self._quiet = min(1.0, self._rate * 2), 0
        if not noted:
            return
        entry = {"rate": repr(rate), "began": str(int(self._began * 1000)), "lookups": _packed(noted, self._began)}
        try:
            await self._client.xadd(self._key, entry, maxlen=MOST_ENTRIES, approximate=True)  # type: ignore[arg-type]
        except TROUBLES as error:
            raise trouble(error) from error

    async def read(self, now: float) -> Lookups:
        """The newest look-ups of all processes; one command. Raises `StoreUnavailable`."""
        try:
            found: Any = await self._client.xrevrange(self._key, count=MOST_ENTRIES)
        except TROUBLES as error:
            raise trouble(error) from error
        return _read_back([fields for _, fields in found], now)


class Lookups(Struct, frozen=True):
    """What the log holds: by time, of keys below the rate, since `begins`."""

    accesses: Sequence[tuple[str, Access]]
    rate: float
    begins: float
    ends: float

    def sample(self, feature: str = "", *, total: int | None = None, missed: int | None = None) -> Sample:
        """The look-ups of one feature, or of all."""
        kept = [access for name, access in self.accesses if feature in ("", name)]
        return Sample(kept, self.rate, self.begins, self.ends, total, missed)


def _packed(noted: Sequence[tuple[str, Access]], began: float) -> bytes:
    return b"".join(
        _ACCESS.pack(
            _FEATURE_NUMBER[feature],
            min(max(0, int((access.at - began) * 1000)), 0xFFFFFFFF),
            access.key,
            min(access.size, 0xFFFFFFFF),
            min(access.times, 0xFFFF),
        )
        for feature, access in noted
    )


def _read_back(entries: Sequence[Mapping[bytes, bytes]], now: float) -> Lookups:
    """From the newest entry to the oldest, until there are enough."""
    accesses: list[tuple[str, Access]] = []
    rate = 1.0
    for entry in entries:
        found = _entry(entry)
        if found is None:
            continue
        own_rate, here = found
        if own_rate < rate:
            rate = own_rate
            accesses = [one for one in accesses if is_sampled(one[1].key, rate)]
        accesses += [one for one in here if is_sampled(one[1].key, rate)]
        if len(accesses) >= MOST_READ:
            break
    accesses.sort(key=lambda one: one[1].at)
    begins = accesses[0][1].at if accesses else now
    return Lookups(accesses, rate, begins, now)


def _entry(fields: Mapping[bytes, Any]) -> tuple[float, list[tuple[str, Access]]] | None:
    """One entry, or None where it is not ours: the stream lies in a shared database."""
    try:
        rate, began, packed = float(fields[b"rate"]), int(fields[b"began"]) / 1000, fields[b"lookups"]
        unpacked = list(_ACCESS.iter_unpack(packed))
    except (KeyError, ValueError, struct.error):
        return None
    if not LOWEST_RATE <= rate <= 1:
        return None
    return rate, [
        (NAMES[number], Access(began + after / 1000, key, size, times))
        for number, after, key, size, times in unpacked
        if number < len(NAMES)
    ]
