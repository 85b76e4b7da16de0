"""PROCESSES: who works on this Redis, and what each holds. Host and user names are foreign text."""

from __future__ import annotations

from msgspec import Struct

from opalmind_tui.snapshot.model import ProcessView, Snapshot, Verdict
from opalmind_tui.text import safe_text
from opalmind_tui.tui import figures
from opalmind_tui.tui.lines import Area, Line, Span, Tone, outside, paragraph
from opalmind_tui.tui.sheet import SIGNS, Sheet, sheet
from opalmind_tui.tui.table import Column, head, row

NO_WORKER = "No worker connected: nobody takes requests for this Matomo from Redis."


class Shown(Struct, frozen=True):
    """A process as seen by one that sends to an endpoint."""

    process: ProcessView
    endpoint: str

    @property
    def does(self) -> str:
        """Whether it delivers, and to our Matomo."""
        if not self.process.delivers:
            return "observes"
        return "delivers" if self.process.endpoint == self.endpoint else "others"


def render(snapshot: Snapshot, area: Area) -> Sheet:
    """The panel."""
    endpoint = snapshot.queue.value.endpoint if snapshot.queue.value else ""

    def body(processes: tuple[ProcessView, ...], inner: Area) -> list[Line]:
        return _body([Shown(one, endpoint) for one in processes], inner)

    return sheet("PROCESSES", snapshot, snapshot.processes, area, body, note="on this Redis")


def _body(shown: list[Shown], area: Area) -> list[Line]:
    if not shown:
        said = f"{NO_WORKER} Nobody has announced itself within 15 seconds."
        return paragraph(f"{SIGNS[Verdict.WARN]} {said}", area, Tone.WARN)
    rows: list[Line] = []
    if not any(one.does == "delivers" for one in shown):
        rows += paragraph(f"{SIGNS[Verdict.WARN]} {NO_WORKER}", area, Tone.WARN)
    rows += [head(COLUMNS, area.width), *(row(COLUMNS, one, area.width) for one in shown)]
    notes = "* this process. Holds: requests/claims. Who is silent for 15 s is dropped."
    if any(one.does == "others" for one in shown):
        notes = f"others: it delivers to another Matomo. {notes}"
    return [*rows, (), *paragraph(notes, area, Tone.DIM)]


def _place(one: Shown) -> Span:
    """Host and pid; the pid is never cut."""
    tail = f":{one.process.pid}{'*' if one.process.here else ''}"
    return Span(f"{safe_text(one.process.host, max(1, _PLACE - len(tail)))}{tail}")


def _holds(one: Shown) -> Span:
    process = one.process
    return Span(f"{process.requests}/{process.claims}" if process.claims else "-")


_TONES = {"delivers": Tone.OK, "others": Tone.DIM, "observes": Tone.PLAIN}
_PLACE = 20
COLUMNS: tuple[Column[Shown], ...] = (
    Column("does", 8, lambda one: Span(one.does, _TONES[one.does])),
    Column("role", 9, lambda one: outside(one.process.role, limit=9)),
    Column("host : process", _PLACE, _place, share=1),
    Column("user", 9, lambda one: outside(one.process.user, limit=9), from_width=66),
    Column("version", 7, lambda one: outside(one.process.version, Tone.DIM, 7), from_width=74),
    Column("holds", 7, _holds, to_right=True),
    Column("seen", 5, lambda one: Span(figures.span(one.process.age), Tone.DIM), to_right=True),
)
