"""Few colours, or none: words and signs decide, and nothing vanishes in its ground."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui.terminal import dashboard_in

FEW = {
    "16 colours": ("xterm", {}),
    "asked for 16": ("xterm-256color", {"TEXTUAL_COLOR_SYSTEM": "standard"}),
    "none": ("xterm-256color", {"NO_COLOR": "1"}),
}


@pytest.mark.parametrize("colours", FEW)
@pytest.mark.parametrize(("state", "said"), [("outage", "FAIL"), ("degraded", "DEGRADED"), ("healthy", "WARN")])
def test_the_overview_is_readable(state: str, said: str, colours: str, tmp_path: Path) -> None:
    term, environment = FEW[colours]
    with dashboard_in(state, tmp_path / "log", term=term, environment=environment) as terminal:
        terminal.wait_for("QUEUE")
        terminal.wait_for(said)
        for key in ("", "l", "j", "l"):
            terminal.type(key)
            terminal.wait_for(said)
            terminal.read_for(0.3)
            assert not terminal.unreadable()
            assert "▸" in terminal.shown, "the cursor is a sign, not only a ground"
