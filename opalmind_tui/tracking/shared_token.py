"""What delivery found out about a token, shared by all processes that use it: one refusal is enough (ruling 11)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import orjson
from msgspec import Struct

from opalmind_tui.storage.trouble import TROUBLES

if TYPE_CHECKING:
    from redis.asyncio import Redis

KEPT = 30 * 86_400
"""Seconds; a token that nobody has used for so long has most likely been changed."""


class Verdict(Struct, frozen=True):
    """What is known of a token for one site.

    Args:
        refused: Matomo ignored it there, or everywhere that it was tried.
        proved: a hit of the site that needs it was taken.
        rests: seconds for which nobody should use it.
    """

    refused: bool = False
    proved: bool = False
    rests: float = 0.0


class SharedToken:
    """The verdict on one token in Redis. Where Redis is away each process keeps to what it knows itself.

    Args:
        client: with byte replies.
        key: names the token by its hash (`matomo_probe.verdict_key`); under it is the reports' verdict, and beside it
            delivery's.
        clock: epoch seconds.
    """

    def __init__(self, client: Redis, key: str, clock: Callable[[], float]) -> None:
        self._client = client
        self._reports = key
        self._key = f"{key}:delivery"
        self._clock = clock

    async def read(self, site: str) -> Verdict | None:
        """What is known, or None where it cannot be asked."""
        fields = ["refused", "proved", f"refused:{site}", f"proved:{site}", "rests"]
        try:
            refused, proved, here, proved_here, rests = await self._client.hmget(self._key, fields)
            reports = await self._client.get(self._reports)
        except TROUBLES:
            return None
        return Verdict(
            refused=bool(here) or (bool(refused) and not proved) or _refused_by_reports(reports),
            proved=bool(proved_here),
            rests=_number(rests) - self._clock(),
        )

    async def refused(self, site: str) -> None:
        """Matomo ignored it."""
        await self._write({"refused": "1", f"refused:{site}": "1"}, gone=[f"proved:{site}"])

    async def proved(self, site: str) -> None:
        """Matomo took a hit that needs it."""
        await self._write({"proved": "1", f"proved:{site}": "1"}, gone=[f"refused:{site}"])

    async def rests(self, seconds: float) -> None:
        """Nobody should use it for a while."""
        await self._write({"rests": repr(self._clock() + seconds)}, gone=[])

    async def forget(self) -> None:
        """An operator asks again."""
        try:
            await self._client.delete(self._key)
        except TROUBLES:
            return

    async def _write(self, found: dict[str, str], gone: list[str]) -> None:
        try:
            async with self._client.pipeline(transaction=True) as pipe:
                for field, value in found.items():
                    pipe.hset(self._key, field, value)
                if gone:
                    pipe.hdel(self._key, *gone)
                pipe.expire(self._key, KEPT)
                await pipe.execute()
        except TROUBLES:
            return


def _refused_by_reports(raw: bytes | str | None) -> bool:
    try:
        found = orjson.loads(raw) if raw else None
    except orjson.JSONDecodeError:
        return False
    return isinstance(found, dict) and found.get("refused") is True


def _number(raw: bytes | str | None) -> float:
    try:
        return float(raw or 0)
    except ValueError:
        return 0.0
