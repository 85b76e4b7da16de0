"""A server looked at from near. Every value is fixed."""

from __future__ import annotations

import math

from opalmind_tui.snapshot.census import Estimate, Expiry, KeyCensus, KeyGroup, SeenKey
from opalmind_tui.snapshot.redis_report import ClientRow, Cost, Latency, RedisReport, Replica, SlowCommand

NOW = 1_740_796_267.0


def group(name: str, keys: float, memory: float, spread: float = 0.2) -> KeyGroup:
    return KeyGroup(
        name,
        Estimate(keys, keys * (1 - spread), keys * (1 + spread)),
        Estimate(memory, memory * (1 - spread), memory * (1 + 2 * spread)),
    )


CENSUS = KeyCensus(
    total=1_204_117,
    looked_at=445,
    prefixes=(
        group("idempotency", 902_000, 301e6), group("cache", 210_000, 420e6), group("queue", 12, 96e6, 0),
        KeyGroup("stats", Estimate(0, 0, 10_900), Estimate(0, 0, math.inf)), group("other", 92_000, 88e6, 0.4),
    ),
    features=(group("events", 120_000, 240e6), group("keyNumbers", 60_000, 130e6), group("\x1b[31mred", 30_000, 5e7)),
    expiries=tuple(
        Expiry(after, before, group("expiry", keys, keys * 400))
        for after, before, keys in (
            (0.0, 60.0, 44_000), (60.0, 600.0, 160_000), (600.0, 3600.0, 20_000), (3600.0, 21_600.0, 210_000),
            (21_600.0, 86_400.0, 680_000), (86_400.0, math.inf, 0),
        )
    ),
    lasting=group("lasting", 92_000, 180e6),
    forgotten=KeyGroup("forgotten", Estimate(0, 0, 10_900)),
    corrupt=KeyGroup("corrupt", Estimate(2_700, 400, 17_000)),
    biggest=(
        SeenKey("opalmind:queue:{q}:msg", "queue", 92_000_000, None),
        SeenKey('opalmind:cache:{"feature":"events","input":{"\u202e\x07siteId":7}}', "cache", 310_000, 41),
    ),
)  # fmt: skip
REPORT = RedisReport(
    at=NOW,
    census=CENSUS,
    slow=(SlowCommand("EVALSHA", NOW - 1_400, 0.0123), SlowCommand("HGETALL", NOW - 90_000, 0.31)),
    replicas=(Replica("10.0.0.7:6379", "online", 1),),
    clients=(
        ClientRow("opalmind-tui-4711", "10.0.0.2", True, 4, 0, "evalsha"),
        ClientRow("", "10.0.0.3", False, 12, 31, "get"),
        ClientRow("evil\x1b]0;x\x07", "10.0.0.9", False, 1, 4_000, "monitor"),
    ),
    input=18_000,
    output=240_000,
    changes=1_204,
    latency=Latency(0.0004, 0.0031, tuple(0.0004 + 0.0002 * (number % 7) for number in range(60))),
    cost=Cost(4.4, 1_300, 5_200, 0.0004),
)
