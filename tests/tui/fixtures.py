"""Snapshots for tests and pictures. Every value is fixed: the same on every machine, at every time."""

from __future__ import annotations

import math
from collections.abc import Callable

from msgspec.structs import replace

from opalmind_tui.engine.queue_look import newest_failures
from opalmind_tui.health.cause import cause_line
from opalmind_tui.health.facts import Facts
from opalmind_tui.settings.model import Settings
from opalmind_tui.snapshot.model import (
    CacheView,
    Check,
    FeatureView,
    Figure,
    Gate,
    GateKind,
    HealthView,
    Identity,
    KeyCounts,
    Mode,
    ProcessView,
    QueueView,
    Reading,
    RequestRow,
    Series,
    ServerView,
    Snapshot,
    State,
    StoreStatus,
    Verdict,
)

NOW = 1_740_796_267.0
"""2025-03-01 02:31:07 UTC."""
MIB = 2**20
STEP = 2.0


def wave(low: float, high: float, length: int = 450, period: float = 90.0, shift: float = 0.0) -> tuple[float, ...]:
    """A calm curve between two values."""
    middle, half = (low + high) / 2, (high - low) / 2
    curve = [math.sin(i / period * math.tau + shift) * 0.7 + math.sin(i / period * 11.3) * 0.3 for i in range(length)]
    return tuple(middle + half * value for value in curve)


def ramp(high: float, length: int = 450, start: int = 0) -> tuple[float, ...]:
    """Nothing, then a climb to `high`."""
    climb = length - start
    return tuple(0.0 if i < start else high * (i - start + 1) / climb for i in range(length))


def history(**changed: tuple[float | None, ...]) -> tuple[Series, ...]:
    """The main figures of a calm quarter of an hour; keywords replace some."""
    points: dict[Figure, tuple[float | None, ...]] = {
        Figure.BACKLOG: wave(0, 6),
        Figure.ACCEPTED: wave(1.4, 3.4),
        Figure.DELIVERED: wave(1.4, 3.4, shift=-0.1),
        Figure.RETRIED: (0.0,) * 450,
        Figure.DEAD: (3.0,) * 450,
        Figure.HIT_RATE: wave(78, 93, period=140),
        Figure.MEMORY: tuple(MIB * value for value in wave(402, 410, period=300)),
        Figure.OPS: wave(160, 240, period=60),
        Figure.ROUND_TRIP: wave(0.0003, 0.0006, period=30),
    }
    for name, values in changed.items():
        points[Figure(name.replace("_", "-"))] = values
    return tuple(Series(name, points=values, step=STEP) for name, values in points.items())


