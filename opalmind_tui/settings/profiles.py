"""Profiles: settings for one environment under one name, in the operator's file. Secrets are never among them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from opalmind_tui.errors import SettingsError
from opalmind_tui.settings.config_file import ConfigFile, read_config
from opalmind_tui.settings.table import BY_NAME, VARIABLES
from opalmind_tui.text import safe_text

VARIABLE = "OPALMIND_PROFILE"
_MAX_NAME = 40
NAMES = tuple(variable.name for variable in VARIABLES if not variable.secret and variable.name != VARIABLE)
"""What a profile may set."""


class Profile(Struct, frozen=True):
    """One profile.

    Args:
        name: what it is called.
        texts: what it sets, by variable, as text like that of an environment variable.
        config: the file that it stands in.
    """

    name: str
    texts: Mapping[str, str]
    config: ConfigFile

    @property
    def origin(self) -> str:
        """How `config show` names where a value came from."""
        return f"profile {self.name}"

    def place(self, variable: str) -> str:
        """Where the profile sets a variable."""
        return self.config.place("profiles", self.name, variable)


def wanted_profile(environ: Mapping[str, str], options: Mapping[str, str]) -> Profile | None:
    """The profile that an option or the environment names; None where none is named.

    Raises:
        SettingsError: there is none of that name, or it cannot be used.
    """
    name = options.get(VARIABLE) or environ.get(VARIABLE)
    if not name:
        return None
    config = read_config()
    names = profile_names(config)
    if name not in names:
        known = f"a profile of {safe_text(str(config.path))}"
        known += f": {', '.join(safe_text(one, _MAX_NAME) for one in names)}" if names else ", which has none"
        given = BY_NAME[VARIABLE].option or VARIABLE if options.get(VARIABLE) else VARIABLE
        raise SettingsError(given, f'"{safe_text(name, _MAX_NAME)}"', known)
    return read_profile(config, name)


def profile_names(config: ConfigFile) -> tuple[str, ...]:
    """Every profile of the file."""
    return tuple(config.table("profiles"))


def read_profile(config: ConfigFile, name: str) -> Profile:
    """One profile. Raises `SettingsError` for a variable that is unknown, or a secret."""
    at = ("profiles", name)
    if not 0 < len(name) <= _MAX_NAME or not name.isprintable():
        raise config.unusable(at, name, f"a name of up to {_MAX_NAME} printable characters")
    held = config.table("profiles")[name]
    if not isinstance(held, dict):
        raise config.unusable(at, held, f"a table: [profiles.{name}]")
    texts = {}
    for variable, value in held.items():
        if variable in BY_NAME and BY_NAME[variable].secret:
            accepted = f"{variable}_FILE, the name of a file that holds it, or {variable} in the environment"
            raise SettingsError(config.place(*at, variable), "a secret in this file", accepted)
        if variable not in NAMES:
            raise config.unknown((*at, variable), NAMES, "setting")
        texts[variable] = _text(config, (*at, variable), value)
    return Profile(name, texts, config)


def _text(config: ConfigFile, at: tuple[str, ...], value: Any) -> str:
    """A value of TOML as the environment would hold it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (str, int, float)):
        return str(value)
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ",".join(value)
    raise config.unusable(at, value, "text, a number, true or false, or a list of texts")
