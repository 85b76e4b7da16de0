"""A stand-in Matomo, a server and workers around a test, and what must be true at its end."""

from __future__ import annotations

import asyncio
import json
import random
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from opalmind_tui.demo.matomo.server import StandIn
from opalmind_tui.storage.local_server import LocalServer
from tests.support import programs
from tests.support.servers import Product, running

TOKEN = "f" * 31 + "e"


@dataclass
class Field:
    """The parts of one test."""

    matomo: StandIn
    server: LocalServer
    env: dict[str, str]
    workers: list[Process] = field(default_factory=list)
    module: str = "opalmind_tui"
    """What workers run."""

    async def worker(self) -> Process:
        """Start a worker process."""
        process = await programs.start("worker", env=self.env, module=self.module)
        self.workers.append(process)
        return process

    async def until(self, done: Callable[[], bool], seconds: float) -> None:
        """Wait until something holds. The limit is for a test that hangs: no timing decides."""
        async with asyncio.timeout(seconds):
            while not done():  # noqa: ASYNC110 - the stand-in has no event for each hit
                await asyncio.sleep(0.05)

    async def until_true(self, ask: Callable[[], Awaitable[bool]], seconds: float) -> None:
        """The same for what has to be asked for."""
        async with asyncio.timeout(seconds):
            while not await ask():  # noqa: ASYNC110 - the store has no event for it
                await asyncio.sleep(0.05)

    async def queue(self) -> dict[str, Any]:
        """Details of the queue in the health document."""
        return programs.details(await programs.status(self.env), "tracking-queue")


@asynccontextmanager
async def a_field(product: Product, *, persistent: bool = False, extra: tuple[str, ...] = ()) -> AsyncIterator[Field]:
    """A server of its own, a stand-in, and the settings that name both. Everything ends with it."""
    matomo = StandIn(token=TOKEN, seed=7)
    await matomo.start()
    try:
        with running(product, persistent=persistent, extra=extra) as server:
            env = programs.environment(
                REDIS_URL=server.url, MATOMO_BASE_URL=matomo.url, MATOMO_TOKEN=TOKEN, MATOMO_DEFAULT_SITE_ID="1"
            )
            made = Field(matomo, server, env)
            try:
                yield made
            finally:
                for process in made.workers:
                    if process.returncode is None:
                        await programs.end(process, signal.SIGKILL)
    finally:
        await matomo.stop()


def lines(count: int, seed: int = 1) -> list[dict[str, Any]]:
    """Requests of all kinds by many visitors, each with a mark of its own in its url."""
    chance = random.Random(seed)
    made = []
    for number in range(count):
        visitor = f"{chance.randrange(400):016x}"
        url = f"https://example.com/page?mark={number}"
        made.append(
            chance.choice(
                (
                    {"kind": "pageview", "url": url, "actionName": f"Page {number}", "visitorId": visitor},
                    {"kind": "pageview", "url": url, "visitorId": visitor},
                    {"kind": "event", "category": "shop", "action": "open", "url": url, "visitorId": visitor},
                    {"kind": "goal", "goalId": 2, "revenue": 1.5, "url": url, "visitorId": visitor},
                )
            )
        )
    return made


def write_lines(path: Path, entries: list[dict[str, Any]]) -> None:
    """JSON lines."""
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries), "utf-8")


def marks(matomo: StandIn) -> dict[str, int]:
    """How often each mark was stored."""
    return dict(matomo.journal.counts_by(lambda hit: hit.params.get("url", "").partition("mark=")[2] or None))
