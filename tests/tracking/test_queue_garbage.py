"""Somebody writes bytes under our keys that are none of ours: nobody crashes over them, and nothing is lost."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from typing import Any

import pytest

from opalmind_tui.storage.local_server import LocalServer
from tests.tracking.queue_harness import TAG
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
