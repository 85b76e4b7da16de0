"""Makes the pictures in ``screenshots/`` from the fixtures: ``python -m tests.tui.make_screenshots [--check]``."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

from opalmind_tui.tui.themes import DARK, LIGHT
from tests.tui.engine import FakeDemo, FakeEngine
from tests.tui.fixtures import STATES
from tests.tui.support import dashboard, settled

FOLDER = Path(__file__).parent.parent.parent / "screenshots"
SHOTS: dict[str, tuple[str, tuple[int, int], str, tuple[str, ...]]] = {
    "overview-80x24": ("healthy", (80, 24), DARK.name, ()),
    "overview-120x40": ("healthy", (120, 40), DARK.name, ()),
    "overview-200x60": ("backlog", (200, 60), DARK.name, ()),
    "overview-light": ("healthy", (120, 40), LIGHT.name, ()),
    "backlog": ("backlog", (120, 40), DARK.name, ()),
    "outage": ("outage", (120, 40), DARK.name, ()),
    "degraded": ("degraded", (120, 40), DARK.name, ()),
    "empty": ("empty", (80, 24), DARK.name, ()),
    "plan": ("outage", (120, 40), DARK.name, ("R",)),
    "ttl": ("healthy", (80, 24), DARK.name, ("t", "tab", "5", "m")),
    "demo": ("demo", (80, 24), DARK.name, ("m",)),
}
"""Name of the file: state, columns and rows, theme, keys pressed."""


async def picture(state: str, size: tuple[int, int], theme: str, keys: tuple[str, ...]) -> str:
    """The SVG of a state. The same text on every machine."""
    app = dashboard(FakeEngine(STATES[state]()), theme=theme, demo=FakeDemo() if state == "demo" else None)
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        for key in keys:
            await pilot.press(key)
            await settled(pilot)
        return steady(app.export_screenshot(title="opalmind-tui"))


def steady(svg: str) -> str:
    """Without the random number that Rich puts into the names of classes."""
    return re.sub(r"terminal-\d+", "terminal", svg)


async def main(check: bool) -> int:
    """Write all pictures, or (`check`) name those that differ from the code."""
    FOLDER.mkdir(exist_ok=True)
    differ = []
    for name, shot in SHOTS.items():
        path, svg = FOLDER / f"{name}.svg", await picture(*shot)
        if not check:
            path.write_text(svg, "utf-8")
        elif not path.exists() or path.read_text("utf-8") != svg:
            differ.append(name)
    for name in differ:
        print(f"screenshots/{name}.svg differs from the code")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main("--check" in sys.argv[1:])))
