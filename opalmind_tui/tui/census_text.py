"""A census in words and columns, for the dashboard and the command line. What is not exact says "about"."""

from __future__ import annotations

import math
from collections.abc import Sequence

from opalmind_tui.snapshot.census import CountProgress, Estimate, Expiry, KeyCensus, KeyGroup
from opalmind_tui.text import cells, safe_text
from opalmind_tui.tui import figures
from opalmind_tui.tui.charts import bar
from opalmind_tui.tui.estimate_text import keys_about, memory_about
from opalmind_tui.tui.node_text import expiry_rows, node_rows, table_of

_SHOWN = {"other": "foreign", "idempotency": "idempotency", "lasting": "never"}
_NAME, _FIGURE, _BOUNDS = 20, 11, 13
_KEY = 44
_BAR = 16


def census_text(census: KeyCensus, *, bounds: bool = True) -> str:
    """The whole census: prefixes, features, what expires when, what is wrong, what is big.

    Args:
        bounds: whether there is room for the intervals.
    """
    if not census.total:
        return head_text(census)
    parts = [head_text(census), _table("prefix", census.prefixes, bounds)]
    if census.nodes:
        parts.append(table_of(node_rows(census)))
    if census.features:
        parts.append(_table("reports in the cache", census.features, bounds))
    parts.append(_table("expires", [_span(expiry) for expiry in census.expiries] + [census.lasting], bounds))
    if census.nodes:
        parts.append(table_of(expiry_rows(census)))
    parts.append("\n".join(wrong_text(census)))
    if census.biggest:
        parts.append(_biggest(census))
    return "\n\n".join(parts)


def progress_text(progress: CountProgress, *, brief: bool = False) -> str:
    """How far a count of all keys is, in a line. `brief`: without the keys."""
    share = progress.done / progress.total if progress.total else 0.0
    full, empty = bar(share, _BAR)
    left = "" if progress.seconds_left is None else f", {figures.words(progress.seconds_left)} left"
    state = left if progress.running else f", stopped: {safe_text(progress.error)}" if progress.error else ", stopped"
    keys = "" if brief else f", {progress.done:,} of {progress.total:,} keys"
    return f"{full}{empty} {figures.percent(100 * share)}{keys}{state}"


def head_text(census: KeyCensus) -> str:
    """What the figures rest on."""
    if not census.total:
        return "The database is empty." + (f"\n{safe_text(census.note)}" if census.note else "")
    keys = f"{census.total:,} key{'' if census.total == 1 else 's'}"
    looks = f"{census.looked_at:,} look{'' if census.looked_at == 1 else 's'}"
    if _all_exact(census):
        said = f"{keys}, all of them looked at."
    elif census.counted:
        said = f"{keys}, counted. Memory and times by {looks}; the truth is within the bounds in 95 of 100 cases."
    else:
        said = f"{keys}, by {looks} at random ones. The truth is within the bounds in 95 of 100 cases."
    return said + (f"\n{safe_text(census.note)}" if census.note else "")


def _all_exact(census: KeyCensus) -> bool:
    return all(group.keys.exact and (group.memory is None or group.memory.exact) for group in census.prefixes)


def _table(title: str, groups: Sequence[KeyGroup], bounds: bool) -> str:
    head = f"{title:<{_NAME}}{'keys':>{_FIGURE}}{' ' * _BOUNDS if bounds else ''}{'memory':>{_FIGURE}}"
    return "\n".join([head.rstrip(), *(_row(group, bounds) for group in groups)])


def _row(group: KeyGroup, bounds: bool) -> str:
    name = safe_text(shown_name(group.name), _NAME - 3)
    keys = _figure(keys_about(group), bounds)
    memory = _figure(memory_about(group), bounds)
    return f"  {name}{' ' * (_NAME - 2 - cells(name))}{keys}{memory}".rstrip()


def _figure(told: tuple[str, str], bounded: bool) -> str:
    figure, bounds = told
    return f"{figure:>{_FIGURE}}" + (f"{f' [{bounds}]' if bounds else '':<{_BOUNDS}}" if bounded else "")


def shown_name(name: str) -> str:
    """The name of a group, as operators know it. Raw."""
    return _SHOWN.get(name, name)


def span_name(expiry: Expiry) -> str:
    """When keys expire, in words."""
    low, high = figures.words(expiry.after), figures.words(expiry.before)
    if math.isinf(expiry.before):
        return f"after {low}"
    if not expiry.after:
        return f"within {high}"
    number, _, unit = low.partition(" ")
    return f"{number if high.endswith(f' {unit}') else low} to {high}"


def _span(expiry: Expiry) -> KeyGroup:
    return KeyGroup(span_name(expiry), expiry.group.keys, expiry.group.memory)


def wrong_text(census: KeyCensus) -> list[str]:
    """What should not be there, a sentence each."""
    forgotten = _number(census.forgotten.keys)
    if census.corrupt is None:
        corrupt = "Corrupt entries: not looked at (this server would count looking as use)"
    else:
        corrupt = f"Corrupt or foreign values under sent keys and reports: {_number(census.corrupt.keys)}"
    return [f"No TTL, and should have one (sent keys, reports): {forgotten}", corrupt]


def _number(found: Estimate) -> str:
    if found.exact:
        return figures.count(found.value)
    if not found.value:
        return f"none seen, at most about {figures.count(found.high)}"
    return f"about {figures.count(found.value)}"


def _biggest(census: KeyCensus) -> str:
    lines = ["Biggest keys that were seen"]
    for key in census.biggest:
        ttl = "no TTL" if key.ttl is None else figures.words(key.ttl)
        lines.append(f"  {figures.size(key.size):>6}  {ttl:>7}  {safe_text(key.name, _KEY)}")
    return "\n".join(lines)
