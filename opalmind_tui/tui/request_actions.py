"""The part of the table of actions that is about requests, and why each of them cannot be taken now."""

from __future__ import annotations

from collections.abc import Callable

from opalmind_tui.snapshot.commands import ELIGIBLE, PURGED_FOR_GOOD, Act
from opalmind_tui.snapshot.listing import Tab
from opalmind_tui.snapshot.model import State
from opalmind_tui.tui.action import ANYWHERE, DETAIL, QUEUE, REQUESTS, Action, Why
from opalmind_tui.tui.situation import GROUPS, Situation

FAILED_STATES = frozenset({State.PENDING, State.SCHEDULED, State.INFLIGHT, State.DEAD})
_CANNOT = {
    Act.RETRY: "Only dead and scheduled requests can be retried.",
    Act.PURGE: "A request in flight cannot be purged.",
    Act.KILL: "Only pending and scheduled requests can be given up.",
    Act.RELEASE: "Only requests in flight have a lease.",
    Act.RESTORE: "Only what is in the trash can be restored.",
}


def states_of(act: Act) -> frozenset[State]:
    """The states whose requests an act can touch, at all."""
    return ELIGIBLE[act] | (PURGED_FOR_GOOD if act is Act.PURGE else frozenset())


def in_tab(now: Situation) -> frozenset[State]:
    """The states that the list in view may have."""
    if now.tab in (GROUPS, Tab.FAILED, Tab.UNKNOWN, ""):
        return FAILED_STATES
    return frozenset({State(now.tab)})


def _no_request(now: Situation) -> str:
    if now.lost:
        return "That request has left the list. Move the cursor to another."
    if now.tab == GROUPS:
        return f"This is a group. Press {now.keymap.word('detail', 'enter')} to see its requests."
    if not now.list_shown:
        return f"The list is not in view. Press {now.keymap.word('next', 'tab')} to go back to it."
    return "" if now.selected else "No request is selected."


def _cannot(act: Act) -> Why:
    """Why an act cannot be done to what it is aimed at: what is marked, a group, or a request."""

    def why(now: Situation) -> str:
        if now.marked or now.all_marked or now.group is not None:
            return "" if in_tab(now) & states_of(act) else _refused(act, now.tab)
        reason = "No group is selected." if now.tab == GROUPS else _no_request(now)
        if reason or now.selected is None or now.selected.state in states_of(act):
            return reason
        return _refused(act, now.selected.state)

    return why


def _refused(act: Act, state: str) -> str:
    if act is Act.PURGE and state == State.DELIVERED:
        return "What was delivered is out of the queue."
    return _CANNOT[act]


def _cannot_all(act: Act) -> Why:
    """Why an act cannot be done to all: every dead request, or all that tab and filter show."""

    def why(now: Situation) -> str:
        if now.place not in QUEUE:
            return "" if now.dead else "No request is dead."
        if not in_tab(now) & states_of(act):
            return _refused(act, now.tab)
        return "" if now.matching else "There is nothing in this list."

    return why


def _all_there(now: Situation) -> str:
    return "" if now.more else "All of it is loaded."


def _fits(act: Act) -> Callable[[Situation], bool]:
    """The footer has only what the requests of a tab can take, or the one in the window."""

    def fits(now: Situation) -> bool:
        if now.place == DETAIL:
            return now.selected is not None and now.selected.state in states_of(act)
        return now.place not in QUEUE or bool(in_tab(now) & states_of(act))

    return fits


def _closer(act: Act) -> Callable[[Situation], bool]:
    """As `_fits`; the overview has no room for it."""
    fits = _fits(act)
    return lambda now: now.place != "overview" and fits(now)


