"""What is kept to be looked at: the newest rejected, unknown outcomes, and the search by id or key."""

from __future__ import annotations

from opalmind_tui.snapshot.model import State
from opalmind_tui.tracking.queue import REJECTED_KEPT, Fate, Moved, Restored, Settled, Settlement
from tests.tracking.queue_harness import Bench, hit, record_of, visitor_in


async def rejected(bench: Bench, *numbers: int, reason: str = "unknown site") -> list[str]:
    """These are accepted and counted invalid by Matomo."""
    ids = await bench.accept(*[hit(number, visitor="one") for number in numbers])
    while (claim := await bench.claim(500)).requests:
        await bench.settle_all(claim, Fate.REJECTED, status=200, error=reason)
    return ids


async def test_a_rejected_request_can_be_looked_at(bench: Bench) -> None:
    before = bench.now()
    (request_id,) = await rejected(bench, 1)
    (row,) = await bench.queue.rows_of([request_id])
    assert (row.state, row.status, row.error, row.key) == (State.REJECTED, 200, "unknown site", "key-1")
    assert row.label == "https://example.org/1"
    assert row.failed_at is not None
    assert before - 5 < row.failed_at < bench.now() + 5
    assert await bench.queue.rows(limit=5) == ()
    assert await bench.queue.rows(limit=5, state=State.REJECTED) == (row,)
    counts = await bench.counts()
    assert (counts.rejected, counts.rejected_kept, counts.pending) == (1, 1, 0)


async def test_a_rejected_request_never_comes_back(bench: Bench) -> None:
    ids = await rejected(bench, 1)
    assert await bench.queue.retry(ids) == Moved(0, 1) == await bench.queue.purge(ids)
    assert await bench.queue.restore(ids) == Restored(0, 1)
    await bench.accept(hit(1, payload="mended"))
    assert await bench.queue.purge(ids, hard=True) == Moved(1, 0)
    assert await bench.states(ids) == ["gone"]
    counts = await bench.counts()
    assert (counts.rejected, counts.purged, counts.rejected_kept) == (1, 0, 0)


async def test_only_the_newest_rejected_are_kept(bench: Bench) -> None:
    ids = await rejected(bench, *range(REJECTED_KEPT + 60))
    counts = await bench.counts()
    assert (counts.rejected, counts.rejected_kept) == (REJECTED_KEPT + 60, REJECTED_KEPT)
    assert await bench.states(ids[:61]) == ["gone"] * 60 + ["rejected"]
    newest = await bench.queue.rows(limit=3, state=State.REJECTED)
    assert [row.id for row in newest] == ids[:-4:-1]


async def test_settling_a_rejection_twice_counts_it_once(bench: Bench) -> None:
    await bench.accept(hit(1))
    claim = await bench.claim()
    assert await bench.settle_all(claim, Fate.REJECTED) == Settled(done=1)
    assert await bench.settle_all(claim, Fate.REJECTED) == Settled(lost=1)
    assert (await bench.counts()).rejected == 1


async def test_unknown_outcomes_are_listed_and_counted(bench: Bench) -> None:
    ids = await bench.accept(*[hit(number, visitor=visitor_in(number)) for number in range(4)])
    claim = await bench.claim()
    fates = [
        Settlement(ids[0], Fate.RETRY, delay=100, unknown=True),
        Settlement(ids[1], Fate.DEAD, unknown=True),
        Settlement(ids[2], Fate.RETRY, delay=100),
    ]
    await bench.queue.mark_posted(claim.token)
    await bench.queue.settle(claim.token, fates)
    await bench.pass_seconds(70)
    assert await bench.queue.reap() == 1
    assert (await bench.counts()).unknown_waiting == 3
    assert {row.id for row in await bench.queue.rows(limit=9, unknown_only=True)} == {ids[0], ids[1], ids[3]}
    assert (await bench.queue.rows(limit=1, unknown_only=True))[0].id == ids[3]
    for state, there in ((State.SCHEDULED, ids[0]), (State.DEAD, ids[1]), (State.PENDING, ids[3])):
        assert await bench.queue.ids(state, unknown_only=True) == ((there,), "")
    assert await bench.queue.ids(State.INFLIGHT, unknown_only=True) == ((), "")

    await bench.queue.purge([ids[0]])
    assert (await bench.counts()).unknown_waiting == 2
    await bench.queue.restore([ids[0]])
    assert (await bench.counts()).unknown_waiting == 3
    await bench.pass_seconds(100)
    await bench.settle_all(await bench.claim(), Fate.DELIVERED)
    counts = await bench.counts()
    assert (counts.unknown_waiting, counts.unknown, counts.dead) == (1, 3, 1)


async def test_pages_of_unknown_outcomes(bench: Bench) -> None:
    ids = await bench.accept(*[hit(number, visitor="one") for number in range(30)])
    claim = await bench.claim()
    fates = [
        Settlement(request_id, Fate.DEAD if at % 3 else Fate.RETRY, delay=100, unknown=True)
        for at, request_id in enumerate(ids)
    ]
    await bench.queue.settle(claim.token, fates)
    seen: list[str] = []
    after = ""
    while True:
        page, after = await bench.queue.ids(State.SCHEDULED, after=after, limit=4, unknown_only=True)
        assert len(page) <= 4
        seen += page
        if not after:
            break
    assert seen == ids[::3]


async def test_find_by_id_and_by_key(bench: Bench) -> None:
    ids = await bench.accept(hit(1), hit(2, key="ключ \x1b"), hit(3, key=""))
    for request_id, wanted in zip(ids, ("key-1", "ключ \x1b", ids[2]), strict=True):
        assert [row.id for row in await bench.queue.find(wanted)] == [request_id]
        assert [row.id for row in await bench.queue.find(request_id)] == [request_id]
    for nothing in ("", "no such key", "AA0aaaaaaaaaaa", "\ud800", "x" * 5_000):
        assert await bench.queue.find(nothing) == ()


async def test_find_by_key_names_what_left_the_queue_too(bench: Bench) -> None:
    (refused,) = await rejected(bench, 1)
    (older,) = await bench.accept(hit(1))
    await bench.queue.purge([older])
    (newer,) = await bench.accept(hit(1))
    found = [(row.id, row.state) for row in await bench.queue.find("key-1")]
    assert found == [(newer, State.PENDING), (older, State.TRASH)]
    assert [row.id for row in await bench.queue.find(refused)] == [refused]
    await bench.settle_all(await bench.claim(), Fate.DELIVERED, record=record_of("key-1"))
    assert [row.id for row in await bench.queue.find("key-1")] == [older]
