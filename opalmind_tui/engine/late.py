"""An engine that is built when it is started: a first frame is painted before Redis and the queue are loaded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from opalmind_tui.snapshot.wanted import NEWEST, Wanted

if TYPE_CHECKING:
    from opalmind_tui.engine.engine import Engine
    from opalmind_tui.snapshot.commands import Command, Outcome, Plan, Progress
    from opalmind_tui.snapshot.entries import EntryPart
    from opalmind_tui.snapshot.findings import Diagnosis
    from opalmind_tui.snapshot.listing import RequestDetail
    from opalmind_tui.snapshot.model import Snapshot, TtlPreview


class LateEngine:
    """Satisfies `EnginePort`; what is asked before the engine is there waits for it.

    Args:
        make: builds the engine, in a thread: loading its modules takes longer than anything that a start does.
    """

    def __init__(self, make: Callable[[], Engine]) -> None:
        self._make = make
        self._engine: Engine | None = None
        self._built = asyncio.Event()

    async def start(self) -> None:
        """Build it and connect. Raises as `Engine.connect`."""
        self._engine = await asyncio.to_thread(self._make)
        await self._engine.connect()
        self._built.set()

    async def work(self) -> None:
        """Begin what is not needed to see something."""
        if self._engine is not None:
            await self._engine.work()

    async def stop(self) -> None:
        """End it, if it was built."""
        if self._engine is not None:
            await self._engine.stop()

    @property
    def lost(self) -> int:
        """As `Engine.lost`."""
        return self._engine.lost if self._engine is not None else 0

    async def take_snapshot(self, wanted: Wanted = NEWEST) -> Snapshot:
        """As `EnginePort`."""
        return await (await self._there()).take_snapshot(wanted)

    async def ttl_preview(self, feature: str, seconds: float | None = None) -> TtlPreview:
        """As `EnginePort`."""
        return await (await self._there()).ttl_preview(feature, seconds)

    async def request_detail(self, request_id: str, *, reveal: bool = False, start: int = 0) -> RequestDetail | None:
        """As `EnginePort`."""
        return await (await self._there()).request_detail(request_id, reveal=reveal, start=start)

    async def entry_part(self, key: str, start: int = 0) -> EntryPart | None:
        """As `EnginePort`."""
        return await (await self._there()).entry_part(key, start)

    async def summary(self) -> str:
        """As `EnginePort`."""
        return await (await self._there()).summary()

    async def diagnose(self) -> Diagnosis:
        """As `EnginePort`."""
        return await (await self._there()).diagnose()

    async def plan(self, command: Command, on_progress: Callable[[Progress], None] | None = None) -> Plan:
        """As `EnginePort`."""
        return await (await self._there()).plan(command, on_progress)

    async def run(self, plan: Plan, on_progress: Callable[[Progress], None] | None = None) -> Outcome:
        """As `EnginePort`."""
        return await (await self._there()).run(plan, on_progress)

    def switch_count(self) -> None:
        """As `EnginePort`."""
        if self._engine is not None:
            self._engine.switch_count()

    def leave_behind(self) -> None:
        """As `EnginePort`."""
        if self._engine is not None:
            self._engine.leave_behind()

    async def _there(self) -> Engine:
        await self._built.wait()
        assert self._engine is not None
        return self._engine
