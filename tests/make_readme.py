"""Writes the README's tables anew from the tables in the code: ``python -m tests.make_readme``."""

from __future__ import annotations

import re
from pathlib import Path

from opalmind_tui.settings.table import settings_table_markdown
from opalmind_tui.settings.ui import ui_table_markdown
from opalmind_tui.tui.action import Action
from opalmind_tui.tui.actions import ACTIONS, BY_ID

EXAMPLE = Path(__file__).parent.parent / "opalmind_tui" / "settings" / "example.toml"
README = Path(__file__).parent.parent / "README.md"
_ROWS = r"(\|.*\n)+"


def keys_table() -> str:
    """Every key of the dashboard."""
    rows = "".join(f"| `{action.sign}` | {action.help}{_where(action)} |\n" for action in ACTIONS)
    return f"| key | what it does |\n|---|---|\n{rows}"


def _where(action: Action) -> str:
    """The places that have the key, where not all do."""
    named = ", ".join(BY_ID[place].label for place in action.places)
    return f" ({named})" if named else ""


def example() -> str:
    """The configuration file to begin with."""
    return f"```toml\n{EXAMPLE.read_text('utf-8')}```\n"


def made(text: str) -> str:
    """The README with its tables as the code has them."""
    text = re.sub(rf"\| key \| what it does \|\n\|---\|---\|\n{_ROWS}", lambda _: keys_table(), text)
    text = re.sub(rf"\| `\[ui\]` \| accepted .*\n{_ROWS}", lambda _: ui_table_markdown(), text)
    text = re.sub(r"```toml\n# The configuration file(.*\n)+?```\n", lambda _: example(), text)
    return re.sub(rf"\| variable \| option .*\n{_ROWS}", lambda _: settings_table_markdown(), text)


if __name__ == "__main__":
    README.write_text(made(README.read_text("utf-8")), "utf-8")
