"""Walks over all keys under a prefix: in small batches, with pauses, each key tested before anything is done to it."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, cast

from opalmind_tui.reports.key_text import key_bytes
from opalmind_tui.reports.selection import Selection
from opalmind_tui.storage.trouble import TROUBLES, trouble

if TYPE_CHECKING:
    from redis.asyncio import Redis

BATCH = 500
"""Keys that the server goes through in one step."""
BUDGET = 20_000
"""Keys that a count goes through at the most; beyond, it is an estimate."""
_GLOB = re.compile(rb"([\\*?\[\]])")

Accepts = Callable[[bytes], bool]
"""Tests a key without its prefix."""
OnCount = Callable[[int], None]
"""Told how many were done so far."""


async def batches(client: Redis, prefix: str, accepts: Accepts) -> AsyncIterator[list[bytes]]:
    """The keys under a prefix that pass the test, batch by batch; as long as a batch took, the server is left alone.

    Keys that come while it walks may be missed; a key can come twice. Raises `StoreUnavailable`.
    """
    cursor = 0
    while True:
        began = time.monotonic()
        cursor, keys = await step(client, prefix, cursor, accepts)
        if keys:
            yield keys
        if not cursor:
            return
        await asyncio.sleep(time.monotonic() - began)


async def step(client: Redis, prefix: str, cursor: int, accepts: Accepts) -> tuple[int, list[bytes]]:
    """One step of a walk: where it goes on (0: nowhere), and the keys. Raises `StoreUnavailable`."""
    start = prefix.encode()
    try:
        cursor, found = await client.scan(cursor, match=glob_escaped(start) + b"*", count=BATCH)
    except TROUBLES as error:
        raise trouble(error) from error
    return int(cursor), _tested(found, start, accepts)


async def purge_keys(
    client: Redis, prefix: str, accepts: Accepts, on_count: OnCount | None = None, limit: int = 0
) -> int:
    """Delete the keys under a prefix that pass the test, no more than `limit` (0: all); returns how many.

    Cancelling it stops between two batches. Raises `StoreUnavailable`.
    """
    done = 0
    async for keys in batches(client, prefix, accepts):
        try:
            done += await client.unlink(*(keys[: limit - done] if limit else keys))
        except TROUBLES as error:
            raise trouble(error) from error
        if on_count is not None:
            on_count(done)
        if limit and done >= limit:
            break
    return done


async def purge_one(
    client: Redis, prefix: str, selection: Selection, on_count: OnCount | None = None, *, only_count: bool = False
) -> int:
    """Delete (or count) the one key that a selection names, if it is a report's. Raises `StoreUnavailable`."""
    text = key_bytes(selection.key)
    if not selection.accepts(text):
        return 0
    name = prefix.encode() + text
    try:
        done = int(await (client.exists(name) if only_count else client.unlink(name)))
    except TROUBLES as error:
        raise trouble(error) from error
    if on_count is not None:
        on_count(done)
    return done


async def count_keys(client: Redis, prefix: str, accepts: Accepts, budget: int = BUDGET) -> tuple[int, bool]:
    """How many keys pass the test, and whether that is exact: else it is scaled up from the first `budget` keys.

    Raises `StoreUnavailable`.
    """
    start = prefix.encode()
    seen: set[bytes | str] = set()
    found: set[bytes] = set()
    cursor = 0
    try:
        while True:
            cursor, keys = await client.scan(cursor, count=BATCH)
            seen.update(keys)
            found.update(_tested(keys, start, accepts))
            if not cursor:
                return len(found), True
            if len(seen) >= budget:
                return round(len(found) * await client.dbsize() / len(seen)), False
    except TROUBLES as error:
        raise trouble(error) from error


def _tested(keys: list[bytes | str], start: bytes, accepts: Accepts) -> list[bytes]:
    return [key for key in cast(list[bytes], keys) if key.startswith(start) and accepts(key[len(start) :])]


def glob_escaped(text: bytes) -> bytes:
    """A pattern that matches exactly this text."""
    return _GLOB.sub(rb"\\\1", text)
