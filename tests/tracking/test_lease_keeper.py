"""Leases are kept by a thread, and a claim whose lease is in doubt is not posted."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Collection, Sequence

import pytest

from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.settings.model import Settings
from opalmind_tui.storage.local_server import LocalServer
from opalmind_tui.tracking.extenders import loop_extender, redis_extender
from opalmind_tui.tracking.ids import new_token
from opalmind_tui.tracking.lease_keeper import LeaseKeeper
from tests.tracking.delivery import Unmarked, delivering, page
from tests.tracking.queue_harness import ENDPOINT, TAG, Bench, hit


class Store:
    """Renews, loses or fails, as told."""

    def __init__(self) -> None:
        self.lost: set[str] = set()
        self.error: Exception | None = None
        self.asked: list[tuple[tuple[str, ...], float]] = []

    def __call__(self, tokens: Sequence[str], lease: float) -> Collection[str]:
        self.asked.append((tuple(tokens), lease))
        if self.error is not None:
            raise self.error
        return self.lost


AWAY = StoreUnavailable("refused", "Redis refuses connections", "Is it running?")


@pytest.fixture
def now() -> list[float]:
    return [1000.0]


def test_no_post_starts_in_the_last_five_seconds(now: list[float]) -> None:
    keeper = LeaseKeeper(Store(), 30.0, clock=lambda: now[0])
    keeper.hold("a", now[0])
    assert keeper.may_post("a")
    now[0] += 24.9
    assert keeper.may_post("a")
    now[0] += 0.2
    assert not keeper.may_post("a")
    assert keeper.renew()
    assert keeper.may_post("a")


def test_the_lease_counts_from_before_the_claim_was_asked_for(now: list[float]) -> None:
    keeper = LeaseKeeper(Store(), 30.0, clock=lambda: now[0])
    keeper.hold("a", now[0] - 25.5)
    assert not keeper.may_post("a")


def test_no_post_starts_after_a_failed_renewal_until_one_succeeds(now: list[float]) -> None:
    store = Store()
    keeper = LeaseKeeper(store, 30.0, clock=lambda: now[0])
    keeper.hold("a", now[0])
    store.error = AWAY
    assert not keeper.renew()
    assert not keeper.may_post("a")
    assert "refuses" in keeper.last_error
    store.error = RuntimeError("token 123")
    assert not keeper.renew()
    assert keeper.last_error == "RuntimeError"
    store.error = None
    assert keeper.renew()
    assert keeper.may_post("a")
    assert keeper.last_error == ""


def test_a_lost_lease_is_counted_and_not_renewed_again(now: list[float]) -> None:
    store = Store()
    keeper = LeaseKeeper(store, 30.0, clock=lambda: now[0])
    keeper.hold("a", now[0])
    keeper.hold("b", now[0])
    store.lost = {"a"}
    keeper.renew()
    assert (keeper.may_post("a"), keeper.may_post("b"), keeper.lost) == (False, True, 1)
    keeper.renew()
    assert store.asked == [(("a", "b"), 30.0), (("b",), 30.0)]
    keeper.drop("b")
    assert keeper.renew()
    assert len(store.asked) == 2


def test_a_claim_that_ends_during_a_renewal_stays_ended(now: list[float]) -> None:
    def extend(tokens: Sequence[str], lease: float) -> Collection[str]:
        keeper.drop("a")
        return ()

    keeper = LeaseKeeper(extend, 30.0, clock=lambda: now[0])
    keeper.hold("a", now[0])
    keeper.renew()
    assert not keeper.may_post("a")


def test_the_thread_survives_whatever_a_renewal_raises() -> None:
    seen = threading.Semaphore(0)

    def extend(tokens: Sequence[str], lease: float) -> Collection[str]:
        seen.release()
        raise ValueError

    keeper = LeaseKeeper(extend, 0.03)
    keeper.start()
    keeper.hold("a", time.monotonic())
    assert all(seen.acquire(timeout=10) for _ in range(3))
    keeper.stop()


async def test_a_blocked_event_loop_loses_no_claim(redis_bench: Bench, server: LocalServer) -> None:
    renew = redis_extender(Settings(redis_url=server.url))
    renewed = threading.Semaphore(0)

    def extend(tokens: Sequence[str], lease: float) -> Collection[str]:
        lost = renew(tokens, lease)
        renewed.release()
        return lost

    await redis_bench.accept(*[hit(number, visitor="one") for number in range(5)])
    keeper = LeaseKeeper(extend, 0.9)
    keeper.start()
    token, since = new_token(), time.monotonic()
    assert len((await redis_bench.queue.claim(ENDPOINT, token, limit=10, lease=0.9)).requests) == 5
    keeper.hold(token, since)
    assert redis_bench.client is not None
    first_end = await redis_bench.client.zscore(TAG + "claim", token)
    # The loop is blocked, as by a screen that draws for too long: four renewals take longer than the lease.
    assert all(renewed.acquire(timeout=30) for _ in range(4))
    keeper.stop()
    assert await redis_bench.client.zscore(TAG + "claim", token) > first_end + 0.5e6
    assert await redis_bench.queue.reap() == 0
    await redis_bench.queue.release(token)
    assert keeper.renew()
    assert keeper.lost == 1


async def test_redis_away_is_said_in_words() -> None:
    extend = redis_extender(Settings(redis_url="redis://127.0.0.1:1/0"))
    with pytest.raises(StoreUnavailable, match="refuses connections"):
        await asyncio.to_thread(extend, ["a"], 30.0)


async def test_memory_is_renewed_through_the_loop(bench: Bench) -> None:
    await bench.accept(hit(1))
    claim = await bench.claim(lease=60)
    extend = loop_extender(bench.queue, asyncio.get_running_loop())
    assert list(await asyncio.to_thread(extend, [claim.token, "nobody"], 60.0)) == ["nobody"]


async def test_a_claim_whose_renewal_failed_is_given_back_and_not_posted(bench: Bench) -> None:
    store = Store()
    store.error = AWAY

    class Late(Unmarked):
        """Between claim and post the lease keeper runs once."""

        async def mark_posted(self, token: str) -> None:
            await self.queue.mark_posted(token)
            if store.error is not None:
                keeper.renew()

    queue = Late(bench.queue)
    async with delivering(bench, queue=queue, extend=store, senders=1, start=False) as field:
        keeper = field.dispatcher._keeper
        await field.accept(page(0))
        await field.dispatcher.start()
        await field.until(lambda: field.dispatcher.stats().lease_error != "")
        await field.until(lambda: field.dispatcher._duties.owed == 0)
        assert field.matomo.requests == 0
        store.error = None
        await field.empty()
        assert dict(field.stored()) == {"https://example.org/0": 1}
