"""The cursor of a list of any length, of which only a window is at hand. It stands on a request, not on a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

from msgspec import Struct

from opalmind_tui.tui.lines import Tone

MOST_ROWS = 500
"""Rows that are ever asked for at once."""


class Part(Struct, frozen=True):
    """What to ask for: the rows around those in view. See `ListView` for the fields."""

    anchor: str
    above: int
    first: int
    rows: int


class Row(Protocol):
    """What a list holds."""

    @property
    def id(self) -> str:
        """What a cursor holds on to."""
        ...


R = TypeVar("R", bound=Row)
R_co = TypeVar("R_co", bound=Row, covariant=True)


class View(Protocol):
    """What was asked for."""

    @property
    def anchor(self) -> str:
        """The row that the cursor held then."""
        ...


class Listed(Protocol[R_co]):
    """A window on a list; see `snapshot.listing.Listing`."""

    @property
    def view(self) -> View:
        """What was asked for."""
        ...

    @property
    def rows(self) -> Sequence[R_co]:
        """The rows at hand."""
        ...

    @property
    def first(self) -> int:
        """The number of the first of them."""
        ...

    @property
    def kept(self) -> int:
        """Rows that can be scrolled to."""
        ...

    def place_of(self, request_id: str, /) -> int | None:
        """The number of a row, if it is at hand."""
        ...


class Window(Generic[R]):
    """Numbers of rows count from 0 at the head of the list.

    When the cursor's request leaves the list the cursor is *lost*: it shows where it was, beside the row that was next
    to it, and holds no id, so that a key never acts on a request that slipped under it. It goes back to its request
    when that comes back, until it is moved: then it takes hold of another.
    """

    def __init__(self) -> None:
        self.top = 0
        self.at = 0
        self.id: str | None = None
        self.lost = False
        self._gone: str | None = None
        """The request that the cursor had held when it left."""
        self.length = 0
        """Rows that can be scrolled to."""
        self._first = 0
        self._rows: Sequence[R] = ()

    def row(self, number: int) -> R | None:
        """A row, if it is at hand."""
        at = number - self._first
        return self._rows[at] if 0 <= at < len(self._rows) else None

    def tone(self, number: int) -> Tone | None:
        """How a row is marked; None where the cursor stands elsewhere."""
        if number != self.at:
            return None
        return Tone.CURSOR_LOST if self.lost else Tone.CURSOR

    @property
    def selected(self) -> R | None:
        """The request under the cursor, if it is at hand."""
        row = self.row(self.at)
        return row if row is not None and row.id == self.id else None

    def part(self, page: int) -> Part:
        """A page before and a page after those in view, held at the cursor's request if that is in it."""
        first = max(0, self.top - page)
        rows = min(MOST_ROWS, 3 * page)
        anchor = self.id or self._gone
        if anchor is None or not first <= self.at < first + rows:
            return Part("", 0, first, rows)
        return Part(anchor, self.at - first, first, rows)

    def short(self, page: int) -> bool:
        """Whether the window ends less than half a page from what is in view, where the list goes on."""
        need = range(max(0, self.top - page // 2), min(self.length, self.top + page + page // 2))
        return bool(need) and (self.row(need[0]) is None or self.row(need[-1]) is None)

    def has(self, page: int) -> bool:
        """Whether all that is in view is at hand."""
        end = min(self.length, self.top + page)
        return self.top >= end or (self.row(self.top) is not None and self.row(end - 1) is not None)

    def follow(self, listing: Listed[R], page: int) -> None:
        """Take over a newer window, and stay on the same request."""
        former, at = self._rows, self.at - self._first
        self._first, self._rows, self.length = listing.first, listing.rows, listing.kept
        held = self._gone if self.id is None else self.id
        place = listing.place_of(held) if held is not None else None
        if place is not None:
            self.id, self.lost, self._gone = held, False, None
        elif self.id is not None and (listing.view.anchor == self.id or not self.length):
            self.id, self.lost, self._gone = None, True, self.id
        if self.lost:
            place = _beside(former, at, listing)
        if place is not None:
            if self.top:
                self.top += place - self.at
            self.at = place
        self.at = max(0, min(self.at, self.length - 1))
        if not self.length:
            self.lost = False
        elif self.id is None and not self.lost:
            self._take_hold()
        self.keep_in_view(page)

    def move(self, steps: int, page: int) -> None:
        """Go down (up, if negative) by so many rows, at most to an end."""
        if self.lost and abs(steps) == 1:
            steps = 0
        self.stand(self.at + steps, page)

    def stand(self, number: int, page: int) -> None:
        """Stand on the row with this number, or on the nearest; hold its request once it is at hand."""
        self.at = max(0, min(self.length - 1, number))
        self.id, self.lost, self._gone = None, False, None
        self._take_hold()
        self.keep_in_view(page)

    def _take_hold(self) -> None:
        row = self.row(self.at)
        self.id, self._gone = (row.id, None) if row is not None else (None, self._gone)

    def keep_in_view(self, page: int) -> None:
        """Let the cursor be among the rows in view, and no room be wasted below them."""
        page = max(1, page)
        self.top = max(0, min(self.top, self.length - page, self.at))
        self.top = max(self.top, self.at - page + 1, 0)


def _beside(former: Sequence[R], at: int, listing: Listed[R]) -> int | None:
    """Where a cursor belongs whose row is gone: on the next below that is still there, or under the next above."""
    if not 0 <= at < len(former):
        return None
    places = {row.id: number for number, row in enumerate(listing.rows, listing.first)}
    below = next((places[row.id] for row in former[at:] if row.id in places), None)
    if below is not None:
        return below
    above = next((places[row.id] for row in reversed(former[:at]) if row.id in places), None)
    return above + 1 if above is not None else None
