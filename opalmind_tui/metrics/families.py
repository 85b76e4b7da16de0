"""From a look to Prometheus metrics. Pure: no clock, no I/O. A figure that could not be read is left out.

Totals of the shared store and of a process's memory are different counters, so they are told apart by the label
``store``. The shared ones are the same in every process: take their maximum, not their sum.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from typing import TypeVar

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from opalmind_tui import __version__
from opalmind_tui.metrics.look import Look
from opalmind_tui.snapshot.model import (
    CacheView,
    GateKind,
    Mode,
    QueueView,
    Reading,
    ServerView,
    Snapshot,
    Verdict,
)
from opalmind_tui.text import safe_text
from opalmind_tui.tracking.send_stats import POST_TIMES, DispatcherStats

MOST_FEATURES = 100
"""Kinds of reports with series of their own; their names may come from outside, and each would be kept for long."""
LABEL = 100
"""Most cells of a label's value."""
OTHERS = "(others)"
T = TypeVar("T")
Samples = Iterable[tuple[Mapping[str, str], float]]

QUEUE_TOTALS = (
    ("accepted", "Requests that were accepted into the queue."),
    ("delivered", "Requests that Matomo took."),
    ("rejected", "Requests that Matomo counted invalid."),
    ("dropped", "Requests that Matomo lost inside of a successful bulk."),
    ("purged", "Requests that operators purged, less what they restored."),
    ("retried", "Failed attempts after which a request was scheduled again."),
    ("recovered", "Requests taken back from processes that vanished."),
    ("unknown", "Posts whose answer never came."),
    ("duplicates", "Requests that were not queued because their key was known."),
    ("conflicts", "Requests whose key was known with another payload."),
    ("refused", "Requests that were not taken because a limit was reached."),
)
STATES = ("pending", "scheduled", "inflight", "dead")
CACHE_TOTALS = (
    ("hits", "Look-ups that found a fresh report."),
    ("misses", "Look-ups that found none."),
    ("sets", "Reports that were stored."),
    ("stale_served", "Old reports that were served because Matomo was away."),
    ("stale_evictions", "Entries that were found too old."),
    ("corrupt", "Entries that were none."),
    ("errors", "Reports that could not be fetched."),
)
SERVER_TOTALS = (
    ("evicted_keys", "Keys that Redis evicted for want of memory, since it started."),
    ("expired_keys", "Keys whose time to live ran out, since it started."),
    ("keyspace_hits", "Look-ups of keys that were there, since it started."),
    ("keyspace_misses", "Look-ups of keys that were not, since it started."),
)
SERVER_LEVELS = (
    ("used_memory", "memory_used_bytes", "Memory that Redis uses."),
    ("max_memory", "memory_max_bytes", "Memory that Redis may use; 0 for no limit."),
    ("clients", "clients", "Connections to Redis."),
    ("uptime", "uptime_seconds", "Time since Redis started."),
    ("round_trip", "round_trip_seconds", "Time of one PING, the smallest of the last few."),
)
KEYS = ("idempotency", "cache", "queue", "stats", "other")
PARTS = ("queue", "cache", "server", "keys")


def families(look: Look, age: float) -> Iterator[Metric]:
    """Every metric of a look that is `age` seconds old."""
    snapshot = look.snapshot
    store = str(snapshot.store.mode)
    yield _level("build_info", "The program that is asked.", [({"version": __version__}, 1.0)])
    yield _level(
        "look_age_seconds", "Age of all figures: they are read at a steady pace, not for a scrape.", [({}, age)]
    )
    yield from _whole(snapshot)
    if (queue := _known(snapshot.queue)) is not None:
        yield from _queue(queue, store, snapshot.queue.at)
    if (cache := _known(snapshot.cache)) is not None:
        yield from _cache(cache, str(Mode.MEMORY) if look.cache_in_memory else store)
    if (server := _known(snapshot.server)) is not None:
        yield from _server(server)
    if (keys := _known(snapshot.keys)) is not None:
        yield _level(
            "redis_keys", "Keys by what they are for.", [({"place": name}, getattr(keys, name)) for name in KEYS]
        )
    yield from _matomo(look.matomo)
    if look.sent is not None:
        yield _posts(look.sent)


def _whole(snapshot: Snapshot) -> Iterator[Metric]:
    parts = {name: getattr(snapshot, name) for name in PARTS}
    up = [({"part": name}, float(reading.error is None and reading.at > 0)) for name, reading in parts.items()]
    yield _level("part_up", "Whether a part could be read; its figures are left out while it cannot.", up)
    yield _level("degraded", "Whether memory serves because Redis is away.", [({}, snapshot.store.mode is Mode.MEMORY)])
    yield _level(
        "only_in_memory", "Requests that live in this process's memory only.", [({}, snapshot.store.only_here)]
    )
    checks = snapshot.health.value.checks if snapshot.health.value is not None else ()
    states = [({"check": one.name, "verdict": str(word)}, one.verdict is word) for one in checks for word in Verdict]
    yield _level("check", "The checks of the health document: 1 at the verdict that holds.", states)


