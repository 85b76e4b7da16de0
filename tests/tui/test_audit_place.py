"""The Audit place: a window on the trail, its cursor on an entry, text from strangers."""

from __future__ import annotations

from unicodedata import category

import pytest
from msgspec.structs import replace

from opalmind_tui.snapshot.audit import OLDEST, AuditEntry
from opalmind_tui.snapshot.model import ProcessView, Reading
from opalmind_tui.text import cells
from opalmind_tui.tui.lines import Area
from opalmind_tui.tui.panels import audit
from opalmind_tui.tui.places.audit import AuditPlace
from opalmind_tui.tui.places.audit.window import TrailWindow
from tests.tui.engine import FakeEngine
from tests.tui.fixtures import NOW, PROCESSES, healthy
from tests.tui.hostile import PAYLOADS, Poison
from tests.tui.support import opened, refreshed, screen_text, settled, words
from tests.tui.test_actions import press
from tests.tui.trail import TRAIL, long_trail, page


async def test_it_follows_what_is_done_and_stays_where_somebody_reads() -> None:
    engine = FakeEngine(healthy())
    engine.trail = long_trail(1_000)
    async with opened(healthy(), engine=engine) as (pilot, _):
        await press(pilot, "7")
        place = pilot.app.frame.place
        assert isinstance(place, AuditPlace)
        selected = lambda: place.list.window.selected  # noqa: E731
        assert "1,000 entries" in screen_text(pilot)
        engine.trail = (replace(engine.trail[0], id="1001-0", what="Just now"), *engine.trail)
        await refreshed(pilot, engine, healthy())
        assert selected().what == "Just now"
        await press(pilot, *["pagedown"] * 20, "up")
        read = selected()
        assert read.id not in ("1001-0", "1000-0")
        engine.trail = (*long_trail(1_300)[:299], *engine.trail)
        await refreshed(pilot, engine, healthy())
        assert selected() == read
        await press(pilot, "end")
        assert selected().what == "Act 1"
        await press(pilot, "k", "k")
        assert selected().what == "Act 3"
        await press(pilot, "home")
        assert selected().what == "Act 1300"
        # Never more than a few pages were asked for.
        assert max(view.above + view.rows for view in engine.audits) < 100


def test_a_window_asked_for_before_a_jump_is_of_no_use() -> None:
    trail, window = long_trail(100), TrailWindow()
    window.follow(page(trail, window.view(10)), 10)
    window.move(15, 10)
    stale = page(trail, window.view(10))
    window.move(1_000_000, 10)
    window.follow(stale, 10)
    assert window.view(10).anchor == OLDEST
    window.follow(page(trail, window.view(10)), 10)
    assert window.selected == trail[-1]
    # Entries that the stream has dropped meanwhile: the nearest one is held.
    window.move(-3, 10)
    window.follow(page(trail[:90], window.view(10)), 10)
    assert window.selected is not None
    window.follow(page((), window.view(10)), 10)
    assert (window.selected, window.at, window.top) == (None, 0, 0)


async def test_what_is_cut_in_the_list_is_whole_below_it() -> None:
    async with opened(healthy(), size=(60, 20)) as (pilot, engine):
        await press(pilot, "7")
        shown = screen_text(pilot)
        assert "kim (opalmind, from 10.0.3.17)" in shown
        assert "→ The time to live of events entries is 300 s" in shown
        await press(pilot, "j", "j")
        assert "It was undone" in screen_text(pilot)
        engine.trail_trouble = "Redis does not answer"
        await refreshed(pilot, engine, healthy())
        assert "Redis does not answer" in screen_text(pilot)
        engine.trail, engine.trail_trouble = (), None
        await refreshed(pilot, engine, healthy())
        assert "Nobody did anything yet" in screen_text(pilot)


def test_who_is_connected_is_named() -> None:
    others = (*PROCESSES, replace(PROCESSES[3], id="e", user="bert", client="10.0.0.9", here=False, pid=7))
    shown = words(audit.connected(replace(healthy(), processes=Reading(others, NOW)), 100))
    assert "anna (bastion:20114, this one)" in shown
    assert "bert from 10.0.0.9 (bastion:7)" in shown
    assert "2 workers" in " ".join(shown.split())
    assert "cannot be told: refused" in words(
        audit.connected(replace(healthy(), processes=Reading(error="refused")), 90)
    )


@pytest.mark.parametrize("width", [60, 80, 120])
def test_text_from_strangers_stays_text_and_within_its_cells(width: int) -> None:
    for start in range(len(PAYLOADS)):
        poison = Poison(start)
        entry: AuditEntry = replace(poison(TRAIL[0]), at=(1e300, -1.0, float("1e17"))[start % 3])
        people: tuple[ProcessView, ...] = tuple(replace(poison(one), role="dashboard") for one in PROCESSES)
        shown = audit.Shown(entry, NOW)
        lines = [audit.headline(width), audit.entry_line(shown, width), audit.entry_line(shown, width, cursor=True)]
        lines += audit.entry_lines(shown, Area(width, 6))
        lines += audit.connected(replace(healthy(), processes=Reading(people, NOW)), width)
        for line in lines:
            text = "".join(span.text for span in line)
            assert cells(text) == width, ascii(text)
            assert not any(category(char) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") for char in text)


async def test_a_hostile_trail_on_the_screen() -> None:
    engine = FakeEngine(healthy())
    engine.trail = tuple(replace(one, by=text, what=text, outcome=text) for one, text in zip(
        long_trail(len(PAYLOADS)), PAYLOADS, strict=True))  # fmt: skip
    async with opened(healthy(), engine=engine) as (pilot, _):
        await press(pilot, "7")
        for _ in range(6):
            await press(pilot, "pagedown")
            text = screen_text(pilot).replace("\n", "")
            assert all(category(char) not in ("Cc", "Cf", "Cs", "Co") for char in text)
        await settled(pilot)
