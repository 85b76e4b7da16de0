"""The overview: everything that an on-call engineer asks in the first five seconds, and the keys to act."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.events import Key, Resize
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Static

from opalmind_tui.snapshot.model import GateKind, Snapshot
from opalmind_tui.text import cells, safe_text
from opalmind_tui.tui import wire
from opalmind_tui.tui.actions import ACTIONS, BY_ID, Situation, exists, why_not
from opalmind_tui.tui.bars import Header, KeyBar, ListBar, Status
from opalmind_tui.tui.card import Card
from opalmind_tui.tui.panels import cache, features, health, queue, server, trends
from opalmind_tui.tui.request_list import RequestList

if TYPE_CHECKING:
    from opalmind_tui.tui.app import OpalmindApp

SMALLEST = (60, 20)
"""Columns and rows under which nothing useful fits."""
FULL = (110, 36)
"""From this size on all parts are in view at once."""
_TALL = 48
_SAID_FOR = 20.0
SECTIONS = ("requests", "features", "health", "trends")
TOO_SMALL = (
    "opalmind needs at least {}x{} cells; this terminal has {}x{}.\n"
    "Make it larger, or press q and use `opalmind-tui status`."
)


class Overview(Screen[None]):
    """The first screen. It draws the newest snapshot and turns keys into actions."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(",".join(action.keys), f"act('{action.id}')", action.label, show=False, id=action.id)
        for action in ACTIONS
    ]
    AUTO_FOCUS = "#requests"

    def __init__(self) -> None:
        super().__init__()
        self.snapshot: Snapshot | None = None
        self._section = "requests"
        self._said: Timer | None = None
        self._lasting = Status()

    @property
    def dashboard(self) -> OpalmindApp:
        """The app, by its own type."""
        return cast("OpalmindApp", self.app)

    def compose(self) -> ComposeResult:
        yield Header(id="header")
        with Horizontal(id="cards"):
            yield Card(queue.render, id="queue")
            yield Card(cache.render, id="cache")
            yield Card(server.render, id="redis")
        with Horizontal(id="sections"):
            yield Card(features.render, id="features", focusable=True)
            yield Card(health.render, id="health", focusable=True)
            yield Card(trends.render, id="trends", focusable=True)
        yield ListBar(id="bar")
        yield RequestList(id="requests")
        yield KeyBar(id="keys")
        yield Static(id="small")

    @property
    def requests(self) -> RequestList:
        """The list of requests."""
        return self.query_one("#requests", RequestList)

    @property
    def situation(self) -> Situation:
        """What decides which keys work now."""
        snapshot = self.snapshot
        view = snapshot.queue.value if snapshot else None
        shown = self.requests.display and not self.has_class("-small")
        return Situation(
            read_only=bool(snapshot and snapshot.identity.read_only),
            demo=self.dashboard.demo is not None,
            paused=self.dashboard.poller.paused,
            delivering=bool(view and view.delivering_here),
            selected=self.requests.selected if shown else None,
            list_shown=shown,
            lost=shown and self.requests.cursor.lost,
            dead=view.dead if view else 0,
            trash=view.trash if view else 0,
            held=bool(view and view.control.paused),
            token_refused=bool(view and view.gate and view.gate.kind is GateKind.TOKEN),
        )

    # -- drawing -------------------------------------------------------------------------------------------------

    def show(self, snapshot: Snapshot) -> None:
        """Draw a newer snapshot."""
        self.snapshot = snapshot
        self.query_one(Header).show(snapshot, paused=self.dashboard.poller.paused)
        for card in self.query(Card):
            card.show(snapshot)
        self.requests.show(snapshot)
        self.show_keys()

    def show_keys(self) -> None:
        """Draw what depends on cursor and section."""
        bar = self.query_one(ListBar)
        bar.show(self.snapshot, self.requests.position, () if self._full else SECTIONS, self._section)
        self.query_one(KeyBar).show(self.situation)

    def say(self, status: Status) -> None:
        """Show what the dashboard itself has to say: trouble and a pause until they end, other things for a while."""
        if self._said is not None:
            self._said.stop()
        if status.lasts or not status.text:
            self._lasting = status
        else:
            self._said = self.set_timer(_SAID_FOR, lambda: self.query_one(ListBar).say(self._lasting))
        self.query_one(ListBar).say(status)

    def has_room_for(self, sentence: str) -> bool:
        """Whether the status line shows all of it."""
        bar = self.query_one(ListBar)
        return bar.display and cells(safe_text(sentence)) <= bar.room

    def on_resize(self, event: Resize) -> None:
        width, height = event.size
        small = width < SMALLEST[0] or height < SMALLEST[1]
        self.set_class(small, "-small")
        self.set_class(self._full, "-full")
        self.set_class(self._full and height >= _TALL, "-tall")
        self.set_class(width >= 100, "-wide")
        self.set_class(width >= 160, "-huge")
        self.query_one("#small", Static).update(wire.content(TOO_SMALL.format(*SMALLEST, width, height)))
        self._arrange()
        if self.snapshot is not None:
            self.show(self.snapshot)

    @property
    def _full(self) -> bool:
        return self.size.width >= FULL[0] and self.size.height >= FULL[1]

    def _arrange(self) -> None:
        """Decide what is in view: everything, or the section that has the focus."""
        bar, sections = self.query_one("#bar"), self.query_one("#sections")
        if self._full:
            self.move_child(bar, after=sections)
        else:
            self.move_child(bar, before=sections)
        # Set here and not by the style sheet: what a widget is told itself beats its sheet.
        small = self.has_class("-small")
        self.requests.display = not small and (self._full or self._section == "requests")
        sections.display = not small and (self._full or self._section != "requests")
        for name in SECTIONS[1:]:
            self.query_one(f"#{name}").display = self._full or self._section == name

    # -- moving --------------------------------------------------------------------------------------------------

    def go(self, section: str) -> None:
        """Bring a part into view and give it the focus."""
        self._section = section
        self._arrange()
        self.query_one(f"#{section}").focus()
        if self.snapshot is not None:
            self.show(self.snapshot)

    def step(self, steps: int) -> None:
        """Go to the next part, or the one before."""
        self.go(SECTIONS[(SECTIONS.index(self._section) + steps) % len(SECTIONS)])

    def move(self, steps: int, *, pages: bool = False) -> None:
        """Move the cursor, or scroll, in the part that has the focus."""
        part = self.query_one(f"#{self._section}")
        if isinstance(part, RequestList | Card):
            part.move(steps * part.page if pages else steps)

    def on_descendant_focus(self) -> None:
        focused = self.focused
        if focused is not None and focused.id in SECTIONS and focused.id != self._section:
            self._section = focused.id
            self.show_keys()

    # -- acting --------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action != "act":
            return super().check_action(action, parameters)
        wanted = BY_ID[str(parameters[0])]
        if not exists(wanted, self.situation):
            return False
        return None if why_not(wanted, self.situation) else True

    def action_act(self, wanted: str) -> None:
        """Do what the table says."""
        self.dashboard.operator.do(wanted)

    def on_key(self, event: Key) -> None:
        """A key whose action is not available now says why."""
        for action in ACTIONS:
            if event.key in action.keys and exists(action, self.situation):
                if reason := why_not(action, self.situation):
                    self.dashboard.operator.refuse(reason)
                    event.stop()
                return

    @on(KeyBar.Pressed)
    def _key_clicked(self, event: KeyBar.Pressed) -> None:
        self.dashboard.operator.do(event.action)

    @on(ListBar.Chosen)
    def _tab_clicked(self, event: ListBar.Chosen) -> None:
        self.go(event.section)

    @on(RequestList.Moved)
    def _list_moved(self) -> None:
        self.show_keys()

    @on(RequestList.Opened)
    def _row_opened(self) -> None:
        self.dashboard.operator.do("detail")