REQUEST_ACTIONS: tuple[Action, ...] = (
    Action(
        "find", ("slash",), "/", "Find",
        "Show only what fits: words, or field:value (site, kind, error, status, age ...), - for not",
        "Requests", footer=3, places=QUEUE, live=True,
    ),
    Action(
        "mark", ("x",), "x", "Mark", "Mark the request, or take the mark back; keys then act on all that are marked",
        "Requests", _no_request, footer=3, places=QUEUE, live=True,
    ),
    Action(
        "mark_all", ("X", "shift+x"), "X", "Mark all", "Mark all that tab and filter show, also what is not in view",
        "Requests", lambda now: "" if now.matching else "There is nothing in this list.", footer=12, places=QUEUE,
        spare=True, live=True,
    ),
    Action(
        "sort", ("o",), "o", "Order", "Sort the list another way; open or close all of a value", "Requests", footer=12,
        places=(*QUEUE, "cache"), spare=True, live=True,
    ),
    Action(
        "detail", ("enter",), "⏎", "Detail", "Show all that is known of the request; open a group", "Requests",
        lambda now: "" if now.group else _no_request(now), footer=3, brief="Open", places=REQUESTS,
    ),
    Action(
        "retry", ("r",), "r", "Retry", "Retry what is marked, or the request or group under the cursor",
        "Requests", _cannot(Act.RETRY), True, 4, places=ANYWHERE, in_footer=_fits(Act.RETRY),
    ),
    Action(
        "retry_all", ("R", "shift+r"), "R", "Retry dead",
        "Retry every dead request; in the Queue place, all that tab and filter show",
        "Requests", _cannot_all(Act.RETRY), True, 5, brief="dead", places=REQUESTS, in_footer=_fits(Act.RETRY),
        named={"queue": ("Retry all", "all")},
    ),
    Action(
        "later", ("w",), "w", "Later", "Retry, but not before a while, which is asked for",
        "Requests", _cannot(Act.RETRY), True, 8, places=ANYWHERE, spare=True, in_footer=_closer(Act.RETRY),
    ),
    Action(
        "purge", ("d",), "d", "Purge",
        "Purge what is marked, or the request or group under the cursor; in the trash for good",
        "Requests", _cannot(Act.PURGE), True, 6, places=ANYWHERE, in_footer=_fits(Act.PURGE),
    ),
    Action(
        "purge_all", ("D", "shift+d"), "D", "Purge dead",
        "Purge every dead request; in the Queue place, all that tab and filter show",
        "Requests", _cannot_all(Act.PURGE), True, 7, brief="dead", places=REQUESTS, in_footer=_fits(Act.PURGE),
        named={"queue": ("Purge all", "all")},
    ),
    Action(
        "kill", ("K", "shift+k"), "K", "Give up", "Give up what waits: it is dead until somebody retries it",
        "Requests", _cannot(Act.KILL), True, 8, places=ANYWHERE, spare=True, in_footer=_closer(Act.KILL),
    ),
    Action(
        "release", ("F", "shift+f"), "F", "Free", "Free what is in flight from its lease; it may be sent twice",
        "Requests", _cannot(Act.RELEASE), True, 8, places=ANYWHERE, spare=True,
        in_footer=_closer(Act.RELEASE),
    ),
    Action(
        "restore", ("b",), "b", "Restore", "Bring back from the trash what is marked or under the cursor",
        "Requests", _cannot(Act.RESTORE), True, 7, places=(*QUEUE, DETAIL), in_footer=_fits(Act.RESTORE),
    ),
    Action(
        "curl", ("y",), "y", "Copy", "Copy the request as a curl command: without the token, personal data hidden",
        "Requests", _no_request, footer=9, places=ANYWHERE, spare=True, live=True,
        in_footer=lambda now: now.place != "overview",
    ),
    Action(
        "reveal", ("e",), "e", "Reveal", "Show personal data of the request; it is noted who looked",
        "Requests", lambda now: "It is revealed already." if now.revealed else _no_request(now), True, 3,
        places=(DETAIL,),
    ),
    Action(
        "more", ("n",), "n", "More", "Load the next part of what is stored", "Requests", _all_there,
        footer=10, places=(DETAIL,), in_footer=lambda now: now.more,
    ),
    Action(
        "whole", ("N", "shift+n"), "N", "Whole", "Load all of what is stored", "Requests", _all_there,
        footer=10, places=(DETAIL,), in_footer=lambda now: now.more,
    ),
)  # fmt: skip
