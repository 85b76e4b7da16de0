"""Why the report cache does not help: nothing is stored, nothing stays, or too little is found."""

from __future__ import annotations

from opalmind_tui.doctor.facts import Facts
from opalmind_tui.doctor.words import size
from opalmind_tui.health.cache import COLD_START
from opalmind_tui.health.redis import MEMORY_FAIL
from opalmind_tui.health.words import lasting, many
from opalmind_tui.snapshot.commands import Act, Command, TtlTarget
from opalmind_tui.snapshot.findings import Finding, Severity
from opalmind_tui.snapshot.model import CacheView, ServerView

FAILING = 0.5
"""Failures in Redis for each miss from which the cache counts as failing."""
STALE = 0.3
"""Share of the misses that found a report past its time, from which that is the cause."""
Cause = tuple[str, str, str]
"""Name of a cause, how it shows, and what to do."""


def failing(facts: Facts) -> Finding | None:
    """What is fetched does not get into Redis."""
    cache = facts.cache
    if cache is None or facts.trouble is not None or cache.misses < facts.settings.cache_sample_size:
        return None
    if cache.errors < FAILING * cache.misses or _serves(facts, cache):
        return None
    if facts.server is not None and _too_small(facts.server, cache) is not None:
        # The hit rate's own finding names that.
        return None
    why = (
        "our user may not read and write there, or the server is slow or full"
        if not cache.entries
        else "the server was slow, full or away"
    )
    return Finding(
        "cache-not-stored", Severity.WARNING, "The cache is not persisting: Redis does not take it",
        f"{cache.errors:,} look-ups and writes failed in Redis, at {cache.misses:,} misses: {why}.",
        "Every process asks Matomo for every report, and keeps it for itself alone.",
        "Let our user read and write under the cache's prefix; look at the server's memory and speed.", _grant(facts),
    )  # fmt: skip


def _serves(facts: Facts, cache: CacheView) -> bool:
    """Of late it did well, whatever once was."""
    return cache.hit_rate is not None and cache.hit_rate >= facts.settings.cache_warn_hit_rate


def _grant(facts: Facts) -> str:
    return facts.grant(f"~{facts.settings.cache_prefix}*", "+@read", "+@write")


def not_kept(facts: Facts) -> Finding | None:
    """What is stored is gone again at once."""
    cache, server = facts.cache, facts.server
    if cache is None or server is None or not cache.sets or cache.entries or not cache.entries_exact:
        return None
    if failing(facts) is not None:
        return None
    if cache.window_misses < facts.settings.cache_sample_size or cache.window_hits:
        return None
    cause = _evicting(server) or (
        "gone",
        f"their time to live is {lasting(cache.ttl)}, and nothing was evicted: they were deleted by others "
        "(FLUSHDB, a purge), or are written to another database or prefix.",
        "Compare REDIS_DB and REDIS_CACHE_PREFIX of all processes, and ask who empties the server.",
    )
    return Finding(
        "cache-not-kept", Severity.WARNING, "The cache is not persisting: reports are stored and gone",
        f"{cache.sets:,} reports were stored, none is there, and the last {cache.window_misses:,} look-ups missed: "
        f"{cause[1]}",
        "Every report is asked of Matomo.", cause[2], facts.cli("info", "stats"),
    )  # fmt: skip


def low_hit_rate(facts: Facts) -> Finding | None:
    """Too little is found, and why."""
    cache = facts.cache
    if cache is None or cache.hit_rate is None or cache.hit_rate >= facts.settings.cache_warn_hit_rate:
        return None
    if cache.window_hits + cache.window_misses < facts.settings.cache_sample_size:
        return None
    if failing(facts) is not None or not_kept(facts) is not None:
        return None
    name, shows, remedy = _why_low(facts, cache)
    looks = cache.window_hits + cache.window_misses
    better = facts.better if name == "ttl" else None
    return Finding(
        f"hit-rate-{name}", Severity.REMARK if name == "cold" else Severity.WARNING, "Few reports come from the cache",
        f"{cache.window_hits:,} of {looks:,} look-ups in {lasting(cache.window)} were hits ({cache.hit_rate:.1f} %): "
        f"{shows}",
        "The others wait for Matomo, which computes the same reports again.", remedy, "",
        None if better is None else Command(Act.SET_TTL, target=TtlTarget.REPORTS, seconds=better.ttl),
        "" if better is None else f"Keep reports for {lasting(better.ttl)}",
    )  # fmt: skip


def _why_low(facts: Facts, cache: CacheView) -> Cause:
    server = facts.server
    if server is not None and (cause := _too_small(server, cache) or _evicting(server)) is not None:
        return cause
    if (better := facts.better) is not None and better.hit_rate is not None and better.ttl > cache.ttl:
        return (
            "ttl",
            f"reports live for {lasting(cache.ttl)} and are asked for again later than that; kept for "
            f"{lasting(better.ttl)}, about {better.hit_rate:.0%} would have been hits.",
            f"Keep reports for {lasting(better.ttl)}, if they may be as old as that.",
        )
    if cache.stale_evictions > STALE * cache.misses:
        return (
            "ttl",
            f"{cache.stale_evictions:,} of {cache.misses:,} misses found a report past its {lasting(cache.ttl)}.",
            "Keep reports longer, if they may be older.",
        )
    if not cache.window_hits and cache.window_misses < COLD_START * facts.settings.cache_sample_size:
        return "cold", "a cold start, every report is asked for the first time.", "Wait."
    return (
        "varied",
        "nearly every look-up is for another report, so that no time to live would help.",
        "Ask for fewer different reports: the same periods, limits and segments.",
    )


def _too_small(server: ServerView, cache: CacheView) -> Cause | None:
    if not server.max_memory or server.policy != "noeviction":
        return None
    if server.used_memory < MEMORY_FAIL * server.max_memory or not cache.errors:
        return None
    return (
        "memory",
        f"the server is full ({size(server.used_memory)} of {size(server.max_memory)}) and refuses to store reports.",
        "Raise maxmemory, or let reports go first with the policy volatile-ttl.",
    )


def _evicting(server: ServerView) -> Cause | None:
    if not server.max_memory or not server.evicted_keys:
        return None
    return (
        "evictions",
        f"the server evicts: {many(server.evicted_keys, 'key')} so far, {size(server.used_memory)} of "
        f"{size(server.max_memory)} used.",
        "Raise maxmemory: reports go before they are asked for again.",
    )


def corrupt(facts: Facts) -> Finding | None:
    """Values that are no reports."""
    cache = facts.cache
    if cache is None or not cache.corrupt:
        return None
    return Finding(
        "cache-corrupt", Severity.REMARK, "Values under the cache's prefix are no reports",
        f"{many(cache.corrupt, 'look-up')} found one.", "They count as misses, and are overwritten.",
        "Find out who else writes there.", "opalmind-tui cache list",
    )  # fmt: skip
