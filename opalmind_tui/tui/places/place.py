"""What every place has in common: it shows snapshots, says what its cursor stands on, and has a bar for words."""

from __future__ import annotations

from textual.containers import Vertical
from textual.message import Message

from opalmind_tui.engine.port import EnginePort
from opalmind_tui.snapshot.model import Snapshot
from opalmind_tui.snapshot.wanted import Wanted
from opalmind_tui.text import cells, safe_text
from opalmind_tui.tui.bars import PlaceBar, Status
from opalmind_tui.tui.ground import Grounded
from opalmind_tui.tui.situation import Situation


class Place(Vertical, Grounded):
    """One of the dashboard's screens, without the header above and the keys below it.

    Subclasses compose a `PlaceBar` somewhere, and take part in what follows.
    """

    def __init__(self, name: str, engine: EnginePort) -> None:
        super().__init__(id=f"place-{name}", classes="place")
        self.place = name
        self.engine = engine
        self.snapshot: Snapshot | None = None

    class Moved(Message):
        """What the cursor stands on, or the part in view, is another: other keys may work."""

    class Asked(Message):
        """An action was asked for by other means than its key."""

        def __init__(self, action: str) -> None:
            super().__init__()
            self.action = action

    @property
    def bar(self) -> PlaceBar:
        """The line with the place's title and, at the right, what the dashboard has to say."""
        return self.query_one(PlaceBar)

    @property
    def wanted(self) -> Wanted:
        """What this place needs of the next snapshot."""
        return Wanted()

    def situate(self, now: Situation) -> Situation:
        """Add what this place knows, such as the request under its cursor."""
        return now

    def show(self, snapshot: Snapshot) -> None:
        """Draw a newer snapshot. Only the place in view is asked to."""
        self.snapshot = snapshot

    def on_mount(self) -> None:
        self.enter()

    def enter(self) -> None:
        """Take the focus: the place has come into view."""

    def fit(self) -> None:
        """Fit into another size; the frame's classes (``-wide``, ``-full`` ...) are set already."""

    def step(self, steps: int) -> None:
        """Go to the next part of the place, or the one before."""

    def move(self, steps: int, *, pages: bool = False) -> None:
        """Move the cursor, or scroll, in the part that has the focus."""

    def sort(self) -> None:
        """Sort the list in view another way."""

    def clear(self) -> bool:
        """Take back the last thing that narrows what is in view. False where there is none."""
        return False

    def acted(self) -> None:
        """Something was done that this place may have to look at anew."""

    class Lacks(Message):
        """What is in view is not at hand: the next look should come at once."""

    def lacks(self) -> None:
        """Ask for a look now."""
        self.post_message(self.Lacks())

    def moved(self) -> None:
        """Tell the frame that other keys may work now."""
        self.post_message(self.Moved())

    def ask(self, action: str) -> None:
        """Take an action of the table, as its key does."""
        self.post_message(self.Asked(action))

    def say(self, status: Status) -> None:
        """Show what the dashboard has to say. Before the place is there, the frame keeps what lasts."""
        for bar in self.query(PlaceBar):
            bar.say(status)

    def has_room_for(self, sentence: str) -> bool:
        """Whether the bar shows all of a sentence."""
        return self.is_mounted and self.bar.display and cells(safe_text(sentence)) <= self.bar.room
