"""The minutes of the last day: a bounded stream in Redis, written by whichever process comes first."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from opalmind_tui.snapshot.history import KEPT, MINUTE, Minute
from opalmind_tui.storage.trouble import TROUBLES, trouble

if TYPE_CHECKING:
    from redis.asyncio import Redis

FIELD = b"m"
FIGURES = (
    "waiting", "dead", "oldest", "ledger", "accepted", "delivered", "retried", "rejected", "hits", "misses", "memory",
    "evicted", "matomo", "answers",
)  # fmt: skip
"""What a minute holds, in the order of `Minute` and of the stored list. New ones come last: an older program ignores
them."""
_ANSWERS, _LEDGER = FIGURES.index("answers"), FIGURES.index("ledger")
_SECONDS = (FIGURES.index("oldest"), FIGURES.index("matomo"))
LONGEST = 2_000
"""Bytes of one minute; a longer one is none of ours."""
_MOST = 2**62
_ID = re.compile(rb"(\d{1,15})-\d+").fullmatch


@cache
def source() -> str:
    """The script that notes a minute."""
    return (Path(__file__).parent / "scripts/minute.lua").read_text("utf-8")


class HistoryStore:
    """Writes and reads minutes.

    Args:
        key: the stream; the moment of each entry is its id.
    """

    def __init__(self, client: Redis, key: str) -> None:
        self._client = client
        self._key = key
        self._script = client.register_script(source())

    async def write(self, minute: Minute) -> bool:
        """Note a minute; false where another process has noted it already. Raises `StoreUnavailable`.

        Its moment is the server's: `minute.at` does not count.
        """
        try:
            done = await self._script(keys=[self._key], args=[_encode(minute), int(KEPT * MINUTE * 1000), KEPT])
        except TROUBLES as error:
            raise trouble(error) from error
        return bool(done)

    async def read(self, after: str) -> tuple[tuple[Minute, ...], str, int]:
        """The minutes after an id of the stream, oldest first; one command. Raises `StoreUnavailable`.

        Args:
            after: the id that the last call returned, or `beginning`.

        Returns the minutes, the newest id, and the number of values that are none of ours.
        """
        try:
            found: Any = await self._client.xrange(self._key, min=f"({after}", max="+", count=KEPT)
        except TROUBLES as error:
            raise trouble(error) from error
        minutes: dict[int, Minute] = {}
        strange = 0
        for name, fields in found:
            minute = _decode(name, fields)
            if minute is None:
                strange += 1
            else:
                minutes.setdefault(minute.number, minute)
        return tuple(minutes.values()), found[-1][0].decode("ascii") if found else after, strange


def beginning(now: float) -> str:
    """The id from which a day's minutes lie."""
    return f"{max(0, int((now - KEPT * MINUTE) * 1000))}-0"


def _encode(minute: Minute) -> bytes:
    return orjson.dumps([_short(getattr(minute, name)) for name in FIGURES])


def _short(value: float | None) -> float | None:
    return round(value, 3) if isinstance(value, float) else value


def _decode(name: object, fields: object) -> Minute | None:
    """A minute as far as it can be read, None where it is none of ours: the stream lies in a shared database."""
    found = _ID(name) if isinstance(name, bytes) else None
    raw = fields.get(FIELD) if isinstance(fields, dict) else None
    if found is None or not isinstance(raw, bytes) or len(raw) > LONGEST:
        return None
    try:
        values = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(values, list) or not _are_figures(values := values[: len(FIGURES)]):
        return None
    return Minute(int(found[1]) / 1000, *values)


def _are_figures(values: list[object]) -> bool:
    """Whether each value is of its figure's kind. One loop without calls: a day has twenty thousand of them."""
    for place, value in enumerate(values):
        if value is None:
            continue
        kind = type(value)
        if place == _ANSWERS:
            sound = kind is bool
        elif kind is int:
            sound = (-_MOST if place == _LEDGER else 0) <= value < _MOST  # type: ignore[operator]
        else:
            sound = kind is float and place in _SECONDS and 0 <= value < _MOST  # type: ignore[operator]
        if not sound:
            return False
    return True
