"""Concurrent callers share a commit, and nothing else."""

from __future__ import annotations

import asyncio

import pytest

from opalmind_tui.storage.group_commit import GroupCommit


class Store:
    """Doubles numbers, and remembers in which groups they came."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.gate = asyncio.Event()
        self.fails_with: Exception | None = None

    async def commit(self, items: list[int]) -> list[int]:
        self.groups.append(items)
        await self.gate.wait()
        if self.fails_with is not None:
            raise self.fails_with
        return [item * 2 for item in items]


async def test_who_comes_meanwhile_travels_in_the_next_group() -> None:
    store = Store()
    group = GroupCommit(store.commit, 500)
    calls = [asyncio.create_task(group.add([number])) for number in range(5)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    late = [asyncio.create_task(group.add([number, number])) for number in range(10, 12)]
    await asyncio.sleep(0)
    store.gate.set()
    assert [await call for call in calls] == [[0], [2], [4], [6], [8]]
    assert [await call for call in late] == [[20, 20], [22, 22]]
    assert store.groups == [[0, 1, 2, 3, 4], [10, 10, 11, 11]]


async def test_a_group_is_bounded_and_a_large_call_goes_whole() -> None:
    store = Store()
    store.gate.set()
    group = GroupCommit(store.commit, 3)
    await asyncio.gather(group.add([1, 2]), group.add([3, 4]), group.add([5]), group.add([6, 7, 8, 9]))
    assert store.groups == [[1, 2], [3, 4, 5], [6, 7, 8, 9]]


async def test_a_cancelled_caller_takes_nobody_with_it() -> None:
    store = Store()
    group = GroupCommit(store.commit, 500)
    first, second = asyncio.create_task(group.add([1])), asyncio.create_task(group.add([2]))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    store.gate.set()
    assert await second == [4]
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_a_failure_reaches_those_who_travelled_and_no_one_else() -> None:
    store = Store()
    store.gate.set()
    store.fails_with = OSError("away")
    group = GroupCommit(store.commit, 500)
    for call in (asyncio.create_task(group.add([1])), asyncio.create_task(group.add([2]))):
        with pytest.raises(OSError, match="away"):
            await call
    store.fails_with = None
    assert await group.add([3]) == [6]


async def test_nothing_is_left_running() -> None:
    store = Store()
    store.gate.set()
    group = GroupCommit(store.commit, 500)
    before = asyncio.all_tasks()
    await group.add([1])
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before
    assert await group.add([]) == []


async def test_a_second_group_goes_beside_the_first_only_when_it_is_full() -> None:
    store = Store()
    group = GroupCommit(store.commit, 3, lanes=2)
    calls = [asyncio.create_task(group.add([number])) for number in range(5)]
    for _ in range(4):
        await asyncio.sleep(0)
    assert store.groups == [[0, 1, 2], [3, 4]], "three waited for a second lane"
    calls += [asyncio.create_task(group.add([number])) for number in range(5, 12)]
    for _ in range(4):
        await asyncio.sleep(0)
    assert len(store.groups) == 2, "there is no third lane"
    store.gate.set()
    assert await asyncio.gather(*calls) == [[number * 2] for number in range(12)]
    store.gate.clear()
    calls = [asyncio.create_task(group.add([20]))]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    calls += [asyncio.create_task(group.add([number])) for number in (21, 22)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert store.groups[-1] == [20], "two do not fill a group"
    store.gate.set()
    assert await asyncio.gather(*calls) == [[40], [42], [44]]
