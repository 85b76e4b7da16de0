"""OpalMind TUI: a durable tracking queue, a shared report cache and the terminal dashboard that embeds both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opalmind_tui.engine.client import MatomoClient, Tracked
    from opalmind_tui.settings import Settings, load_settings

__version__ = "0.1.0"
__all__ = ["MatomoClient", "Settings", "Tracked", "load_settings"]

_HOME = {
    "MatomoClient": "opalmind_tui.engine.client",
    "Tracked": "opalmind_tui.engine.client",
    "Settings": "opalmind_tui.settings",
    "load_settings": "opalmind_tui.settings",
}


def __getattr__(name: str) -> Any:
    # On demand: commands that need none of this start without it.
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOME[name]), name)
