"""The entries of the cache as they lie in Redis, one by one: for an operator who asks, never for a panel."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from opalmind_tui.reports.entry import LARGEST, decode_entry, whole_characters
from opalmind_tui.reports.key_text import feature_of, key_bytes, key_of
from opalmind_tui.reports.keyspace import batches, step
from opalmind_tui.reports.selection import Selection
from opalmind_tui.snapshot.entries import PART, EntryPart, EntryRow, EntryState
from opalmind_tui.storage.cluster import primaries_known
from opalmind_tui.storage.cluster_keys import ClusterKeys
from opalmind_tui.storage.trouble import TROUBLES, trouble

if TYPE_CHECKING:
    from redis.asyncio import Redis

_TAIL = re.compile(rb'"expiresAt":(\d{1,15})\s*}\s*$')
_TAIL_BYTES = 64
_AT_ONCE = 100
"""Entries that one script looks at: some 0.1 ms of the server's time."""
_LOOK = """
local rows = {}
for at = 2, #ARGV do
  local name = ARGV[at]
  local left = redis.pcall('PTTL', name)
  if type(left) == 'table' then
    -- Redis 6.2 words a refusal inside of a script in a way of its own.
    return redis.error_reply((string.find(left.err, 'permission') and 'NOPERM ' or '') .. left.err)
  end
  if left ~= -2 then
    local size, tail = redis.pcall('STRLEN', name), redis.pcall('GETRANGE', name, '-' .. ARGV[1], -1)
    rows[#rows + 1] = {name, type(size) == 'number' and size or -1, type(tail) == 'string' and tail or '', left}
  end
end
return rows
"""
"""ARGV: bytes of the end of a value that are wanted, then keys. Answers for each that is there: its name, the bytes of
its value (-1 where it is no string), their end, milliseconds left."""


class Entries:
    """Looks into the entries.

    Args:
        client: with byte replies.
        prefix: ``REDIS_CACHE_PREFIX``.
    """

    def __init__(self, client: Redis, prefix: str, clock: Callable[[], float] = time.time) -> None:
        self._client = client
        self._prefix = prefix
        self._clock = clock
        self.asked = 0
        """Commands so far, of steps and looks."""

    async def rows(self, selection: Selection, limit: int) -> tuple[tuple[EntryRow, ...], bool]:
        """Entries by key, and whether there are more than `limit`: then these are not the first of all.

        Walks over the keys in small steps; values are not read whole, so what only the value would show to be corrupt
        counts as fresh here. Raises `StoreUnavailable`.
        """
        found: dict[bytes, None] = {}
        async for keys in batches(self._client, self._prefix, selection.accepts):
            found.update(dict.fromkeys(keys))
            if len(found) > limit:
                break
        chosen = list(found)[:limit]
        rows: list[EntryRow] = []
        for start in range(0, len(chosen), 200):
            rows += await self._rows_of(chosen[start : start + 200])
        return tuple(sorted(rows, key=lambda row: row.key)), len(found) > limit

    async def step(self, cursor: int) -> tuple[int, list[EntryRow]]:
        """Some of all keys under the prefix, foreign ones, too; 0 comes with the last. Raises `StoreUnavailable`."""
        self.asked += 1
        cursor, keys = await step(self._client, self._prefix, cursor, lambda text: True)
        return cursor, await self._rows_of(keys)

    @property
    def nodes(self) -> int:
        """How many servers a look at some entries may have to ask."""
        return max(1, primaries_known(self._client))

    async def size(self) -> int:
        """Keys of the database. Raises `StoreUnavailable`."""
        try:
            return int(await self._client.dbsize())
        except TROUBLES as error:
            raise trouble(error) from error

    async def rows_of(self, keys: Sequence[str]) -> list[EntryRow]:
        """These entries as they are now, without those that are gone. Raises `StoreUnavailable`."""
        return await self._rows_of([self._name(key) for key in keys])

    async def _rows_of(self, keys: list[bytes]) -> list[EntryRow]:
        if not keys:
            return []
        try:
            looks = [
                client.eval(_LOOK, 0, str(_TAIL_BYTES), *part[start : start + _AT_ONCE])
                for client, part in await self._by_node(keys)
                for start in range(0, len(part), _AT_ONCE)
            ]
            self.asked += len(looks)
            answers = await asyncio.gather(*looks)
        except TROUBLES as error:
            raise trouble(error) from error
        rows = {name: self._row(name, *told) for answer in answers for name, *told in answer}
        return [rows[key] for key in keys if key in rows]

    async def _by_node(self, keys: Sequence[bytes]) -> list[tuple[Any, Sequence[Any]]]:
        if not isinstance(self._client, ClusterKeys):
            return [(self._client, keys)]
        return [(client, part) for _, client, part in await self._client.by_node(keys)]

    def _row(self, key: bytes, size: int, tail: bytes, kept: int) -> EntryRow:
        text = key[len(self._prefix.encode()) :]
        found = _TAIL.search(tail)
        expires_at = int(found[1]) / 1000 if found else None
        feature = feature_of(text)
        return EntryRow(
            key=key_of(text),
            feature=feature or "",
            size=size if size >= 0 else None,
            expires_at=expires_at,
            kept=kept / 1000 if kept >= 0 else None,
            state=EntryState.FOREIGN if feature is None else self._state(size, expires_at),
        )

    def _state(self, size: int, expires_at: float | None) -> EntryState:
        if size < 0 or size > LARGEST or expires_at is None:
            return EntryState.CORRUPT
        return EntryState.FRESH if expires_at > self._clock() else EntryState.STALE

    async def one(self, key: str) -> tuple[EntryRow, Any] | None:
        """An entry and its report (None where it is corrupt); None where there is no such key.

        Args:
            key: the key text, or the whole key with its prefix. Raises `StoreUnavailable`.
        """
        name = self._name(key)
        rows = await self._rows_of([name])
        if not rows:
            return None
        row = rows[0]
        if row.state in (EntryState.CORRUPT, EntryState.FOREIGN):
            return row, None
        try:
            raw = await self._client.get(name)
        except TROUBLES as error:
            raise trouble(error) from error
        entry = decode_entry(raw, row.feature) if isinstance(raw, bytes) else None
        if entry is None:
            return EntryRow(row.key, row.feature, row.size, row.expires_at, row.kept, EntryState.CORRUPT), None
        return row, entry.value

    async def part(self, key: str, start: int = 0) -> EntryPart | None:
        """A part of the value as it is stored, whatever it is; None where there is no such key.

        Args:
            start: the first byte. Raises `StoreUnavailable`.
        """
        name = self._name(key)
        rows = await self._rows_of([name])
        if not rows:
            return None
        try:
            if rows[0].size is None:
                kind: Any = await self._client.type(name)
                return EntryPart(rows[0], kind=kind.decode("ascii", "replace"))
            raw: Any = await self._client.getrange(name, start, start + PART - 1)
        except TROUBLES as error:
            raise trouble(error) from error
        text, length = whole_characters(raw)
        return EntryPart(rows[0], text, start, start + length)

    def _name(self, key: str) -> bytes:
        return self._prefix.encode() + key_bytes(key.removeprefix(self._prefix))
