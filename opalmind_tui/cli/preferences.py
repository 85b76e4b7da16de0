"""What a dashboard takes from the operator's file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from opalmind_tui.cli.output import say
from opalmind_tui.settings.config_file import read_config

if TYPE_CHECKING:
    from opalmind_tui.tui.remapping import Preferences


def preferences_of(*, mouse: bool | None, said: tuple[str, ...] = ()) -> Preferences:
    """Keys and look; a file that cannot be used ends the start, like every other setting.

    Args:
        mouse: what the command line says about the mouse; None where it says nothing.
        said: notes that were given already.

    Raises:
        SettingsError: names file, line, and what would be accepted.
    """
    from opalmind_tui.tui.remapping import read_preferences

    config = read_config()
    for note in config.notes:
        if note not in said:
            say(note)
    preferences = read_preferences(config)
    if mouse is None:
        return preferences
    return replace(preferences, ui=replace(preferences.ui, mouse=mouse))
