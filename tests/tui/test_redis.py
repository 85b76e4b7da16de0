"""The Redis screen, and the pace of looking."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from types import SimpleNamespace

import pytest
from textual.widgets import Static
from textual.worker import WorkerState

from opalmind_tui.snapshot.census import CountProgress, KeyCensus
from opalmind_tui.snapshot.model import Reading, Snapshot
from opalmind_tui.snapshot.redis_report import RedisReport
from opalmind_tui.text import cells
from opalmind_tui.tui.dialogs.redis import RedisDialog
from opalmind_tui.tui.redis_text import redis_text
from tests.tui.fixtures import healthy
from tests.tui.redis_fixtures import CENSUS, REPORT
from tests.tui.support import opened, settled

INNER = 74


def near(report: RedisReport = REPORT) -> Snapshot:
    """A look from near."""
    return replace(healthy(), redis=Reading(report, report.at))


def test_everything_is_said_within_the_window_and_nothing_of_it_is_a_control() -> None:
    shown = redis_text(near())
    assert all(cells(row) <= INNER for row in shown.split("\n") if not row[:1].isdigit() and "TTL, and" not in row)
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    for words in ("EVALSHA 12 ms, 23 min ago", "lag 1 s", "ours", "4.4 commands/s", "about 400 µs/s", "p99 3.1 ms"):
        assert words in shown, words
    assert "idempotency        about 902k [722k-1.1M]" in shown
    assert "about 0 [0-?]" in shown


def test_a_narrow_window_leaves_out_the_bounds_and_keeps_the_memory() -> None:
    shown = redis_text(near(), 52)
    row = next(row for row in shown.split("\n") if "idempotency" in row and "about" in row)
    assert cells(row) <= 52
    assert row.split() == ["idempotency", "about", "902k", "about", "287M"]


def test_the_budget_is_named_where_the_dashboard_only_looks() -> None:
    queue = healthy().queue
    assert queue.value is not None
    for delivering in (True, False):
        view = replace(queue, value=replace(queue.value, delivering_here=delivering))
        assert ("budget 5/s, 20" in redis_text(replace(near(), queue=view))) is not delivering


def test_what_is_forbidden_says_so_in_its_place() -> None:
    shown = redis_text(near(replace(REPORT, denied=("SLOWLOG", "CLIENT", "INFO"))))
    for label in ("server", "memory", "policy", "load", "on disk", "slow log", "clients", "network"):
        assert any(row.startswith(label) and "not permitted" in row for row in shown.split("\n")), label


def test_a_count_says_how_far_it_is_and_then_takes_the_samples_place() -> None:
    running = CountProgress(500, 1_000, running=True, seconds_left=4.0)
    assert "50 %, 500 of 1,000 keys, 4 s left" in redis_text(near(replace(REPORT, counting=running)))
    stopped = replace(running, running=False, error="away")
    assert "stopped: away" in redis_text(near(replace(REPORT, counting=stopped)))
    done = CountProgress(1_000, 1_000, census=replace(CENSUS, counted=True, total=1_000))
    shown = redis_text(near(replace(REPORT, counting=done)))
    assert "Every key was counted." in shown
    assert "445 looks at random ones" not in shown
    assert "empty" in redis_text(near(replace(REPORT, census=KeyCensus())))


async def test_the_screen_opens_counts_and_closes() -> None:
    async with opened(healthy()) as (pilot, engine):
        await pilot.press("4")
        await settled(pilot)
        assert isinstance(pilot.app.screen, RedisDialog)
        assert "our cost" in str(pilot.app.screen.query_one("#redis-text", Static).content)
        await pilot.press("x")
        await settled(pilot)
        assert engine.switched == 1
        await pilot.press("4")
        await settled(pilot)
        assert not isinstance(pilot.app.screen, RedisDialog)


async def test_looks_are_from_near_only_while_the_screen_is_open_and_say_what_failed() -> None:
    async with opened(healthy()) as (pilot, engine):
        assert not any(engine.closer)
        engine.redis_trouble = "Connection refused"
        await pilot.press("4")
        await settled(pilot)
        assert engine.closer[-1]
        assert "Connection refused" in str(pilot.app.screen.query_one("#redis-text", Static).content)
        await pilot.press("escape")
        await settled(pilot)
        await pilot.press("plus")
        await settled(pilot)
        assert not engine.closer[-1]


async def test_the_pace_changes_by_key_within_bounds() -> None:
    async with opened(healthy()) as (pilot, _):
        poller = pilot.app.poller  # type: ignore[attr-defined]
        for _ in range(10):
            await pilot.press("plus")
            await settled(pilot)
        assert poller.change_pace(0) == 0.5
        await pilot.press("minus")
        await settled(pilot)
        assert poller.change_pace(0) == 1.0
        assert pilot.app.frame.snapshot.interval == 1.0  # type: ignore[attr-defined]


async def test_a_server_that_is_slow_is_left_alone_for_longer() -> None:
    async with opened(healthy()) as (pilot, _):
        poller = pilot.app.poller  # type: ignore[attr-defined]
        poller._interval, rests = 1.0, []
        for spent in (0.0, 3.0, 60.0):
            poller._began = asyncio.get_running_loop().time() - spent
            poller.finished(SimpleNamespace(state=WorkerState.SUCCESS))
            rests.append(poller._timer._interval)
            poller._disarm()
        # The interval of a second; twice as long as the look took; ten seconds at the most.
        assert rests == pytest.approx([1.0, 6.0, 10.0], abs=0.5)
