"""The pictures that the README shows are those of the code."""

from __future__ import annotations

import pytest

from tests.tui.make_screenshots import FOLDER, SHOTS, picture


@pytest.mark.parametrize("name", SHOTS)
async def test_screenshot(name: str) -> None:
    assert (FOLDER / f"{name}.svg").read_text("utf-8") == await picture(*SHOTS[name]), (
        "run python -m tests.tui.make_screenshots"
    )


def test_no_other_pictures() -> None:
    assert {path.stem for path in FOLDER.glob("*.svg")} == set(SHOTS)