_FEATURES = (
    FeatureView("getKeyNumbers", 612, 80, 80, 4, entries=38),
    FeatureView("getMostPopularUrls", 301, 52, 52, 3, entries=31, ttl=300.0, ttl_origin="configured"),
    FeatureView("getTopReferrers", 144, 31, 31, 2, entries=22),
    FeatureView("getEvents", 88, 17, 17, 1, entries=14),
    FeatureView("getTrafficChannels", 41, 9, 9, 2, entries=9, ttl=120.0, ttl_origin="environment"),
    FeatureView("getGoalConversions", 14, 5, 5, 0, entries=8),
    FeatureView("getFunnelSummary", 4, 2, 2, 0, entries=5, stale_served=3, corrupt=1),
)
FEATURES = tuple(replace(one, bytes=2_100 * one.sets, fetch_ms=240 * one.sets) for one in _FEATURES)
QUEUE = QueueView(
    pending=4, scheduled=1, inflight=2, dead=3,
    accepted=12_053, delivered=12_041, rejected=2, retried=38, duplicates=17, unknown=1, epoch="e",
    oldest_accepted=NOW - 9, accepted_rate=2.3, delivered_rate=2.4, slope=0.0,
    delivering_here=True, workers=2, endpoint="https://matomo.example.org",
)  # fmt: skip
CACHE = CacheView(
    hits=1_204, misses=196, sets=196, stale_evictions=12, entries=127, window=300.0, window_hits=172, window_misses=28,
    bytes=411_600, fetch_ms=47_040, saved_per_hour=342.0, ttls_changed=2, features=FEATURES, memory_bytes=1_900_000,
)  # fmt: skip
SERVER = ServerView(
    product="valkey", version="9.1.0", role="primary", used_memory=410 * MIB, peak_memory=436 * MIB,
    max_memory=512 * MIB, policy="noeviction", fragmentation=1.04, clients=7, keyspace_hits=91_220,
    keyspace_misses=2_110, keyspace_hit_rate=98.0, expired_rate=2.1, ops_rate=212.0, total_keys=3_204,
    uptime=864_000.0, aof_enabled=True, appendfsync="everysec", round_trip=0.0004,
)  # fmt: skip
KEYS = KeyCounts(idempotency=2_904, cache=127, queue=150, stats=23, other=0, total=3_204)
CHECKS = (
    Check("matomo-api", Verdict.OK, "Answers in 41 ms"),
    Check("reports-cache", Verdict.OK, "Hit rate 86 % of 200 look-ups"),
    Check("tracking-queue", Verdict.OK, "7 requests wait, the oldest for 9 s"),
    Check("redis-connection", Verdict.WARN, "Memory is 80 % full"),
)
DURABLE = "Accepted requests survive: our crash yes; a Redis crash: up to 1 s lost (everysec)."
ROWS = (
    RequestRow("3fA0k2Jd91LmQz", State.DEAD, "goal", "Goal 7, revenue 49.90", "9", "order-8812", NOW - 7_800,
               attempts=5, status=400, error="400 Bad Request: unknown site", failed_at=NOW - 300, size=412),
    RequestRow("3fA2Hs82kLmPqa", State.DEAD, "event", "Video: play, Über uns", "1", "", NOW - 9_000,
               attempts=5, status=400, error="400 Bad Request: unknown site", failed_at=NOW - 900, size=390),
    RequestRow("3fA7Zx01kkLw9b", State.DEAD, "pageview", "https://example.org/old/page?id=7", "9", "pv-1", NOW - 9_400,
               attempts=5, status=None, error="connection reset by peer", failed_at=NOW - 2_400, unknown=1, size=512),
    RequestRow("3fA1Qq72hdKe3c", State.SCHEDULED, "pageview", "https://example.org/pricing", "1", "pv-2", NOW - 61,
               attempts=1, next_try=NOW + 8, status=503, error="503 Service Unavailable", failed_at=NOW - 4, size=480),
    RequestRow("3fA4Ww33ksLd8d", State.INFLIGHT, "pageview", "https://example.org/", "1", "pv-3", NOW - 1, size=455),
    RequestRow("3fA4Ee44jdMs2e", State.INFLIGHT, "event", "Form: submit, Newsletter", "2", "", NOW - 1, size=377),
    RequestRow("3fA5Rr55jfKs7f", State.PENDING, "pageview", "https://example.org/日本語/ページ", "1", "pv-4", NOW - 1,
               size=501),
    RequestRow("3fA5Tt66jgLa1g", State.PENDING, "goal", "Goal 3", "2", "g-3", NOW, size=322),
)  # fmt: skip

PROCESSES = (
    ProcessView("a", "web-1.internal", 4711, "opalmind", "worker", "0.1.0", QUEUE.endpoint, True, 2, 312, 3.0),
    ProcessView("b", "web-2.internal.example.org", 812, "opalmind", "worker", "0.1.0", QUEUE.endpoint, True, 0, 0, 1.0),
    ProcessView("c", "batch", 99_123, "cron", "client", "0.1.0", "https://other.example.org", True, 1, 20, 4.0),
    ProcessView("d", "bastion", 20_114, "anna", "dashboard", "0.1.0", QUEUE.endpoint, age=0.0, here=True),
)


SITES = (("1", "Main shop"), ("2", "Über uns"), ("3", "Blog"), ("9", "Partner portal"), ("12", "\x1b[2J[red]evil"))


def told(snapshot: Snapshot) -> Snapshot:
    """With the first line that the product has for these facts: no picture says what it never would."""
    facts = Facts(
        NOW,
        Settings(matomo_base_url=snapshot.identity.matomo),
        snapshot.store,
        snapshot.queue,
        snapshot.cache,
        snapshot.server,
        snapshot.keys,
        Reading(0.05, NOW),
        failures=newest_failures(snapshot.requests, NOW),
    )
    cause, verdict = cause_line(facts)
    return replace(snapshot, cause=cause, cause_verdict=verdict)


def healthy() -> Snapshot:
    """Traffic flows; a few requests were given up some time ago."""
    return told(_healthy())


def _healthy() -> Snapshot:
    return Snapshot(
        taken_at=NOW,
        identity=Identity(environment="production", matomo="https://matomo.example.org", user="kim"),
        store=StoreStatus(durability=DURABLE, address="db.internal:6379/0"),
        queue=Reading(QUEUE, NOW),
        requests=Reading(ROWS, NOW),
        cache=Reading(CACHE, NOW),
        server=Reading(SERVER, NOW),
        keys=Reading(KEYS, NOW),
        processes=Reading(PROCESSES, NOW),
        health=Reading(HealthView(CHECKS), NOW),
        history=history(),
        sites=SITES,
    )


