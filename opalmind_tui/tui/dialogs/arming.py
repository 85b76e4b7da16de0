"""A window is in view for a moment before it can be confirmed: what was typed ahead never confirms."""

from __future__ import annotations

import math
from typing import ClassVar

from textual.events import Key
from textual.message import Message

from opalmind_tui.tui.dialogs.window import Dialog, ResultType

ARM_AFTER = 0.3
"""Seconds that a question is in view before it can be confirmed."""


class ArmedDialog(Dialog[ResultType]):
    """What confirms is disabled until `arm_soon` has armed the window, and takes no key that was pressed before."""

    GUARDED: ClassVar[tuple[str, ...]] = ()
    """The ids of what confirms."""

    def __init__(self) -> None:
        super().__init__()
        self._armed_at = math.inf
        self._questions = 0

    @property
    def armed(self) -> bool:
        """It was in view long enough."""
        return self._armed_at < math.inf

    def fit(self) -> None:
        """Enable or disable what confirms."""
        for one in self.GUARDED:
            self.query_one(f"#{one}").disabled = not self.armed

    def disarm(self) -> None:
        """Another question will be asked: what was in view counts for nothing."""
        self._questions += 1
        self._armed_at = math.inf
        self.fit()

    def arm_soon(self) -> None:
        """Once it was in view long enough, unless another has come meanwhile: that has its own time."""
        question = self._questions

        def arm() -> None:
            if self._questions == question:
                self._armed_at = Message().time
                self.fit()

        self.call_after_refresh(lambda: self.set_timer(ARM_AFTER, arm))

    def on_key(self, event: Key) -> None:
        """What was typed before the question could be read never confirms, however late it is handled."""
        focused = self.focused
        if event.time < self._armed_at and focused is not None and focused.id in self.GUARDED:
            event.stop()
            event.prevent_default()
