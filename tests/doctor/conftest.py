"""Servers that are configured in a way, and the findings of a real engine about them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from msgspec.structs import replace

from opalmind_tui.engine.engine import Engine
from opalmind_tui.settings.model import Settings
from opalmind_tui.snapshot.findings import Finding
from opalmind_tui.storage.local_server import LocalServer
from tests.support.servers import Product, running

GOOD = ("--appendonly", "yes", "--maxmemory", "200mb", "--maxmemory-policy", "volatile-ttl", "--save", "")
"""A server of which the doctor has nothing to say but its age."""
Started = Callable[..., LocalServer]


@pytest.fixture
def started(any_product: Product) -> Iterator[Started]:
    """Start a server: well configured, and then as the arguments say."""
    with ExitStack() as ends:

        def start(*extra: str, good: bool = True) -> LocalServer:
            return ends.enter_context(running(any_product, extra=(*(GOOD if good else ()), *extra)))

        yield start


@dataclass
class Doctor:
    """Diagnoses a server."""

    settings: Settings

    async def findings(self, **options: Any) -> dict[str, Finding]:
        """What is found now, by id. Keywords are options of `Engine` or fields of the settings."""
        fields = {name: options.pop(name) for name in list(options) if hasattr(self.settings, name)}
        engine = Engine(replace(self.settings, **fields), **{"role": "doctor", **options})
        try:
            await engine.start()
            diagnosis = await engine.diagnose()
        finally:
            await engine.stop()
        found = {finding.id: finding for finding in diagnosis.findings}
        for finding in found.values():
            assert finding.title, finding
            assert finding.evidence, finding
            assert finding.consequence, finding
            assert finding.remedy, finding
            assert bool(finding.action) == bool(finding.offer), finding
        return found


def doctor_of(server: LocalServer, **fields: Any) -> Doctor:
    return Doctor(Settings(redis_url=server.url, **fields))


async def until(done: Callable[[], Any], seconds: float = 20.0) -> None:
    """Wait until something holds; the limit is for a test that hangs."""
    async with asyncio.timeout(seconds):
        while not await done():  # noqa: ASYNC110 - what is waited for lives in other processes
            await asyncio.sleep(0.05)


__all__ = ["AsyncIterator", "Doctor", "Started", "doctor_of", "until"]
