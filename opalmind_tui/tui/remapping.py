"""The table ``[keys]`` of the operator's file, checked against the table of actions."""

from __future__ import annotations

from itertools import combinations

from msgspec import Struct, field

from opalmind_tui.errors import SettingsError
from opalmind_tui.settings.config_file import ConfigFile
from opalmind_tui.settings.ui import Ui, read_ui
from opalmind_tui.text import safe_text
from opalmind_tui.tui.action import DETAIL, Action
from opalmind_tui.tui.actions import ACTIONS, BY_ID
from opalmind_tui.tui.keymap import ALWAYS, STANDARD, Keymap, key_name, sign_of

_MOVES = ("left", "right", "up", "down", "home", "end", "insert", "delete", "pageup", "pagedown")
_PLAIN = ("escape", "tab", "space", "enter", "backspace")
_FUNCTION = tuple(f"f{number}" for number in range(1, 25))
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_SAME = {"ctrl+i": "tab", "ctrl+m": "enter", "ctrl+h": "backspace"}
"""What a terminal sends for another key."""
_WITH = {"ctrl": (*_MOVES, *_LETTERS), "shift": (*_MOVES, "tab"), "ctrl+shift": _MOVES, "alt": _LETTERS}
NAMED = frozenset(
    {*_PLAIN, *_MOVES, *_FUNCTION, *(f"{modifier}+{key}" for modifier, keys in _WITH.items() for key in keys)}
) - frozenset(_SAME)
"""Keys that have a name here, as Textual calls them."""
_KEY = 'one key, such as "r", "R", "?", "ctrl+r", "alt+r", "f5", "space" or "pagedown"; or a list of such'
_MOST = 8


class Preferences(Struct, frozen=True):
    """What an operator chose for the dashboard."""

    keymap: Keymap = STANDARD
    ui: Ui = field(default_factory=Ui)


def read_preferences(config: ConfigFile) -> Preferences:
    """Keys and look from the operator's file. Raises `SettingsError`, which names the line."""
    return Preferences(read_keymap(config), read_ui(config))


def read_keymap(config: ConfigFile) -> Keymap:
    """The keys of the operator's file.

    Raises:
        SettingsError: an action or a key that there is not, or one key for two actions.
    """
    given = {}
    for name, value in config.table("keys").items():
        if name not in BY_ID:
            raise config.unknown(("keys", name), tuple(BY_ID), "action")
        keys = [value] if isinstance(value, str) else value
        if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys) or len(keys) > _MOST:
            raise config.unusable(("keys", name), value, _KEY)
        given[name] = tuple(named for key in keys for named in _names(config, name, key))
    keymap = Keymap(given)
    _refuse_conflicts(config, keymap)
    return keymap


def _names(config: ConfigFile, action: str, key: str) -> tuple[str, ...]:
    """Textual's names of a key as it was written."""
    if len(key) == 1 and key.isprintable() and key != " ":
        # Terminals with the newer keyboard protocol tell of shift.
        return (key, f"shift+{key.lower()}") if key.isupper() else (key_name(key),)
    name = "space" if key == " " else key.lower()
    if name in _SAME:
        raise config.unusable(("keys", action), key, f'another key: terminals send "{_SAME[name]}" for it')
    if name not in NAMED:
        raise config.unusable(("keys", action), key, _KEY)
    return (name,)


def _refuse_conflicts(config: ConfigFile, keymap: Keymap) -> None:
    for one, other in combinations(ACTIONS, 2):
        if not _meet(one, other):
            continue
        for key in keymap.keys(one):
            if key in keymap.keys(other):
                blamed, taken = (one, other) if one.id in keymap.given else (other, one)
                if key in ALWAYS.get(blamed.id, ()):
                    blamed, taken = taken, blamed
                raise _taken(config, keymap, blamed, taken, key)


def _meet(one: Action, other: Action) -> bool:
    """Whether there is a place, live or in a replay, that has both."""
    if one.only and other.only and one.only != other.only:
        return False
    if one.places and other.places:
        return bool(set(one.places) & set(other.places))
    named = one.places or other.places
    return not named or any(place != DETAIL for place in named)


def _taken(config: ConfigFile, keymap: Keymap, blamed: Action, taken: Action, key: str) -> SettingsError:
    free = "a key that no other action has"
    if taken.id not in keymap.given and key not in ALWAYS.get(taken.id, ()):
        free += f'; or give "{taken.id}" another one here'
    held = f'"{safe_text(sign_of(key))}", which is the key of "{taken.id}" ({taken.label})'
    return SettingsError(config.place("keys", blamed.id), held, free)
