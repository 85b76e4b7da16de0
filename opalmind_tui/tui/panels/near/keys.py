"""KEYS, REPORTS, EXPIRES, BIGGEST: the census of the database. What is not exact says "about"."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from opalmind_tui.snapshot.census import KeyCensus, KeyGroup, SeenKey
from opalmind_tui.snapshot.model import Snapshot
from opalmind_tui.snapshot.redis_report import RedisReport
from opalmind_tui.text import safe_text
from opalmind_tui.tui import figures
from opalmind_tui.tui.census_text import (
    head_text,
    progress_text,
    shown_name,
    span_name,
    wrong_text,
)  # fmt: skip
from opalmind_tui.tui.charts import bar
from opalmind_tui.tui.estimate_text import keys_about, memory_about
from opalmind_tui.tui.lines import Area, Line, Span, Tone, line, outside, paragraph
from opalmind_tui.tui.panels.near.parts import near
from opalmind_tui.tui.sheet import Sheet
from opalmind_tui.tui.table import Column, head, row

_MOST_FEATURES = 8
_BIGGEST = 10


class Shown(Struct, frozen=True):
    """A group beside the greatest of its table."""

    group: KeyGroup
    name: str
    most: float


def census_of(report: RedisReport) -> KeyCensus | None:
    """A count of all keys, where there is one; else what was sampled."""
    counting = report.counting
    return counting.census if counting is not None and counting.census is not None else report.census


def keys(snapshot: Snapshot, area: Area, key: str = "x") -> Sheet:
    """KEYS: how many, how big, under which prefix.

    Args:
        key: the one that counts.
    """

    def body(report: RedisReport, inner: Area) -> list[Line]:
        census = census_of(report)
        rows = [line(_counting(report, inner.width, key))]
        if census is None:
            return [*rows, line(Span("Looking …", Tone.DIM))]
        rows += [found for text in head_text(census).split("\n") for found in paragraph(text, Area(inner.width, 3))]
        if not census.total:
            return rows
        rows += _table("prefix", census.prefixes, inner.width)
        wrong = zip(wrong_text(census), (census.forgotten, census.corrupt), strict=True)
        for text, group in wrong:
            found = bool(group and group.keys.value)
            rows += paragraph(text, Area(inner.width, 2), Tone.WARN if found else Tone.DIM)
        return rows

    return near("KEYS", snapshot, area, body)


def reports(snapshot: Snapshot, area: Area) -> Sheet:
    """REPORTS: the cache by feature."""

    def body(report: RedisReport, inner: Area) -> list[Line]:
        census = census_of(report)
        if census is None or not census.features:
            return [line(Span("none in the cache", Tone.DIM))]
        return _table("feature", census.features[:_MOST_FEATURES], inner.width)

    return near("REPORTS", snapshot, area, body, note="in the cache")


def expires(snapshot: Snapshot, area: Area) -> Sheet:
    """EXPIRES: what goes by itself, when, and how much memory that frees."""

    def body(report: RedisReport, inner: Area) -> list[Line]:
        census = census_of(report)
        if census is None or not census.total:
            return [line(Span("–", Tone.DIM))]
        groups = [*(KeyGroup(span_name(one), one.group.keys, one.group.memory) for one in census.expiries)]
        return _table("", [*groups, census.lasting], inner.width)

    return near("EXPIRES", snapshot, area, body, note="what goes when, and what that frees")


def biggest(snapshot: Snapshot, area: Area) -> Sheet:
    """BIGGEST: the biggest keys that were seen."""

    def body(report: RedisReport, inner: Area) -> list[Line]:
        census = census_of(report)
        if census is None or not census.biggest:
            return [line(Span("–", Tone.DIM))]
        return [head(_KEYS, inner.width), *(row(_KEYS, one, inner.width) for one in census.biggest[:_BIGGEST])]

    return near("BIGGEST KEYS", snapshot, area, body, note="that were seen")


def _counting(report: RedisReport, width: int, key: str) -> Span:
    """How far a count is; the row is always there, so that nothing moves when one begins."""
    counting = report.counting
    if counting is None:
        return Span(f"{key} counts every key, in small steps", Tone.DIM)
    if counting.census is not None:
        return Span(f"✓ Every key was counted. {key} counts again", Tone.OK)
    brief = width < 70
    return Span(safe_text(progress_text(counting, brief=brief), width), Tone.ACCENT)


def _table(title: str, groups: Sequence[KeyGroup], width: int) -> list[Line]:
    most = max((one.memory.value if one.memory else one.keys.value for one in groups), default=0.0)
    columns = _groups(title)
    shown = [Shown(one, shown_name(one.name), most) for one in groups]
    return [head(columns, width), *(row(columns, one, width) for one in shown)]


def _share(one: Shown) -> Span:
    """The memory as a bar, beside the greatest of the table."""
    value = one.group.memory.value if one.group.memory else one.group.keys.value
    return Span(bar(value / one.most if one.most else 0.0, _BAR)[0], Tone.CHART)


_BAR = 12


def _groups(title: str) -> tuple[Column[Shown], ...]:
    return (
        Column(title, 12, lambda one: outside(one.name, limit=60), share=1),
        Column("keys", 10, lambda one: Span(keys_about(one.group)[0], Tone.STRONG), to_right=True),
        Column("between", 9, lambda one: Span(keys_about(one.group)[1], Tone.DIM), from_width=58),
        Column("memory", 10, lambda one: Span(memory_about(one.group)[0], Tone.STRONG), to_right=True),
        Column("between", 11, lambda one: Span(memory_about(one.group)[1], Tone.DIM), from_width=58),
        Column("", _BAR, _share, from_width=74),
    )


_KEYS: tuple[Column[SeenKey], ...] = (
    Column("size", 5, lambda one: Span(figures.size(one.size), Tone.STRONG), to_right=True),
    Column("expires", 8, lambda one: Span("never" if one.ttl is None else figures.words(one.ttl)), to_right=True),
    Column("key", 12, lambda one: outside(one.name, Tone.PLAIN, 300), share=1),
)
