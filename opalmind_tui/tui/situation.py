"""What decides which keys work: taken from the newest snapshot, the place in view and its cursor."""

from __future__ import annotations

from msgspec import Struct

from opalmind_tui.snapshot.entries import EntryRow
from opalmind_tui.snapshot.filters import NO_FILTER, Filter
from opalmind_tui.snapshot.findings import Finding
from opalmind_tui.snapshot.listing import Group
from opalmind_tui.snapshot.model import RequestRow
from opalmind_tui.tui.keymap import STANDARD, Keymap

GROUPS = "groups"
"""The tab of the Queue place that is no state: the failures by what they have in common."""


class Situation(Struct, frozen=True):
    """What decides which actions can be taken now.

    Args:
        place: the place in view.
        part: the id of the widget that has the focus in it.
        shown: whether the terminal is large enough to show it.
        selected: the request under the cursor, if the list is in view and the request is still there.
        list_shown: whether the list of requests is in view.
        dead: how many requests are dead.
        undo: something can be undone.
        lost: the request under the cursor has left the list.
        held: delivery is paused by an operator.
        token_refused: the queue is closed because Matomo refuses the token.
        tab: the list of the Queue place that is in view.
        marked: ids of the requests that are marked.
        group: the group of failures under the cursor.
        finding: what the doctor found, under the cursor of the Doctor place.
        feature: the kind of report under the cursor of the Cache place; empty for all of them.
        entry: the entry of the cache under the cursor, or whose value is in view.
        value_shown: the value of an entry is in view.
        long_ago: the keys of the cache were gone through long ago.
        all_marked: all that tab and filter show are marked.
        filter: the filter in force.
        matching: how many requests the list in view has, as far as it is known.
        revealed: personal data of the request is shown.
        more: a part of what is stored of the request is not loaded yet.
        replay: it is a recording that is shown.
        keymap: which keys take which action.
    """

    place: str = "overview"
    part: str = ""
    shown: bool = True
    read_only: bool = False
    demo: bool = False
    paused: bool = False
    delivering: bool = False
    selected: RequestRow | None = None
    list_shown: bool = True
    lost: bool = False
    dead: int = 0
    undo: bool = False
    held: bool = False
    token_refused: bool = False
    tab: str = ""
    marked: tuple[str, ...] = ()
    group: Group | None = None
    finding: Finding | None = None
    feature: str = ""
    entry: EntryRow | None = None
    value_shown: bool = False
    long_ago: bool = False
    all_marked: bool = False
    filter: Filter = NO_FILTER
    matching: int = 0
    revealed: bool = False
    more: bool = False
    replay: bool = False
    keymap: Keymap = STANDARD