def waiting_rows(number: int, error: str = "503 Service Unavailable") -> tuple[RequestRow, ...]:
    """Failed requests, the newest failure first."""
    labels = ("https://example.org/pricing", "Video: play, Trailer", "https://example.org/", "Goal 3")
    kinds = ("pageview", "event", "pageview", "goal")
    return tuple(
        RequestRow(
            f"3fA{i:011d}", State.SCHEDULED, kinds[i % 4], labels[i % 4], str(i % 3 + 1), f"k-{i}",
            NOW - 1_022 + 3 * i, attempts=3, next_try=NOW + 8 + i % 9, status=503, error=error,
            failed_at=NOW - 2 * i, size=400 + i,
        )
        for i in range(number)
    )  # fmt: skip


def backlog() -> Snapshot:
    """More comes in than goes out."""
    queue = replace(
        QUEUE, pending=2_310, scheduled=41, inflight=100, accepted=16_497, delivered=14_041, accepted_rate=23.1,
        delivered_rate=10.8, retried_rate=0.4, slope=12.3, oldest_accepted=NOW - 214,
    )  # fmt: skip
    checks = (
        CHECKS[0],
        CHECKS[1],
        Check(
            "tracking-queue", Verdict.FAIL, "2,451 requests wait (limit 25), the oldest for 3 min 34 s (limit 2 min)"
        ),
        CHECKS[3],
    )
    return told(
        replace(
            healthy(),
            queue=Reading(queue, NOW),
            # A full memory would be named first.
            server=Reading(replace(SERVER, used_memory=290 * MIB), NOW),
            requests=Reading((*ROWS[:3], *waiting_rows(47)), NOW),
            health=Reading(HealthView(checks), NOW),
            history=history(backlog=ramp(2_451, start=250), accepted=wave(20, 25), delivered=wave(9, 12)),
        )
    )


def outage() -> Snapshot:
    """Matomo answers 503; the breaker is open."""
    gate = Gate(GateKind.BREAKER, NOW - 1_027, NOW + 8, "HTTP 503 Service Unavailable", 12)
    queue = replace(
        QUEUE, pending=0, scheduled=2_351, inflight=0, dead=3, accepted=14_397, delivered=12_041, delivered_rate=0.0,
        retried_rate=0.2, slope=2.3, oldest_accepted=NOW - 1_022, gate=gate, last_error="503 Service Unavailable",
        last_status=503,
    )  # fmt: skip
    checks = (
        Check("matomo-api", Verdict.FAIL, "503 Service Unavailable since 02:14 UTC, 12 failures in a row"),
        CHECKS[1],
        Check("tracking-queue", Verdict.FAIL, "2,351 requests wait (limit 25), the oldest for 17 min (limit 2 min)"),
        CHECKS[3],
    )
    return told(
        replace(
            healthy(),
            queue=Reading(queue, NOW),
            requests=Reading(waiting_rows(50), NOW),
            health=Reading(HealthView(checks), NOW),
            history=history(backlog=ramp(2_351), delivered=(0.0,) * 450, retried=wave(0, 0.5, period=20)),
        )
    )


def degraded() -> Snapshot:
    """Redis is away; memory serves."""
    queue = replace(
        QUEUE, pending=11, scheduled=0, inflight=1, dead=0, accepted=240, delivered=228, rejected=0, unknown=0,
        duplicates=0, oldest_accepted=NOW - 2, workers=1,
    )  # fmt: skip
    checks = (
        CHECKS[0],
        Check("reports-cache", Verdict.WARN, "Each process caches for itself while Redis is away"),
        Check("tracking-queue", Verdict.WARN, "12 requests wait in memory only"),
        Check("redis-connection", Verdict.FAIL, "Connection refused at db.internal:6379"),
    )
    store = StoreStatus(
        mode=Mode.MEMORY, since=NOW - 1_022, reason="Connection refused at db.internal:6379",
        remedy="Start the server, or check REDIS_URL", only_here=12, address="db.internal:6379/0",
        hand_over="/home/anna/.local/state/opalmind-tui",
        durability="Accepted requests live in this process's memory only: they do not survive its end.",
    )  # fmt: skip
    return told(
        replace(
            healthy(),
            store=store,
            queue=Reading(queue, NOW),
            requests=Reading(ROWS[4:], NOW),
            server=Reading(None, 0.0, "Connection refused"),
            keys=Reading(None, 0.0, "Connection refused"),
            health=Reading(HealthView(checks), NOW),
            history=history(
                memory=(*history()[6].points[:200], *(None,) * 250), ops=(None,) * 450, round_trip=(None,) * 450
            ),
        )
    )


