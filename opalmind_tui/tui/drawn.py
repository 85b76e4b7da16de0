"""What was drawn last, for as long as it shows the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Drawn(Generic[T]):
    """One drawing. What it is made of is compared: by identity first, so that the same large thing costs nothing."""

    def __init__(self) -> None:
        self._of: object = None
        self._known: list[T] = []

    def of(self, made_of: object, draw: Callable[[], T]) -> T:
        """The drawing; drawn anew where it would be made of something else than the last one."""
        if not self._known or made_of != self._of:
            self._of, self._known = made_of, [draw()]
        return self._known[0]
