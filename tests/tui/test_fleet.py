"""The Fleet place: who works on this Redis. Names are foreign text."""

from __future__ import annotations

from msgspec.structs import replace

from opalmind_tui.snapshot.model import ProcessView, Reading, Snapshot
from opalmind_tui.tui.lines import Area
from opalmind_tui.tui.panels import processes
from opalmind_tui.tui.sheet import frame
from tests.tui.fixtures import NOW, PROCESSES, healthy
from tests.tui.support import opened, refreshed, screen_text, settled, words


def of(reading: Reading[tuple[ProcessView, ...]]) -> Snapshot:
    return replace(healthy(), processes=reading)


def drawn(snapshot: Snapshot, width: int = 80) -> str:
    area = Area(width, 12)
    return words(frame(processes.render(snapshot, area), area))


def test_without_a_worker_it_says_so() -> None:
    observers = tuple(one for one in PROCESSES if not one.delivers)
    shown = drawn(of(Reading(observers, NOW)))
    assert "No worker connected" in shown
    assert "bastion:20114*" in shown
    assert "Nobody has announced itself" in drawn(of(Reading((), NOW)))


def test_what_cannot_be_read_says_why() -> None:
    assert "refused" in drawn(of(Reading(PROCESSES, NOW, "refused")))


def test_names_from_anywhere_stay_text() -> None:
    wild = replace(PROCESSES[0], host="\x1b[2J" * 50, user="[bold]\u202e", role="\n\n", version="日本" * 9)
    for width in (60, 80, 120):
        shown = drawn(of(Reading((wild,), NOW)), width)
        assert "\x1b" not in shown
        assert "\u202e" not in shown
        assert ":4711" in shown


async def test_the_processes_are_those_of_now() -> None:
    async with opened(healthy()) as (pilot, engine):
        await pilot.press("5")
        await settled(pilot)
        one = replace(PROCESSES[0], host="newcomer")
        await refreshed(pilot, engine, of(Reading((one,), NOW)))
        shown = screen_text(pilot)
        assert "newcomer" in shown
        assert shown.count("delivers ") + shown.count("observes ") == 1