def empty() -> Snapshot:
    """A fresh install: nothing was ever tracked or looked up."""
    checks = (
        Check("matomo-api", Verdict.UNKNOWN, "MATOMO_BASE_URL is not set"),
        Check("reports-cache", Verdict.OK, "No look-ups yet"),
        Check("tracking-queue", Verdict.OK, "Empty"),
        Check("redis-connection", Verdict.OK, "PONG in 0.3 ms"),
    )
    server = ServerView(
        product="redis", version="7.2.4", used_memory=1_400_000, peak_memory=1_400_000, policy="noeviction",
        fragmentation=1.9, clients=2, round_trip=0.0003, ops_rate=3.0,
    )  # fmt: skip
    return told(
        replace(
            healthy(),
            identity=Identity(),
            store=StoreStatus(durability=DURABLE, address="localhost:6379/0"),
            queue=Reading(QueueView(), NOW),
            requests=Reading((), NOW),
            cache=Reading(CacheView(), NOW),
            server=Reading(server, NOW),
            keys=Reading(KeyCounts(), NOW),
            health=Reading(HealthView(checks), NOW),
            history=(),
        )
    )


def stale() -> Snapshot:
    """Some parts answered a while ago and not since."""
    whole = healthy()
    return told(
        replace(
            whole,
            queue=replace(whole.queue, at=NOW - 12),
            requests=replace(whole.requests, at=NOW - 12),
            server=replace(whole.server, at=NOW - 12),
            health=replace(whole.health, at=NOW - 90),
        )
    )


def error() -> Snapshot:
    """One part cannot be read, another failed just now; the others go on."""
    whole = healthy()
    return told(
        replace(
            whole,
            cache=Reading(
                None,
                0.0,
                "WRONGTYPE: opalmind:stats:cache is no hash. Delete it, or choose another REDIS_STATS_PREFIX.",
            ),
            server=replace(
                whole.server, at=NOW - 5, error="The server did not answer INFO within 1 s. Look at its load."
            ),
        )
    )


def token() -> Snapshot:
    """Matomo refuses the token; an operator must act."""
    gate = Gate(GateKind.TOKEN, NOW - 300, math.inf, "Unable to authenticate with the provided token", 1)
    queue = replace(
        QUEUE, pending=612, scheduled=0, inflight=0, gate=gate, held=12, delivered_rate=0.0, slope=2.3,
        accepted=12_658, oldest_accepted=NOW - 300, delivering_here=False, workers=1,
    )  # fmt: skip
    return told(
        replace(
            healthy(),
            queue=Reading(queue, NOW),
        )
    )


def demo() -> Snapshot:
    """The demo, on a read-only screen."""
    whole = healthy()
    return told(replace(whole, identity=Identity(environment="demo", demo="normal", matomo="http://127.0.0.1:40123")))


def estimated() -> Snapshot:
    """A database too large to count; a read-only dashboard on a long socket path."""
    whole = healthy()
    keys = KeyCounts(
        idempotency=2_900_000, cache=48_000, queue=1_204_000, stats=80, other=120, total=4_152_200, exact=False
    )
    queue = replace(QUEUE, pending=1_204_117, accepted=13_257_231, delivered=12_053_111 - 14, delivering_here=False,
                    accepted_rate=1_240.0, delivered_rate=3_180.0, slope=-1_940.0, clears_in=621.0)  # fmt: skip
    return told(
        replace(
            whole,
            identity=Identity(environment="staging", read_only=True, matomo="https://matomo.staging.example.org"),
            store=replace(whole.store, address="unix:///run/user/1000/opalmind/embedded/valkey.sock"),
            keys=Reading(keys, NOW),
            queue=Reading(queue, NOW),
            cache=Reading(replace(CACHE, entries=48_000, entries_exact=False), NOW),
        )
    )


STATES: dict[str, Callable[[], Snapshot]] = {
    "healthy": healthy,
    "backlog": backlog,
    "outage": outage,
    "degraded": degraded,
    "empty": empty,
    "stale": stale,
    "error": error,
    "token": token,
    "demo": demo,
    "estimated": estimated,
}
