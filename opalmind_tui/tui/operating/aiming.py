"""What an act is aimed at when its key is pressed: what is marked, a group, a request, or a whole list."""

from __future__ import annotations

from msgspec import Struct

from opalmind_tui.snapshot.commands import Act, Command
from opalmind_tui.snapshot.filters import Filter, Term
from opalmind_tui.snapshot.listing import Group, Tab
from opalmind_tui.snapshot.model import RequestRow, State
from opalmind_tui.text import safe_text
from opalmind_tui.tui.action import QUEUE
from opalmind_tui.tui.situation import GROUPS, Situation

FOR_GOOD_TABS = (Tab.TRASH, Tab.REJECTED)
"""Lists of what is out of the queue: a purge there is for good."""


class Aim(Struct, frozen=True):
    """A command, and what it is about in words. Text in them is safe."""

    command: Command
    subject: str = ""


def aim(act: Act, now: Situation, *, seconds: float = 0.0) -> Aim | None:
    """What was marked, else the group, else the request under the cursor: by its id, whatever is there later."""
    if now.all_marked:
        return aim_at_all(act, now, seconds=seconds)
    if now.marked:
        command = Command(act, ids=now.marked, hard=_hard(act, now.tab), seconds=seconds)
        return Aim(command, f"{len(now.marked):,} marked request{'' if len(now.marked) == 1 else 's'}")
    if now.group is not None:
        others = tuple(term for term in now.filter.terms if term.field != "group")
        chosen = Filter((*others, Term("group", now.group.key)))
        return Aim(Command(act, tab=Tab.FAILED, filter=chosen, seconds=seconds), _group(now.group))
    if now.selected is not None:
        hard = act is Act.PURGE and now.selected.state in (State.TRASH, State.REJECTED)
        return Aim(Command(act, ids=(now.selected.id,), hard=hard, seconds=seconds), subject_of(now.selected))
    return None


def aim_at_all(act: Act, now: Situation, *, seconds: float = 0.0) -> Aim:
    """All that tab and filter show when the plan is made; on the overview every dead request."""
    if now.place not in QUEUE:
        return Aim(Command(act, all_dead=True, seconds=seconds))
    tab = Tab.FAILED if now.tab == GROUPS else Tab(now.tab)
    return Aim(Command(act, tab=tab, filter=now.filter, hard=_hard(act, now.tab), seconds=seconds))


def _hard(act: Act, tab: str) -> bool:
    return act is Act.PURGE and tab in FOR_GOOD_TABS


def _group(group: Group) -> str:
    status = "" if group.status is None or group.error.startswith(str(group.status)) else f"{group.status} "
    what = f"{safe_text(group.kind, 10)} of site {safe_text(group.site, 12)}"
    return f"The group: {status}{safe_text(group.error, 120)}\n{what}"


def subject_of(request: RequestRow) -> str:
    """The request in one line, so that a glance tells whether it is the right one."""
    what = f"{safe_text(request.kind, 10)} {safe_text(request.label, 120)}"
    return f"{what}\nsite {safe_text(request.site, 12)}, id {safe_text(request.id, 20)}"
