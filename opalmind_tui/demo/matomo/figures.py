"""Numbers behind the reports: rows of metrics by table and label, one set for each site and day."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from urllib.parse import urlsplit

from opalmind_tui.demo.matomo.journal import Hit
from opalmind_tui.demo.matomo.visits import Visit
from opalmind_tui.demo.shop import AGENTS, FUNNEL

Row = dict[str, float]
Key = tuple[str, ...]
"""A table and a label in it: ``("page", "/lamps")``; events have three labels."""

TOTAL: Key = ("total",)
LABELS = 500
"""Labels of one table that are kept apart; what comes later counts under OTHERS, as in Matomo."""
OTHERS = "Others"
DAYS = 40
"""Site days of live figures that are kept."""
LARGEST, SMALLEST = frozenset({"longest", "value_max"}), frozenset({"value_min"})
"""Metrics that are not sums."""


class Day:
    """The figures of one site over some time."""

    def __init__(self) -> None:
        self.rows: dict[Key, Row] = {}
        self._labels: dict[str, int] = {}

    def add(self, key: Key, metrics: Mapping[str, float]) -> None:
        """Add to the metrics of one row."""
        row = self.rows.get(key)
        if row is None:
            key = self._admit(key)
            row = self.rows.setdefault(key, {})
        for name, value in metrics.items():
            row[name] = combine(name, row.get(name), value)

    def _admit(self, key: Key) -> Key:
        count = self._labels.get(key[0], 0)
        if count >= LABELS:
            return (key[0], *([OTHERS] * (len(key) - 1)))
        self._labels[key[0]] = count + 1
        return key

    def merge(self, other: Day, factor: float = 1.0) -> None:
        """Add another set, sums multiplied by a factor."""
        for key, row in other.rows.items():
            same = factor == 1.0
            self.add(key, row if same else {name: scaled(name, value, factor) for name, value in row.items()})

    def table(self, name: str) -> Iterable[tuple[Key, Row]]:
        """The rows of one table, as (label parts, metrics)."""
        return ((key[1:], row) for key, row in self.rows.items() if key[0] == name)

    def total(self) -> Row:
        """The row that counts everything."""
        return self.rows.get(TOTAL, {})


def combine(name: str, old: float | None, new: float) -> float:
    """Two values of one metric as one."""
    if old is None:
        return new
    if name in LARGEST:
        return max(old, new)
    return min(old, new) if name in SMALLEST else old + new


def scaled(name: str, value: float, factor: float) -> float:
    """A share of a metric: counts stay whole numbers."""
    if name in LARGEST | SMALLEST:
        return value
    return float(int(value * factor)) if value == int(value) else round(value * factor, 2)


class LiveFigures:
    """What the stored hits add up to."""

    def __init__(self) -> None:
        self._days: OrderedDict[tuple[int, date], Day] = OrderedDict()

    def day(self, site: int, on: date) -> Day | None:
        """The figures of a site's day (UTC), if anything was stored for it."""
        return self._days.get((site, on))

    def add(self, hit: Hit, visit: Visit, new: bool) -> None:
        """Count a stored hit."""
        on = datetime.fromtimestamp(hit.time, UTC).date()
        site = int(hit.params["idsite"])
        day = self._days.setdefault((site, on), Day())
        while len(self._days) > DAYS:
            self._days.popitem(last=False)
        if new:
            _begin(day, hit.params, visit)
        if "idgoal" in hit.params:
            _convert(day, hit.params, visit)
        else:
            _act(day, hit, visit)


def _begin(day: Day, params: Mapping[str, str], visit: Visit) -> None:
    visit.labels = labels_of(params)
    for key in visit.labels:
        day.add(key, {"visits": 1, "visitors": 1, "bounces": 1})


def labels_of(params: Mapping[str, str]) -> tuple[Key, ...]:
    """The rows that a visit counts in, by its first hit."""
    agent = params.get("ua", "")
    device = next((name for name, known, _ in AGENTS if known == agent), "Unknown")
    query = urlsplit_or_none(params.get("url", ""))
    campaign = params.get("_rcn") or next(
        (part.partition("=")[2] for part in query.split("&") if part.startswith("mtm_campaign=")), ""
    )
    referrer = "Campaigns" if campaign else _referrer(params.get("urlref", ""))
    more: tuple[Key, ...] = (("campaign", campaign),) if campaign else ()
    return (TOTAL, ("device", device), ("referrer", referrer), *more)


def _referrer(url: str) -> str:
    kinds = (("", "Direct Entry"), ("search.", "Search Engines"), ("social.", "Social Networks"))
    return next((label for word, label in kinds if url == word or (word and word in url)), "Websites")


def urlsplit_or_none(url: str, part: str = "query") -> str:
    """One part of a stranger's url; empty where it cannot be read."""
    try:
        return str(getattr(urlsplit(url), part))
    except ValueError:
        return ""


def _act(day: Day, hit: Hit, visit: Visit) -> None:
    visit.actions += 1
    seconds = max(0.0, hit.time - visit.seen) if visit.seen else 0.0
    visit.seen = max(visit.seen, hit.time)
    second = -1 if visit.actions == 2 else 0
    for key in visit.labels:
        day.add(key, {"actions": 1, "time": seconds, "bounces": second, "longest": visit.actions})
    if "e_c" in hit.params and hit.params.get("e_a"):
        _event(day, hit.params)
        return
    path = urlsplit_or_none(hit.params.get("url", ""), "path") or "/"
    day.add(("page", path), {"hits": 1, "visits": 1, "exits": 1})
    day.add(TOTAL, {"views": 1})
    if visit.page:
        day.add(("page", visit.page), {"time": seconds, "exits": -1})
    if visit.actions == 1:
        visit.entry = path
        day.add(("page", path), {"entries": 1, "entry_bounces": 1, "entry_actions": 1})
    elif visit.entry:
        day.add(("page", visit.entry), {"entry_bounces": second, "entry_actions": 1, "entry_time": seconds})
    visit.page = path
    if path in FUNNEL:
        day.add(("step", path), {"visits": 1})


def _event(day: Day, params: Mapping[str, str]) -> None:
    metrics: Row = {"events": 1, "visits": 1}
    value = number(params.get("e_v"))
    if value is not None:
        metrics |= {"values": 1, "value_sum": value, "value_min": value, "value_max": value}
    day.add(("event", params["e_c"], params["e_a"], params.get("e_n", "")), metrics)


def _convert(day: Day, params: Mapping[str, str], visit: Visit) -> None:
    revenue = number(params.get("revenue")) or 0.0
    first = 0 if visit.converted else 1
    visit.converted = True
    for key in visit.labels:
        day.add(key, {"converted": first, "conversions": 1, "revenue": revenue})
    day.add(("goal", params["idgoal"].strip()), {"conversions": 1, "converted": 1, "revenue": revenue})


def number(text: str | None) -> float | None:
    """A finite number out of a parameter, else None."""
    try:
        value = float(text) if text else None
    except ValueError:
        return None
    return value if value is not None and abs(value) < 1e12 else None
