"""Somebody overwrites our keys with another type. What is not in such a key is not lost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from opalmind_tui.storage.local_server import LocalServer
from tests.tracking.queue_harness import TAG
from tests.tracking.scene import ACTS, ALARMED, LOOKS, REMOVE, STEPWISE, Scene, a_scene, refusal_of


@pytest.fixture
async def scene(server: LocalServer) -> AsyncIterator[Scene]:
    async with a_scene(server) as built:
        yield built


async def overwrite(client: Any, key: bytes, kind: str) -> None:
    """Put a value of another type there."""
    await client.delete(key)
    if kind == "string":
        await client.set(key, "not ours")
    elif kind == "set":
        await client.sadd(key, "not ours")
    else:
        await client.rpush(key, "not ours")


def changed(before: dict[bytes, Any], after: dict[bytes, Any]) -> list[bytes]:
    """The keys that differ."""
    return [key for key in {**before, **after} if before.get(key) != after.get(key)]


def gone_by(scene: Scene, name: str) -> set[bytes]:
    """The requests that an act removes for good."""
    removed = {"held": scene.held, "all": scene.dead + scene.due + scene.trash}.get(REMOVE.get(name, ""), [])
    return {request_id.encode() for request_id in removed}


async def check_nothing_is_lost(scene: Scene, before: set[bytes], allowed: set[bytes]) -> None:
    after = await scene.stored()
    assert before - after <= allowed
    assert await scene.in_several_places() == []


KEYS = (
    "aged", "aside", "aside-key", "asleep", "batch", "claim", "control", "dead", "done", "due", "endpoints", "failed",
    "gate", "held", "inflight", "key", "ledger", "meta", "msg", "rejected", "settled", "shard", "trash", "unknown",
)  # fmt: skip


async def test_the_scene_has_something_under_each_key(scene: Scene) -> None:
    names = {key.decode().removeprefix(TAG).split(":")[0] for key in scene.state}
    assert names == set(KEYS)


@pytest.mark.parametrize("name", KEYS)
async def test_a_key_of_another_type_fails_an_act_as_a_whole_or_not_at_all(scene: Scene, name: str) -> None:
    before = await scene.stored()
    keys = [key for key in scene.state if key.decode().removeprefix(TAG).split(":")[0] == name]
    for at, (what, act) in enumerate({**ACTS, **STEPWISE}.items()):
        await scene.reset()
        key = keys[at % len(keys)]
        await overwrite(scene.client, key, ("string", "list" if name == "done" else "set", "list")[at % 3])
        trouble = await refusal_of(act(scene))
        if trouble is not None:
            assert (trouble.kind, trouble.in_doubt) == ("wrong-type", False), what
            assert key.decode() in trouble.sentence, what
        if trouble is not None and what not in STEPWISE:
            assert set(changed(scene.whole, await scene.contents())) <= {key}, what
        if name != "msg":
            assert before - await scene.stored() <= gone_by(scene, what), what
        await scene.client.delete(key)
        if what in LOOKS or (trouble is not None and at):
            continue
        await scene.mend()
        if name != "msg":
            await check_nothing_is_lost(scene, before, gone_by(scene, what))
        if name not in ALARMED and what not in ("adopt", "merge"):
            assert (await scene.bench.counts()).ledger_difference == 0, what
