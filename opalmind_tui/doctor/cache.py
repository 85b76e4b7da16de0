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

BETTER = 0.15
"""By how much a longer time to live must raise the hit rate to be worth a word."""
Cause = tuple[str, str, str]
"""Name of a cause, how it shows, and what to do."""


def failing(facts: Facts) -> Finding | None:
    """Nothing that is fetched gets into Redis."""
    cache = facts.cache
    if cache is None or facts.trouble is not None or cache.sets or cache.misses < facts.settings.cache_sample_size:
        return None
    why = (
        f"Redis failed or refused {cache.errors:,} look-ups and writes: it was slow, full, or does not permit it."
        if cache.errors
        else "Redis failed nothing: the reports themselves failed, or their time to live is too short to be kept."
    )
    return Finding(
        "cache-not-stored", Severity.WARNING, "The cache is not persisting: nothing is stored",
        f"{cache.misses:,} misses, and no report was ever stored. {why}", "Every report is asked of Matomo.",
        "Let our user write under the cache's prefix, and look at the server's memory and speed." if cache.errors
        else "See whether Matomo answers the reports, and the times to live.",
        _grant(facts) if cache.errors else "",
    )  # fmt: skip


def _grant(facts: Facts) -> str:
    user = facts.place.user or "default"
    return facts.cli("acl", "setuser", user, f"~{facts.settings.cache_prefix}*", "+@read", "+@write")


def not_kept(facts: Facts) -> Finding | None:
    """What is stored is gone again at once."""
    cache, server = facts.cache, facts.server
    if cache is None or server is None or not cache.sets or cache.entries or not cache.entries_exact:
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
    if not cache.window_hits and cache.window_misses < COLD_START * facts.settings.cache_sample_size:
        return "cold", "a cold start, every report is asked for the first time.", "Wait."
    if cache.stale_evictions > 0.3 * cache.misses:
        return (
            "ttl",
            f"{cache.stale_evictions:,} of {cache.misses:,} misses found a report past its {lasting(cache.ttl)}.",
            "Keep reports longer, if they may be older.",
        )
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
