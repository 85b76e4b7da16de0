"""A census in words and columns, for the dashboard and the command line. What is not exact says "about"."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from opalmind_tui.snapshot.census import CountProgress, Estimate, Expiry, KeyCensus, KeyGroup
from opalmind_tui.text import cells, safe_text
from opalmind_tui.tui import figures
from opalmind_tui.tui.charts import bar
from opalmind_tui.tui.node_text import expiry_rows, node_rows, table_of

_SHOWN = {"other": "foreign", "idempotency": "idempotency", "lasting": "never"}
_NAME, _FIGURE, _BOUNDS = 20, 11, 13
_KEY = 44
_BAR = 16

Form = Callable[[float], str]


def census_text(census: KeyCensus, *, bounds: bool = True) -> str:
    """The whole census: prefixes, features, what expires when, what is wrong, what is big.

    Args:
        bounds: whether there is room for the intervals.
    """
    if not census.total:
        return _head(census)
    parts = [_head(census), _table("prefix", census.prefixes, bounds)]
    if census.nodes:
        parts.append(table_of(node_rows(census)))
    if census.features:
        parts.append(_table("reports in the cache", census.features, bounds))
    parts.append(_table("expires", [_span(expiry) for expiry in census.expiries] + [census.lasting], bounds))
    if census.nodes:
        parts.append(table_of(expiry_rows(census)))
    parts.append(_wrong(census))
    if census.biggest:
        parts.append(_biggest(census))
    return "\n\n".join(parts)


def progress_text(progress: CountProgress) -> str:
    """How far a count of all keys is, in a line."""
    share = progress.done / progress.total if progress.total else 0.0
    full, empty = bar(share, _BAR)
    left = "" if progress.seconds_left is None else f", {figures.words(progress.seconds_left)} left"
    state = left if progress.running else f", stopped: {safe_text(progress.error)}" if progress.error else ", stopped"
    return f"{full}{empty} {figures.percent(100 * share)}, {progress.done:,} of {progress.total:,} keys{state}"


def _head(census: KeyCensus) -> str:
    if not census.total:
        return "The database is empty." + (f"\n{safe_text(census.note)}" if census.note else "")
    keys = f"{census.total:,} key{'' if census.total == 1 else 's'}"
    looks = f"{census.looked_at:,} look{'' if census.looked_at == 1 else 's'}"
    if _all_exact(census):
        said = f"{keys}, all of them looked at."
    elif census.counted:
        said = f"{keys}, counted. Memory and times by {looks}; brackets hold the truth in 95 of 100 cases."
    else:
        said = f"{keys}, by {looks} at random ones. Brackets hold the truth in 95 of 100 cases."
    return said + (f"\n{safe_text(census.note)}" if census.note else "")


def _all_exact(census: KeyCensus) -> bool:
    return all(group.keys.exact and (group.memory is None or group.memory.exact) for group in census.prefixes)


def _table(title: str, groups: Sequence[KeyGroup], bounds: bool) -> str:
    head = f"{title:<{_NAME}}{'keys':>{_FIGURE}}{' ' * _BOUNDS if bounds else ''}{'memory':>{_FIGURE}}"
    return "\n".join([head.rstrip(), *(_row(group, bounds) for group in groups)])


def _row(group: KeyGroup, bounds: bool) -> str:
    name = safe_text(_SHOWN.get(group.name, group.name), _NAME - 3)
    keys = _figure(
        group.keys, lambda value: figures.count(round(value), 6) if group.keys.exact else figures.short(value), bounds
    )
    memory = _figure(group.memory, figures.size, bounds) if group.memory else f"{figures.UNKNOWN:>{_FIGURE}}"
    return f"  {name}{' ' * (_NAME - 2 - cells(name))}{keys}{memory}".rstrip()


def _figure(found: Estimate, form: Form, bounded: bool) -> str:
    if not bounded:
        return f"{form(found.value) if found.exact else 'about ' + form(found.value):>{_FIGURE}}"
    if found.exact:
        return f"{form(found.value):>{_FIGURE}}{'':{_BOUNDS}}"
    high = form(found.high) if math.isfinite(found.high) else "?"
    bounds = f" [{form(found.low)}-{high}]"
    return f"{'about ' + form(found.value):>{_FIGURE}}{bounds:<{_BOUNDS}}"


def _span(expiry: Expiry) -> KeyGroup:
    if math.isinf(expiry.before):
        name = f"after {figures.words(expiry.after)}"
    elif not expiry.after:
        name = f"within {figures.words(expiry.before)}"
    else:
        name = f"{figures.words(expiry.after)} to {figures.words(expiry.before)}"
    return KeyGroup(name, expiry.group.keys, expiry.group.memory)


def _wrong(census: KeyCensus) -> str:
    forgotten = _number(census.forgotten.keys)
    lines = [f"No TTL, and should have one (sent keys, reports): {forgotten}"]
    if census.corrupt is None:
        lines.append("Corrupt entries: not looked at (this server would count looking as use)")
    else:
        lines.append(f"Corrupt or foreign values under sent keys and reports: {_number(census.corrupt.keys)}")
    return "\n".join(lines)


def _number(found: Estimate) -> str:
    if found.exact:
        return figures.count(round(found.value))
    if not found.value:
        return f"none seen, at most about {figures.count(round(found.high))}"
    return f"about {figures.count(round(found.value))}"


def _biggest(census: KeyCensus) -> str:
    lines = ["Biggest keys that were seen"]
    for key in census.biggest:
        ttl = "no TTL" if key.ttl is None else figures.words(key.ttl)
        lines.append(f"  {figures.size(key.size):>6}  {ttl:>7}  {safe_text(key.name, _KEY)}")
    return "\n".join(lines)
