"""What was drawn last, for as long as it shows the same."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Generic, ParamSpec, TypeVar

P = ParamSpec("P")
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


def remembered(draw: Callable[P, T]) -> Callable[P, T]:
    """A pure function that is only called where its last answer was for something else."""
    last: Drawn[T] = Drawn()

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> T:
        return last.of((args, kwargs), lambda: draw(*args, **kwargs))

    return drawn
