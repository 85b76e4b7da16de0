"""Lists of requests for tests of the Queue place: windows on rows that a test gives, as the engine would."""

from __future__ import annotations

from msgspec.structs import replace

from opalmind_tui.snapshot.listing import Group, Groups, GroupView, Listing, ListView, Tab
from opalmind_tui.snapshot.model import RequestRow, State
from tests.tui.fixtures import NOW, ROWS

GROUPS = (
    Group("a1", "400 Bad Request: unknown site", 400, "9", "goal", 1_204, NOW - 7_800, NOW - 300, ROWS[0].id, 1_204),
    Group("b2", "503 Service Unavailable", 503, "1", "pageview", 41, NOW - 61, NOW - 4, ROWS[3].id),
    Group("c3", "connection reset by peer", None, "9", "pageview", 1, NOW - 2_400, NOW - 2_400, ROWS[2].id, 1),
)
_STATES = {tab: {State(tab.value)} for tab in Tab if tab not in (Tab.FAILED, Tab.UNKNOWN)}


def many(number: int, state: State = State.DEAD) -> tuple[RequestRow, ...]:
    """So many dead requests, the newest failure first."""
    return tuple(
        replace(ROWS[0], id=f"id-{at:07d}", state=state, key=f"order-{at}", label=f"Goal {at}", failed_at=NOW - at)
        for at in range(number)
    )


def of_tab(rows: tuple[RequestRow, ...], tab: Tab) -> list[RequestRow]:
    """The rows of a tab."""
    if tab is Tab.FAILED:
        return [row for row in rows if row.error]
    if tab is Tab.UNKNOWN:
        return [row for row in rows if row.unknown]
    return [row for row in rows if row.state in _STATES[tab]]


def listing(rows: tuple[RequestRow, ...], view: ListView) -> Listing:
    """A window; of a filter only free words and sites are understood."""
    whole = of_tab(rows, view.tab)
    words = [term for term in view.filter.terms if not term.field]
    sites = [term.value for term in view.filter.terms if term.field == "site"]
    fits = [
        row for row in whole
        if all((term.value.lower() in f"{row.label} {row.error}".lower()) != term.negated for term in words)
        and (not sites or row.site in sites)
    ]  # fmt: skip
    numbers = [at for at, row in enumerate(fits) if row.id == view.anchor]
    first = max(0, numbers[0] - view.above) if numbers else view.first
    shown = tuple(fits[first : first + view.rows])
    return Listing(view, shown, first, len(whole), len(fits), len(whole), kept=len(fits))


def groups(view: GroupView) -> Groups:
    """The groups of the tests."""
    return Groups(view, GROUPS, total=1_246, examined=1_246, matched=1_246)