def _queue(view: QueueView, store: str, at: float) -> Iterator[Metric]:
    label = {"store": store}
    states = [({"state": name, **label}, getattr(view, name)) for name in STATES]
    yield _level("queue_requests", "Requests in the queue by state.", states)
    for name, text in QUEUE_TOTALS:
        yield _total(f"queue_{name}", text, [(label, getattr(view, name))])
    oldest = 0.0 if view.oldest_accepted is None else max(0.0, at - view.oldest_accepted)
    yield _level(
        "queue_oldest_age_seconds", "Age of the oldest waiting request; 0 where none waits.", [(label, oldest)]
    )
    yield _level("queue_trash", "Purged requests that can still be restored.", [(label, view.trash)])
    yield _level("queue_unknown_waiting", "Of all: posted once and not answered.", [(label, view.unknown_waiting)])
    closed = view.closed.kind if view.closed is not None else None
    gates = [({"reason": str(kind), **label}, kind is closed) for kind in GateKind]
    yield _level("queue_closed", "Why nothing is sent now: 1 at the reason that holds.", gates)
    yield _level("queue_workers", "Processes that deliver to this Matomo.", [({}, view.workers)])
    yield _level("ledger_difference", "Accepted less all that is accounted for.", [(label, view.ledger_difference)])
    yield _level("ledger_alarm", "The difference that no operator took note of.", [(label, view.ledger_alarm)])
    yield _level("ledger_epoch_changed", "Whether the counters were lost.", [(label, view.epoch_changed)])


def _cache(view: CacheView, store: str) -> Iterator[Metric]:
    for name, text in CACHE_TOTALS:
        yield _total(f"cache_{name}", text, _by_feature(view, name, store, 1.0))
    yield _total("cache_stored_bytes", "Bytes of the reports that were stored.", _by_feature(view, "bytes", store, 1.0))
    fetched = _by_feature(view, "fetch_ms", store, 0.001)
    yield _total("cache_fetch_seconds", "Time that Matomo took for them.", fetched)
    yield _level("cache_entries", "Cached reports.", [({"store": store}, view.entries)])
    yield _level("cache_ttl_seconds", "Time to live of reports that have none of their own.", [({}, view.ttl)])


def _by_feature(view: CacheView, name: str, store: str, factor: float) -> Samples:
    """A figure of each kind of report. What two names have in common after they were made safe is added up."""
    found: defaultdict[str, float] = defaultdict(float)
    for number, one in enumerate(sorted(view.features, key=lambda one: (-one.hits - one.misses, one.feature))):
        found[safe_text(one.feature, LABEL) if number < MOST_FEATURES else OTHERS] += getattr(one, name) * factor
    return [({"feature": feature, "store": store}, value) for feature, value in found.items()]


def _server(view: ServerView) -> Iterator[Metric]:
    yield _level("redis_info", "The server.", [({"product": view.product, "version": view.version}, 1.0)])
    for field, name, text in SERVER_LEVELS:
        yield _level(f"redis_{name}", text, [({}, getattr(view, field))])
    for name, text in SERVER_TOTALS:
        yield _total(f"redis_{name}", text, [({}, getattr(view, name))])


def _matomo(answer: Reading[float]) -> Iterator[Metric]:
    if not answer.at:
        return
    yield _level("matomo_up", "Whether Matomo answered when it was asked last.", [({}, answer.error is None)])
    if answer.error is None and answer.value is not None:
        yield _level("matomo_answer_seconds", "Time that Matomo took to answer.", [({}, answer.value)])


def _posts(sent: DispatcherStats) -> Metric:
    """How long Matomo took for the bulks of this process."""
    bounds = [*(f"{bound:g}" for bound in POST_TIMES), "+Inf"]
    buckets = list(zip(bounds, map(float, accumulate(sent.post_times)), strict=True))
    family = HistogramMetricFamily(
        "opalmind_post_duration_seconds", "Time that Matomo took for a bulk of this process."
    )
    family.add_metric([], buckets, sent.post_seconds)
    return family


def _level(name: str, text: str, samples: Samples) -> Metric:
    return _filled(GaugeMetricFamily(f"opalmind_{name}", text), "", samples)


def _total(name: str, text: str, samples: Samples) -> Metric:
    return _filled(CounterMetricFamily(f"opalmind_{name}", text), "_total", samples)


def _filled(family: Metric, ending: str, samples: Samples) -> Metric:
    for labels, value in samples:
        safe = {label: safe_text(told, LABEL) for label, told in labels.items()}
        family.add_sample(family.name + ending, safe, float(value))
    return family


def _known(reading: Reading[T]) -> T | None:
    return None if reading.error is not None else reading.value
