"""What goes wrong in the chaos test: one method for each kind of trouble."""

from __future__ import annotations

import asyncio
import random
import signal
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable

from opalmind_tui.demo.matomo.behaviour import Behaviour
from opalmind_tui.demo.matomo.faults import FAULTS
from tests.acceptance.hasty import LEASE
from tests.acceptance.support import Field
from tests.support import programs
from tests.support.proxy import Fault, Proxy, by_chance

CALM = Behaviour(latency=0.005, latency_per_hit=0.0005)
MOODS = (
    Behaviour(latency=0.3, latency_per_hit=0.003),
    Behaviour(listening=False),
    Behaviour(recording=False),
    Behaviour(tokens=False),
    Behaviour(latency=0.01, faults=(("429", 0.5),), retry_after=1),
    Behaviour(latency=0.01, faults=(("429", 0.5),), retry_after=1, retry_after_date=True),
)
"""And every fault of the stand-in beside them."""
LOSSES = (
    {Fault.DROP_REPLY: 0.2},
    {Fault.CUT_REPLY: 0.2},
    {Fault.DROP_COMMAND: 0.2},
    {Fault.DELAY: 0.5},
    {Fault.DROP_REPLY: 0.1, Fault.CUT_REPLY: 0.1, Fault.DROP_COMMAND: 0.1, Fault.DELAY: 0.2},
)
"""What becomes of script calls between our processes and Redis."""


class Upsets:
    """Trouble in an order that a seed settles.

    Args:
        field: the parts. proxy: stands before its server.
        chance: settles everything.
    """

    def __init__(self, field: Field, proxy: Proxy, chance: random.Random) -> None:
        self.field = field
        self.proxy = proxy
        self.chance = chance
        self.told: list[str] = []
        """What happened, in order."""
        self.zombies = 0
        """Workers that were stopped past their lease: they may meet others at one visitor."""
        self._stopped: dict[Process, asyncio.Task[None]] = {}

    @property
    def kinds(self) -> tuple[Callable[[], Awaitable[None]], ...]:
        """Each as often as it shall come."""
        return (
            self.kill_worker, self.kill_worker, self.freeze_worker, self.freeze_past_the_lease, self.kill_redis,
            self.freeze_redis, self.freeze_network, self.cut_network, self.lossy_network, self.lossy_network,
            self.lossy_network, self.mood, self.mood, self.fault, self.fault, self.fault, self.fault,
        )  # fmt: skip

    async def next(self) -> None:
        """One thing goes wrong."""
        event = self.chance.choice(self.kinds)
        self.told.append(event.__name__)
        await event()

    async def over(self) -> None:
        """Everything runs again, and Matomo and the network are well."""
        for task in tuple(self._stopped.values()):
            await task
        self.proxy.script = None
        self.proxy.thaw()
        await self.field.matomo.behave(CALM)

    def _victim(self) -> Process:
        running = [worker for worker in self.field.workers if worker not in self._stopped]
        return self.chance.choice(running or self.field.workers)

    async def kill_worker(self) -> None:
        victim = self._victim()
        await programs.end(victim, signal.SIGKILL)
        self.field.workers.remove(victim)
        await self.field.worker()

    async def freeze_worker(self) -> None:
        victim = self._victim()
        victim.send_signal(signal.SIGSTOP)
        await asyncio.sleep(self.chance.uniform(0.2, 2))
        if victim not in self._stopped:
            victim.send_signal(signal.SIGCONT)

    async def freeze_past_the_lease(self) -> None:
        """The others go on meanwhile; then it wakes up and knows nothing of it."""
        victim = self._victim()
        if victim in self._stopped:
            return
        self.zombies += 1
        victim.send_signal(signal.SIGSTOP)

        async def wake() -> None:
            await asyncio.sleep(LEASE + 2)
            if victim.returncode is None:
                victim.send_signal(signal.SIGCONT)
            del self._stopped[victim]

        self._stopped[victim] = asyncio.create_task(wake())

    async def kill_redis(self) -> None:
        await asyncio.to_thread(self.field.server.kill)
        await asyncio.sleep(self.chance.uniform(0.1, 2))
        await asyncio.to_thread(self.field.server.start)

    async def freeze_redis(self) -> None:
        self.field.server.send(signal.SIGSTOP)
        await asyncio.sleep(self.chance.uniform(0.3, 4))
        self.field.server.send(signal.SIGCONT)

    async def freeze_network(self) -> None:
        self.proxy.freeze()
        await asyncio.sleep(self.chance.uniform(0.3, 4))
        self.proxy.thaw()

    async def cut_network(self) -> None:
        for _ in range(self.chance.randint(1, 5)):
            self.proxy.cut()
            await asyncio.sleep(self.chance.uniform(0, 0.2))

    async def lossy_network(self) -> None:
        """Replies are lost after the command ran, cut in the middle, or late."""
        shares = self.chance.choice(LOSSES)
        self.told[-1] += f"({', '.join(shares)})"
        self.proxy.script = by_chance(self.chance.randrange(1 << 30), shares)
        await asyncio.sleep(self.chance.uniform(1, 3))
        self.proxy.script = None

    async def mood(self) -> None:
        await self._behave(self.chance.choice(MOODS))

    async def fault(self) -> None:
        name = self.chance.choice(sorted(FAULTS))
        share = self.chance.choice((0.2, 0.5, 1.0))
        self.told[-1] += f"({name} {share})"
        await self._behave(Behaviour(latency=0.01, faults=((name, share),), retry_after=1))

    async def _behave(self, behaviour: Behaviour) -> None:
        await self.field.matomo.behave(behaviour)
        await asyncio.sleep(self.chance.uniform(0.5, 3))
        await self.field.matomo.behave(CALM)
