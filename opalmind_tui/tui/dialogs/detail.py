"""All that is known of one request. It follows the request while it is open; the table's keys act on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, cast

from msgspec.structs import replace
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Click

from opalmind_tui.engine.port import EnginePort
from opalmind_tui.errors import OpalmindError
from opalmind_tui.snapshot.listing import RequestDetail
from opalmind_tui.snapshot.model import Mode, RequestRow, Snapshot
from opalmind_tui.text import safe_text
from opalmind_tui.tui.action import DETAIL
from opalmind_tui.tui.actions import ACTIONS, exists
from opalmind_tui.tui.bars import Status
from opalmind_tui.tui.dialogs.window import Dialog
from opalmind_tui.tui.keymap import Keymap
from opalmind_tui.tui.line_page import LinePage
from opalmind_tui.tui.line_view import LineView
from opalmind_tui.tui.lines import Area, Line, Span, Tone, apart, line
from opalmind_tui.tui.panels import detail as drawing
from opalmind_tui.tui.panels import keys
from opalmind_tui.tui.situation import Situation

if TYPE_CHECKING:
    from opalmind_tui.tui.app import OpalmindApp

LEFT = "It has left the queue meanwhile: this is what was known last."
HINT = "arrows: scroll   esc: close"
AWAY = "Redis is away: this is what was known last."


class DetailDialog(Dialog[None]):
    """A request, by its id.

    Args:
        engine: is asked for the detail, at each snapshot anew.
        row: what the list knows of it; shown until the detail is there.
        snapshot: the newest.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,enter", "cancel", show=False),
    ]
    AUTO_FOCUS = "#page"

    def __init__(self, engine: EnginePort, row: RequestRow, snapshot: Snapshot | None) -> None:
        super().__init__()
        self._engine = engine
        self.detail = RequestDetail(row)
        self._snapshot = snapshot
        self._trouble = ""
        self._said = Status()

    def compose(self) -> ComposeResult:
        with Vertical(classes="window detail"):
            yield _Bar(self._title, id="title")
            yield LinePage(id="page")
            yield _Bar(self._words, id="words")
            yield _Keys(self, id="actions")

    def on_mount(self) -> None:
        for action in ACTIONS:
            if exists(action, self.situation) and (chosen := ",".join(self._keymap.keys(action))):
                self._bindings.bind(chosen, f"take('{action.id}')", show=False)
        self._look()

    @property
    def _keymap(self) -> Keymap:
        return cast("OpalmindApp", self.app).preferences.keymap

    @property
    def situation(self) -> Situation:
        """What decides which of its keys work now."""
        snapshot = self._snapshot
        return Situation(
            keymap=self._keymap,
            place=DETAIL,
            read_only=bool(snapshot and snapshot.identity.read_only),
            selected=None if self._trouble else self.detail.row,
            lost=bool(self._trouble),
            revealed=self.detail.revealed,
            more=0 < len(self.detail.body) < self.detail.body_size,
        )

    # -- drawing -------------------------------------------------------------------------------------------------

    def show(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        if self.is_mounted:
            self._look()

    def on_resize(self) -> None:
        self.call_after_refresh(self._draw)

    def _draw(self) -> None:
        page = self.query_one(LinePage)
        now = self._snapshot.taken_at if self._snapshot is not None else self.detail.row.accepted
        names = dict(self._snapshot.sites) if self._snapshot is not None else {}
        site = names.get(self.detail.row.site, "")
        page.show(drawing.render(self.detail, now, max(20, page.content_size.width), site))
        for bar in self.query(_Bar):
            bar.redraw()
        self.query_one(_Keys).redraw()

    def _title(self, area: Area) -> Line:
        above, below = self.query_one(LinePage).hidden
        marks = f" {'↑' if above else ''}{f'↓{below}' if below else ''} " if above or below else " "
        return apart(line(Span(drawing.title(self.detail.row), Tone.TITLE)), line(Span(marks, Tone.DIM)), area.width)

    def _words(self, area: Area) -> Line:
        said = (
            self._said if self._said.text else Status(self._trouble or HINT, Tone.WARN if self._trouble else Tone.DIM)
        )
        return line(Span(safe_text(said.text, area.width), said.tone))

    @on(LinePage.Scrolled)
    def _scrolled(self) -> None:
        self.query_one("#title", _Bar).redraw()

    def say(self, status: Status) -> bool:
        self._said = status
        self.query_one("#words", _Bar).redraw()
        return True

    def on_key(self) -> None:
        self.say(Status())

    # -- reading -------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        self.run_worker(self._read(), group="detail", exclusive=True, exit_on_error=False)

    async def _read(self) -> None:
        try:
            found = await self._engine.request_detail(self.detail.row.id)
        except OpalmindError as error:
            self._trouble = str(error)
        else:
            away = self._snapshot is not None and self._snapshot.store.mode is Mode.MEMORY
            self._trouble = "" if found is not None else AWAY if away else LEFT
            if found is not None:
                self.detail = _merged(self.detail, found)
        self._draw()

    async def reveal(self) -> None:
        """Show personal data. The engine notes who asked, and refuses where nothing may be written."""
        try:
            found = await self._engine.request_detail(self.detail.row.id, reveal=True)
        except OpalmindError as error:
            self.say(Status(str(error), Tone.FAIL))
            return
        if found is not None:
            self.detail = found
            self._draw()

    async def read_on(self, *, whole: bool) -> None:
        """Load the next part of the stored text, or all that is left of it."""
        try:
            while len(self.detail.body) < self.detail.body_size:
                former = self.detail
                found = await self._engine.request_detail(former.row.id, reveal=former.revealed, start=len(former.body))
                if found is None or not found.body or found.body_size != former.body_size:
                    break
                self.detail = replace(self.detail, body=former.body + found.body)
                self._draw()
                if not whole:
                    break
        except OpalmindError as error:
            self.say(Status(str(error), Tone.FAIL))

    def action_take(self, wanted: str) -> None:
        """Do what the table says."""
        cast("OpalmindApp", self.app).operator.do(wanted)


def _merged(former: RequestDetail, newer: RequestDetail) -> RequestDetail:
    """What is new, with what was revealed or loaded already: what a request says never changes."""
    if former.revealed or len(former.body) > len(newer.body) or not newer.params:
        return replace(
            newer, params=former.params, body=former.body, body_size=former.body_size, revealed=former.revealed,
            attempts=newer.attempts or former.attempts, endpoint=newer.endpoint or former.endpoint,
        )  # fmt: skip
    return newer


class _Bar(LineView):
    """One line of the window."""

    def __init__(self, line_of: Callable[[Area], Line], *, id: str) -> None:
        super().__init__(id=id)
        self._line_of = line_of

    def draw(self, area: Area) -> list[Line]:
        return [self._line_of(area)]


class _Keys(LineView):
    """The keys that work here."""

    def __init__(self, dialog: DetailDialog, *, id: str) -> None:
        super().__init__(id=id)
        self._dialog = dialog

    def draw(self, area: Area) -> list[Line]:
        return keys.render(self._dialog.situation, area)

    def on_click(self, event: Click) -> None:
        for one in keys.place(self._dialog.situation, Area(*self.content_size)):
            if one.row == event.y and one.start <= event.x < one.end:
                self._dialog.action_take(one.action.id)
