"""Which of our processes are there, and which of them deliver: a small sorted set, by time last seen."""

from __future__ import annotations

import os
import platform
import secrets
from typing import TYPE_CHECKING

import orjson

from opalmind_tui.snapshot.model import ProcessView
from opalmind_tui.storage.trouble import TROUBLES, trouble

if TYPE_CHECKING:
    from redis.asyncio import Redis

ANNOUNCE_EVERY = 5.0
"""Seconds between two announcements of one process."""
GONE_AFTER = 15.0
"""Seconds of silence after which a process counts as gone."""
MOST = 200
"""Processes that a look-up reads at the most."""


_WHO = """
local seconds = tonumber(redis.call('TIME')[1])
local from = string.format('%.0f', seconds - tonumber(ARGV[1]))
local till = string.format('%.0f', seconds + 1)
return {seconds, redis.call('ZRANGEBYSCORE', KEYS[1], from, till, 'WITHSCORES', 'LIMIT', 0, ARGV[2])}
"""
"""KEYS: the set. ARGV: seconds to look back, most members. Answers the server's seconds, members and their moments."""
_ANNOUNCE = """
local seconds = tonumber(redis.call('TIME')[1])
if ARGV[1] ~= '' and ARGV[1] ~= ARGV[2] then redis.call('ZREM', KEYS[1], ARGV[1]) end
redis.call('ZADD', KEYS[1], seconds, ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', seconds - tonumber(ARGV[3]))
"""
"""KEYS: the set. ARGV: what was said before, what is said now, seconds until it is forgotten."""

_TEXTS = ("id", "host", "user", "role", "version", "endpoint", "environment", "client")
LONGEST = 2_000
"""Bytes of one announcement; a longer one is none of ours."""


class Presence:
    """Announces this process and lists all of them.

    Args:
        key: the sorted set.
        role: ``dashboard``, ``worker`` ...
        version: of this program.
        endpoint: the Matomo that it sends to, if it sends.
        environment: the name of its environment, if it has one.
        ssh_client: the address from which its SSH session came, if it runs in one.
    """

    def __init__(
        self,
        client: Redis,
        key: str,
        *,
        role: str,
        user: str,
        version: str,
        endpoint: str = "",
        environment: str = "",
        ssh_client: str = "",
    ) -> None:
        self._client = client
        self._key = key
        # Containers share host names and process ids more often than one thinks: hence a random id.
        self._id = secrets.token_hex(4)
        self._who = {
            "id": self._id, "host": platform.node(), "pid": os.getpid(), "role": role, "user": user,
            "version": version, "endpoint": endpoint, "environment": environment, "client": ssh_client,
        }  # fmt: skip
        self._said: bytes = b""
        self._announce, self._who_is_there = client.register_script(_ANNOUNCE), client.register_script(_WHO)

    async def announce(self, *, delivers: bool, claims: int = 0, requests: int = 0) -> None:
        """Say that this process is there. Raises `StoreUnavailable`.

        Args:
            delivers: whether it takes requests from Redis.
            claims: how many claims it holds there now. `requests`: how many requests are in them.
        """
        member = orjson.dumps({**self._who, "delivers": delivers, "claims": claims, "requests": requests})
        try:
            await self._announce(keys=[self._key], args=[self._said, member, 4 * int(GONE_AFTER)])
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

    async def processes(self) -> tuple[ProcessView, ...]:
        """Who announced itself of late, in a steady order. Raises `StoreUnavailable`."""
        try:
            seconds, told = await self._who_is_there(keys=[self._key], args=[int(GONE_AFTER), MOST])
        except TROUBLES as error:
            raise trouble(error) from error
        found = zip(told[::2], map(float, told[1::2]), strict=True)
        # The newest word of each counts: an older one stays a moment where an answer was lost.
        known = {view.id: view for member, seen in found if (view := self._view(member, seen, seconds)) is not None}
        return tuple(sorted(known.values(), key=lambda view: (not view.delivers, view.role, view.host, view.pid)))

    def _view(self, member: object, seen: float, now: float) -> ProcessView | None:
        """An announcement, None where it is none of ours."""
        if not isinstance(member, bytes) or len(member) > LONGEST:
            return None
        try:
            data = orjson.loads(member)
        except orjson.JSONDecodeError:
            return None
        if not isinstance(data, dict):
            return None
        texts = {name: data.get(name, "") for name in _TEXTS}
        numbers = {name: data.get(name, 0) for name in ("pid", "claims", "requests")}
        if not all(isinstance(value, str) for value in texts.values()):
            return None
        if not all(type(value) is int and value >= 0 for value in numbers.values()):
            return None
        return ProcessView(
            **texts, **numbers, delivers=data.get("delivers") is True, age=max(0.0, now - seen),
            here=texts["id"] == self._id,
        )  # fmt: skip
