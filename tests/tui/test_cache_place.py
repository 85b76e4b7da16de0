"""The Cache place: the table of reports, the entries of one, the value of an entry, and what keys do there."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.snapshot.commands import Act, Command, TtlTarget
from opalmind_tui.snapshot.entries import OTHERS, EntryListing, EntryOrder, EntryState, EntryView
from opalmind_tui.snapshot.model import Reading
from opalmind_tui.text import cells
from opalmind_tui.tui.dialogs import arming
from opalmind_tui.tui.dialogs.choice import ChoiceDialog
from opalmind_tui.tui.dialogs.ttl import TtlDialog
from opalmind_tui.tui.lines import Area
from opalmind_tui.tui.places.cache import CachePlace, about, asked
from opalmind_tui.tui.places.cache.asked import asked_for
from opalmind_tui.tui.places.cache.rows import FeatureOrder, feature_rows
from tests.tui.engine import FakeEngine
from tests.tui.entry_fixtures import (
    BROKEN,
    DAY,
    ENTRIES,
    EVENTS,
    FOREIGN,
    LARGE,
    LISTED,
    NUMBER,
    cached,
    entry,
    entry_listing,
    key,
)
from tests.tui.fixtures import healthy
from tests.tui.hostile import PAYLOADS
from tests.tui.support import opened, refreshed, screen_text, settled
from tests.tui.test_actions import confirm, press
from tests.tui.test_hostile import is_harmless


@pytest.fixture(autouse=True)
def _armed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arming, "ARM_AFTER", 0.001)


def place_of(pilot: Pilot[Any]) -> CachePlace:
    found = pilot.app.frame.place
    assert isinstance(found, CachePlace)
    return found


async def stand_on(pilot: Pilot[Any], feature: str) -> None:
    """Move the cursor of the table."""
    names = [one.id for one in place_of(pilot).table.rows]
    await press(pilot, "home", *["down"] * names.index(feature))
    assert pilot.app.frame.situation.feature == ("" if feature == OTHERS else feature)


async def enter(pilot: Pilot[Any], wanted: str) -> None:
    """Move to an entry of the list in view, and open its value."""
    listed = place_of(pilot).list
    for _ in range(20):
        if listed.window.id == wanted:
            break
        await press(pilot, "down")
    assert listed.window.id == wanted
    await press(pilot, "enter")


def test_a_walk_of_long_ago_is_no_count_of_now() -> None:
    snapshot = cached(healthy())
    at = snapshot.taken_at
    listing = replace(entry_listing(ENTRIES, EntryView(), at), at=at - 200)
    rows = feature_rows(replace(snapshot, entries=Reading(listing, at)), FeatureOrder.BUSIEST)
    cache = snapshot.cache.value
    assert cache is not None
    assert rows[0].number == cache.entries, "the census is newer"
    assert next(row for row in rows if row.id == OTHERS).about
    for width in (56, 80, 120):
        assert "keys seen 3m20s ago" in str(about.render(rows[0], listing, Area(width, 8), at))
        part = replace(listing, done=False, examined=2, total=9)
        assert "of about 2 of 9 keys 3m20s ago" in str(about.render(rows[0], part, Area(width, 8), at))


async def test_a_list_of_long_ago_says_when_its_keys_were_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def old(rows: Any, view: EntryView, at: float) -> EntryListing:
        return replace(entry_listing(rows, view, at), at=at - 200)

    monkeypatch.setattr("tests.tui.engine.entry_listing", old)
    async with opened(cached(healthy())) as (pilot, engine):
        await press(pilot, "3", "enter")
        assert "keys seen 3m20s ago" in screen_text(pilot)
        assert "Again" in screen_text(pilot)
        engine.entries = ()
        await refreshed(pilot, engine, cached(healthy()))
        assert "No entry is left of those seen 3m20s ago" in screen_text(pilot)


def test_the_table_knows_now_the_day_and_the_entries() -> None:
    view = FakeEngine(healthy())
    snapshot = replace(cached(healthy()), cache_day=Reading(DAY, 1.0))
    at = snapshot.taken_at
    listing = entry_listing(view.entries, EntryView(), at)
    rows = {row.id: row for row in feature_rows(replace(snapshot, entries=Reading(listing, at)), FeatureOrder.BUSIEST)}
    assert next(iter(rows)) == ""
    assert list(rows)[-1] == OTHERS
    events = rows["events"]
    assert (events.number, events.bytes, events.day.hits) == (5, 412 + 180_000 + 390 + 300 + 17, 8_800)
    assert rows[OTHERS].number == 1
    assert rows[""].number == len(ENTRIES)
    # Before the keys were gone through the census and the mean of what was stored tell.
    early = {row.id: row for row in feature_rows(snapshot, FeatureOrder.NAME)}
    assert OTHERS not in early
    assert early["events"].counts is not None
    assert early["events"].number == early["events"].counts.entries
    assert early["events"].bytes == 2_100 * early["events"].number
    partly = replace(listing, done=False)
    some = {row.id: row for row in feature_rows(replace(snapshot, entries=Reading(partly, at)), FeatureOrder.WORST)}
    assert some["events"].number == early["events"].number


@pytest.mark.parametrize("width", [60, 80, 120, 200])
@pytest.mark.parametrize("height", [3, 5, 7, 20])
def test_what_belongs_to_a_line_fits(width: int, height: int) -> None:
    snapshot, engine = replace(cached(healthy()), cache_day=Reading(DAY, 1.0)), FakeEngine(healthy())
    listing = entry_listing(engine.entries, EntryView(), snapshot.taken_at)
    for row in feature_rows(replace(snapshot, entries=Reading(listing, 1.0)), FeatureOrder.BUSIEST):
        drawn = about.render(row, listing, Area(width, height))
        assert len(drawn) <= height
        assert {cells("".join(span.text for span in one)) for one in drawn} == {width}


async def test_in_and_out_and_the_cursor_stays() -> None:
    async with opened(cached(healthy())) as (pilot, engine):
        await press(pilot, "3")
        await stand_on(pilot, "events")
        assert "saved 8,800 requests" in screen_text(pilot)
        assert not engine.entry_views[-1].rows, "only the sums are wanted"
        await press(pilot, "enter")
        assert engine.entry_views[-1].feature == "events"
        assert engine.entry_views[-1].rows
        shown = screen_text(pilot)
        assert "1–5 of 5" in shown
        assert "category Über uns" in shown
        assert "popularUrls" not in shown
        await press(pilot, "down", "o")
        assert engine.entry_views[-1].order is EntryOrder.LARGEST
        assert pilot.app.frame.situation.entry == ENTRIES[1]
        await press(pilot, "enter", "escape", "escape")
        assert pilot.app.frame.situation.feature == "events"
        await press(pilot, "escape")
        assert pilot.app.frame.place.place == "overview"


async def test_a_value_is_folded_and_exact() -> None:
    async with opened(cached(healthy()), size=(120, 40)) as (pilot, engine):
        await press(pilot, "3")
        await stand_on(pilot, "events")
        await press(pilot, "enter")
        await enter(pilot, EVENTS)
        shown = screen_text(pilot)
        assert f'"revenue": {NUMBER}' in shown, "a short value is shown open"
        assert '"expiresAt": 1740796308000' in shown
        await press(pilot, "down", "down", "enter")
        shown = screen_text(pilot)
        assert f'"revenue": {NUMBER}\n' not in shown
        assert '"value": [ { … }' in shown
        await press(pilot, "o")
        assert engine.parts == [(EVENTS, 0)]


async def test_a_large_value_comes_in_parts() -> None:
    async with opened(cached(healthy()), size=(120, 40)) as (pilot, engine):
        await press(pilot, "3")
        await stand_on(pilot, "events")
        await press(pilot, "enter")
        await enter(pilot, LARGE)
        assert "59K of 259K" in screen_text(pilot)
        while place_of(pilot).value._part.more:
            await press(pilot, "end")
            assert "more: enter loads the next part" in screen_text(pilot)
            await press(pilot, "enter")
        assert [start for _, start in engine.parts] == [0, 60_000, 120_000, 180_000, 240_000]
        assert not place_of(pilot).value._json.broken
        await press(pilot, "end")
        assert "}" in screen_text(pilot)


async def test_what_is_no_report_is_shown_as_what_it_is() -> None:
    async with opened(cached(healthy()), size=(120, 40)) as (pilot, engine):
        await press(pilot, "3")
        await stand_on(pilot, "events")
        await press(pilot, "enter")
        assert "corrupt" in screen_text(pilot)
        await enter(pilot, BROKEN)
        shown = screen_text(pilot)
        assert "✗" in shown
        assert "␛[2J[red]" in shown
        await press(pilot, "escape", "escape")
        await stand_on(pilot, "deviceTypes")
        await press(pilot, "enter", "enter")
        assert "A hash, and no text" in screen_text(pilot)
        await press(pilot, "escape", "escape")
        await stand_on(pilot, OTHERS)
        assert "no report's that is known here" in " ".join(screen_text(pilot).split())
        await press(pilot, "enter")
        assert "foreign" in screen_text(pilot)
        await press(pilot, "f")
        assert "This is no key of a report" in screen_text(pilot)
        await press(pilot, "c")
        assert "This entry" not in screen_text(pilot), "nothing of ours deletes it"
        await press(pilot, "escape", "enter")
        assert engine.parts[-1] == (FOREIGN, 0)
        assert is_harmless(screen_text(pilot).replace("\n", ""))


async def test_an_entry_that_went_says_so_and_trouble_is_named() -> None:
    async with opened(cached(healthy())) as (pilot, engine):
        await press(pilot, "3")
        await stand_on(pilot, "popularUrls")
        await press(pilot, "enter")
        held = place_of(pilot).list.window.id
        engine.entries = tuple(row for row in engine.entries if row.key != held)
        await press(pilot, "enter")
        assert "The entry is gone" in screen_text(pilot)
        await press(pilot, "escape")
        await refreshed(pilot, engine, cached(healthy()))
        assert pilot.app.frame.situation.entry is None
        await press(pilot, "enter")
        assert "has left the list" in screen_text(pilot)
        await press(pilot, "down")
        engine.part_trouble = StoreUnavailable("refused", "Nobody \x1b[2Jlistens", "")
        await press(pilot, "enter")
        assert "Nobody ␛[2Jlistens" in screen_text(pilot)
        engine.part_trouble = None
        await press(pilot, "enter")
        assert '"feature": "popularUrls"' in screen_text(pilot), "enter tries again"


async def test_a_list_that_cannot_be_read_says_why() -> None:
    async with opened(cached(healthy())) as (pilot, engine):
        engine.entries_trouble = "Redis does not answer"
        await press(pilot, "3")
        assert "popularUrls" in screen_text(pilot)
        await press(pilot, "enter")
        assert "Redis does not answer" in screen_text(pilot)


async def test_what_is_under_the_cursor_is_what_is_purged() -> None:
    async with opened(cached(healthy())) as (pilot, engine):
        await press(pilot, "3")
        await stand_on(pilot, "events")
        await press(pilot, "c")
        assert isinstance(pilot.app.screen, ChoiceDialog)
        await press(pilot, "enter", "escape", "enter")
        await confirm(pilot)
        await stand_on(pilot, "popularUrls")
        await press(pilot, "enter")
        held = place_of(pilot).list.window.id
        await press(pilot, "c", "enter")
        assert "site" in screen_text(pilot)
        await confirm(pilot)
        assert [one.command for one in engine.ran] == [
            Command(Act.PURGE_CACHE, feature="events"),
            Command(Act.PURGE_CACHE, key=held or ""),
        ]


async def test_a_fetch_shows_the_newer_value() -> None:
    async with opened(cached(healthy())) as (pilot, engine):
        await press(pilot, "3")
        await stand_on(pilot, "popularUrls")
        await press(pilot, "enter")
        await enter(pilot, LISTED)
        engine.values[LISTED] = '{"feature":"popularUrls","value":[{"label":"new"}],"expiresAt":1}'
        await press(pilot, "f")
        assert engine.ran == []
        await confirm(pilot)
        await settled(pilot)
        assert [one.command for one in engine.ran] == [Command(Act.REFETCH, feature="popularUrls", key=LISTED)]
        assert '"new"' in screen_text(pilot)


async def test_the_time_to_live_is_that_of_the_line_under_the_cursor() -> None:
    async with opened(cached(healthy())) as (pilot, engine):
        await press(pilot, "3")
        await stand_on(pilot, "events")
        await press(pilot, "t")
        assert isinstance(pilot.app.screen, TtlDialog)
        await press(pilot, "tab", *"5m", "enter")
        await confirm(pilot)
        wanted = Command(Act.SET_TTL, feature="events", target=TtlTarget.REPORTS, seconds=300.0)
        assert [one.command for one in engine.ran] == [wanted]


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (200, 60)], ids=str)
async def test_hostile_keys_and_values_stay_text(size: tuple[int, int]) -> None:
    engine = FakeEngine(cached(healthy()))
    engine.entries = tuple(
        entry(payload if at % 2 else key("events", "", f'"{payload}"'), "events", 5 + at, 9.0 + at, EntryState.FRESH)
        for at, payload in enumerate(dict.fromkeys(PAYLOADS))
    )
    engine.values = {row.key: f'{{"{PAYLOADS[at]}":"{PAYLOADS[-at]}"}}' for at, row in enumerate(engine.entries)}
    async with opened(engine.snapshot, size=size, engine=engine) as (pilot, _):
        await press(pilot, "3", "enter")
        pages = len(engine.entries) // place_of(pilot).list.page + 1
        for _ in range(min(pages, 6)):
            await press(pilot, "enter")
            assert is_harmless(screen_text(pilot).replace("\n", "")), ascii(screen_text(pilot))
            await press(pilot, "escape", "pagedown")
            assert is_harmless(screen_text(pilot).replace("\n", "")), ascii(screen_text(pilot))
            widths = {cells(line) for line in screen_text(pilot).splitlines()}
            assert widths == {size[0]}


def test_any_key_is_put_into_words() -> None:
    for text in ("", "{}", "[", '{"input":[]}', '{"input":{"siteId":{"a":1}}}', "[" * 9_999, *PAYLOADS):
        assert isinstance(asked_for(text).site, str)
    exact = asked_for('{"feature":"x","input":{"siteId":1234567890123456789.50,"a":1}}')
    assert (exact.site, exact.words) == ("1234567890123456789.50", "a 1")


def test_what_is_kept_of_keys_has_a_bound_however_long_they_are() -> None:
    before = asked._kept.cache_info().currsize
    for number in range(3):
        assert asked_for(f"{number}" * 4_001).words == f"{number}" * 4_001
    assert asked._kept.cache_info().currsize == before
