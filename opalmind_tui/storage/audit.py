"""What operators did: a bounded stream in Redis, so that the next engineer can read it."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from opalmind_tui.storage.link import RedisLink
from opalmind_tui.storage.trouble import TROUBLES, trouble

if TYPE_CHECKING:
    from redis.asyncio import Redis

Field: TypeAlias = bytes | bytearray | memoryview | str | int | float
KEPT = 10_000
"""Entries that the stream keeps, about."""
WAITING = 1_000
"""Entries that wait in memory while Redis is away."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """What somebody did. `at` in epoch seconds; text may be from outside."""

    at: float
    by: str
    act: str
    what: str
    outcome: str


class Audit:
    """Writes entries; while Redis is away they wait here and follow later, in order.

    Args:
        key: the stream.
    """

    def __init__(self, client: Redis, link: RedisLink, key: str, clock: Callable[[], float] = time.time) -> None:
        self._client = client
        self._link = link
        self._key = key
        self._clock = clock
        self._writing = asyncio.Lock()
        self._waiting: deque[dict[Field, Field]] = deque(maxlen=WAITING)

    async def write(self, *, by: str, act: str, what: str, outcome: str) -> None:
        """Note that somebody did something. Never fails: what cannot be written now is written later."""
        self._waiting.append({"at": f"{self._clock():.3f}", "by": by, "act": act, "what": what, "outcome": outcome})
        await self.flush()

    async def flush(self) -> None:
        """Write what waits."""
        # One at a time: between the writing of an entry and its removal another would write it, too.
        async with self._writing:
            while self._waiting and self._link.writable:
                try:
                    await self._client.xadd(self._key, self._waiting[0], maxlen=KEPT, approximate=True)
                except TROUBLES as error:
                    self._link.report(trouble(error))
                    return
                self._waiting.popleft()

    async def newest(self, limit: int) -> tuple[AuditEntry, ...]:
        """The newest entries, the newest first; one command. Raises `StoreUnavailable`."""
        try:
            found: Any = await self._client.xrevrange(self._key, count=limit)
        except TROUBLES as error:
            raise trouble(error) from error
        return tuple(_entry(fields) for _, fields in found)

    async def since(self, after: str, limit: int) -> tuple[tuple[AuditEntry, ...], str]:
        """The newest entries after an id of the stream, oldest first, and the newest id; one command.

        Raises `StoreUnavailable`.
        """
        try:
            found: Any = await self._client.xrevrange(self._key, max="+", min=f"({after}", count=limit)
        except TROUBLES as error:
            raise trouble(error) from error
        newest = found[0][0].decode("ascii") if found else after
        return tuple(_entry(fields) for _, fields in reversed(found)), newest


def _entry(fields: Mapping[bytes, bytes]) -> AuditEntry:
    """An entry as far as it can be read: the stream lies in a shared database."""
    text = {name.decode("utf-8", "replace"): value.decode("utf-8", "replace") for name, value in fields.items()}
    try:
        at = float(text.get("at", ""))
    except ValueError:
        at = 0.0
    return AuditEntry(at, *(text.get(name, "") for name in ("by", "act", "what", "outcome")))
