"""Every environment variable and option: its default, its meaning and what it accepts."""

from opalmind_tui.settings.model import Settings
from opalmind_tui.settings.reading import load_settings
from opalmind_tui.settings.table import VARIABLES, Variable

__all__ = ["VARIABLES", "Settings", "Variable", "load_settings"]
