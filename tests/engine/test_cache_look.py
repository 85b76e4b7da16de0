"""The cache as an engine shows it: entries, the day, values without secrets, names of sites, a report fetched anew."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from opalmind_tui.engine.cache_look import without_secrets
from opalmind_tui.engine.site_names import SiteNames, site_of, sites_in
from opalmind_tui.errors import OpalmindError, ReadOnly
from opalmind_tui.matomo.masking import MASK
from opalmind_tui.matomo.reporting_client import ATTEMPTS, ReportingClient
from opalmind_tui.snapshot.commands import Act, Command
from opalmind_tui.snapshot.entries import EntryPart, EntryRow, EntryState, EntryView
from opalmind_tui.snapshot.listing import GroupView, ListView, Tab
from opalmind_tui.snapshot.model import Reading, Snapshot
from opalmind_tui.snapshot.wanted import Wanted
from tests.engine.conftest import TOKEN, Ground, hits, until
from tests.tui.fixtures import ROWS


async def test_entries_day_names_and_a_fetch(ground: Ground) -> None:
    engine = await ground.engine()
    await engine.reports.get_device_types()
    await engine.reports.get_device_types()
    view = EntryView("deviceTypes", rows=10)

    async def named() -> bool:
        return bool((await engine.take_snapshot(Wanted(entries=view))).sites)

    first = await engine.take_snapshot(Wanted())
    assert first.entries is None
    await until(named)
    snapshot = await engine.take_snapshot(Wanted(entries=view))
    assert snapshot.entries is not None
    listing = snapshot.entries.value
    assert listing is not None
    (row,) = listing.rows
    assert row.state is EntryState.FRESH
    assert [site for site, name in snapshot.sites if name] == ["1"]
    day = snapshot.cache_day.value
    assert day is not None
    assert (day.of("deviceTypes").hits, day.of("deviceTypes").misses) == (1, 1)

    part = await engine.entry_part(row.key)
    assert part is not None
    assert part.text.startswith('{"feature":"deviceTypes","value":[')
    assert not part.more

    command = Command(Act.REFETCH, feature="deviceTypes", key=row.key)
    plan = await engine.plan(command)
    assert any("1 request to Matomo" in sentence for sentence in plan.consequences)
    asked = (await engine.cache_view()).sets
    outcome = await engine.run(plan)
    assert (outcome.done, outcome.error) == (1, "")
    assert (await engine.cache_view()).sets == asked + 1
    assert "refetch" in [entry.act for entry in await engine.audit(5)]

    await engine.run(await engine.plan(Command(Act.PURGE_CACHE, key=row.key)))
    assert await engine.entry_part(row.key) is None
    emptied = (await engine.take_snapshot(Wanted(entries=view))).entries
    assert emptied is not None
    assert emptied.value is not None
    assert emptied.value.rows == ()


async def test_read_only_fetches_nothing_and_without_matomo_it_says_so(ground: Ground) -> None:
    engine = await ground.engine()
    await engine.reports.get_device_types()
    snapshot = await engine.take_snapshot(Wanted(entries=EntryView(rows=10)))
    assert snapshot.entries is not None
    assert snapshot.entries.value is not None
    key = snapshot.entries.value.rows[0].key
    looker = await ground.engine(read_only=True)
    with pytest.raises(ReadOnly):
        await looker.run(await looker.plan(Command(Act.REFETCH, key=key)))
    lonely = await ground.engine(matomo_base_url="")
    with pytest.raises(OpalmindError):
        await lonely.plan(Command(Act.REFETCH, key=key))


async def test_without_a_token_nobody_is_asked_for_names(ground: Ground) -> None:
    engine = await ground.engine(matomo_token="")
    client = engine._stores.commands
    await client.set(engine.settings.cache_prefix + '{"feature":"events","input":{"siteId":1}}', "{}")
    for _ in range(3):
        assert (await engine.take_snapshot(Wanted(entries=EntryView(rows=10)))).sites == ()
    assert engine._sites._task is None


async def test_sites_of_requests_have_names_without_a_question_for_each(ground: Ground) -> None:
    engine = await ground.engine()
    await engine.offer(hits(12))
    views = (
        Wanted(rows=50), Wanted(view=ListView(Tab.PENDING)), Wanted(groups=GroupView()),
    )  # fmt: skip

    async def named() -> bool:
        return bool((await engine.take_snapshot(views[1])).sites)

    await until(named)
    for _ in range(5):
        for wanted in views:
            found = await engine.take_snapshot(wanted)
            assert [site for site, name in found.sites if name] == ["1"]
    assert ground.matomo.reports["SitesManager.getSiteFromId"] == 1


async def test_of_a_matomo_that_is_away_one_name_is_asked_for() -> None:
    waits: list[float] = []

    async def waited(seconds: float) -> None:
        waits.append(seconds)

    names = SiteNames(ReportingClient("http://127.0.0.1:1/", TOKEN, sleep=waited), lambda: 1_000.0)
    assert names.of(str(site) for site in range(1, 20)) == ()
    assert names._task is not None
    await names._task
    assert len(waits) == ATTEMPTS - 1
    assert names.of(["1", "19"]) == ()
    assert names._task.done(), "they are left alone for a while"


def test_only_numbers_are_asked_for() -> None:
    rows = tuple(replace(ROWS[0], site=site) for site in ("9", "x", "0", "1&method=evil", "", "9" * 10, "٣", "12"))
    snapshot = Snapshot(taken_at=1.0, requests=Reading(rows, 1.0))
    assert list(sites_in(snapshot)) == ["9", "12"]


def test_a_secret_is_in_no_part() -> None:
    text = f"before {TOKEN} after {TOKEN[:9]}"
    for cut in range(1, len(text) + 1):
        shown, start = "", 0
        while start < len(text):
            end = min(len(text), start + max(cut, len(TOKEN)))
            row = EntryRow("k", "events", len(text), None, None, EntryState.FRESH)
            part = without_secrets(EntryPart(row, text[start:end], start, end), (TOKEN,))
            assert part.end > start
            shown, start = shown + part.text, part.end
        assert TOKEN not in shown, cut
        assert shown.startswith("before ")
        assert shown.endswith(f" after {TOKEN[:9]}")


@pytest.mark.parametrize("echoed", [str, str.upper])
def test_a_secret_that_ends_as_another_begins_is_masked_whole(echoed: Callable[[str], str]) -> None:
    secrets = (TOKEN, TOKEN[-1] + "-a-password")
    row = EntryRow("k", "events", 1_000, None, None, EntryState.FRESH)
    for number in range(1, len(TOKEN)):
        text = echoed("before " + TOKEN + TOKEN[:number])
        part = without_secrets(EntryPart(row, text, 0, len(text)), secrets)
        assert part.text == echoed("before ") + MASK, number
        assert part.end == len(text) - number
    text = echoed("before " + TOKEN)
    assert without_secrets(EntryPart(row, text, 0, len(text)), secrets).text == echoed("before ") + MASK


@pytest.mark.parametrize(
    ("key", "site"),
    [('{"feature":"x","input":{"siteId":7}}', "7"), ("", ""), ('{"input":{"siteId":"7"}}', ""), ("\ud800", ""),
     ('{"input":{"siteId":true}}', ""), ('{"input":{"siteId":-1}}', ""), ("[" * 3_000, ""), ('{"input":[]}', "")],
)  # fmt: skip
def test_the_site_of_a_key(key: str, site: str) -> None:
    assert site_of(key) == site
