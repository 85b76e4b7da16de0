"""The cursor of a live list: it stands on a request, not on a row."""

from __future__ import annotations

from collections.abc import Sequence

from opalmind_tui.tui.lines import Tone


class ListCursor:
    """Where the cursor is and which rows are in view.

    When its request leaves the list the cursor is *lost*: it shows where it was and holds no id, so that a key never
    acts on a request that slipped under it. It goes back to its request when that comes back, until it is moved: then
    it takes hold of another. As `Window`, which has only a part of its list.
    """

    def __init__(self) -> None:
        self.index = 0
        self.offset = 0
        self.id: str | None = None
        self.lost = False
        self._held: str | None = None
        """The request that the cursor holds, or held when it left."""
        self._ids: tuple[str, ...] = ()

    def tone(self, index: int) -> Tone | None:
        """How the row with this index is marked; None where the cursor stands elsewhere."""
        if index != self.index:
            return None
        return Tone.CURSOR_LOST if self.lost else Tone.CURSOR

    def follow(self, ids: Sequence[str], height: int) -> None:
        """Take over a new list, shown in `height` rows; stay on the same request."""
        self._ids = tuple(ids)
        former = self.index
        if self._held in self._ids:
            self.index, self.id, self.lost = self._ids.index(self._held), self._held, False
        elif not self._ids:
            self.index, self.id, self.lost = 0, None, False
        elif self.id is None and not self.lost:
            self.index, self.id = 0, self._ids[0]
            self._held = self.id
        else:
            self.index, self.id, self.lost = min(self.index, len(self._ids) - 1), None, True
        if self.offset:
            self.offset += self.index - former
        self._keep_in_view(height)

    def move(self, steps: int, height: int) -> None:
        """Go down (up, if negative) by so many rows, at most to an end."""
        if not self._ids:
            return
        if self.lost and abs(steps) == 1:
            steps = 0
        self.take(self.index + steps, height)

    def take(self, index: int, height: int) -> None:
        """Stand on the row with this index, or on the nearest."""
        if not self._ids:
            return
        self.index = max(0, min(len(self._ids) - 1, index))
        self.id = self._held = self._ids[self.index]
        self.lost = False
        self._keep_in_view(height)

    def _keep_in_view(self, height: int) -> None:
        height = max(1, height)
        self.offset = min(self.offset, max(0, len(self._ids) - height), self.index)
        self.offset = max(self.offset, self.index - height + 1, 0)
