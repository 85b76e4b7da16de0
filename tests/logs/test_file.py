"""The dashboard's file: only its owner reads it, it is rotated, shared, and its end is safe to show."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from opalmind_tui.logs import file as log_file
from opalmind_tui.logs.file import OLDER, LogFile, last_lines
from opalmind_tui.tui.dialogs.log import log_text, written


def record(text: str) -> logging.LogRecord:
    return logging.LogRecord("a", logging.INFO, "", 0, text, (), None)


def test_only_its_owner_reads_it_and_it_stays_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_file, "LARGEST", 2_000)
    path = tmp_path / "state" / "log" / "dashboard.log"
    path.parent.mkdir(parents=True)
    path.touch(0o644)
    former = os.umask(0)
    try:
        one, other = LogFile(path), LogFile(path)
        assert path.stat().st_mode & 0o777 == 0o600, "a file that was open to all"
        for number in range(400):
            (one if number % 3 else other).emit(record(f"2026-01-01T00:00:00Z INFO line {number}"))
    finally:
        os.umask(former)
    files = sorted(path.parent.iterdir())
    assert len(files) == 1 + OLDER
    assert all(file.stat().st_mode & 0o777 == 0o600 and file.stat().st_size <= 2_100 for file in files)
    told = last_lines(path, 60).lines
    assert told[-1].endswith("line 399")
    assert [int(line.split()[-1]) for line in told] == list(range(340, 400)), "none lost, none twice, in order"
    one.close()
    other.close()


def test_a_file_that_went_away_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "dashboard.log"
    handler = LogFile(path)
    handler.emit(record("before"))
    path.unlink()
    handler.emit(record("after"))
    assert path.read_text() == "after\n"
    handler.close()


def test_the_end_of_any_file_is_safe_to_show(tmp_path: Path) -> None:
    path = tmp_path / "dashboard.log"
    path.write_bytes(b"x" * 3_000_000 + b"\n\x1b[2J\xff\xfe\n" + "‮evil".encode() + b"\x00" * 9 + b"\n" + b"y" * 9_000)
    lines = last_lines(path, 10).lines
    assert lines[0].startswith("␛[2J")
    assert lines[1].startswith("‹U+202E›evil")
    assert len(lines[2]) <= log_file.WIDEST


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "dashboard.log"
    assert last_lines(path).trouble == "No such file or directory"
    os.mkfifo(path)
    assert last_lines(path).trouble == "Invalid argument"
    path.unlink()
    (tmp_path / "other").write_text("a secret of somebody else\n")
    path.symlink_to(tmp_path / "other")
    assert last_lines(path).trouble
    with pytest.raises(OSError, match="symbolic"):
        LogFile(path)


def test_the_newest_event_is_first_and_keeps_its_lines() -> None:
    lines = ("rest", "2026-01-01T00:00:00Z INFO a", "2026-01-01T00:00:01Z ERROR b", "Traceback", "  c")
    page = written(log_file.Tail(lines), "/a/path").splitlines()
    assert page == [lines[2], "Traceback", "  c", lines[1], "rest", "", "/a/path"]
    assert "read-only" in log_text(read_only=True)
    assert "Permission denied" in written(log_file.Tail(trouble="Permission denied"), "/a/path")
