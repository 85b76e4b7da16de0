"""Which part of the data a key belongs to, told from its text alone; and counts of such keys. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from secrets import token_bytes

from opalmind_tui.matomo.endpoints import tracking_url
from opalmind_tui.settings.model import Settings
from opalmind_tui.snapshot.model import KeyCounts
from opalmind_tui.storage.slots import QUEUE_TAG
from opalmind_tui.tracking.ids import ALPHABET, SHARDS, endpoint_code

UNKNOWN_FEATURE = "unknown"
"""The feature of a key under the cache prefix that no report of ours has written."""
_FEATURE = re.compile(rb'\{"feature":"([A-Za-z][A-Za-z0-9_.-]{0,39})",')
_MOST_FEATURES = 40
"""Different features that are told apart; strangers may write any number of them."""
_LONG = 64

_QUEUE_KEYS = (
    "msg", "meta", "key", "inflight", "dead", "failed", "aged", "unknown", "held", "trash", "rejected", "aside",
    "aside-key", "done:now", "done:before", "claim", "batch", "shard", "gate", "control", "endpoints", "ledger",
    "lately", "settled",
)  # fmt: skip
_STATS_KEYS = ("presence", "config", "audit", "{c}:totals", "{c}:minutes", "{c}:lookups", "{c}:generation")

Place = tuple[str, str]
"""Class of a key (``idempotency``, ``cache``, ``queue``, ``stats``, ``other``) and, in the cache, its feature."""


class Keyspace:
    """Knows the prefixes of one configuration."""

    def __init__(self, settings: Settings) -> None:
        self._prefixes = tuple(
            (name, prefix.encode())
            for name, prefix in (
                ("idempotency", settings.idempotency_prefix),
                ("cache", settings.cache_prefix),
                ("queue", settings.queue_prefix),
                ("stats", settings.stats_prefix),
            )
        )
        self._mark = token_bytes(12)
        self._begins = tuple((name, self._mark + prefix) for name, prefix in self._prefixes)
        self._features = re.compile(re.escape(dict(self._begins)["cache"]) + _FEATURE.pattern)

    def place(self, key: bytes) -> Place:
        """Where a key belongs. Any bytes will do."""
        for name, prefix in self._prefixes:
            if key.startswith(prefix):
                return name, self._feature(key, len(prefix)) if name == "cache" else ""
        return "other", ""

    def places(self, keys: Sequence[bytes]) -> Counter[Place]:
        """How many of many keys belong where. No prefix is the beginning of another.

        One text of all names is searched in C, which takes a third of the time that looking at each of them does. The
        mark between them is random, so that no name can hold it on purpose.
        """
        text = self._mark.join([b"", *keys])
        found = Counter({(name, ""): text.count(begins) for name, begins in self._begins if name != "cache"})
        features = Counter(self._features.findall(text))
        found.update({("cache", feature.decode("ascii")): number for feature, number in features.items()})
        found["cache", UNKNOWN_FEATURE] += text.count(dict(self._begins)["cache"]) - features.total()
        found["other", ""] = len(keys) - found.total()
        return +found

    @staticmethod
    def _feature(key: bytes, start: int) -> str:
        found = _FEATURE.match(key, start)
        return found[1].decode("ascii") if found else UNKNOWN_FEATURE


def own_keys(settings: Settings) -> tuple[bytes, ...]:
    """Names of the keys that hold the queue and the figures: few of them, each as large as what it holds."""
    base = settings.matomo_base_url
    code = endpoint_code(tracking_url(base)) if base else ""
    due = [f"due:{code}{shard}" for shard in ALPHABET[:SHARDS]] if code else []
    queue = [f"{settings.queue_prefix}{QUEUE_TAG}{name}" for name in (*_QUEUE_KEYS, *due)]
    return tuple(name.encode() for name in (*queue, *(f"{settings.stats_prefix}{name}" for name in _STATS_KEYS)))


class Tally:
    """Counts keys by place, each key once."""

    def __init__(self, keyspace: Keyspace) -> None:
        self._keyspace = keyspace
        self._seen: set[bytes] = set()
        self.places: Counter[Place] = Counter()
        """Different keys of each place."""
        self.nodes: dict[str, Counter[Place]] = {}
        """The same for each node of a Cluster."""

    @property
    def counted(self) -> int:
        """Different keys so far."""
        return len(self._seen)

    def add(self, keys: Iterable[bytes], node: str = "") -> None:
        """Count what was not counted before: SCAN may return a key twice while the server resizes its table."""
        theirs = self.nodes.setdefault(node, Counter()) if node else None
        for key in keys:
            mark = key if len(key) <= _LONG else blake2b(key, digest_size=16).digest()
            if mark not in self._seen:
                self._seen.add(mark)
                place = self._keyspace.place(key)
                self.places[place] += 1
                if theirs is not None:
                    theirs[place] += 1


def key_counts(places: Counter[Place], total: int, *, exact: bool) -> KeyCounts:
    """Counts by class and feature; scaled to `total` unless they are exact."""
    sampled = sum(places.values())
    factor = 1.0 if exact or not sampled else total / sampled
    classes: Counter[str] = Counter()
    features: Counter[str] = Counter()
    for (name, feature), count in places.items():
        classes[name] += count
        if feature:
            known = feature in features or len(features) < _MOST_FEATURES
            features[feature if known else UNKNOWN_FEATURE] += count
    return KeyCounts(
        **{name: round(count * factor) for name, count in classes.items()},
        total=total,
        exact=exact,
        features=tuple(sorted((feature, round(count * factor)) for feature, count in features.items())),
    )
