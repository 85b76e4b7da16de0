"""The check `reports-cache`: is the cache of any use?

The rate of the last minutes is judged, from `MATOMO_CACHE_SAMPLE_SIZE` look-ups on, by the two limits. A window without
a single hit is a cold start and no outage until it holds `COLD_START` times as many look-ups: every first look-up of a
report has to miss, so twenty misses after a start, a quiet night or a purge say nothing.
"""

from __future__ import annotations

from typing import Any

from opalmind_tui.health.facts import Facts, Finding, known, with_reasons, worst
from opalmind_tui.health.words import lasting, plain
from opalmind_tui.settings.model import Settings
from opalmind_tui.snapshot.model import CacheView, Check, Verdict

COLD_START = 10
"""Sample sizes of look-ups without a hit that still count as a cold start."""
_COUNTS = ("hits", "misses", "sets", "staleEvictions", "entries")


def cache_check(facts: Facts) -> Check:
    """How the cache does."""
    view = known(facts.cache)
    limits = _limits(facts.settings)
    if view is None:
        why = "not counted yet" if facts.cache.error is None else f"cannot be read: {facts.clean(facts.cache.error)}"
        details = (("hitRate", None), *((name, None) for name in _COUNTS), *limits)
        return Check("reports-cache", Verdict.UNKNOWN, f"Hit rate: {why}", "cache", None, "%", details)
    hits, total = _basis(view)
    rate = round(100.0 * hits / total, 2) if total else 0.0
    findings = [*_shared_by_mistake(facts, view), *_findings(view, facts.settings)]
    return Check(
        "reports-cache",
        worst(verdict for verdict, _ in findings),
        with_reasons(f"Hit rate: {100.0 * hits / total if total else 0.0:.1f}% ({hits}/{total} requests)", findings),
        "cache",
        plain(rate),
        "%",
        (
            ("hitRate", plain(rate)),
            *_counts(facts, view),
            *limits,
            *_window(view),
            *_features(facts),
            *_others(facts, view),
        ),
    )


def _basis(view: CacheView) -> tuple[int, int]:
    """Hits and look-ups that the rate is about: the window's, or all of them where it is empty."""
    if view.window_hits + view.window_misses:
        return view.window_hits, view.window_hits + view.window_misses
    return view.hits, view.hits + view.misses


def _findings(view: CacheView, settings: Settings) -> list[Finding]:
    total, rate = view.window_hits + view.window_misses, view.hit_rate
    if rate is None or total < settings.cache_sample_size:
        return []
    if view.window_hits == 0 and total < COLD_START * settings.cache_sample_size:
        return [
            (Verdict.OK, f"cold start: no hit yet, judged from {COLD_START * settings.cache_sample_size} look-ups on")
        ]
    if rate < settings.cache_fail_hit_rate:
        return [(Verdict.FAIL, f"below {settings.cache_fail_hit_rate:g}%")]
    if rate < settings.cache_warn_hit_rate:
        return [(Verdict.WARN, f"below {settings.cache_warn_hit_rate:g}%")]
    return []


def _shared_by_mistake(facts: Facts, view: CacheView) -> list[Finding]:
    return [(Verdict.WARN, f"the same prefix is used for {_named(facts, view)}")] if view.other_sources else []


def _named(facts: Facts, view: CacheView) -> str:
    """The other Matomos: what processes say of themselves, made safe."""
    first, *more = view.other_sources
    return f"another Matomo, {facts.clean(first, 80)}" + (f" and {len(more)} more" if more else "")


def _others(facts: Facts, view: CacheView) -> tuple[tuple[str, Any], ...]:
    return (("otherMatomos", [facts.clean(name) for name in view.other_sources]),) if view.other_sources else ()


def _counts(facts: Facts, view: CacheView) -> tuple[tuple[str, Any], ...]:
    keys = known(facts.keys)
    entries = view.entries if keys is None else keys.cache
    return tuple(zip(_COUNTS, (view.hits, view.misses, view.sets, view.stale_evictions, entries), strict=True))


def _features(facts: Facts) -> tuple[tuple[str, Any], ...]:
    """Entries by report, where keys were counted and there are any."""
    keys = known(facts.keys)
    return (("features", dict(keys.features)),) if keys is not None and keys.features else ()


def _limits(settings: Settings) -> tuple[tuple[str, Any], ...]:
    return (
        ("sampleSize", settings.cache_sample_size),
        ("warnHitRate", plain(settings.cache_warn_hit_rate)),
        ("failHitRate", plain(settings.cache_fail_hit_rate)),
    )


def _window(view: CacheView) -> tuple[tuple[str, Any], ...]:
    """What the rate is about, where that is not simply all look-ups."""
    if (view.window_hits, view.window_misses) in ((view.hits, view.misses), (0, 0)):
        return ()
    window = {"hits": view.window_hits, "misses": view.window_misses, "seconds": plain(round(view.window, 3))}
    return (("window", window),)


def cause_of_cache(facts: Facts) -> str:
    """The sentence about a cache that does not do well."""
    view = known(facts.cache)
    if view is None:
        return ""
    if view.other_sources:
        return (
            f"The cache is shared with {_named(facts, view)}: its reports would be taken for ours. "
            "Give each Matomo a REDIS_CACHE_PREFIX of its own."
        )
    hits, total = _basis(view)
    window = f" in {lasting(view.window)}" if view.window else ""
    return f"Few reports come from the cache: {hits:,} of {total:,} look-ups{window}."
