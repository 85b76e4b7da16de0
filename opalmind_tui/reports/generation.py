"""Which purge this process knows of: the number that Redis keeps, and whether a reply is newer than it."""

from __future__ import annotations

from collections.abc import Callable


class Generation:
    """Follows the shared number, and counts purges where there is none.

    A reply that was asked for before the last change became known says nothing: it may have been passed by a newer one.

    Args:
        changed: called when a purge becomes known.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._known: bytes | None = None
        self.stamp = 0
        """Changes whenever a purge becomes known; take it before asking."""

    def heard(self, number: bytes, stamp: int) -> bool:
        """Redis said the number, asked at `stamp`. Returns whether what came with it is as new as all that is known."""
        if number == self._known:
            return True
        if stamp != self.stamp:
            return False
        first, self._known = self._known is None, number
        if not first:
            self.stamp += 1
            self._changed()
        return True

    def purged(self, number: bytes | None = None) -> None:
        """This process purged something itself."""
        self._known = number or self._known
        self.stamp += 1
        self._changed()
