"""The demo in a pseudo-terminal, from the first paint to the end, leaving nothing behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.program import command
from tests.drive_demo import delivered, drive


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (120, 40)])
def test_the_demo_delivers_and_leaves_nothing(
    columns: int, lines: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "t"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    shown = drive(command("demo"), columns, lines)
    assert delivered(shown) > 0
    # The server's socket and data lie there while it runs.
    assert list(folder.iterdir()) == []
