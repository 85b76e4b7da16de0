"""What operators did: a bounded stream in Redis, so that the next engineer can read it."""

from __future__ import annotations

import asyncio
import math
import re
import secrets
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from opalmind_tui.snapshot.audit import OLDEST, AuditEntry, AuditPage, AuditView
from opalmind_tui.storage.link import RedisLink
from opalmind_tui.storage.trouble import TROUBLES, trouble

if TYPE_CHECKING:
    from redis.asyncio import Redis

Field: TypeAlias = bytes | bytearray | memoryview | str | int | float
KEPT = 10_000
"""Entries that the stream keeps, about."""
WAITING = 1_000
"""Entries that wait in memory while Redis is away."""
MOST_ROWS = 500
"""Entries that a window holds at the most."""
LONGEST = 4_000
"""Characters that are read of one field; more is none of ours."""
_WORDS = ("by", "act", "what", "outcome", "login", "client", "host")
_MARKS = ("ref", "inverse", "undoes")
"""For the program: what it wrote is read as it is."""
_ID = re.compile(r"[0-9]{1,20}-[0-9]{1,20}").fullmatch


class Audit:
    """Writes entries; while Redis is away they wait here and follow later, in order.

    Args:
        key: the stream.
        origin: from where this process acts: ``login``, ``client`` and ``host`` of its entries.
        masked: takes our secrets out of what is read, whoever wrote it there (I10).
    """

    def __init__(
        self,
        client: Redis,
        link: RedisLink,
        key: str,
        clock: Callable[[], float] = time.time,
        origin: Mapping[str, str] | None = None,
        masked: Callable[[str], str] = str,
    ) -> None:
        self._client = client
        self._link = link
        self._key = key
        self._clock, self._masked = clock, masked
        self._origin: dict[Field, Field] = {name: text for name, text in (origin or {}).items() if text}
        self._writing = asyncio.Lock()
        self._waiting: deque[dict[Field, Field]] = deque(maxlen=WAITING)

    async def write(
        self,
        *,
        by: str,
        act: str,
        what: str,
        outcome: str,
        done: int | None = None,
        inverse: str = "",
        undoes: str = "",
    ) -> None:
        """Note that somebody did something. Never fails: what cannot be written now is written later.

        See `AuditEntry` for the parts.
        """
        entry: dict[Field, Field] = {
            "at": f"{self._clock():.3f}", "by": by, "act": act, "what": what, "outcome": outcome, **self._origin,
            "ref": secrets.token_hex(6),
        }  # fmt: skip
        if done is not None:
            entry["done"] = done
        if inverse:
            entry["inverse"] = inverse
        if undoes:
            entry["undoes"] = undoes
        self._waiting.append(entry)
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

    @property
    def waiting(self) -> tuple[AuditEntry, ...]:
        """What this process noted and could not write yet, the newest first."""
        plain = ({_bytes(name): _bytes(text) for name, text in one.items()} for one in reversed(self._waiting))
        return tuple(_entry("", fields, self._masked) for fields in plain)

    async def newest(self, limit: int) -> tuple[AuditEntry, ...]:
        """The newest entries, the newest first; one command. Raises `StoreUnavailable`."""
        return await self._older("+", limit)

    async def page(self, view: AuditView) -> AuditPage:
        """A window on the stream: three commands at the most, however long it is. Raises `StoreUnavailable`."""
        rows, above = min(view.rows, MOST_ROWS), min(view.above, MOST_ROWS)
        held = view.anchor if _ID(view.anchor) else ""
        try:
            total = int(await self._client.xlen(self._key))
        except TROUBLES as error:
            raise trouble(error) from error
        if view.anchor == OLDEST:
            found = await self._newer("-", rows + 1)
            return AuditPage(view, found[-rows:], total, newest=len(found) <= rows)
        older = await self._older(held or "+", rows + 1)
        newer = await self._newer(f"({held}", above + 1) if held else ()
        kept = newer[-above:] if above else ()
        return AuditPage(
            view, (*kept, *older[:rows]), total, newest=len(newer) <= above, oldest=len(older) <= rows
        )  # fmt: skip

    async def since(self, after: str, limit: int) -> tuple[tuple[AuditEntry, ...], str]:
        """The newest entries after an id of the stream, oldest first, and the newest id; one command.

        Raises `StoreUnavailable`.
        """
        found = await self._older("+", limit, f"({after}")
        return found[::-1], found[0].id if found else after

    async def _older(self, start: str, limit: int, end: str = "-") -> tuple[AuditEntry, ...]:
        """From an id back, the newest first."""
        try:
            found: Any = await self._client.xrevrange(self._key, max=start, min=end, count=limit)
        except TROUBLES as error:
            raise trouble(error) from error
        return tuple(_entry(name.decode("ascii"), fields, self._masked) for name, fields in found)

    async def _newer(self, start: str, limit: int) -> tuple[AuditEntry, ...]:
        """From an id on towards the newest, the newest first."""
        try:
            found: Any = await self._client.xrange(self._key, min=start, count=limit)
        except TROUBLES as error:
            raise trouble(error) from error
        return tuple(_entry(name.decode("ascii"), fields, self._masked) for name, fields in reversed(found))


def _bytes(value: Field) -> bytes:
    return str(value).encode("utf-8", "replace")


def _entry(name: str, fields: Mapping[bytes, bytes], masked: Callable[[str], str]) -> AuditEntry:
    """An entry as far as it can be read: the stream lies in a shared database."""
    text = {
        key.decode("utf-8", "replace"): value[: 2 * LONGEST].decode("utf-8", "replace") for key, value in fields.items()
    }
    try:
        at = float(text.get("at", ""))
    except ValueError:
        at = 0.0
    at = at if math.isfinite(at) else 0.0
    done = text.get("done", "")
    return AuditEntry(
        at,
        # Masked before they are cut, or half a secret may be left.
        **{key: masked(text.get(key, ""))[:LONGEST] for key in _WORDS},
        **{key: text.get(key, "")[:LONGEST] for key in _MARKS},
        done=int(done) if done.isascii() and done.isdecimal() and len(done) < 16 else None,
        id=name,
        noted=int(name.partition("-")[0]) / 1000 if name else 0.0,
    )
