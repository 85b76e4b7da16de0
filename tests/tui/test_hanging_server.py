"""A server that hangs: the dashboard goes on answering keys, and names the cause."""

from __future__ import annotations

import asyncio
import signal

from opalmind_tui.engine.engine import Engine
from opalmind_tui.settings.model import Settings
from opalmind_tui.storage.trouble_table import KINDS
from opalmind_tui.tui.app import OpalmindApp
from tests.support.servers import Product, running
from tests.tui.support import screen_text


async def test_keys_are_answered_while_the_server_hangs(any_product: Product) -> None:
    with running(any_product) as server:
        async with Engine(Settings(redis_url=server.url), role="dashboard") as engine:
            app = OpalmindApp(engine, interval=0.1)
            async with app.run_test(size=(100, 30)) as pilot:
                async with asyncio.timeout(30):
                    while f":{server.port}/0" not in screen_text(pilot):
                        await pilot.pause(0.02)
                server.send(signal.SIGSTOP)
                try:
                    await pilot.pause(0.3)
                    asked_at = asyncio.get_running_loop().time()
                    await pilot.press("question_mark")
                    await pilot.pause()
                    assert len(app.screen_stack) > 1, "help opens"
                    await pilot.press("escape")
                    await pilot.pause()
                    answered = asyncio.get_running_loop().time() - asked_at
                    # Before the server is given up: nothing waited for it.
                    assert KINDS["timeout"].sentence not in screen_text(pilot)
                    assert answered < 1.0
                    async with asyncio.timeout(30):
                        while KINDS["timeout"].sentence not in screen_text(pilot):
                            await pilot.pause(0.02)
                    await pilot.press("question_mark")
                    await pilot.pause()
                    assert len(app.screen_stack) > 1
                finally:
                    server.send(signal.SIGCONT)
