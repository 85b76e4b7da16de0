"""One action: what a key does, where, and when it cannot be done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from msgspec import Struct, field

from opalmind_tui.tui.situation import Situation

Why = Callable[[Situation], str]
"""Why an action cannot be taken now, as a sentence; empty if it can."""


class Action(Struct, frozen=True):
    """One thing that a key does.

    Args:
        id: stable name.
        keys: Textual's names of its keys, the one to show first.
        sign: how the key is shown.
        label: one or two words for the footer.
        help: a sentence for help screen and palette.
        group: heading in the help.
        why_not: see `Why`.
        changes: whether it changes anything; never available read-only.
        footer: place in the footer from 1 on; 0: not there.
        demo_only: exists in the demo only.
        places: the places that have it; empty: all but `DETAIL`.
        spare: gives way to the others in the footer, and is not worth a line of it.
        brief: the label where the footer is narrow; empty: the same.
        named: label and brief label in some places, where they differ.
        in_footer: whether the footer has it now; the key works all the same.
        live: asks the engine for what no recording holds.
        everywhere: exists in `DETAIL`, too.
        only: exists in a replay only, or never in one; empty: in both.
    """

    id: str
    keys: tuple[str, ...]
    sign: str
    label: str
    help: str
    group: str
    why_not: Why = lambda now: ""
    changes: bool = False
    footer: int = 0
    demo_only: bool = False
    spare: bool = False
    brief: str = ""
    in_footer: Callable[[Situation], bool] = lambda now: True
    places: tuple[str, ...] = ()
    named: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    live: bool = False
    everywhere: bool = False
    only: Literal["", "live", "replay"] = ""

    def label_in(self, place: str, *, brief: bool = False) -> str:
        """How it is called in a place."""
        label, short = self.named.get(place, (self.label, self.brief or self.label))
        return short if brief else label


REQUESTS = ("overview", "queue")
"""Places with a list of requests."""
QUEUE = ("queue",)
DETAIL = "detail"
"""The window with all that is known of one request: it has only the actions that name it."""
ANYWHERE = (*REQUESTS, DETAIL)
"""Wherever a request is in view."""
