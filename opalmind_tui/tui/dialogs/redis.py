"""The Redis screen: server and keys from near, with each look while it is open."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from opalmind_tui.engine.port import EnginePort
from opalmind_tui.snapshot.model import Snapshot
from opalmind_tui.tui import wire
from opalmind_tui.tui.dialogs.window import Dialog, Page, text
from opalmind_tui.tui.redis_text import redis_text

HINT = "x: count every key, or stop   arrows: scroll   esc: close"


class RedisDialog(Dialog[None]):
    """Shows what each look brings.

    Args:
        engine: counts all keys where an operator wants that.
        look: asks for a look now.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,4,enter", "cancel", show=False),
        Binding("x", "count", show=False),
    ]
    closer = True

    def __init__(self, engine: EnginePort, look: Callable[[], None]) -> None:
        super().__init__()
        self._engine, self._look = engine, look

    def compose(self) -> ComposeResult:
        with Vertical(classes="window reading"):
            yield text("Redis", classes="title")
            with Page():
                yield text("Looking ...", id="redis-text")
            yield text(HINT, classes="hint")

    def on_mount(self) -> None:
        self.call_after_refresh(lambda: self.query_one(Page).focus())

    def show(self, snapshot: Snapshot) -> None:
        """Show a newer look, once one was taken from near."""
        if not self.is_mounted:
            return
        width = self.query_one(Page).size.width
        if shown := redis_text(snapshot, width):
            self.query_one("#redis-text", Static).update(wire.content(shown))

    def action_count(self) -> None:
        """Count all keys, or stop."""
        self._engine.switch_count()
        self._look()
