"""Snapshots that are well-typed and nonsense: what a file may hold that somebody made, or in which a bit flipped."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any

from msgspec import Struct
from msgspec.structs import fields, replace

from opalmind_tui.snapshot.audit import AuditView
from opalmind_tui.snapshot.entries import EntryView
from opalmind_tui.snapshot.listing import GroupView, ListView, Tab
from opalmind_tui.snapshot.model import Snapshot
from opalmind_tui.snapshot.wanted import Wanted
from tests.tui.engine import FakeEngine
from tests.tui.entry_fixtures import cached
from tests.tui.history_fixtures import incident
from tests.tui.service_fixtures import AWAY, HOSTILE, WAITING, attached

MINUTES = 60
"""Of the day: each of them is as good as the others."""
MOST = 2**64
"""The largest number that a recording may hold."""
WHOLE = (-1, 0, MOST, -MOST, 10**12, 2**31, -(2**53))
PARTS = (math.nan, math.inf, -math.inf, -1.0, -0.0, float(MOST), -float(MOST), 1e12, 5e-324, 253402300800.0)
TEXTS = ("", "x" * 20_000, "\x1b[2J", "nan", "\ud800", "9" * 5_000)
Change = Callable[[Any], Any]


async def everything() -> Snapshot:
    """A snapshot with every part that any place asks for, some of the day in it."""
    begun = cached(incident())
    past = replace(begun.past.value, minutes=begun.past.value.minutes[-MINUTES:])
    services = attached(WAITING, AWAY, HOSTILE).services
    engine = FakeEngine(replace(begun, services=services, past=replace(begun.past, value=past)))
    view, groups = ListView(Tab.FAILED), GroupView()
    wanted = Wanted(50, closer=True, view=view, groups=groups, audit=AuditView(), entries=EntryView(rows=50))
    return await engine.take_snapshot(wanted)


def changed(value: Any, change: Change) -> Any:
    """The value, with `change` made to everything in it that is no struct, from the inside out."""
    if isinstance(value, Struct):
        return replace(value, **{one.name: changed(getattr(value, one.name), change) for one in fields(value)})
    if isinstance(value, tuple):
        return change(tuple(changed(one, change) for one in value))
    return change(value)


def all_numbers(whole: int, part: float) -> Change:
    """Every number becomes this one."""

    def change(value: Any) -> Any:
        if isinstance(value, bool | Enum) or not isinstance(value, int | float):
            return value
        return part if isinstance(value, float) else whole

    return change


def at_random(seed: int, share: float) -> Change:
    """This share of all leaves becomes something else of its type; lists lose or repeat their elements."""
    chance = random.Random(seed)

    def change(value: Any) -> Any:
        if chance.random() >= share:
            return value
        if isinstance(value, bool):
            return not value
        if isinstance(value, Enum):
            return chance.choice(list(type(value)))
        if isinstance(value, tuple):
            # One of another kind may be of a fixed length.
            if not all(isinstance(one, Struct) for one in value):
                return value
            return chance.choice([value[: len(value) // 2], value * 3, tuple(reversed(value))])
        choices: dict[type, tuple[Any, ...]] = {int: WHOLE, float: PARTS, str: TEXTS}
        return chance.choice(choices.get(type(value), (value,)))

    return change


def hostile(honest: Snapshot, seeds: range) -> Iterator[Snapshot]:
    """Snapshots that nobody should ever see."""
    pairs = [(WHOLE[at % len(WHOLE)], part) for at, part in enumerate(PARTS)]
    for whole, part in pairs:
        yield changed(honest, all_numbers(whole, part))
    for seed in seeds:
        yield changed(honest, at_random(seed, (0.02, 0.2, 0.7)[seed % 3]))
