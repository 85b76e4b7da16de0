"""Somebody writes bytes under our keys that are none of ours: nobody crashes over them, and nothing is lost."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from typing import Any

import pytest

from opalmind_tui.storage.local_server import LocalServer
from opalmind_tui.tracking.queue import Fate
from tests.tracking.queue_harness import TAG, Bench, hit, visitor_in
from tests.tracking.scene import ACTS, STEPWISE, Scene, a_scene, refusal_of


@pytest.fixture
async def scene(server: LocalServer) -> AsyncIterator[Scene]:
    async with a_scene(server) as built:
        yield built


GARBAGE = (
    b"", b"0", b"null", b"[]", b"{}", b"true", b"\xff\xfe\x00", b"x" * 5_000, b"9" * 400, b"1e999", b"-1", b"nan",
    b'{"ids":[1,{},null],"shards":[[]],"posted":3}', b'{"ids":{},"shards":{}}',
    b'{"kind":"breaker","until":{},"probe":[1]}',
    b'{"kind":"cooldown","until":1e999,"failures":1e999}', b'{"token":[],"attempts":1e999,"history":[1e999,[[]]]}',
    b'{"accepted":"999999999999999999999","due":"-5","unknown":-3,"history":"x","error":[]}', b"[" * 2_000,
    b'{"since":"1","from":"1","per_second":1e999}', b"trash 1 due 2 1 ",
    b"rejected 99999999999999999999999 dead 2 0 zz",
)  # fmt: skip
HASHES = ("meta", "batch", "shard", "gate", "control", "endpoints", "ledger", "key", "aside", "aside-key", "asleep")
SORTED = ("inflight", "dead", "failed", "aged", "held", "unknown", "trash", "rejected", "claim", "due:")
SCORES = (0, -1, 1.5, 1e300, "inf", "-inf", 1795374886856000)


async def scribble(client: Any, chance: random.Random, keys: list[str]) -> None:
    """Write garbage where a stranger could: over values that are there, beside them, and among the members of sets."""
    name = chance.choice(keys)
    if name.removeprefix(TAG).startswith(SORTED):
        members = [*await client.zrange(name, 0, -1), *GARBAGE[:8]]
        member = members[0] if name.endswith("claim") and chance.random() < 0.5 else chance.choice(GARBAGE[:8])
        await client.zadd(name, {member: chance.choice(SCORES)})
    else:
        fields = [*await client.hkeys(name), *GARBAGE[:8]]
        await client.hset(name, chance.choice(fields), chance.choice(GARBAGE))


@pytest.mark.parametrize("seed", range(4))
async def test_garbage_under_our_keys_loses_nothing_and_crashes_nobody(scene: Scene, seed: int) -> None:
    chance = random.Random(seed)
    writing = [key.decode() for key in scene.state if key.decode().removeprefix(TAG).startswith((*HASHES, *SORTED))]
    for _ in range(12):
        await scene.reset()
        before = await scene.stored()
        for _ in range(4):
            await scribble(scene.client, chance, writing)
            what, act = chance.choice([*ACTS.items(), *STEPWISE.items()])
            refused = await refusal_of(act(scene))
            assert refused is None, (what, refused)
            removed = {request_id.encode() for request_id in scene.held + scene.dead + scene.due + scene.trash}
            assert before - await scene.stored() <= removed, what
        cursor = ""
        while cursor := (await scene.queue.reconcile(cursor)).cursor:
            pass
        assert await scene.in_several_places() == []


NO_IDS = (b"x", b"", b"\xff\xfe", b"ab\n\x1b[31m", b"\xff" * 14, "–".encode() * 5)


async def test_what_is_no_id_in_a_due_set_holds_up_nobody(redis_bench: Bench) -> None:
    """Also one that stands in the set of another visitor: it would be sent from both."""
    mine, other = hit(1, visitor=visitor_in(1)), hit(2, visitor=visitor_in(2))
    first, second = await redis_bench.accept(mine, other)
    place = f"{TAG}due:{first[:3]}"
    for foreign in NO_IDS:
        await redis_bench.client.hset(TAG + "msg", foreign, mine.encode())
        await redis_bench.client.zadd(place, {foreign: 5.0})
    await redis_bench.client.zadd(place, {second: 6.0})
    claimed: list[str] = []
    for _ in range(5):
        claim = await redis_bench.claim(3)
        claimed += [request.id for request in claim.requests]
        await redis_bench.settle_all(claim, Fate.DELIVERED)
    assert sorted(claimed) == sorted([first, second])
    assert await redis_bench.client.zcard(place) == 0
    await redis_bench.client.hdel(TAG + "msg", *NO_IDS)
