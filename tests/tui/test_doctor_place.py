"""The Doctor place: what was found, in full, and never cut; looked at again by itself."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.snapshot.findings import Finding, Severity
from opalmind_tui.text import cells
from opalmind_tui.tui.lines import Area
from opalmind_tui.tui.panels.findings import finding_line, finding_rows
from tests.tui.engine import FINDINGS
from tests.tui.fixtures import healthy
from tests.tui.hostile import PAYLOADS
from tests.tui.support import opened, screen_text, settled, words
from tests.tui.test_actions import press
from tests.tui.test_hostile import is_harmless


def test_a_finding_is_shown_whole_in_any_width() -> None:
    command = "redis-cli -h db.internal config set maxmemory-policy volatile-ttl " + "--long" * 40
    finding = replace(FINDINGS[0], command=command, evidence=" ".join(f"word{n}" for n in range(60)))
    for width in (24, 56, 110):
        rows = finding_rows(finding, Area(width, 20))
        assert all(cells(words([row])) <= width for row in rows)
        said = "".join(words(rows).split())
        for part in (finding.evidence, finding.consequence, finding.remedy, command):
            assert "".join(part.replace("\x1b", "␛").split()) in said.replace("run", "", 1) or part == finding.evidence
        assert "word59" in said


def test_texts_from_anywhere_stay_text() -> None:
    for payload in PAYLOADS:
        finding = Finding("x", Severity.REMARK, payload, payload, payload, payload, payload, None, payload)
        drawn = [finding_line(finding, 60), *finding_rows(finding, Area(60, 20))]
        assert all(is_harmless(words([row])) and cells(words([row])) <= 60 for row in drawn), ascii(payload)


async def test_it_looks_when_it_comes_into_view_and_says_when() -> None:
    async with opened(healthy()) as (pilot, engine):
        engine.diagnosis = replace(engine.diagnosis, at=healthy().taken_at - 240)
        await press(pilot, "6")
        assert "looked 4 min ago" in screen_text(pilot)
        await press(pilot, "1", "6")
        assert engine.diagnosed == 2


async def test_a_diagnosis_that_cannot_be_made_says_why_and_the_former_one_stays() -> None:
    async with opened(healthy()) as (pilot, engine):
        engine.diagnosis_trouble = StoreUnavailable("refused", "Nobody listens there", "Start it")
        await press(pilot, "6")
        assert "Nobody listens there" in screen_text(pilot)
        engine.diagnosis_trouble = None
        await press(pilot, "r")
        assert "Nobody listens there" not in screen_text(pilot)
        engine.diagnosis_trouble = StoreUnavailable("refused", "Gone again", "Start it")
        await press(pilot, "r")
        assert "Gone again" in screen_text(pilot)
        assert FINDINGS[1].title in screen_text(pilot)


@pytest.mark.parametrize("kept", [0, 1])
async def test_the_cursor_stays_on_its_finding_or_takes_the_next(kept: int) -> None:
    async with opened(healthy()) as (pilot, engine):
        await press(pilot, "6", "end")
        worse = Finding("new", Severity.FAILURE, "A newer one", "e", "c", "r")
        engine.diagnosis = replace(engine.diagnosis, findings=(worse, FINDINGS[kept]))
        await press(pilot, "r")
        assert pilot.app.frame.situation.finding == FINDINGS[kept]


async def test_the_text_scrolls_where_it_is_longer_than_its_room() -> None:
    long = replace(FINDINGS[0], evidence=" ".join(f"word{n}" for n in range(400)))
    async with opened(healthy()) as (pilot, engine):
        engine.diagnosis = replace(engine.diagnosis, findings=(long, FINDINGS[1]))
        await press(pilot, "6")
        assert "word399" not in screen_text(pilot)
        await press(pilot, *["pagedown"] * 6)
        assert FINDINGS[0].command in screen_text(pilot)
        await press(pilot, "down", "up", "tab", "end")
        await settled(pilot)
        assert FINDINGS[0].command in screen_text(pilot)
