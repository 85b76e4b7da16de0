"""Which of our processes are there, and which of them deliver: a small sorted set, by time last seen."""

from __future__ import annotations

import os
import platform
import secrets
from typing import TYPE_CHECKING

import orjson

from opalmind_tui.storage.trouble import TROUBLES, trouble

if TYPE_CHECKING:
    from redis.asyncio import Redis

ANNOUNCE_EVERY = 5.0
"""Seconds between two announcements of one process."""
GONE_AFTER = 15.0
"""Seconds of silence after which a process counts as gone."""
MOST = 200
"""Processes that a look-up reads at the most."""


class Presence:
    """Announces this process and counts the others.

    Args:
        key: the sorted set.
        role: ``dashboard``, ``worker`` ...
        version: of this program.
    """

    def __init__(self, client: Redis, key: str, *, role: str, user: str, version: str) -> None:
        self._client = client
        self._key = key
        # Containers share host names and process ids more often than one thinks: hence a random id.
        self._who = {
            "id": secrets.token_hex(4), "host": platform.node(), "pid": os.getpid(),
            "role": role, "user": user, "version": version,
        }  # fmt: skip
        self._said: bytes = b""

    async def announce(self, *, delivers: bool) -> None:
        """Say that this process is there. Raises `StoreUnavailable`."""
        member = orjson.dumps({**self._who, "delivers": delivers})
        try:
            seconds, _ = await self._client.time()
            async with self._client.pipeline(transaction=False) as pipe:
                if self._said not in (b"", member):
                    pipe.zrem(self._key, self._said)
                pipe.zadd(self._key, {member: float(seconds)})
                pipe.zremrangebyscore(self._key, "-inf", seconds - 4 * GONE_AFTER)
                await pipe.execute()
        except TROUBLES as error:
            raise trouble(error) from error
        self._said = member

    async def leave(self) -> None:
        """Say that this process goes. Raises `StoreUnavailable`."""
        try:
            if self._said:
                await self._client.zrem(self._key, self._said)
        except TROUBLES as error:
            raise trouble(error) from error
        self._said = b""

    async def delivering(self) -> int:
        """How many processes announced of late that they deliver. Raises `StoreUnavailable`."""
        try:
            seconds, _ = await self._client.time()
            found = await self._client.zrangebyscore(self._key, seconds - GONE_AFTER, "+inf", start=0, num=MOST)
        except TROUBLES as error:
            raise trouble(error) from error
        return sum(_delivers(member) for member in found)


def _delivers(member: object) -> bool:
    if not isinstance(member, bytes):
        return False
    try:
        data = orjson.loads(member)
    except orjson.JSONDecodeError:
        return False
    return isinstance(data, dict) and data.get("delivers") is True
