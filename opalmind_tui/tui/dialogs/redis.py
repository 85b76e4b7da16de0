"""The Redis screen: server and keys from near, read again and again while it is open."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from opalmind_tui.engine.port import EnginePort
from opalmind_tui.errors import OpalmindError
from opalmind_tui.snapshot.model import Snapshot
from opalmind_tui.text import safe_text
from opalmind_tui.tui import wire
from opalmind_tui.tui.dialogs.window import Dialog, Page, text
from opalmind_tui.tui.redis_text import redis_text

EVERY = 3.0
"""Seconds between two looks; one look is seven commands and some 10 kB."""
WHILE_COUNTING = 1.0
HINT = "x: count every key, or stop   arrows: scroll   esc: close"


class RedisDialog(Dialog[None]):
    """Looks again and again.

    Args:
        engine: is asked.
        snapshot: the newest one.
        paused: whether the figures stand still.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,4,enter", "cancel", show=False),
        Binding("x", "count", show=False),
    ]

    def __init__(self, engine: EnginePort, snapshot: Callable[[], Snapshot | None], paused: Callable[[], bool]) -> None:
        super().__init__()
        self._engine, self._snapshot, self._paused = engine, snapshot, paused

    def compose(self) -> ComposeResult:
        with Vertical(classes="window reading"):
            yield text("Redis", classes="title")
            with Page():
                yield text("Looking ...", id="redis-text")
            yield text(HINT, classes="hint")

    def on_mount(self) -> None:
        self.call_after_refresh(lambda: self.query_one(Page).focus())
        self._look_again()

    def action_count(self) -> None:
        """Count all keys, or stop."""
        self._engine.switch_count()
        self._look_again()

    def _look_again(self) -> None:
        self.run_worker(self._look(), group="redis", exclusive=True)

    async def _look(self) -> None:
        pause = EVERY
        snapshot = self._snapshot()
        try:
            report = await self._engine.redis_report()
        except OpalmindError as error:
            shown = safe_text(str(error))
        else:
            shown = redis_text(report, snapshot) if snapshot is not None else "Looking ..."
            if report.counting is not None and report.counting.running:
                pause = WHILE_COUNTING
        self.query_one("#redis-text", Static).update(wire.content(shown))
        if not self._paused():
            self.set_timer(pause, self._look_again)
