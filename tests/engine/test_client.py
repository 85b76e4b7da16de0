"""The library's front door against a real server and a stand-in Matomo over real HTTP."""

from __future__ import annotations

import pytest

import opalmind_tui
from opalmind_tui.errors import RefusedRequest, SettingsError
from opalmind_tui.tracking.queue import Acceptance
from tests.engine.conftest import Ground, until


async def test_track_read_and_look(ground: Ground) -> None:
    async with opalmind_tui.MatomoClient(ground.settings) as matomo:
        page = await matomo.track_pageview("https://example.com/", action_name="Home", pv_id="fedcba9876543210")
        again = await matomo.track_pageview("https://example.com/", action_name="Home", pv_id="fedcba9876543210")
        other = await matomo.track_pageview("https://example.com/other", pv_id="fedcba9876543210")
        assert (page.outcome, again.outcome, other.outcome) == (
            Acceptance.ACCEPTED, Acceptance.DUPLICATE, Acceptance.CONFLICT,
        )  # fmt: skip
        assert page.durable
        assert page.ok
        assert not other.ok
        await matomo.track_event("Video", "play", name="Intro", value=3)
        await matomo.track_goal(2, revenue=19.99)

        async def arrived() -> bool:
            return ground.matomo.journal.stored == 3

        await until(arrived)
        first = await matomo.get_most_popular_urls(period="day", date="2026-01-05", limit=3)
        second = await matomo.get_most_popular_urls(period="day", date="2026-01-05", limit=3)
        assert first == second
        assert len(first) == 3
        stats = await matomo.get_cache_stats()
        assert (stats.hits, stats.misses, stats.sets) == (1, 1, 1)
        queue = await matomo.get_queue_stats()
        assert (queue.accepted, queue.delivered, queue.duplicates, queue.conflicts) == (3, 3, 1, 1)
        document = await matomo.get_health_status()
        assert [check["name"] for check in document["checks"]] == [
            "matomo-api", "reports-cache", "tracking-queue", "redis-connection",
        ]  # fmt: skip


async def test_what_matomo_could_never_store_is_refused(ground: Ground) -> None:
    async with opalmind_tui.MatomoClient(ground.settings, deliver=False) as matomo:
        with pytest.raises(RefusedRequest, match="category"):
            await matomo.track_event(" ", "play")
        with pytest.raises(RefusedRequest, match="visitorId"):
            await matomo.track_pageview("https://example.com/", visitor_id="short")
        with pytest.raises(RefusedRequest, match="siteId"):
            await matomo.get_campaigns(site_id=0)
        assert (await matomo.get_queue_stats()).accepted == 0


def test_without_a_matomo_there_is_no_client() -> None:
    with pytest.raises(SettingsError, match="MATOMO_BASE_URL"):
        opalmind_tui.MatomoClient(opalmind_tui.Settings())
