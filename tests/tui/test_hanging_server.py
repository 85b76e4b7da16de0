"""A server that hangs: the dashboard goes on answering keys, and names the cause."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from typing import Any

from textual.pilot import Pilot

from opalmind_tui.engine.engine import Engine
from opalmind_tui.settings.model import Settings
from opalmind_tui.storage.trouble_table import KINDS
from opalmind_tui.tui.app import OpalmindApp
from tests.support.servers import Product, running
from tests.tui.support import screen_text

TRIES = 20
"""A machine that is busy enough gives the server up before it gets to the key; then that proves nothing."""


async def until(pilot: Pilot[Any], holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():
            await pilot.pause(0.02)


async def opens_help(pilot: Pilot[Any]) -> bool:
    """Press a key, see what it does, and take that back."""
    await pilot.press("question_mark")
    await pilot.pause()
    opened = len(pilot.app.screen_stack) > 1
    await pilot.press("escape")
    await pilot.pause()
    return opened and len(pilot.app.screen_stack) == 1


async def test_keys_are_answered_while_the_server_hangs(any_product: Product) -> None:
    with running(any_product) as server:
        async with Engine(Settings(redis_url=server.url), role="dashboard") as engine:
            app = OpalmindApp(engine, interval=0.1)
            looks: list[str] = []
            asked = engine.take_snapshot

            async def noted(*arguments: Any) -> Any:
                looks.append("asked")
                taken = await asked(*arguments)
                looks.append("answered")
                return taken

            engine.take_snapshot = noted  # type: ignore[method-assign]

            async def answers_while_a_look_waits() -> bool:
                """Whether a key is answered between a question to the server that hangs and the answer to it."""
                seen = len(looks)
                await until(pilot, lambda: looks[seen:].count("asked") > 0 and looks[-1] == "asked")
                seen = len(looks)
                return await opens_help(pilot) and len(looks) == seen

            async with app.run_test(size=(100, 30)) as pilot:
                await until(pilot, lambda: f":{server.port}/0" in screen_text(pilot))
                try:
                    for _ in range(TRIES):
                        server.send(signal.SIGSTOP)
                        if await answers_while_a_look_waits():
                            break
                        server.send(signal.SIGCONT)
                        await until(pilot, lambda: engine._stores.link.writable)
                    else:
                        raise AssertionError("no key was answered before the server was given up")
                    await until(pilot, lambda: KINDS["timeout"].sentence in screen_text(pilot))
                    assert await opens_help(pilot)
                finally:
                    server.send(signal.SIGCONT)
                await until(pilot, lambda: KINDS["timeout"].sentence not in screen_text(pilot))
