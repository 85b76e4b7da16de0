"""The real dashboard in a real terminal, opened before, during and after trouble, says what is true."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from opalmind_tui.demo.matomo.behaviour import Behaviour
from tests.acceptance.support import Field, a_field, lines, write_lines
from tests.support import programs
from tests.support.servers import Product
from tests.support.terminal import Terminal

pytestmark = pytest.mark.slow


@contextmanager
def dashboard(field: Field, *options: str) -> Iterator[Terminal]:
    terminal = Terminal([sys.executable, "-m", "opalmind_tui", *options], environment=field.env)
    try:
        yield terminal
    finally:
        terminal.close()


async def shows(terminal: Terminal, *words: str, without: str = "\0", seconds: float = 20.0) -> str:
    """Wait until the screen shows all words, wherever its lines break, and not those it must be without."""

    def seen(text: str) -> bool:
        flat = " ".join(text.split())
        return all(word in flat for word in words) and without not in flat

    return await asyncio.to_thread(terminal.wait_for, " and ".join(words), seen, seconds)


async def test_before_during_and_after_an_absence_of_redis(any_product: Product, tmp_path) -> None:
    write_lines(tmp_path / "hits.jsonl", lines(40))
    async with a_field(any_product, persistent=True) as field:
        await field.matomo.behave(Behaviour(listening=False))
        await programs.run("track", "--from", str(tmp_path / "hits.jsonl"), env=field.env)
        with dashboard(field) as before:
            await shows(before, "pending 40", "nothing lost")
            await asyncio.to_thread(field.server.stop)
            await shows(before, "running on memory")
            with dashboard(field) as during:
                await shows(during, "running on memory")
                await asyncio.sleep(3)
                await asyncio.to_thread(field.server.start)
                for terminal in (before, during):
                    await shows(terminal, "pending 40", "ledger 0", without="running on memory", seconds=30)
                with dashboard(field) as after:
                    await shows(after, "pending 40", "nothing lost")
                await field.matomo.behave(Behaviour())
                await field.worker()
                await shows(before, "delivered 40", "ledger 0", seconds=90)
                for terminal in (before, during):
                    terminal.press("q")
                    assert await asyncio.to_thread(terminal.ended) == 0
        assert field.matomo.journal.stored == 40


async def test_an_outage_and_its_end_on_the_screen(any_product: Product, tmp_path) -> None:
    write_lines(tmp_path / "hits.jsonl", lines(25))
    async with a_field(any_product) as field:
        await field.matomo.behave(Behaviour(faults=(("503", 1.0),)))
        with dashboard(field, "--deliver") as terminal:
            await shows(terminal, "delivered 0")
            await programs.run("track", "--from", str(tmp_path / "hits.jsonl"), env=field.env)
            await shows(terminal, "Matomo answers 503", "Breaker open", "25")
            await field.matomo.behave(Behaviour())
            await shows(terminal, "delivered 25", "ledger 0", seconds=90)
