"""A closer look at the server while somebody reads it: slow log, clients, replicas, network, what we cost it."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from opalmind_tui.observe.answers import slow_commands, word
from opalmind_tui.observe.info import Info, replicas_of, text, whole
from opalmind_tui.snapshot.redis_report import ClientRow, Cost, Latency, RedisReport, SlowCommand
from opalmind_tui.storage.greeting import NAME
from opalmind_tui.storage.meter import Meter
from opalmind_tui.storage.trouble import TROUBLES, trouble

if TYPE_CHECKING:
    from redis.asyncio import Redis

SLOW = 5
"""Newest entries of the slow log."""
MOST_CLIENTS = 60
"""Connections up to which they are listed: the list grows by 350 bytes for each, and has no end."""
WINDOW = 20.0
"""Seconds that rates look back: parts are read at paces of their own, of some seconds."""


class _Mark(Struct, frozen=True):
    """Counters at one moment. `usec`: microseconds and calls of each command; empty where they were not asked."""

    at: float
    run_id: str
    commands: Counter[str]
    sent: int
    received: int
    input: int
    output: int
    usec: Mapping[str, tuple[float, int]]


class CloserLook:
    """Looks at one server, again and again.

    Args:
        meter: counts what this process asks.
        clock: seconds from any start.
    """

    def __init__(self, meter: Meter, clock: Callable[[], float] = time.monotonic) -> None:
        self._meter, self._clock = meter, clock
        self._marks: deque[_Mark] = deque()
        self._slow: tuple[SlowCommand, ...] = ()
        self._clients: tuple[ClientRow, ...] | None = ()
        self._denied: tuple[str, ...] = ()

    def note(self, info: Info) -> None:
        """Note where the counters stand, at each reading of INFO: rates are known at once when somebody looks then."""
        mark = self._mark(info)
        if self._marks and self._marks[-1].run_id != mark.run_id:
            self._marks.clear()
        self._marks.append(mark)
        while len(self._marks) > 2 and mark.at - self._marks[1].at >= WINDOW:
            self._marks.popleft()

    async def ask(self, client: Redis, *, clients: int) -> None:
        """Ask what INFO does not tell: two commands. What the server does not permit is listed, and no error.

        Args:
            client: answers in bytes.
            clients: connections that the server has; many are not listed.

        Raises:
            StoreUnavailable: the server did not answer.
        """
        listed = clients <= MOST_CLIENTS
        async with client.pipeline(transaction=False) as pipe:
            pipe.slowlog_get(SLOW)
            if listed:
                pipe.client_list()
            try:
                slow, *rows = await pipe.execute(raise_on_error=False)
            except TROUBLES as error:
                raise trouble(error) from error
        self._slow = slow_commands(slow)
        self._clients = _clients(rows[0]) if rows else None
        asked = zip(("SLOWLOG", "CLIENT"), (slow, *rows), strict=False)
        self._denied = tuple(name for name, answer in asked if isinstance(answer, Exception))

    def report(self, info: Info, now: float, *, denied: bool = False) -> RedisReport:
        """All that is known by now.

        Args:
            info: the newest INFO; empty where it is not permitted, or nobody answered yet.
            now: epoch seconds.
            denied: INFO is not permitted.
        """
        return RedisReport(
            at=now,
            slow=self._slow,
            replicas=replicas_of(info),
            clients=self._clients,
            input=self._rate(lambda mark: mark.input) if info else None,
            output=self._rate(lambda mark: mark.output) if info else None,
            changes=whole(info, "rdb_changes_since_last_save"),
            rewriting=bool(whole(info, "aof_rewrite_in_progress") or whole(info, "rdb_bgsave_in_progress")),
            latency=_latency(self._meter.trips),
            cost=self._cost(),
            denied=(*self._denied, "INFO") if denied else self._denied,
        )

    def _mark(self, info: Info) -> _Mark:
        return _Mark(
            at=self._clock(),
            run_id=text(info, "run_id"),
            commands=self._meter.commands.copy(),
            sent=self._meter.sent,
            received=self._meter.received,
            input=whole(info, "total_net_input_bytes"),
            output=whole(info, "total_net_output_bytes"),
            usec={
                name.removeprefix("cmdstat_"): (float(one.get("usec", 0)), int(one.get("calls", 0)))
                for name, one in info.items()
                if name.startswith("cmdstat_") and isinstance(one, Mapping)
            },
        )

    def _rate(self, figure: Callable[[_Mark], float]) -> float | None:
        """Growth per second of a counter; None before that is known."""
        if len(self._marks) < 2 or self._marks[-1].at <= self._marks[0].at:
            return None
        first, last = self._marks[0], self._marks[-1]
        return max(0.0, figure(last) - figure(first)) / (last.at - first.at)

    def _cost(self) -> Cost:
        return Cost(
            commands=self._rate(lambda mark: mark.commands.total()) or 0.0,
            sent=self._rate(lambda mark: mark.sent) or 0.0,
            received=self._rate(lambda mark: mark.received) or 0.0,
            server=self._server_time(),
        )

    def _server_time(self) -> float | None:
        """From those moments alone at which the server told of its commands."""
        told = [mark for mark in self._marks if mark.usec]
        if len(told) < 2 or told[-1].at <= told[0].at:
            return None
        first, last = told[0], told[-1]
        return _server_time(last.commands - first.commands, first.usec, last.usec, last.at - first.at)


def _server_time(
    made: Counter[str], before: Mapping[str, tuple[float, int]], after: Mapping[str, tuple[float, int]], seconds: float
) -> float:
    """Our calls, each at the mean time of such a call of late: the server does not say whose call took how long."""
    total = 0.0
    for name, calls in made.items():
        # Redis 6.2 knows no subcommands.
        known = name if name in after else name.partition("|")[0]
        usec, number = after.get(known, (0.0, 0))
        usec_before, number_before = before.get(known, (0.0, 0))
        if number > number_before:
            total += calls * (usec - usec_before) / (number - number_before)
    return total / 1e6 / seconds


def _latency(trips: Any) -> Latency:
    newest = tuple(trips)
    if not newest:
        return Latency()
    ordered = sorted(newest)
    return Latency(_quantile(ordered, 0.5), _quantile(ordered, 0.99), newest[-60:])


def _quantile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _clients(answer: Any) -> tuple[ClientRow, ...]:
    """Programs: connections with one name, or from one address where they have none."""
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for one in answer if isinstance(answer, list) else []:
        name, address = word(one.get("name", "")), word(one.get("addr", ""))
        host = address.rpartition(":")[0]
        groups.setdefault((name, host), []).append(one)
    rows = [_client(name, host, ones) for (name, host), ones in groups.items()]
    return tuple(sorted(rows, key=lambda row: (not row.ours, row.idle, row.name)))


def _client(name: str, host: str, ones: list[Mapping[str, Any]]) -> ClientRow:
    # CLIENT LIST is text: its numbers are, too.
    newest = min(ones, key=lambda one: _number(one.get("idle")))
    idle = _number(newest.get("idle"))
    return ClientRow(name, host, name.startswith(f"{NAME}-"), len(ones), idle, word(newest.get("cmd", "")))


def _number(value: object) -> int:
    return int(value) if isinstance(value, str | int) and str(value).isdecimal() else 0
