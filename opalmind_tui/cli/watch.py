"""`watch`: a line per interval, for logs, pipes and terminals without a screen."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from opalmind_tui import exits
from opalmind_tui.cli.asking import iso, with_engine
from opalmind_tui.cli.options import WithSettings, settings_options
from opalmind_tui.cli.output import answer
from opalmind_tui.snapshot.wanted import Wanted
from opalmind_tui.text import safe_text

if TYPE_CHECKING:
    from opalmind_tui.engine.engine import Engine
    from opalmind_tui.snapshot.model import Snapshot

HEAD_EVERY = 20
"""Lines after which the names of the columns come again."""


@click.command(cls=WithSettings)
@click.option(
    "--interval", type=click.FloatRange(0.2, 3600), default=5.0, show_default=True, help="Seconds between two lines."
)
@click.option("--count", type=click.IntRange(1), default=None, help="Lines to write; without end if not given.")
@click.option("--json", "as_json", is_flag=True, help="Each line as JSON.")
@settings_options
@click.pass_context
def watch(ctx: click.Context, interval: float, count: int | None, as_json: bool) -> int:
    """Write the main figures, a line per interval, until ctrl+c. Writes nothing to Redis.

    What cannot be read is null in JSON and - in text; watching goes on, also while Redis is away, until nobody reads
    the lines any more.
    """
    write = _written_json if as_json else _Table()

    async def follow(engine: Engine) -> None:
        done = 0
        while True:
            read = answer(write(await engine.take_snapshot(Wanted())))
            done += 1
            if done == count or not read:
                return
            await asyncio.sleep(interval)
            await engine.try_again()

    with_engine(ctx, follow)
    return exits.OK


def figures(snapshot: Snapshot) -> dict[str, Any]:
    """The figures of a line, by their names in JSON."""
    queue = snapshot.queue.value if snapshot.queue.error is None else None
    cache = snapshot.cache.value if snapshot.cache.error is None else None
    server = snapshot.server.value if snapshot.server.error is None else None
    rate = None if cache is None else cache.hit_rate
    return {
        "at": iso(snapshot.taken_at),
        "mode": str(snapshot.store.mode),
        "pending": queue and queue.pending,
        "scheduled": queue and queue.scheduled,
        "inflight": queue and queue.inflight,
        "dead": queue and queue.dead,
        "accepted": queue and queue.accepted,
        "delivered": queue and queue.delivered,
        "ledger": queue and queue.ledger_difference,
        "hitRate": None if rate is None else round(rate, 1),
        "entries": cache and cache.entries,
        "memory": server and server.used_memory,
        "verdict": str(snapshot.cause_verdict),
        "cause": snapshot.cause,
    }


def _written_json(snapshot: Snapshot) -> str:
    return json.dumps(figures(snapshot))


class _Table:
    """Lines at fixed places, with the names of the columns now and then."""

    def __init__(self) -> None:
        self._lines = 0
        self._columns: tuple[tuple[str, int, Callable[[dict[str, Any]], str]], ...] = (
            ("time", 8, lambda one: (one["at"] or "")[11:19]),
            *((name, max(9, len(name)), _number(name)) for name in ("pending", "scheduled", "inflight", "dead")),
            ("delivered", 11, _number("delivered")),
            ("ledger", 6, _number("ledger")),
            ("hits", 5, lambda one: "-" if one["hitRate"] is None else f"{one['hitRate']:.0f} %"),
        )

    def __call__(self, snapshot: Snapshot) -> str:
        found = figures(snapshot)
        cells = (text(found).rjust(width) for _, width, text in self._columns)
        line = "  ".join([*cells, safe_text(snapshot.cause, 100)])
        heads = "  ".join([*(name.rjust(width) for name, width, _ in self._columns), "what is wrong"])
        self._lines += 1
        return f"{heads}\n{line}" if self._lines % HEAD_EVERY == 1 else line


def _number(name: str) -> Callable[[dict[str, Any]], str]:
    return lambda found: "-" if found[name] is None else f"{found[name]:,}"
