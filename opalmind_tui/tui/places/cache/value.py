"""The value of an entry: its JSON, folded, as it is stored; large ones in parts."""

from __future__ import annotations

from textual.events import Click
from textual.message import Message

from opalmind_tui.engine.port import EnginePort
from opalmind_tui.errors import OpalmindError
from opalmind_tui.snapshot.entries import EntryPart, EntryRow
from opalmind_tui.text import cells, safe_text
from opalmind_tui.tui import figures
from opalmind_tui.tui.json_lines import JsonLine, JsonLines
from opalmind_tui.tui.lines import Area, Line, Span, Tone, fit, line, paragraph, wrap
from opalmind_tui.tui.moved_view import MovedView
from opalmind_tui.tui.places.cache.asked import asked_for

_FEW = 40
"""Lines that are all shown open at first."""
_INDENT, _DEEPEST = 2, 20
"""Cells for each level, and levels that are indented."""
_MOST_ROWS = 2_000
"""Rows of a long text that was opened."""
_HEAD = 2

Place = tuple[int, int]
"""A line of the JSON, and a row of it: a long text may take several."""


class ValueView(MovedView):
    """Lines with a cursor: enter opens and closes them."""

    can_focus = True

    class Moved(Message):
        """The cursor stands elsewhere, or something was loaded."""

    def __init__(self, engine: EnginePort, *, id: str) -> None:
        super().__init__(id=id)
        self._engine = engine
        self.entry: EntryRow | None = None
        self._sites: dict[str, str] = {}
        self._begun("")

    def _begun(self, error: str) -> None:
        self._json = JsonLines()
        self._part: EntryPart | None = None
        self._error, self._gone, self._under_way = error, False, False
        self._switched: set[int] = set()
        self._places: list[Place] = []
        self._top = self._at = 0
        self._now = 0.0

    # -- loading -------------------------------------------------------------------------------------------------

    def begin(self, entry: EntryRow) -> None:
        """Show another entry."""
        self.entry = entry
        self._begun("")
        self.redraw()
        self._load()

    def tick(self, now: float, sites: dict[str, str]) -> None:
        """Time has passed: what is left of its life is shown."""
        self._now, self._sites = now, sites
        if self.display:
            self.redraw()

    def again(self) -> None:
        """Read it anew: something was done to it."""
        if self.entry is not None:
            self.begin(self.entry)

    def _load(self) -> None:
        if not self._under_way:
            self._under_way = True
            self.run_worker(self._load_part(), group="value", exclusive=True, exit_on_error=False)

    async def _load_part(self) -> None:
        entry, start = self.entry, self._part.end if self._part is not None else 0
        assert entry is not None
        try:
            part = await self._engine.entry_part(entry.key, start)
        except OpalmindError as error:
            self._error = str(error)
        else:
            self._error = ""
            if part is None or (self._part is not None and part.row.size != self._part.row.size):
                self._gone = True
            else:
                self._take(part)
        self._under_way = False
        self._changed()

    def _take(self, part: EntryPart) -> None:
        self._part, self.entry = part, part.row
        self._json.feed(part.text, last=not part.more)
        if not part.start and not part.more and len(self._json.lines) <= _FEW:
            self._switched = {at for at, one in enumerate(self._json.lines) if one.opens and self._closed_at_first(one)}
        self._place()

    # -- lines ---------------------------------------------------------------------------------------------------

    @staticmethod
    def _closed_at_first(one: JsonLine) -> bool:
        return one.depth > 1

    def _is_closed(self, number: int) -> bool:
        one = self._json.lines[number]
        return one.opens and self._closed_at_first(one) != (number in self._switched)

    def _place(self) -> None:
        """Find out which lines are in view, in which rows."""
        places: list[Place] = []
        lines, at = self._json.lines, 0
        while at < len(lines):
            rows = len(self._rows_of(at)) if at in self._switched and not lines[at].opens else 1
            places += [(at, row) for row in range(rows)]
            closes = lines[at].closes
            at = (len(lines) if closes is None else closes + 1) if self._is_closed(at) else at + 1
        self._places = places
        self._stand(self._at)

    def _rows_of(self, number: int) -> list[str]:
        """A long text in rows."""
        one = self._json.lines[number]
        width = max(20, self.content_size.width - 4 - _indent(one))
        return wrap(safe_text(_text(one)), width, _MOST_ROWS)

    @property
    def page(self) -> int:
        """Rows in view."""
        return max(1, self.content_size.height - _HEAD)

    @property
    def _length(self) -> int:
        return len(self._places) + (self._part is not None and self._part.more)

    @property
    def heading(self) -> str:
        """How much of it is in view, in words."""
        part = self._part
        if part is None or part.row.size is None:
            return ""
        loaded = (
            f"{figures.size(part.end)} of {figures.size(part.row.size)}" if part.more else figures.size(part.row.size)
        )
        return f"{loaded}, line {self._at + 1:,} of {self._length:,}"

    def draw(self, area: Area) -> list[Line]:
        entry = self.entry
        if entry is None:
            return []
        lines = [fit(one, area.width) for one in _head(entry, self._now, self._sites)]
        if self._places:
            shown = range(self._top, min(self._length, self._top + area.height - _HEAD))
            return lines + [self._line(number, area.width) for number in shown]
        return lines + [fit(line("  ", *said), area.width) for said in self._instead(Area(area.width - 4, area.height))]

    def _instead(self, room: Area) -> list[Line]:
        if self._error:
            return paragraph(safe_text(self._error), room, Tone.FAIL)
        if self._gone:
            return paragraph("The entry is gone: it has expired, or was purged.", room, Tone.WARN)
        if self._part is None:
            return paragraph("Loading ...", room, Tone.DIM)
        if self._part.kind != "string":
            return paragraph(
                f"A {safe_text(self._part.kind, 20)}, and no text: no report is stored so.", room, Tone.FAIL
            )
        return paragraph("Empty.", room, Tone.FAIL)

    def _line(self, number: int, width: int) -> Line:
        spans = self._more() if number >= len(self._places) else self._json_line(*self._places[number], width - 3)
        if number != self._at:
            return fit(line("  ", *spans), width)
        return tuple(Span(span.text, Tone.CURSOR) for span in fit(line("▸ ", *spans), width))

    def _more(self) -> Line:
        part = self._part
        assert part is not None
        if self._error or self._gone:
            return line(
                Span(f"✗ {safe_text(self._error or 'It was changed meanwhile: open it anew.', 200)}", Tone.FAIL)
            )
        left = figures.size((part.row.size or 0) - part.end)
        return line(
            Span("Loading ..." if self._under_way else f"… {left} more: enter loads the next part", Tone.ACCENT)
        )

    def _json_line(self, at: int, row: int, width: int) -> Line:
        one = self._json.lines[at]
        indent = " " * _indent(one)
        if one.raw:
            return line(Span("✗ ", Tone.FAIL), Span(safe_text(one.text, width)))
        if at in self._switched and not one.opens:
            return line(f"{indent}  ", self._rows_of(at)[row])
        name = safe_text(f"{one.name}: " if one.name else "", width // 2)
        sign = ("▹ " if self._is_closed(at) else "▾ ") if one.opens else "  "
        room = max(10, width - cells(indent) - cells(name) - 2)
        head = line(indent, Span(sign, Tone.DIM), Span(name, Tone.ACCENT))
        if self._is_closed(at):
            much = f"  {one.members:,}"
            closing = " ]" if one.text == "[" else " }"
            brief = safe_text(self._json.brief(at, room), max(4, room - len(much) - 4))
            return line(*head, f"{one.text} ", Span(brief, Tone.DIM), closing, Span(much, Tone.DIM))
        return line(
            *head, Span(safe_text(one.text, room), Tone.PLAIN if one.opens or one.text in "]}" else Tone.STRONG)
        )

    # -- moving --------------------------------------------------------------------------------------------------

    def move(self, steps: int) -> None:
        """Move the cursor by rows."""
        self._stand(self._at + steps)
        self._changed()

    def switch(self) -> None:
        """Open or close the line under the cursor; on the last one, load more."""
        if self._part is None:
            self._load()
        elif self._at >= len(self._places):
            if self._part.more and not self._gone:
                self._load()
        else:
            at, row = self._places[self._at]
            self._switched ^= {at}
            self._at -= row
            self._place()
        self._changed()

    def switch_all(self) -> None:
        """Open everything; close it where everything is open."""
        openers = {at for at, one in enumerate(self._json.lines) if one.opens and self._closed_at_first(one)}
        self._switched = set() if openers <= self._switched else openers
        self._place()
        self._changed()

    def _stand(self, number: int) -> None:
        self._at = max(0, min(self._length - 1, number))
        self._top = max(0, min(self._top, self._length - self.page, self._at))
        self._top = max(self._top, self._at - self.page + 1, 0)

    def _changed(self) -> None:
        self.redraw()
        self.post_message(self.Moved())

    def suit(self) -> None:
        self._place()

    def on_click(self, event: Click) -> None:
        number = self._top + event.y - _HEAD
        if event.y >= _HEAD and number < self._length:
            self._stand(number)
            self.switch()


def _indent(one: JsonLine) -> int:
    return _INDENT * min(one.depth, _DEEPEST)


def _text(one: JsonLine) -> str:
    return f"{one.name}: {one.text}" if one.name else one.text


def _head(entry: EntryRow, now: float, sites: dict[str, str]) -> list[Line]:
    """What is asked for, and how it stands with the entry."""
    asked = asked_for(entry.key)
    left = entry.left(now)
    life = "no end" if left is None else f"{figures.span(left)} left"
    name = safe_text(sites.get(asked.site, ""), 30)
    site = f"site {safe_text(asked.site, 12)} {name}".rstrip() if asked.site else ""
    known = "".join(f"{word}  " for word in (safe_text(entry.feature, 30), site) if word)
    size = "" if entry.size is None else f"{entry.size:,} bytes, "
    return [
        line("  ", Span(known, Tone.STRONG), Span(safe_text(asked.words, 400))),
        line("  ", Span(f"{entry.state}, {size}{life}", Tone.DIM)),
    ]
