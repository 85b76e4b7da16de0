"""Where the part of a list begins that a screen shows."""

from __future__ import annotations

from collections.abc import Sequence

from opalmind_tui.snapshot.entries import EntryView
from opalmind_tui.snapshot.listing import ListView


def first_of(view: ListView | EntryView, keys: Sequence[str]) -> int:
    """The number of the first row: held at the anchor while that is in the list, and the window never ends behind it.

    Args:
        keys: the list in its order.
    """
    first = keys.index(view.anchor) - view.above if view.anchor in keys else view.first
    return max(0, min(first, len(keys) - view.rows))
