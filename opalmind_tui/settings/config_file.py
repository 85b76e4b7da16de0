"""The operator's own file: keys, look and profiles, in TOML under the XDG config folder. Errors name the line."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from stat import S_IMODE, S_ISREG
from types import MappingProxyType
from typing import Any

from msgspec import Struct, field

from opalmind_tui.errors import SettingsError
from opalmind_tui.text import safe_text

MAX_FILE = 65_536
"""Bytes of the file."""
TABLES = ("keys", "ui", "profiles")
_OTHERS_WRITE = 0o022
_SHOWN = 120


class ConfigFile(Struct, frozen=True):
    """What the file holds; empty where there is none.

    Args:
        path: where it is, or would be.
        tables: its tables as TOML has them.
        text: the file, for the numbers of lines.
        notes: what an operator should know about it, one sentence each.
    """

    path: Path
    tables: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    text: str = ""
    notes: tuple[str, ...] = ()

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        # The text may hold what belongs on no screen.
        return [("path", str(self.path))]

    def __repr__(self) -> str:
        return f"ConfigFile({self.path})"

    def table(self, name: str) -> Mapping[str, Any]:
        """One of `TABLES`; empty where it is not there. Raises `SettingsError` where it is no table."""
        found = self.tables.get(name, {})
        if not isinstance(found, dict):
            raise self.unusable((name,), found, f"a table: [{name}]")
        return found

    def place(self, *names: str) -> str:
        """Where something stands, for people: ``config.toml, line 3, keys.retry``."""
        line = self._line(names)
        return f"{safe_text(str(self.path))}, {f'line {line}, ' if line else ''}{safe_text('.'.join(names), _SHOWN)}"

    def unusable(self, names: tuple[str, ...], held: object, accepted: str) -> SettingsError:
        """The error for a value of the file; `held` is shown, so it must be no secret."""
        return SettingsError(self.place(*names), said(held), accepted)

    def unknown(self, names: tuple[str, ...], accepted: tuple[str, ...], what: str) -> SettingsError:
        """The error for a name that nothing here has; it tells the one that was probably meant."""
        from difflib import get_close_matches

        near = get_close_matches(names[-1], accepted, 1)
        hint = f"{near[0]}, perhaps" if near else ", ".join(accepted)
        return SettingsError(self.place(*names), f"an unknown {what}", hint)

    def _line(self, names: tuple[str, ...]) -> int:
        """The line of a value; 0 where it cannot be told. TOML's reader keeps no places, so its beginning is read."""
        import tomllib

        lines = self.text.split("\n")
        last = names[-1]
        named = [number for number, row in enumerate(lines, 1) if last in row and not row.lstrip().startswith("#")]
        for number in range(named[0] if named else 1, len(lines) + 1):
            try:
                found: Any = tomllib.loads("\n".join(lines[:number]))
            except tomllib.TOMLDecodeError:
                continue
            for name in names:
                found = found.get(name) if isinstance(found, dict) else None
            if found is not None:
                return max((one for one in named if one <= number), default=number)
        return 0


def config_path() -> Path:
    """Where the file is looked for."""
    import platformdirs

    return platformdirs.user_config_path("opalmind-tui") / "config.toml"


def read_config(path: Path | None = None) -> ConfigFile:
    """Read the file; an empty one where there is none.

    Args:
        path: another file than `config_path()`.

    Raises:
        SettingsError: it cannot be read, is no TOML, or has a table that nothing here knows.
    """
    path = path or config_path()
    shown = safe_text(str(path))
    try:
        status = path.stat()
        if not S_ISREG(status.st_mode):
            raise SettingsError(shown, "what is no file", "a regular file")
        with path.open("rb") as file:
            data = file.read(MAX_FILE + 1)
    except FileNotFoundError:
        return ConfigFile(path)
    except OSError as error:
        raise SettingsError(shown, f"it ({(error.strerror or 'error').lower()})", "a file that can be read") from None
    if len(data) > MAX_FILE:
        raise SettingsError(shown, f"more than {MAX_FILE:,} bytes", "a smaller file")
    import tomllib

    try:
        text = data.decode()
        tables = tomllib.loads(text)
    except UnicodeDecodeError:
        raise SettingsError(shown, "what is no UTF-8", "text in UTF-8") from None
    except (ValueError, RecursionError) as error:
        # Beside its own error: a number of thousands of digits, lists in lists in lists.
        raise SettingsError(shown, safe_text(f"it: {error}", 200), "a file in TOML") from None
    config = ConfigFile(path, tables, text, _notes(path, status))
    for name in tables:
        if name not in TABLES:
            raise config.unknown((name,), TABLES, "table")
    return config


def _notes(path: Path, status: os.stat_result) -> tuple[str, ...]:
    """Whoever may write the file decides where its owner works, and with which keys."""
    shown = safe_text(str(path))
    if status.st_uid not in (0, os.getuid()):
        return (f"{shown} belongs to another user, who decides what it says",)
    if status.st_mode & _OTHERS_WRITE:
        return (f"{shown} may be written by others (mode {S_IMODE(status.st_mode):o}); chmod go-w takes that away",)
    return ()


def said(held: object) -> str:
    """A value of the file as an error shows it."""
    if isinstance(held, str):
        return f'"{safe_text(held, _SHOWN)}"'
    if isinstance(held, (dict, list)):
        return "a table" if isinstance(held, dict) else "a list"
    return safe_text(str(held).lower() if isinstance(held, bool) else str(held), _SHOWN)
