"""A closer look at the server while somebody reads it: slow log, clients, replicas, network, what we cost it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from opalmind_tui.observe.info import Info, text, whole
from opalmind_tui.snapshot.redis_report import ClientRow, Cost, Latency, RedisReport, Replica, SlowCommand
from opalmind_tui.storage.greeting import NAME
from opalmind_tui.storage.meter import Meter
from opalmind_tui.storage.trouble import TROUBLES, trouble

if TYPE_CHECKING:
    from redis.asyncio import Redis

SLOW = 5
"""Newest entries of the slow log."""
MOST_CLIENTS = 60
"""Connections up to which they are listed: the list grows by 350 bytes for each, and has no end."""
_WORD = 40
_SECTIONS = ("commandstats", "replication", "stats", "persistence")
_MOST_REPLICAS = 20


@dataclass(frozen=True, slots=True)
class _Mark:
    """What the next look needs to know of this one."""

    at: float = 0.0
    run_id: str = ""
    commands: Counter[str] | None = None
    sent: int = 0
    received: int = 0
    input: int = 0
    output: int = 0
    usec: Mapping[str, tuple[float, int]] | None = None


class CloserLook:
    """Looks at one server, again and again.

    Args:
        meter: counts what this process asks.
        clock: seconds from any start.
    """

    def __init__(self, meter: Meter, clock: Callable[[], float] = time.monotonic) -> None:
        self._meter, self._clock = meter, clock
        self._last = _Mark()

    async def look(self, client: Redis, *, clients: int, now: float) -> RedisReport:
        """One round trip of seven commands at the most. What the server does not permit is listed, and no error.

        Args:
            client: answers in bytes.
            clients: connections that the server has; many are not listed.
            now: epoch seconds.

        Raises:
            StoreUnavailable: the server did not answer.
        """
        listed = clients <= MOST_CLIENTS
        async with client.pipeline(transaction=False) as pipe:
            for section in _SECTIONS:
                pipe.info(section)
            pipe.slowlog_get(SLOW)
            if listed:
                pipe.client_list()
            try:
                answers = await pipe.execute(raise_on_error=False)
            except TROUBLES as error:
                raise trouble(error) from error
        asked = ("INFO", "INFO", "INFO", "INFO", "SLOWLOG", "CLIENT")
        denied = dict.fromkeys(name for name, answer in zip(asked, answers, strict=False) if _refused(answer))
        commands, replication, stats, persistence = (one if isinstance(one, dict) else {} for one in answers[:4])
        mark = self._mark(commands, stats)
        last, self._last = self._last, mark
        seconds = mark.at - last.at if last.commands is not None else 0.0
        return RedisReport(
            at=now,
            slow=_slow(answers[4]),
            replicas=_replicas(replication),
            clients=_clients(answers[5]) if listed else None,
            input=max(0, mark.input - last.input) / seconds if seconds > 0 and stats else None,
            output=max(0, mark.output - last.output) / seconds if seconds > 0 and stats else None,
            changes=whole(persistence, "rdb_changes_since_last_save"),
            rewriting=bool(
                whole(persistence, "aof_rewrite_in_progress") or whole(persistence, "rdb_bgsave_in_progress")
            ),
            latency=_latency(self._meter.trips),
            cost=_cost(last, mark, seconds),
            denied=tuple(denied),
        )

    def _mark(self, commands: Info, stats: Info) -> _Mark:
        return _Mark(
            at=self._clock(),
            commands=self._meter.commands.copy(),
            sent=self._meter.sent,
            received=self._meter.received,
            input=whole(stats, "total_net_input_bytes"),
            output=whole(stats, "total_net_output_bytes"),
            usec={
                name.removeprefix("cmdstat_"): (float(one.get("usec", 0)), int(one.get("calls", 0)))
                for name, one in commands.items()
                if isinstance(one, Mapping)
            },
        )


def _refused(answer: object) -> bool:
    return isinstance(answer, Exception)


def _cost(last: _Mark, mark: _Mark, seconds: float) -> Cost:
    if seconds <= 0 or last.commands is None or mark.commands is None:
        return Cost()
    made = mark.commands - last.commands
    return Cost(
        commands=made.total() / seconds,
        sent=(mark.sent - last.sent) / seconds,
        received=(mark.received - last.received) / seconds,
        server=_server_time(made, last.usec or {}, mark.usec or {}, seconds),
    )


def _server_time(
    made: Counter[str], before: Mapping[str, tuple[float, int]], after: Mapping[str, tuple[float, int]], seconds: float
) -> float | None:
    """Our calls, each at the mean time of such a call of late: the server does not say whose call took how long."""
    if not after:
        return None
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


def _slow(answer: Any) -> tuple[SlowCommand, ...]:
    entries = answer if isinstance(answer, list) else []
    return tuple(
        SlowCommand(
            _word(entry.get("command", b"")).partition(" ")[0],
            float(entry.get("start_time", 0)),
            float(entry.get("duration", 0)) / 1e6,
        )
        for entry in entries
        if isinstance(entry, dict)
    )


def _replicas(replication: Info) -> tuple[Replica, ...]:
    found = (replication.get(f"slave{number}") for number in range(_MOST_REPLICAS))
    return tuple(
        Replica(f"{_word(one.get('ip', ''))}:{one.get('port', '')}", text(one, "state")[:_WORD], whole(one, "lag"))
        for one in found
        if isinstance(one, Mapping)
    )


def _clients(answer: Any) -> tuple[ClientRow, ...]:
    """Programs: connections with one name, or from one address where they have none."""
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for one in answer if isinstance(answer, list) else []:
        name, address = _word(one.get("name", "")), _word(one.get("addr", ""))
        host = address.rpartition(":")[0]
        groups.setdefault((name, host), []).append(one)
    rows = [_client(name, host, ones) for (name, host), ones in groups.items()]
    return tuple(sorted(rows, key=lambda row: (not row.ours, row.idle, row.name)))


def _client(name: str, host: str, ones: list[Mapping[str, Any]]) -> ClientRow:
    newest = min(ones, key=lambda one: whole(one, "idle"))
    idle = _number(newest.get("idle"))
    return ClientRow(name, host, name.startswith(f"{NAME}-"), len(ones), idle, _word(newest.get("cmd", "")))


def _number(value: object) -> int:
    return int(value) if isinstance(value, str | int) and str(value).isdecimal() else 0


def _word(value: object) -> str:
    return (value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value))[:_WORD]
