"""How the dashboard looks and sounds: the table ``[ui]`` of the operator's file."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from opalmind_tui.settings.config_file import ConfigFile

THEMES = ("dark", "light", "contrast")
ZONES = ("utc", "local")


class Ui(Struct, frozen=True):
    """What an operator chose; the defaults are those of an empty file."""

    theme: str = "dark"
    time: str = "utc"
    bell: bool = False
    mouse: bool = True


class Knob(Struct, frozen=True):
    """One value of ``[ui]``: its name, what it accepts (nothing: true or false), and what it does."""

    name: str
    accepted: tuple[str, ...]
    meaning: str

    @property
    def shown(self) -> str:
        """What it accepts, for people."""
        return ", ".join(f'"{one}"' for one in self.accepted) or "true, false"


KNOBS = (
    Knob("theme", THEMES, "Colours at the start; key `l` goes through them"),
    Knob("time", ZONES, "The zone of every time of day; key `z` changes it"),
    Knob("bell", (), "Ring the terminal's bell when the state gets worse, at most once a minute"),
    Knob("mouse", (), "Listen to the mouse; `--no-mouse` and `--mouse` beat it"),
)


def read_ui(config: ConfigFile) -> Ui:
    """The table ``[ui]``. Raises `SettingsError` for a name or a value that it does not have."""
    knobs = {knob.name: knob for knob in KNOBS}
    chosen: dict[str, Any] = {}
    for name, value in config.table("ui").items():
        if name not in knobs:
            raise config.unknown(("ui", name), tuple(knobs), "setting")
        knob = knobs[name]
        usable = value in knob.accepted if knob.accepted else isinstance(value, bool)
        if not usable:
            raise config.unusable(("ui", name), value, knob.shown)
        chosen[name] = value
    return Ui(**chosen)


def ui_table_markdown() -> str:
    """The table ``[ui]`` as the README holds it."""
    rows = "".join(
        f"| `{knob.name}` | {knob.shown} | `{_toml(getattr(Ui(), knob.name))}` | {knob.meaning} |\n" for knob in KNOBS
    )
    return f"| `[ui]` | accepted | default | meaning |\n|---|---|---|---|\n{rows}"


def _toml(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).lower()
