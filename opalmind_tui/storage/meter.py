"""Counts what this process asks of the server: commands, bytes, and how long answers take."""

from __future__ import annotations

import time
from collections import Counter, deque
from typing import Any

KEPT = 500
"""Round trips that are kept."""


class Meter:
    """Totals since the start of the process, of every connection that was made with it."""

    def __init__(self) -> None:
        self.commands: Counter[str] = Counter()
        """How often each command was sent, by its name as the server's own statistics have it."""
        self.sent = 0
        self.received = 0
        self.trips: deque[float] = deque(maxlen=KEPT)
        """Seconds from sending to the first answer, newest last."""

    def count(self, arguments: tuple[Any, ...]) -> None:
        """A command is about to be sent."""
        name = str(arguments[0]).lower().replace(" ", "|")
        self.commands[f"{name}|{str(arguments[1]).lower()}" if name in _CONTAINERS and arguments[1:] else name] += 1


_CONTAINERS = frozenset({"client", "config", "memory", "script", "slowlog"})


def metered(kind: type[Any], meter: Meter) -> type[Any]:
    """A kind of redis-py's asyncio connections that is counted."""

    class Metered(kind):  # type: ignore[misc]
        _asked_at = 0.0
        _reader: Any

        def pack_command(self, *arguments: Any) -> Any:
            meter.count(arguments)
            return super().pack_command(*arguments)

        async def send_packed_command(self, command: Any, check_health: bool = True) -> None:
            meter.sent += len(command) if isinstance(command, bytes) else sum(map(len, command))
            self._asked_at = time.perf_counter()
            await super().send_packed_command(command, check_health)

        async def read_response(self, *arguments: Any, **named: Any) -> Any:
            try:
                return await super().read_response(*arguments, **named)
            finally:
                if self._asked_at:
                    meter.trips.append(time.perf_counter() - self._asked_at)
                    self._asked_at = 0.0

        async def _connect(self) -> None:
            await super()._connect()
            self._reader = _Counted(self._reader, meter)

    return Metered


class _Counted:
    """A stream whose bytes are counted."""

    def __init__(self, stream: Any, meter: Meter) -> None:
        self._stream, self._meter = stream, meter

    async def read(self, number: int = -1) -> bytes:
        data: bytes = await self._stream.read(number)
        self._meter.received += len(data)
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
