"""The frame around every place: the header above it, the keys below it, and the way from a key to its action."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

from textual import on
from textual.app import ComposeResult
from textual.events import Key, Resize, ScreenResume
from textual.geometry import Size
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Static

from opalmind_tui.snapshot.model import GateKind, Snapshot
from opalmind_tui.snapshot.wanted import Wanted
from opalmind_tui.tui import wire
from opalmind_tui.tui.actions import ACTIONS, BY_ID, exists, why_not
from opalmind_tui.tui.bars import Header, KeyBar, Status
from opalmind_tui.tui.field import Field
from opalmind_tui.tui.ground import Grounded
from opalmind_tui.tui.keymap import Keymap
from opalmind_tui.tui.places.place import Place
from opalmind_tui.tui.places.table import PLACES
from opalmind_tui.tui.situation import Situation

if TYPE_CHECKING:
    from opalmind_tui.tui.app import OpalmindApp

P = TypeVar("P", bound=Place)

SMALLEST = (60, 20)
"""Columns and rows under which nothing useful fits."""
FULL = (110, 36)
"""From this size on all parts of the overview are in view at once."""
_TALL = 48
_SAID_FOR = 20.0
_OF_SCREENS = ("tab", "shift+tab", "ctrl+c")
"""Keys that Textual gives to every screen, and that would come before ours."""
TOO_SMALL = (
    "opalmind needs at least {}x{} cells; this terminal has {}x{}.\n"
    "Make it larger, or press {} and use `opalmind-tui status`."
)


class Frame(Screen[None], Grounded):
    """The one screen under all dialogs. It shows one place at a time; each is made at its first visit."""

    AUTO_FOCUS = ""

    def __init__(self, keymap: Keymap) -> None:
        super().__init__()
        self._keymap = keymap
        for key in _OF_SCREENS:
            self._bindings.key_to_bindings.pop(key, None)
        for action in ACTIONS:
            if keys := ",".join(keymap.keys(action)):
                self._bindings.bind(keys, f"act('{action.id}')", action.label, show=False)
        self.snapshot: Snapshot | None = None
        self._places: dict[str, Place] = {}
        self._at = PLACES[0].id
        self._measured = Size()
        self._seen = False
        self._said: Timer | None = None
        self._lasting = Status()

    @property
    def dashboard(self) -> OpalmindApp:
        """The app, by its own type."""
        return cast("OpalmindApp", self.app)

    def compose(self) -> ComposeResult:
        yield Header(id="header")
        yield self._made(self._at)
        yield KeyBar(id="keys")
        yield Static(id="small")

    def on_mount(self) -> None:
        self._fit()
        self.show_keys()
        if self._lasting.text:
            # It had to be said before the place was there.
            self.call_after_refresh(lambda: self.place.say(self._lasting))

    @property
    def place(self) -> Place:
        """The place in view."""
        return self._made(self._at)

    def the(self, kind: type[P]) -> P:
        """A place by its type."""
        return next(place for place in self._places.values() if isinstance(place, kind))

    def _made(self, name: str) -> Place:
        if name not in self._places:
            entry = next(entry for entry in PLACES if entry.id == name)
            self._places[name] = entry.make(self.dashboard.engine)
        return self._places[name]

    @property
    def wanted(self) -> Wanted:
        """What the next snapshot should bring."""
        return self.place.wanted if self.is_mounted else Wanted()

    @property
    def situation(self) -> Situation:
        """What decides which keys work now."""
        snapshot = self.snapshot
        view = snapshot.queue.value if snapshot else None
        return self.place.situate(
            Situation(
                place=self._at,
                part=(self.focused.id or "") if self.focused is not None else "",
                shown=not self.has_class("-small"),
                read_only=bool(snapshot and snapshot.identity.read_only),
                demo=self.dashboard.demo is not None,
                paused=self.dashboard.poller.paused,
                replay=self.dashboard.replaying is not None,
                delivering=bool(view and view.delivering_here),
                dead=view.dead if view else 0,
                undo=bool(snapshot and snapshot.undo),
                held=bool(view and view.control.paused),
                keymap=self._keymap,
                token_refused=bool(view and view.gate and view.gate.kind is GateKind.TOKEN),
            )
        )

    # -- drawing -------------------------------------------------------------------------------------------------

    def show(self, snapshot: Snapshot) -> None:
        """Draw a newer snapshot."""
        self.snapshot = snapshot
        self.query_one(Header).show(snapshot, self.dashboard.badge)
        self.place.show(snapshot)
        self.show_keys()

    def show_keys(self) -> None:
        """Draw what depends on place and cursor."""
        self.query_one(KeyBar).show(self.situation)

    def say(self, status: Status) -> None:
        """Show what the dashboard itself has to say: trouble and a pause until they end, other things for a while."""
        if self._said is not None:
            self._said.stop()
        if status.lasts or not status.text:
            self._lasting = status
        else:
            self._said = self.set_timer(_SAID_FOR, lambda: self.place.say(self._lasting))
        self.place.say(status)

    def has_room_for(self, sentence: str) -> bool:
        """Whether the place's bar shows all of a sentence."""
        return self.place.has_room_for(sentence)

    def measure(self, size: Size) -> None:
        """Take the classes of a terminal of this size. Done before the first style, or all would be styled twice."""
        self._measured = size
        width, height = size
        full = width >= FULL[0] and height >= FULL[1]
        for name, holds in (
            ("-small", width < SMALLEST[0] or height < SMALLEST[1]),
            ("-full", full), ("-tall", full and height >= _TALL), ("-wide", width >= 100), ("-huge", width >= 160),
        ):  # fmt: skip
            self.set_class(holds, name, update=False)

    def on_screen_resume(self, event: ScreenResume) -> None:
        """What is seen for the first time was styled a moment ago."""
        event.refresh_styles = event.refresh_styles and self._seen
        self._seen = True

    def on_resize(self, event: Resize) -> None:
        if event.size == self._measured:
            if event.size == self.size:
                # Textual tells a size several times at the start, and would arrange everything for it each time.
                event.prevent_default()
            return
        self.measure(event.size)
        self.update_node_styles()
        self._fit()
        if self.snapshot is not None:
            self.show(self.snapshot)

    def _fit(self) -> None:
        """Arrange what is in view for the size that was measured."""
        if self.has_class("-small"):
            sizes = (*SMALLEST, *self._measured)
            words = TOO_SMALL.format(*sizes, self._keymap.word("quit", "q"))
            self.query_one("#small", Static).update(wire.content(words))
        self.place.fit()

    # -- moving --------------------------------------------------------------------------------------------------

    async def go(self, name: str) -> None:
        """Bring a place into view."""
        if name == self._at:
            return
        self.place.add_class("-away")
        self._at = name
        place = self._made(name)
        if place.is_mounted:
            place.remove_class("-away")
            place.enter()
        else:
            await self.mount(place, before="#keys")
        place.fit()
        place.say(self._lasting)
        if self.snapshot is not None:
            self.show(self.snapshot)
        self.show_keys()
        self.dashboard.poller.look()

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
        """A key whose action is not available now says why. In a field keys are for what is typed there."""
        if isinstance(self.focused, Field):
            return
        for action in ACTIONS:
            if event.key in self._keymap.keys(action) and exists(action, self.situation):
                if reason := why_not(action, self.situation):
                    self.dashboard.operator.refuse(reason)
                    event.stop()
                return

    @on(KeyBar.Pressed)
    def _key_clicked(self, event: KeyBar.Pressed) -> None:
        self.dashboard.operator.do(event.action)

    @on(Place.Asked)
    def _asked(self, event: Place.Asked) -> None:
        self.dashboard.operator.do(event.action)

    @on(Place.Moved)
    def _moved(self) -> None:
        self.show_keys()

    @on(Place.Lacks)
    def _lacks(self) -> None:
        replaying = self.dashboard.replaying
        if replaying is None or replaying.lacks(self.wanted):
            self.dashboard.poller.look()
