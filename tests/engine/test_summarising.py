"""A hand-over's file: whole or none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from opalmind_tui.engine.summarising import save_summary


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device here")
def test_a_full_disk_leaves_no_half_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def full(path: object, *more: int) -> int:
        found: int = real(path, *more)  # type: ignore[call-overload]
        if not str(path).startswith(str(tmp_path / "full")):
            return found
        os.close(found)
        return real("/dev/full", os.O_WRONLY)

    monkeypatch.setattr(os, "open", full)
    saved = save_summary("text", (tmp_path / "full", tmp_path / "good"))
    assert saved.read_text("utf-8") == "text"
    assert saved.parent == tmp_path / "good"
    assert list((tmp_path / "full").iterdir()) == []
