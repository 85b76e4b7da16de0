"""The one table of actions: bindings, footer, help and command palette all follow from it."""

from __future__ import annotations

from opalmind_tui.snapshot.entries import EntryState
from opalmind_tui.tui.action import DETAIL, Action
from opalmind_tui.tui.request_actions import REQUEST_ACTIONS
from opalmind_tui.tui.situation import Situation

RECORDED = "This is a recording: nothing can be done in it."
READ_ONLY = "This dashboard is read-only: it changes nothing."


def _cannot_open(now: Situation) -> str:
    return "That entry has left the list. Move the cursor to another." if now.lost else ""


def _cannot_fetch(now: Situation) -> str:
    if now.entry is None:
        return "Open a report first, and move to one of its entries."
    foreign = now.entry.state is EntryState.FOREIGN
    return "This is no key of a report: Matomo cannot be asked for it." if foreign else ""


def _no_command(now: Situation) -> str:
    if now.finding is None:
        return "There is no finding under the cursor."
    return "" if now.finding.command else "This finding has no command to copy."


def _no_cure(now: Situation) -> str:
    if now.finding is None:
        return "There is no finding under the cursor."
    return "" if now.finding.action else "Nothing that this dashboard can do: the text says what to do."


GO = "Go to"
"""The heading of the actions that lead to a place; their ids are those of the places."""

