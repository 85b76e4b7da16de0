"""Classes that are about processes: killed, stopped, or many at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from opalmind_tui.snapshot.model import State
from opalmind_tui.storage.local_server import LocalServer
from opalmind_tui.tracking.ids import new_token
from opalmind_tui.tracking.queue import Fate, Settled
from tests.support.proxy import Command, Fault, proxied
from tests.tracking.bug_classes import courses
from tests.tracking.bug_classes.processes import Child
from tests.tracking.queue_harness import TAG, Bench, hit

MOMENTS = ("before-it-runs", "before-its-reply")


@pytest.fixture
def children() -> Iterator[list[Child]]:
    """Processes that end with the test."""
    made: list[Child] = []
    yield made
    for child in made:
        child.close()


async def drained(bench: Bench) -> int:
    """Send all that is left; returns how many were sent."""
    await bench.pass_seconds(120)
    while await bench.queue.reap():
        pass
    await bench.queue.open_gate("https://matomo.example/matomo.php")
    await bench.queue.retry((await bench.queue.ids(State.DEAD))[0])
    sent = 0
    while (claim := await bench.claim()).requests:
        sent += (await bench.settle_all(claim, Fate.DELIVERED)).done
    return sent


async def commands_of(server: LocalServer, bench: Bench) -> int:
    """How many commands the whole course needs; the server knows its scripts from then on."""
    async with proxied(server.port) as proxy:
        child = Child(courses.everything, proxy.url)
        await child.ended()
        assert child.process.exitcode == 0
        child.close()
        await bench.client.flushdb()
        before = proxy.commands
        child = Child(courses.everything, proxy.url)
        await child.ended()
        child.close()
        return proxy.commands - before


@pytest.mark.parametrize("moment", MOMENTS)
async def test_class_01_killed_at_any_command_every_request_is_in_exactly_one_place(
    server: LocalServer, redis_bench: Bench, moment: str
) -> None:
    number = await commands_of(server, redis_bench)
    assert number > 20
    for fatal in range(1, number + 1):
        await redis_bench.client.flushdb()
        await _killed_at(server, redis_bench, fatal, moment)


async def _killed_at(server: LocalServer, bench: Bench, fatal: int, moment: str) -> None:
    child: Child | None = None

    def kill(command: Command) -> Fault | None:
        if command.number < fatal:
            return None
        if command.number == fatal and moment == "before-its-reply":
            return Fault.DROP_REPLY
        return Fault.DROP_COMMAND

    def slay(command: Command) -> None:
        if command.number == fatal:
            assert child is not None
            os.kill(child.pid, signal.SIGKILL)

    async with proxied(server.port) as proxy:

        def script(command: Command) -> Fault | None:
            found = kill(command)
            if found is Fault.DROP_COMMAND:
                slay(command)
            return found

        proxy.script, proxy.on_reply = script, slay
        child = Child(courses.everything, proxy.url)
        try:
            accepted = [request_id for ids in await child.ended() for request_id in ids]
            assert child.process.exitcode == -signal.SIGKILL
        finally:
            child.close()
    what = f"killed {moment} at command {fatal}"
    await bench.check()
    found = await bench.all_ids()
    kept = {request_id for state in (State.TRASH, State.REJECTED) for request_id in found[state]}
    listed = {request_id for ids in found.values() for request_id in ids} - kept
    done = {member.decode() for member in await bench.client.sunion(await bench.client.keys(TAG + "done*") or "none")}
    assert not listed & done, what
    assert set(accepted) <= listed | kept | done, what
    before = await bench.counts()
    sent = await drained(bench)
    after = await bench.counts()
    assert sent == len(listed), what
    assert (after.pending, after.scheduled, after.inflight, after.dead) == (0, 0, 0, 0), what
    assert after.delivered - before.delivered == sent, what
    await bench.check()


@pytest.mark.parametrize("fate", [Fate.DELIVERED, Fate.RETRY, Fate.DEAD])
async def test_class_03_a_zombie_changes_nothing_that_another_has_finished(
    server: LocalServer, redis_bench: Bench, children: list[Child], fate: Fate
) -> None:
    await redis_bench.accept(hit(1))
    children.append(zombie := Child(courses.zombie, server.url, new_token()))
    assert len(await zombie.hear()) == 1
    os.kill(zombie.pid, signal.SIGSTOP)
    zombie.say((fate.value, ""))
    await redis_bench.pass_seconds(60)
    assert await redis_bench.queue.reap() == 1
    await redis_bench.settle_all(await redis_bench.claim(), Fate.DELIVERED)
    os.kill(zombie.pid, signal.SIGCONT)
    assert await zombie.hear() == Settled(lost=1)
    counts = await redis_bench.counts()
    assert (counts.delivered, counts.unknown, counts.late) == (1, 1, 0)
    assert not (await redis_bench.claim()).requests


async def test_class_03_a_zombie_that_nobody_replaced_spares_the_second_send(
    server: LocalServer, redis_bench: Bench, children: list[Child]
) -> None:
    await redis_bench.accept(hit(1))
    children.append(zombie := Child(courses.zombie, server.url, new_token()))
    await zombie.hear()
    os.kill(zombie.pid, signal.SIGSTOP)
    zombie.say((Fate.DELIVERED.value, ""))
    await redis_bench.pass_seconds(60)
    assert await redis_bench.queue.reap() == 1
    os.kill(zombie.pid, signal.SIGCONT)
    assert await zombie.hear() == Settled(late=1)
    assert (await redis_bench.counts()).delivered == 1
    assert not (await redis_bench.claim()).requests


async def test_class_03_a_zombie_does_not_take_the_claim_that_another_holds_now(
    server: LocalServer, redis_bench: Bench, children: list[Child]
) -> None:
    await redis_bench.accept(hit(1))
    children.append(zombie := Child(courses.zombie, server.url, new_token()))
    await zombie.hear()
    os.kill(zombie.pid, signal.SIGSTOP)
    zombie.say((Fate.DEAD.value, "too late"))
    await redis_bench.pass_seconds(60)
    await redis_bench.queue.reap()
    claim = await redis_bench.claim()
    os.kill(zombie.pid, signal.SIGCONT)
    assert await zombie.hear() == Settled(lost=1)
    assert await redis_bench.queue.extend([claim.token], 60) == ()
    assert (await redis_bench.settle_all(claim, Fate.DELIVERED)).done == 1


async def test_class_08_many_claimers_never_hold_one_request(
    server: LocalServer, redis_bench: Bench, children: list[Child]
) -> None:
    await redis_bench.accept(*[hit(number, visitor=f"visitor-{number % 40}") for number in range(600)])
    children += [Child(courses.claimer, server.url, 20) for _ in range(4)]
    assert [await child.hear() for child in children] == [[]] * 4
    assert (await redis_bench.counts()).delivered == 600
    for key in await redis_bench.client.keys("held:*"):
        await redis_bench.client.delete(key)
