"""A day as its minutes tell it: an incident of seventeen minutes at its end, and an hour in which nobody was there."""

from __future__ import annotations

import math

from msgspec.structs import replace

from opalmind_tui.snapshot.history import MINUTE, History, Mark, Minute
from opalmind_tui.snapshot.model import Reading, Snapshot
from tests.tui.fixtures import MIB, NOW, backlog, healthy

BEGAN = 17
"""Minutes before now."""
GAP = range(300, 360)


def minute(ago: int) -> Minute:
    """A minute of the day, by how long ago it is."""
    number = 1440 - ago
    wave = math.sin(number / 200)
    down = ago < BEGAN
    return Minute(
        NOW - NOW % MINUTE - MINUTE * ago + 1.0,
        waiting=(BEGAN - ago) * 137 if down else round(3 + 3 * wave), dead=3 + (ago < 500), ledger=0,
        oldest=MINUTE * (BEGAN - ago) - 20 if down else 2.0,
        accepted=140 * number + round(900 * wave), delivered=140 * min(number, 1440 - BEGAN) + round(900 * wave),
        retried=40 * max(0, BEGAN - ago), rejected=number // 400, hits=85 * number,
        misses=15 * number + round(400 * wave),
        memory=round((380 + 30 * wave + number / 100) * MIB), evicted=0, matomo=None if down else 0.21 + 0.1 * wave,
        answers=not down,
    )  # fmt: skip


MARKS = (
    Mark(NOW - 3 * 3600, "anna", "ttl", "Set the time to live of getEvents to 5 min"),
    Mark(NOW - 700, "kim", "pause", "Pause delivery of all processes \x1b[2J"),
    Mark(NOW - 500, "kim", "resume", "Resume delivery"),
)


def a_day() -> History:
    return History(tuple(minute(ago) for ago in reversed(range(1440)) if ago not in GAP), MARKS)


def incident() -> Snapshot:
    """A dashboard that was opened just now, in the middle of an incident."""
    start = backlog()
    seen = tuple(replace(series, points=series.points[-20:]) for series in start.history)
    return replace(start, history=seen, past=Reading(a_day(), NOW))


def calm() -> Snapshot:
    """The same day, before."""
    then = NOW - MINUTE * (BEGAN + 1)
    minutes = tuple(one for one in a_day().minutes if one.at < then)
    return replace(healthy(), taken_at=then, past=Reading(History(minutes), then))