# fmt: off
ACTIONS: tuple[Action, ...] = (
    *REQUEST_ACTIONS,
    Action("cure", ("enter",), "⏎", "Do it", "Do what helps against the finding, after a plan", "Doctor", _no_cure,
           True, 3, places=("doctor",), in_footer=lambda now: not _no_cure(now)),
    Action("copy", ("y",), "y", "Copy", "Copy the finding's command to the clipboard", "Doctor", _no_command, footer=3,
           in_footer=lambda now: not _no_command(now), places=("doctor",)),
    Action("examine", ("r",), "r", "Look again", "Look for causes of trouble again", "Doctor", footer=3,
           places=("doctor",)),
    Action("undo", ("u",), "u", "Undo", "Undo the last purge, TTL, pause or limit of the last 15 minutes, of anybody",
           "Dashboard", changes=True, footer=7, in_footer=lambda now: now.undo),
    Action("count", ("x",), "x", "Count keys", "Count every key in small steps, go on with that, or stop it", "Redis",
           footer=3, brief="Count", places=("redis",), live=True),
    Action("purge_cache", ("c",), "c", "Purge cache", "Purge cached reports: all, one kind, or one", "Cache",
           changes=True, footer=8, brief="Cache"),
    Action("open", ("enter",), "⏎", "Open", "Open the report, the entry, the line of a value", "Cache", _cannot_open,
           footer=3, places=("cache",)),
    Action("walk", ("r",), "r", "Look again", "Go through the keys of the cache anew, now", "Cache", footer=3,
           brief="Again", places=("cache",), live=True, in_footer=lambda now: now.long_ago),
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
    Action("hand_over", ("H", "shift+h"), "H", "Hand over",
           "Sum up the incident in Markdown, for the clipboard or a file", "Dashboard"),
    Action("log", ("O", "shift+o"), "O", "Log", "Read what this dashboard has logged, the newest first", "Dashboard"),
    Action("overview", ("1",), "1", "Overview", "The first five seconds: what is wrong, and the keys", GO),
    Action("queue", ("2",), "2", "Queue", "Every request by state: find, group, mark and act", GO),
    Action("cache", ("3",), "3", "Cache", "Cached reports: hit rates, times to live, entries and their values", GO),
    Action("redis", ("4",), "4", "Redis", "Redis from near: keys, memory, slow log, clients, our cost", GO),
    Action("fleet", ("5", "p"), "5", "Fleet", "The processes on this Redis, and the services beside them", GO),
    Action("doctor", ("6",), "6", "Doctor", "What is wrong, why, and what to do about it", GO, live=True),
    Action("audit", ("7",), "7", "Audit", "Who did what, when, and what came of it; who is connected now", GO),
    Action("history", ("8",), "8", "History", "The last day as charts, with what was done", GO),
    Action("slower", ("minus",), "-", "Slower", "Look less often: it costs the server less", "Dashboard",
           only="live"),
    Action("faster", ("plus",), "+", "Faster", "Look more often", "Dashboard", only="live"),
    Action("save", ("S", "shift+s"), "S", "Save", "Save the last 30 minutes of this screen to a file, to replay them",
           "Dashboard", live=True),
    Action("play", ("space",), "spc", "Play", "Play the recording, or pause it", "Replay", footer=3, only="replay"),
    Action("step_back", ("comma",), ",", "Back", "Pause, and go to the snapshot before", "Replay", footer=4,
           only="replay"),
    Action("step_on", ("full_stop",), ".", "On", "Pause, and go to the next snapshot", "Replay", footer=5,
           only="replay"),
    Action("calmer", ("minus",), "-", "Slower", "Play more slowly", "Replay", footer=6, only="replay"),
    Action("quicker", ("plus",), "+", "Quicker", "Play more quickly", "Replay", footer=7, only="replay"),
    Action("jump", ("J", "shift+j"), "J", "Jump", "Go to a time of the recording", "Replay", footer=8, only="replay"),
    Action("mood", ("m",), "m", "Mood", "Change how the demo's Matomo behaves", "Demo", footer=11, demo_only=True),
    Action("pause", ("space",), "spc", "Freeze", "Freeze the figures, or let them go on", "Dashboard", footer=12,
           brief="Stop", only="live"),
    Action("next", ("tab",), "⇥", "Next", "Go to the next part: a panel, a list of the queue, a span of time", "Move",
           footer=13),
    Action("previous", ("shift+tab",), "⇧⇥", "Previous", "Go to the part before", "Move"),
    Action("back", ("escape",), "esc", "Back", "Take back marks, then the filter; then go to the overview", "Move"),
    Action("up", ("up", "k"), "↑ k", "Up", "One line up", "Move"),
    Action("down", ("down", "j"), "↓ j", "Down", "One line down", "Move"),
    Action("page_up", ("pageup", "ctrl+b"), "PgUp", "Page up", "One page up", "Move"),
    Action("page_down", ("pagedown", "ctrl+f"), "PgDn", "Page down", "One page down", "Move"),
    Action("home", ("home", "g"), "Home g", "First", "To the first line", "Move"),
    Action("end", ("end", "G", "shift+g"), "End G", "Last", "To the last line", "Move"),
    Action("theme", ("l",), "l", "Theme", "Go to the next theme: dark, light, high contrast", "Dashboard", footer=15,
           spare=True),
    Action("zone", ("z",), "z", "Time", "Change between UTC and the local time of this machine", "Dashboard"),
    Action("palette", ("ctrl+p",), "^p", "Palette", "Find an action by its name", "Dashboard", footer=14, spare=True),
    Action("suspend", ("ctrl+z",), "^z", "Shell", "Leave the dashboard asleep; fg brings it back", "Dashboard"),
    Action("help", ("question_mark", "f1"), "?", "Help",
           "Say what the part with the focus is for, and its keys; then every other key", "Dashboard", footer=2,
           everywhere=True),
    Action("quit", ("q", "ctrl+q", "ctrl+c"), "q", "Quit", "Leave the dashboard", "Dashboard", footer=1),
)
# fmt: on
BY_ID = {action.id: action for action in ACTIONS}
DOORS = tuple(action for action in ACTIONS if action.group == GO)
FOOTER = tuple(sorted((action for action in ACTIONS if action.footer), key=lambda action: action.footer))


def exists(action: Action, now: Situation) -> bool:
    """Whether there is such an action here at all."""
    if action.only and (action.only == "replay") is not now.replay:
        return False
    if now.place == DETAIL:
        return action.everywhere or DETAIL in action.places
    return (now.demo or not action.demo_only) and (not action.places or now.place in action.places)


def shown_below(action: Action, now: Situation) -> bool:
    """Whether the footer has it now. In a replay it has no key that cannot do anything in any recording."""
    return exists(action, now) and action.in_footer(now) and not (now.replay and (action.changes or action.live))


def why_not(action: Action, now: Situation) -> str:
    """Why the action cannot be taken now; empty if it can."""
    if now.replay and (action.changes or action.live):
        return RECORDED
    if action.changes and now.read_only:
        return READ_ONLY
    return action.why_not(now)
