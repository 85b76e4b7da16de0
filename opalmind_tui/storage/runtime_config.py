"""Settings that change while processes run, shared in one Redis hash. They beat the environment (ruling 5)."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import orjson
from msgspec import Struct
from msgspec.structs import asdict, replace

from opalmind_tui.storage.link import RedisLink
from opalmind_tui.storage.trouble import TROUBLES, trouble

if TYPE_CHECKING:
    from redis.asyncio import Redis


class ConfiguredValue(Struct, frozen=True):
    """A value that somebody set.

    Args:
        value: the text; empty where it was set back to what the environment says.
        by, at: who, and when (epoch seconds).
        former: the text before; empty where there was none.
    """

    value: str
    by: str = ""
    at: float = 0.0
    former: str = ""


class RuntimeConfig:
    """Named text values.

    Args:
        client: the client to read and write with.
        link: tells whether the server serves; while it does not, changes hold for this process alone.
        key: the hash.
        names: every name there is; the hash is read by these, never whole.
    """

    def __init__(
        self,
        client: Redis,
        link: RedisLink,
        key: str,
        names: Sequence[str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._link = link
        self._key = key
        self._names = tuple(names)
        self._clock = clock
        self._values: dict[str, ConfiguredValue] = {}

    def get(self, name: str) -> str | None:
        """The configured value, or None where nobody set one."""
        found = self._values.get(name)
        return found.value or None if found else None

    def details(self, name: str) -> ConfiguredValue | None:
        """The value with who set it and when; None where nobody ever did."""
        return self._values.get(name)

    async def refresh(self) -> None:
        """Read what other processes set; one command. Raises `StoreUnavailable`."""
        try:
            found = await self._client.hmget(self._key, list(self._names))
        except TROUBLES as error:
            raise trouble(error) from error
        self._values = {
            name: value for name, raw in zip(self._names, found, strict=True) if (value := _decode(raw)) is not None
        }

    async def set(self, name: str, value: str, by: str) -> bool:
        """Set a value for all processes; an empty one lets the environment count again.

        Returns false when Redis is away and it holds for this process only. Raises `StoreUnavailable`.
        """
        shared = self._link.writable
        entry = ConfiguredValue(value, by, self._clock(), self.get(name) or "")
        if shared:
            try:
                # Another process may have set it since the last refresh: that is what an undo goes back to.
                known = _decode(await self._client.hget(self._key, name))
                entry = replace(entry, former=known.value if known is not None else "")
                await self._client.hset(self._key, name, orjson.dumps(asdict(entry)))
            except TROUBLES as error:
                raise trouble(error) from error
        self._values = {**self._values, name: entry}
        return shared


def _decode(raw: bytes | str | None) -> ConfiguredValue | None:
    """A stored value, or None where it is absent or not ours."""
    if raw is None:
        return None
    try:
        data = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(data, dict) or not isinstance(data.get("value"), str):
        return None
    at = data.get("at")
    moment = float(at) if isinstance(at, int | float) else 0.0
    return ConfiguredValue(data["value"], str(data.get("by", "")), moment, str(data.get("former", "")))
