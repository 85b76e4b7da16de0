"""What commands that only look have in common: an engine that writes nothing, tables, moments."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

import click

from opalmind_tui.cli.options import store_of
from opalmind_tui.running import run
from opalmind_tui.settings import Settings
from opalmind_tui.text import cells

if TYPE_CHECKING:
    from opalmind_tui.engine.engine import Engine
    from opalmind_tui.engine.roles import Role

T = TypeVar("T")


def with_engine(ctx: click.Context, ask: Callable[[Engine], Awaitable[T]], role: Role = "status") -> T:
    """What an engine answers, which as `status` writes nothing. Raises `StoreUnavailable` where Redis is away."""

    async def asked(settings: Settings) -> T:
        from opalmind_tui.engine.engine import Engine

        engine = Engine(settings, role=role)
        try:
            await engine.start()
            return await ask(engine)
        finally:
            await engine.stop()

    with store_of(ctx) as settings:
        return run(asked(settings))


def table(rows: Sequence[Sequence[str]], numbers: Collection[int] = ()) -> str:
    """Columns side by side; those in `numbers` (from 0) to the right."""
    widths = [max(cells(row[at]) for row in rows) for at in range(len(rows[0]))]

    def cell(text: str, at: int) -> str:
        blank = " " * (widths[at] - cells(text))
        return blank + text if at in numbers else text + blank

    return "\n".join("  ".join(cell(text, at) for at, text in enumerate(row)).rstrip() for row in rows)


def iso(moment: float) -> str | None:
    """Epoch seconds as ``2026-11-23T02:31:07.000Z``; None for what no calendar has."""
    try:
        return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return None


def camel(name: str) -> str:
    """A name of ours as JSON has it."""
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)
