"""The one table of actions: bindings, footer, help and command palette all follow from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from opalmind_tui.snapshot.entries import EntryState
from opalmind_tui.snapshot.model import State
from opalmind_tui.tui.situation import Situation

Why = Callable[[Situation], str]
"""Why an action cannot be taken now, as a sentence; empty if it can."""


@dataclass(frozen=True, slots=True)
class Action:
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
        places: the places that have it; empty: all.
        spare: gives way to the others in the footer, and is not worth a line of it.
        brief: the label where the footer is narrow; empty: the same.
        in_footer: whether the footer has it now; the key works all the same.
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


READ_ONLY = "This dashboard is read-only: it changes nothing."


def _no_request(now: Situation) -> str:
    if now.lost:
        return "That request has left the list. Move the cursor to another."
    if now.group is not None or now.tab == "groups":
        return "This is a group. Press enter to see its requests."
    if not now.list_shown:
        return "The list is not in view. Press tab to go back to it."
    return "" if now.selected else "No request is selected."


def _cannot_open(now: Situation) -> str:
    return "That entry has left the list. Move the cursor to another." if now.lost else ""


def _cannot_fetch(now: Situation) -> str:
    if now.entry is None:
        return "Open a report first, and move to one of its entries."
    foreign = now.entry.state is EntryState.FOREIGN
    return "This is no key of a report: Matomo cannot be asked for it." if foreign else ""


def _cannot_retry(now: Situation) -> str:
    if now.marked:
        return ""
    reason = _no_request(now)
    if reason or now.selected is None:
        return reason
    return (
        ""
        if now.selected.state in (State.DEAD, State.SCHEDULED)
        else "Only dead and scheduled requests can be retried."
    )


def _cannot_purge(now: Situation) -> str:
    if now.marked:
        return ""
    reason = _no_request(now)
    if reason or now.selected is None:
        return reason
    return "A request in flight cannot be purged." if now.selected.state is State.INFLIGHT else ""


def _none_dead(now: Situation) -> str:
    return "" if now.dead else "No request is dead."


def _no_command(now: Situation) -> str:
    if now.finding is None:
        return "There is no finding under the cursor."
    return "" if now.finding.command else "This finding has no command to copy."


def _no_cure(now: Situation) -> str:
    if now.finding is None:
        return "There is no finding under the cursor."
    return "" if now.finding.action else "Nothing that this dashboard can do: the text says what to do."


REQUESTS = ("overview", "queue")
"""Places with a list of requests."""
GO = "Go to"
"""The heading of the actions that lead to a place; their ids are those of the places."""

# fmt: off
ACTIONS: tuple[Action, ...] = (
    Action("find", ("slash",), "/", "Find",
           "Show only what fits: words, or field:value (site, kind, error, status, age ...), - for not", "Requests",
           footer=3, places=("queue",)),
    Action("mark", ("x",), "x", "Mark", "Mark the request, or take the mark back; keys then act on all that are marked",
           "Requests", _no_request, footer=3, places=("queue",)),
    Action("sort", ("o",), "o", "Order", "Sort the list another way; open or close all of a value", "Requests",
           footer=12, places=("queue", "cache"), spare=True),
    Action("detail", ("enter",), "⏎", "Detail", "Show all that is known of the request; open a group", "Requests",
           lambda now: "" if now.group else _no_request(now), footer=3, brief="Open", places=REQUESTS),
    Action("retry", ("r",), "r", "Retry", "Retry the request under the cursor, or those marked", "Requests",
           _cannot_retry, True, 4, places=REQUESTS),
    Action("retry_all", ("R", "shift+r"), "R", "Retry dead", "Retry every dead request", "Requests", _none_dead, True,
           5, brief="dead", places=REQUESTS),
    Action("purge", ("d",), "d", "Purge", "Purge the request under the cursor, or those marked", "Requests",
           _cannot_purge, True, 6, places=REQUESTS),
    Action("purge_all", ("D", "shift+d"), "D", "Purge dead", "Purge every dead request", "Requests", _none_dead, True,
           7, brief="dead", places=REQUESTS),
    Action("cure", ("enter",), "⏎", "Do it", "Do what helps against the finding, after a plan", "Doctor", _no_cure,
           True, 3, places=("doctor",), in_footer=lambda now: not _no_cure(now)),
    Action("copy", ("y",), "y", "Copy", "Copy the finding's command to the clipboard", "Doctor", _no_command, footer=3,
           in_footer=lambda now: not _no_command(now), places=("doctor",)),
    Action("examine", ("r",), "r", "Look again", "Look for causes of trouble again", "Doctor", footer=3,
           places=("doctor",)),
    Action("undo", ("u",), "u", "Undo", "Undo the last purge, TTL, pause or limit of the last 15 minutes, of anybody",
           "Dashboard", changes=True, footer=7, in_footer=lambda now: now.undo),
    Action("count", ("x",), "x", "Count keys", "Count every key in small steps, go on with that, or stop it", "Redis",
           footer=3, brief="Count", places=("redis",)),
    Action("purge_cache", ("c",), "c", "Purge cache", "Purge cached reports: all, one kind, or one", "Cache",
           changes=True, footer=8, brief="Cache"),
    Action("open", ("enter",), "⏎", "Open", "Open the report, the entry, the line of a value", "Cache", _cannot_open,
           footer=3, places=("cache",)),
    Action("refetch", ("f",), "f", "Fetch", "Ask Matomo anew for the report under the cursor", "Cache", _cannot_fetch,
           True, 9, places=("cache",)),
    Action("ttl", ("t",), "t", "TTLs", "Set a time to live of reports or sent keys", "Cache", changes=True, footer=9),
    Action("deliver", ("v",), "v", "Deliver", "Start or stop delivering from this dashboard", "Dashboard", changes=True,
           footer=10, brief="Send"),
    Action("hold", ("P", "shift+p"), "P", "Pause", "Pause delivery of all processes, or resume it", "Delivery",
           changes=True, footer=10, spare=True),
    Action("limit", ("L", "shift+l"), "L", "Limit", "Limit how fast all processes deliver", "Delivery", changes=True,
           footer=10, spare=True),
    Action("test_token", ("T", "shift+t"), "T", "Ask with token", "Ask Matomo again with a token that it refused",
           "Dashboard", changes=True, footer=3, brief="Token", in_footer=lambda now: now.token_refused),
    Action("log", ("O", "shift+o"), "O", "Log", "Read what this dashboard has logged, the newest first", "Dashboard"),
    Action("overview", ("1",), "1", "Overview", "The first five seconds: what is wrong, and the keys", GO),
    Action("queue", ("2",), "2", "Queue", "Every request by state: find, group, mark and act", GO),
    Action("cache", ("3",), "3", "Cache", "Cached reports: hit rates, times to live, entries and their values", GO),
    Action("redis", ("4",), "4", "Redis", "Redis from near: keys, memory, slow log, clients, our cost", GO),
    Action("fleet", ("5", "p"), "5", "Fleet", "The processes on this Redis, and the services beside them", GO),
    Action("doctor", ("6",), "6", "Doctor", "What is wrong, why, and what to do about it", GO),
    Action("audit", ("7",), "7", "Audit", "Who did what, when, and what came of it; who is connected now", GO),
    Action("history", ("8",), "8", "History", "The last day as charts, with what was done", GO),
    Action("slower", ("minus",), "-", "Slower", "Look less often: it costs the server less", "Dashboard"),
    Action("faster", ("plus",), "+", "Faster", "Look more often", "Dashboard"),
    Action("mood", ("m",), "m", "Mood", "Change how the demo's Matomo behaves", "Demo", footer=11, demo_only=True),
    Action("pause", ("space",), "spc", "Freeze", "Freeze the figures, or let them go on", "Dashboard", footer=12,
           brief="Stop"),
    Action("next", ("tab",), "⇥", "Next", "Go to the next part: requests, features, health, trends", "Move", footer=13),
    Action("previous", ("shift+tab",), "⇧⇥", "Previous", "Go to the part before", "Move"),
    Action("back", ("escape",), "esc", "Back", "Take back marks, then the filter; then go to the overview", "Move"),
    Action("up", ("up", "k"), "↑ k", "Up", "One line up", "Move"),
    Action("down", ("down", "j"), "↓ j", "Down", "One line down", "Move"),
    Action("page_up", ("pageup", "ctrl+b"), "PgUp", "Page up", "One page up", "Move"),
    Action("page_down", ("pagedown", "ctrl+f"), "PgDn", "Page down", "One page down", "Move"),
    Action("home", ("home", "g"), "Home g", "First", "To the first line", "Move"),
    Action("end", ("end", "G", "shift+g"), "End G", "Last", "To the last line", "Move"),
    Action("theme", ("l",), "l", "Light", "Change between the dark and the light theme", "Dashboard", footer=15,
           spare=True),
    Action("palette", ("ctrl+p",), "^p", "Palette", "Find an action by its name", "Dashboard", footer=14, spare=True),
    Action("suspend", ("ctrl+z",), "^z", "Shell", "Leave the dashboard asleep; fg brings it back", "Dashboard"),
    Action("help", ("question_mark", "f1"), "?", "Help", "Show every key", "Dashboard", footer=2),
    Action("quit", ("q", "ctrl+q", "ctrl+c"), "q", "Quit", "Leave the dashboard", "Dashboard", footer=1),
)
# fmt: on
BY_ID = {action.id: action for action in ACTIONS}
DOORS = tuple(action for action in ACTIONS if action.group == GO)
FOOTER = tuple(sorted((action for action in ACTIONS if action.footer), key=lambda action: action.footer))


def exists(action: Action, now: Situation) -> bool:
    """Whether there is such an action here at all."""
    return (now.demo or not action.demo_only) and (not action.places or now.place in action.places)


def why_not(action: Action, now: Situation) -> str:
    """Why the action cannot be taken now; empty if it can."""
    if action.changes and now.read_only:
        return READ_ONLY
    return action.why_not(now)
