"""The cursor of the trail, of which only a window is at hand. It stands on an entry, not on a row."""

from __future__ import annotations

from opalmind_tui.snapshot.audit import OLDEST, AuditEntry, AuditPage, AuditView

FAR = 1_000_000
"""Steps from which on a movement means: to the end."""


class TrailWindow:
    """Rows count from 0 at the newest entry at hand.

    On the newest entry the cursor follows what is done; elsewhere it stays on its entry.
    """

    def __init__(self) -> None:
        self.entries: tuple[AuditEntry, ...] = ()
        self.at = self.top = self.total = 0
        self._end = ""
        """Held at the newest entry (empty), at the oldest (`OLDEST`), or at the one with this id."""
        self._newest = self._oldest = True

    @property
    def selected(self) -> AuditEntry | None:
        """The entry under the cursor."""
        return self.entries[self.at] if self.at < len(self.entries) else None

    def view(self, page: int) -> AuditView:
        """What to ask for: two pages before and two behind."""
        if self._end in ("", OLDEST):
            return AuditView(self._end, 0, 3 * page)
        return AuditView(self._end, 2 * page, 2 * page)

    def short(self, page: int) -> bool:
        """Whether the end that was asked for is not at hand, or less than half a page beyond what is in view."""
        if self._end == OLDEST:
            return not self._oldest
        if not self._end and not self._newest:
            return True
        older = not self._oldest and self.top + page + page // 2 > len(self.entries)
        return older or (not self._newest and self.top < page // 2)

    def follow(self, found: AuditPage, page: int) -> None:
        """Take over a newer window. One that was asked for before a jump to an end is of no use any more."""
        if self._end in ("", OLDEST) and found.view.anchor != self._end:
            return
        above = self.at - self.top
        self.entries, self.total = found.entries, found.total
        self._newest, self._oldest = found.newest, found.oldest
        last = max(0, len(self.entries) - 1)
        if self._end == "":
            self.at = 0
        elif self._end == OLDEST:
            self.at = last
        else:
            places = [number for number, entry in enumerate(self.entries) if entry.id == self._end]
            self.at = places[0] if places else min(self.at, last)
        self.top = self.at - above
        self.keep_in_view(page)

    def move(self, steps: int, page: int) -> None:
        """Go towards the older (the newer, if negative) by so many entries, at most to an end."""
        last = max(0, len(self.entries) - 1)
        if abs(steps) >= FAR:
            self._end = "" if steps < 0 else OLDEST
        self.at = max(0, min(last, self.at + steps))
        if abs(steps) < FAR:
            entry = self.selected
            self._end = "" if entry is None or (self._newest and not self.at) else entry.id
        self.keep_in_view(page)

    def keep_in_view(self, page: int) -> None:
        """Let the cursor be among the rows in view, and no room be wasted below them."""
        page = max(1, page)
        self.top = max(0, min(self.top, len(self.entries) - page, self.at))
        self.top = max(self.top, self.at - page + 1, 0)
