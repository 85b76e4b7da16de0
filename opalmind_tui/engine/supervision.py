"""Background tasks that go on after an unexpected error."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)

RESTART_AFTER = 1.0
"""Seconds until a background task that met an unexpected error goes on."""


async def supervised(work: Callable[[], Awaitable[None]], name: str) -> None:
    """Run a task that never ends by itself. An unexpected error is noted, by place and not by its text, which may hold
    foreign text or a secret; then it goes on."""
    while True:
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - a task that died unseen would leave a half-working process
            trace = error.__traceback__
            while trace is not None and trace.tb_next is not None:
                trace = trace.tb_next
            line = f" at line {trace.tb_lineno} of {trace.tb_frame.f_globals.get('__name__')}" if trace else ""
            log.error("%s: unexpected %s%s; it goes on", name, type(error).__name__, line)
        await asyncio.sleep(RESTART_AFTER)
