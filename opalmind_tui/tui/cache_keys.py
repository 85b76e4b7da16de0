"""What the keys for the report cache do."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from opalmind_tui.snapshot.commands import Act, Command
from opalmind_tui.snapshot.entries import EntryState
from opalmind_tui.snapshot.model import FeatureView
from opalmind_tui.text import safe_text
from opalmind_tui.tui.dialogs.choice import Choice, ChoiceDialog
from opalmind_tui.tui.dialogs.ttl import Draft, TtlDialog, command_of
from opalmind_tui.tui.places.cache import CachePlace
from opalmind_tui.tui.places.cache.asked import asked_for

if TYPE_CHECKING:
    from opalmind_tui.tui.app import OpalmindApp
    from opalmind_tui.tui.situation import Situation

_THIS = "this entry"
"""Chooses the entry under the cursor; no feature is called so."""


class ShowPlan(Protocol):
    """Shows a plan; `back` is where a cancelled one returns to, `done` is called after it was carried out."""

    def __call__(
        self,
        command: Command,
        subject: str = "",
        back: Callable[[], None] | None = None,
        done: Callable[[], None] | None = None,
    ) -> None: ...


class CacheKeys:
    """Handlers of actions, by their ids in `handlers`."""

    def __init__(self, app: OpalmindApp, plan: ShowPlan) -> None:
        self._app, self._plan = app, plan
        self._draft = Draft()
        self.handlers: dict[str, Callable[[], None]] = {
            "purge_cache": self._purge,
            "refetch": self._refetch,
            "ttl": self._ttl,
        }

    @property
    def _now(self) -> Situation:
        return self._app.frame.situation

    def _purge(self) -> None:
        self._choose(self._now)

    def _choose(self, now: Situation) -> None:
        """Ask what shall be purged; what was under the cursor when the key was pressed comes first."""
        snapshot = self._app.frame.snapshot
        cache = snapshot.cache.value if snapshot else None
        about = "" if cache is None or cache.entries_exact else "about "
        choices = [Choice("", "All reports", f"{about}{_entries(cache.entries)}" if cache else "")]
        features: tuple[FeatureView, ...] = cache.features if cache else ()
        choices += [
            Choice(feature.feature, feature.feature, f"{about}{_entries(feature.entries)}")
            for feature in sorted(features, key=lambda one: one.feature)
        ]
        entry, current = now.entry, now.feature
        if entry is not None and entry.state is not EntryState.FOREIGN:
            choices.insert(0, Choice(_THIS, "This entry", asked_for(entry.key).words))
            current = _THIS

        def chosen(value: str | None) -> None:
            if value is None:
                return
            command, subject = Command(Act.PURGE_CACHE, feature=value), ""
            if value == _THIS and entry is not None:
                command, subject = Command(Act.PURGE_CACHE, key=entry.key), _subject(entry.key)
            self._plan(command, subject, lambda: self._choose(now), self._changed)

        self._app.push_screen(ChoiceDialog("Purge cached reports", choices, current=current), chosen)

    def _refetch(self) -> None:
        entry = self._now.entry
        if entry is not None:
            self._plan(
                Command(Act.REFETCH, feature=entry.feature, key=entry.key), _subject(entry.key), None, self._changed
            )

    def _changed(self) -> None:
        place = self._app.frame.place
        if isinstance(place, CachePlace):
            place.value.again()

    def _ttl(self) -> None:
        now = self._now
        if now.place == "cache":
            # What is under the cursor is what is meant.
            self._draft = Draft(f"reports:{now.feature}", self._draft.value, self._draft.existing)
        self._ask_ttl()

    def _ask_ttl(self) -> None:
        snapshot = self._app.frame.snapshot
        dialog = TtlDialog(self._app.engine, snapshot.cache.value if snapshot else None, self._draft)

        def ended(draft: Draft | None) -> None:
            self._draft = dialog.draft
            if draft is not None:
                self._plan(command_of(draft), back=self._ask_ttl)

        self._app.push_screen(dialog, ended)


def _entries(number: int) -> str:
    return f"{number:,} {'entry' if number == 1 else 'entries'}"


def _subject(key: str) -> str:
    """The entry in a line or two, so that a glance tells whether it is the right one."""
    asked = asked_for(key)
    site = f"site {safe_text(asked.site, 12)}  " if asked.site else ""
    return f"{site}{safe_text(asked.words, 120)}"
