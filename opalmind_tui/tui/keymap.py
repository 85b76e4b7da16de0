"""Which keys take an action: those of the table, or those that an operator chose; and how keys are written."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    from opalmind_tui.tui.action import Action

ALWAYS = {"quit": ("ctrl+q", "ctrl+c")}
"""Keys that an action keeps, whatever else is chosen for it: the way out."""
_SIGNS = {
    "enter": "⏎", "tab": "⇥", "shift+tab": "⇧⇥", "space": "spc", "escape": "esc", "up": "↑", "down": "↓", "left": "←",
    "right": "→", "pageup": "PgUp", "pagedown": "PgDn", "home": "Home", "end": "End", "insert": "Ins", "delete": "Del",
    "backspace": "⌫", "ctrl": "^", "shift": "⇧", "alt": "M-",
}  # fmt: skip
_SHOWN = 2
"""Most keys of one action that are shown."""
_NAMES = {
    "solidus": "slash", "reverse_solidus": "backslash", "commercial_at": "at", "hyphen_minus": "minus",
    "plus_sign": "plus", "low_line": "underscore",
}  # fmt: skip


class Keymap(Struct, frozen=True):
    """The keys of every action.

    Args:
        given: what an operator chose, by the action's id, in Textual's names; none of them for an action without keys.
    """

    given: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))

    def keys(self, action: Action) -> tuple[str, ...]:
        """Textual's names of the keys of an action."""
        chosen = self.given.get(action.id)
        return action.keys if chosen is None else (*chosen, *ALWAYS.get(action.id, ()))

    def sign(self, action: Action) -> str:
        """How the keys of an action are shown in footer and help; a dash where it has none."""
        chosen = self.given.get(action.id)
        if chosen is None:
            return action.sign
        # A capital letter has a second name, for terminals that tell of shift; it is the same key.
        shown = [key for key in chosen if not (key.startswith("shift+") and len(key) == len("shift+x"))]
        return " ".join(sign_of(key) for key in shown[:_SHOWN] or self.keys(action)[:1]) or "–"

    def word(self, action: str, standard: str) -> str:
        """The first key of an action in a sentence: ``enter``, ``space``, ``q``.

        Args:
            action: its id.
            standard: the key that it has in the table.
        """
        chosen = (*self.given.get(action, (standard,)), *ALWAYS.get(action, ()))
        return next((key if key in _SIGNS else sign_of(key) for key in chosen), "–")

    def opening(self, action: str, standard: str) -> str:
        """As `word`, where the sentence begins with it."""
        key = self.word(action, standard)
        return key if len(key) == 1 else key[:1].upper() + key[1:]


STANDARD = Keymap()


def key_name(character: str) -> str:
    """Textual's name of the key that types a character: ``question_mark`` for ``?``, ``r`` for ``r``."""
    if character.isalnum():
        return character
    name = unicodedata.name(character, "").lower().replace("-", "_").replace(" ", "_")
    return _NAMES.get(name, name)


def sign_of(key: str) -> str:
    """A key as the screen shows it: ``^p``, ``F5``, ``?``, ``spc``."""
    if key in _SIGNS:
        return _SIGNS[key]
    *modifiers, last = key.split("+")
    if last in _SIGNS:
        shown = _SIGNS[last]
    elif len(last) > 1 and last[0] == "f" and last[1:].isdigit():
        shown = last.upper()
    else:
        shown = character_of(last)
    return "".join(_SIGNS[modifier] for modifier in modifiers) + shown


def character_of(name: str) -> str:
    """The character of a key by Textual's name of it; the name where it is none."""
    wanted = next((long for long, brief in _NAMES.items() if brief == name), name)
    for spelled in (wanted.replace("_", " "), wanted.replace("_", "-"), wanted.replace("_", "-", 1).replace("_", " ")):
        try:
            return unicodedata.lookup(spelled)
        except KeyError:
            continue
    return name
