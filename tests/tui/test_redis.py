"""The Redis place, and the pace of looking."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest
from msgspec.structs import replace
from textual.worker import WorkerState

from opalmind_tui.snapshot.census import CountProgress, KeyCensus, NodeKeys
from opalmind_tui.snapshot.model import Reading, Snapshot
from opalmind_tui.snapshot.redis_report import RedisReport
from opalmind_tui.text import cells
from opalmind_tui.tui.lines import Area
from opalmind_tui.tui.panels.near import keys, nodes, server, traffic
from opalmind_tui.tui.places.redis import SECTIONS
from opalmind_tui.tui.sheet import frame
from tests.tui.fixtures import healthy
from tests.tui.redis_fixtures import CENSUS, REPORT
from tests.tui.support import opened, screen_text, settled, words
from tests.tui.test_actions import press
from tests.tui.test_hostile import is_harmless

PANELS = tuple(panel for panels in SECTIONS.values() for panel in panels)


def near(report: RedisReport = REPORT) -> Snapshot:
    """A look from near."""
    return replace(healthy(), redis=Reading(report, report.at))


def drawn(snapshot: Snapshot, width: int = 78, height: int = 24) -> str:
    """All panels."""
    sheets = [panel(snapshot, Area(width, height)) for panel in PANELS]
    return "\n".join(words(frame(one, Area(width, len(one.body) + 1))) for one in sheets)


@pytest.mark.parametrize("width", [60, 66, 78, 110])
def test_everything_is_said_in_any_width_and_nothing_of_it_is_a_control(width: int) -> None:
    shown = drawn(near(), width)
    assert {cells(row) for row in shown.split("\n")} == {width}
    assert is_harmless(shown.replace("\n", ""))
    squeezed = " ".join(shown.split())
    for said in ("EVALSHA 12 ms 23 min", "lag 1 s", "* opalmind-tui-4711", "4.4/s", "about 400 µs/s", "p99 3.1 ms"):
        assert said in squeezed, said
    assert "idempotency about 902k 722k-1.1M about 287M 230M-402M" in squeezed
    assert "60 s to 10 min about 160k 128k-192k about 61M" in squeezed
    assert "never about 92k" in squeezed
    assert "about 0 0-?" in squeezed


def test_the_narrowest_leaves_out_the_bounds_and_keeps_the_memory() -> None:
    assert "idempotency about 902k about 287M" in " ".join(drawn(near(), 50).split())


def test_the_budget_is_named_where_the_dashboard_only_looks() -> None:
    queue = healthy().queue
    assert queue.value is not None
    for delivering in (True, False):
        view = replace(queue, value=replace(queue.value, delivering_here=delivering))
        assert ("budget 5/s" in drawn(replace(near(), queue=view))) is not delivering


def test_what_is_forbidden_says_so_in_its_place() -> None:
    snapshot = near(replace(REPORT, denied=("SLOWLOG", "CLIENT", "INFO")))
    for panel in (server.render, server.on_disk, traffic.slow_log, traffic.clients):
        assert "not permitted (ACL)" in words(list(panel(snapshot, Area(60, 20)).body))
    assert "not permitted" not in words(list(keys.keys(snapshot, Area(60, 20)).body))


def test_a_server_in_trouble_says_so() -> None:
    view = healthy().server.value
    assert view is not None
    bad = replace(
        view, aof_enabled=True, aof_error=True, bgsave_error=True, full_in=7_300, blocked_clients=3,
        master_link_up=False, last_save=healthy().taken_at - 7_200,
    )  # fmt: skip
    report = replace(REPORT, replicas=(), rewriting=True)
    shown = " ".join(drawn(replace(near(report), server=Reading(bad, healthy().taken_at))).split())
    for said in ("cannot be written", "the last try failed", "saving now", "full in about 2 h", "blocked 3", "is DOWN"):
        assert said in shown, said


def test_a_count_says_how_far_it_is_and_then_takes_the_samples_place() -> None:
    running = CountProgress(500, 1_000, running=True, seconds_left=4.0)
    assert "50 %, 500 of 1,000 keys, 4 s left" in drawn(near(replace(REPORT, counting=running)))
    assert "50 %, 4 s left" in drawn(near(replace(REPORT, counting=running)), 60)
    stopped = replace(running, running=False, error="away")
    assert "stopped: away" in drawn(near(replace(REPORT, counting=stopped)))
    done = CountProgress(1_000, 1_000, census=replace(CENSUS, counted=True, total=1_000))
    shown = drawn(near(replace(REPORT, counting=done)))
    assert "Every key was counted." in shown
    assert "445 looks at random ones" not in shown
    assert "empty" in drawn(near(replace(REPORT, census=KeyCensus())))


def test_a_cluster_is_shown_node_by_node() -> None:
    assert nodes.census(near(), Area(60, 20)).title == ""
    each = tuple(NodeKeys(f"redis-{n}.a-long-name.internal:6379", CENSUS) for n in range(3))
    clustered = near(replace(REPORT, census=replace(CENSUS, nodes=each)))
    for width in (60, 80, 120):
        area = Area(width, 20)
        shown = words(frame(nodes.census(clustered, area), area))
        assert shown.count("redis-2") == 2
        assert all(said in shown for said in ("share", "never", "all"))
        assert "…" not in shown.replace("redis-", "") or width < 120


def test_nodes_that_differ_in_their_ports_are_told_apart_where_there_is_little_room() -> None:
    each = tuple(NodeKeys(f"10.20.30.40:{7000 + n}", CENSUS) for n in range(3))
    area = Area(44, 20)
    shown = words(frame(nodes.census(near(replace(REPORT, census=replace(CENSUS, nodes=each))), area), area))
    assert all(shown.count(f"{7000 + n}") == 2 for n in range(3))


def test_what_is_not_there_yet_says_why() -> None:
    assert "Looking" in drawn(healthy())
    assert "Connection refused" in drawn(replace(healthy(), redis=Reading(None, 0.0, "Connection refused")))


async def test_the_place_counts_and_leaves() -> None:
    async with opened(healthy()) as (pilot, engine):
        await press(pilot, "4", "x")
        assert engine.switched == 1
        await press(pilot, "1", "x")
        assert engine.switched == 1


async def test_looks_are_from_near_only_while_the_place_is_in_view_and_say_what_failed() -> None:
    async with opened(healthy()) as (pilot, engine):
        assert not any(engine.closer)
        engine.redis_trouble = "Connection refused"
        await press(pilot, "4")
        assert engine.closer[-1]
        assert "Connection refused" in screen_text(pilot)
        await press(pilot, "escape", "plus")
        assert not engine.closer[-1]


@pytest.mark.parametrize(
    ("width", "parts"),
    [
        (80, (("AOF",), ("idempotency",), ("within 60 s",), ("EVALSHA", "4.4/s"))),
        (120, (("AOF", "idempotency", "within 60 s", "EVALSHA", "4.4/s"),)),
        (200, (("AOF", "idempotency", "within 60 s", "EVALSHA", "4.4/s", "BIGGEST"),)),
    ],
)
async def test_all_of_it_is_reached_in_every_width(width: int, parts: tuple[tuple[str, ...], ...]) -> None:
    async with opened(healthy(), size=(width, 40)) as (pilot, _):
        await press(pilot, "4")
        for part in parts:
            shown = screen_text(pilot)
            assert all(said in shown for said in part), part
            await press(pilot, "tab")
        if width == 80:
            assert "AOF" in screen_text(pilot)


async def test_what_does_not_fit_scrolls() -> None:
    async with opened(healthy(), size=(60, 20)) as (pilot, _):
        await press(pilot, "4", "tab")
        assert "keyNumbers" not in screen_text(pilot)
        await press(pilot, "end")
        assert "keyNumbers" in screen_text(pilot)
        assert "↑" in screen_text(pilot)
        await press(pilot, "home")
        assert "keyNumbers" not in screen_text(pilot)


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
            rests.append(poller._timer.when() - asyncio.get_running_loop().time())
            armed = poller._timer
            poller._disarm()
            assert armed.cancelled()
        # The interval of a second; twice as long as the look took; ten seconds at the most.
        assert rests == pytest.approx([1.0, 6.0, 10.0], abs=0.5)
