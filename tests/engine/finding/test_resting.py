"""A long list is not read at each look, and says how old it is."""

from __future__ import annotations

from opalmind_tui.snapshot.listing import ListView, Tab
from opalmind_tui.snapshot.model import Snapshot
from opalmind_tui.snapshot.wanted import Wanted
from tests.engine.conftest import Ground, hits
from tests.engine.test_cost import Clock

LONG = Wanted(view=ListView(Tab.PENDING, rows=200))


def length(taken: Snapshot) -> int:
    assert taken.listing is not None
    assert taken.listing.value is not None
    return taken.listing.value.total


async def test_a_long_list_rests_and_says_since_when(ground: Ground) -> None:
    clock = Clock()
    engine = await ground.engine(deliver=False, clock=clock, ticks=clock.ticks)
    await engine.offer(hits(200))
    first = (await engine.take_snapshot(LONG)).listing
    assert first is not None
    await engine.offer(hits(1, 500))
    clock.passed += 2.0
    taken = await engine.take_snapshot(LONG)
    assert taken.listing == first
    assert first.at == taken.taken_at - 2.0
    assert first.every == 5.0
    clock.passed += 4.0
    taken = await engine.take_snapshot(LONG)
    assert length(taken) == 201
    assert taken.listing is not None
    assert taken.listing.at == taken.taken_at
