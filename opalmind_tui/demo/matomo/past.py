"""A made-up past for every site: the same for the same seed, with weekdays that differ."""

from __future__ import annotations

import random
from datetime import date
from functools import lru_cache

from opalmind_tui.demo.matomo.figures import TOTAL, Day, Key
from opalmind_tui.demo.matomo.sites import Site
from opalmind_tui.demo.shop import CAMPAIGNS, DEVICES, EVENTS, FUNNEL, PAGES, REFERRERS

WEEKDAYS = (1.06, 1.1, 1.04, 1.0, 0.94, 0.82, 0.98)
ACTIONS, BOUNCES, CONVERTED, STAY = 3.4, 0.37, 0.031, 148.0
"""Of an average visit: actions, share that bounces, share that converts, seconds."""
STEPS = (0.115, 0.07, 0.048, 0.021)
"""Share of the visits that reach each step of the funnel."""


@lru_cache(maxsize=512)
def past_day(seed: int, site: Site, on: date) -> Day:
    """The whole day of a site. The result is shared: merge it, do not change it."""
    chance = random.Random(f"{seed}/{site.id}/{on}")
    day = Day()
    visits = int(site.visits * WEEKDAYS[on.weekday()] * chance.uniform(0.85, 1.15))
    if not visits:
        return day
    _visits(day, TOTAL, visits, chance)
    day.add(TOTAL, {"views": int(visits * ACTIONS * 0.86)})
    for table, weights in (
        ("device", [(label, weight) for label, _, weight in DEVICES]),
        ("referrer", [(label, weight) for label, _, _, weight in REFERRERS]),
    ):
        for label, share in _shares(weights, chance):
            _visits(day, (table, label), int(visits * share), chance)
    by_campaign = int(day.rows["referrer", "Campaigns"]["visits"])
    for label, share in _shares(CAMPAIGNS, chance):
        _visits(day, ("campaign", label), int(by_campaign * share), chance)
    _pages(day, visits, chance)
    _events(day, visits, chance)
    _goals(day, site, visits, chance)
    return day


def _shares(
    weights: list[tuple[str, float]] | tuple[tuple[str, float], ...], chance: random.Random
) -> list[tuple[str, float]]:
    drawn = [(label, weight * chance.uniform(0.8, 1.2)) for label, weight in weights]
    whole = sum(weight for _, weight in drawn)
    return [(label, weight / whole) for label, weight in drawn]


def _visits(day: Day, key: Key, visits: int, chance: random.Random) -> None:
    if not visits:
        return
    converted = int(visits * CONVERTED * chance.uniform(0.7, 1.3))
    day.add(
        key,
        {
            "visits": visits,
            "visitors": int(visits * chance.uniform(0.84, 0.95)),
            "actions": int(visits * ACTIONS * chance.uniform(0.9, 1.1)),
            "bounces": int(visits * BOUNCES * chance.uniform(0.9, 1.1)),
            "time": int(visits * STAY * chance.uniform(0.9, 1.1)),
            "longest": chance.randint(9, 31),
            "converted": converted,
            "conversions": int(converted * 1.2),
            "revenue": round(converted * chance.uniform(20, 42), 2),
        },
    )


def _pages(day: Day, visits: int, chance: random.Random) -> None:
    seconds = {page.path: page.seconds for page in PAGES}
    for path, share in _shares([(page.path, page.weight) for page in PAGES], chance):
        hits = int(visits * ACTIONS * 0.86 * share)
        entries = int(visits * share)
        day.add(
            ("page", path),
            {
                "hits": hits, "visits": int(hits * 0.83), "time": int(hits * seconds[path]), "entries": entries,
                "entry_actions": int(entries * ACTIONS), "entry_bounces": int(entries * BOUNCES),
                "entry_time": int(entries * STAY), "exits": int(visits * share * chance.uniform(0.7, 1.2)),
            },
        )  # fmt: skip


def _events(day: Day, visits: int, chance: random.Random) -> None:
    for category, action, name, value, weight in EVENTS:
        count = int(visits * weight / 200 * chance.uniform(0.8, 1.2))
        if count:
            valued = (
                {}
                if value is None
                else {"values": count, "value_sum": count * value, "value_min": value, "value_max": value}
            )
            day.add(("event", category, action, name), {"events": count, "visits": int(count * 0.9) or 1, **valued})


def _goals(day: Day, site: Site, visits: int, chance: random.Random) -> None:
    for goal, rate in zip(site.goals, (0.018, 0.007, 0.011), strict=False):
        count = int(visits * rate * chance.uniform(0.7, 1.3))
        day.add(("goal", str(goal.id)), {"conversions": count, "converted": count, "revenue": 0.0})
    orders = int(visits * STEPS[-1] * chance.uniform(0.8, 1.2))
    day.add(
        ("goal", "0"),
        {"conversions": orders, "converted": orders, "revenue": round(orders * chance.uniform(48, 66), 2)},
    )
    for path, share in zip(FUNNEL, STEPS, strict=True):
        day.add(("step", path), {"visits": int(visits * share * chance.uniform(0.95, 1.05))})
