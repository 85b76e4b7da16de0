"""Recordings in files: bounded, readable after a crash, and a clear error for whatever is none."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from msgspec.structs import replace

from opalmind_tui import exits
from opalmind_tui.cli.main import run as run_here
from opalmind_tui.errors import BadArgument
from opalmind_tui.matomo.masking import mask
from opalmind_tui.recording import files
from opalmind_tui.recording.files import CannotRecord, save
from opalmind_tui.recording.form import BadRecording
from opalmind_tui.recording.opening import Recording, open_recording
from opalmind_tui.recording.playback import Playback
from opalmind_tui.recording.recorder import Recorder
from opalmind_tui.recording.tape import KEPT, Tape
from opalmind_tui.snapshot.model import Snapshot
from tests.tui.fixtures import NOW, STATES, healthy

HEAD = b'{"opalmind":"recording","version":[1,0],"product":"0.1.0","at":1.0}\n'
FULL = b'{"at":1.0,"full":{}}\n'


def film(seconds: int) -> list[Snapshot]:
    """Another state every ten seconds."""
    states = [make() for make in STATES.values()]
    return [replace(states[at // 10 % len(states)], taken_at=NOW + at) for at in range(seconds)]


def recorded(snapshots: list[Snapshot]) -> bytes:
    recorder = Recorder("0.1.0")
    for snapshot in snapshots:
        recorder.take(snapshot)
    return recorder.contents()


def all_of(recording: Recording) -> list[Snapshot]:
    return [recording.snapshot(number) for number in range(len(recording.moments))]


def test_what_was_taken_comes_back_over_segments() -> None:
    snapshots = film(400)
    found = Recording(recorded(snapshots))
    assert all_of(found) == snapshots
    assert not found.cut_off


def test_memory_is_bounded_by_time_and_a_second_look_in_a_second_is_left_out() -> None:
    tape, snapshot = Tape(), replace(healthy(), history=())
    for second in range(5400):
        tape.take(replace(snapshot, taken_at=NOW + second))
        tape.take(replace(snapshot, taken_at=NOW + second + 0.3))
    first, last = tape.span
    assert KEPT <= last - first <= KEPT + 200
    assert tape.frames == last - first + 1
    assert tape.size < 1_000_000


def test_cut_off_or_damaged_anywhere_it_is_read_as_far_as_it_goes_or_refused() -> None:
    data = recorded(film(30))
    whole = Recording(data).moments
    readable = 0
    for at in range(1, len(data), max(1, len(data) // 150)):
        try:
            found = Recording(data[:at])
        except BadRecording:
            pass
        else:
            readable += 1
            assert found.moments == whole[: len(found.moments)]
            all_of(found)
        flipped = data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :]
        with pytest.raises(BadRecording):
            all_of(Recording(flipped))
    assert readable > 50


def test_zeros_in_place_of_the_end_are_as_a_missing_end() -> None:
    data = recorded(film(30))
    found = Recording(data[: len(data) * 3 // 4] + bytes(4096))
    assert found.cut_off
    assert found.moments


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "no recording"),
        (b"hello\n", "no recording"),
        (HEAD, "no snapshot"),
        (FULL, "no recording"),
        (HEAD.replace(b"[1,0]", b"[2,0]") + FULL, "of version 2"),
        (HEAD.replace(b"[1,0]", b"[1]") + FULL, "no recording"),
        (HEAD + b'{"at":1.0,"next":{}}\n', "no beginning"),
        (HEAD + b'{"at":NaN,"full":{}}\n', "no JSON"),
        (HEAD + b'{"full":{}}\n', "no time"),
        (HEAD + b'{"at":1e300,"full":{}}\n', "no time"),
        (HEAD + b"[" * 100_000 + b"\n", "no JSON"),
        (HEAD + b'{"at":1.0,"full":{"takenAt":' + b"9" * 5000 + b"}}\n", "damaged"),
        (HEAD + b'{"at":1.0,"full":{"cause":7}}\n', "damaged"),
        (HEAD + FULL + b'{"audit":[7]}\n', "damaged"),
        (HEAD + b" " * (9 * 2**20), "unpacks to more"),
    ],
)
def test_what_is_no_recording_is_named(raw: bytes, said: str) -> None:
    members = raw.splitlines(keepends=True)
    data = b"".join([gzip.compress(b"".join(members[:1])), gzip.compress(b"".join(members[1:]))])
    with pytest.raises(BadRecording, match=said):
        Recording(data)


def test_a_bomb_is_refused_before_it_fills_the_memory() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    line = b'{"x":"' + b"x" * 2**20 + b'"}\n'
    data = gzip.compress(HEAD) + b"".join(packer.compress(line) for _ in range(1100)) + packer.flush()
    assert len(data) < 8_000_000
    with pytest.raises(BadRecording, match="unpacks to more"):
        Recording(data)


def test_lines_of_a_newer_minor_version_are_passed_over() -> None:
    newer = HEAD.replace(b"[1,0]", b"[1,7]") + b'{"sound":[1]}\n' + FULL
    assert Recording(gzip.compress(newer[: len(HEAD)]) + gzip.compress(newer[len(HEAD) :])).snapshot(0) == Snapshot()


def test_secrets_are_in_no_recording(tmp_path: Path) -> None:
    secret = "0123456789abcdef0123456789abcdef"
    leak = replace(healthy(), cause=f"It said token_auth={secret}", taken_at=NOW + 5)
    recorder = Recorder("0.1.0", lambda text: mask(text, (secret,)), tmp_path / "r.gz", NOW)
    for snapshot in (replace(leak, taken_at=NOW), healthy(), leak):
        recorder.take(snapshot)
    kept = recorder.contents()
    recorder.end()
    for data in (kept, (tmp_path / "r.gz").read_bytes()):
        assert secret not in gzip.decompress(data).decode()
    assert "•••" in json.dumps(Recording(kept).snapshot(0).cause, ensure_ascii=False)


def test_killed_while_recording_it_is_readable_up_to_the_last_snapshot(tmp_path: Path) -> None:
    path = tmp_path / "r.gz"
    script = (
        "import os, signal, time\nfrom pathlib import Path\nfrom tests.recording.test_files import film\n"
        "from opalmind_tui.recording.recorder import Recorder\n"
        f"recorder = Recorder('0.1.0', str, Path({str(path)!r}), 1.0)\n"
        "for snapshot in film(50): recorder.take(snapshot)\n"
        "while recorder.file._pieces.qsize(): time.sleep(0.01)\n"
        "time.sleep(0.2)\nos.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parents[2], timeout=60, check=False)
    assert done.returncode == -9
    assert path.stat().st_mode & 0o777 == 0o600
    found = open_recording(path)
    assert found.cut_off
    assert all_of(found) == film(50)


def test_a_file_that_is_there_is_never_written_over_and_one_that_is_full_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CannotRecord, match="File exists"):
        Recorder("0.1.0", str, Path(__file__))
    with pytest.raises(CannotRecord, match="cannot take"):
        save(b"x", NOW, Path(__file__))
    monkeypatch.setattr(files, "MOST_WRITTEN", 60_000)
    recorder = Recorder("0.1.0", str, tmp_path / "r.gz", NOW)
    for snapshot in film(300):
        recorder.take(snapshot)
    recorder.end()
    assert "the recording ends there" in recorder.trouble
    assert (tmp_path / "r.gz").stat().st_size <= 60_000
    assert open_recording(tmp_path / "r.gz").cut_off


def test_the_command_refuses_what_is_no_recording(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x\x1b[2J").write_bytes(b"nothing of the kind")
    for name in ("missing.gz", "x\x1b[2J", "."):
        assert run_here(["replay", str(tmp_path / name)]) == exits.UNUSABLE
        said = capsys.readouterr()
        assert said.out == ""
        assert "\x1b" not in said.err
        assert str(tmp_path) in said.err


def test_time_passes_as_it_did_but_for_gaps() -> None:
    playback = Playback((NOW, NOW + 1, NOW + 2, NOW + 500, NOW + 501))
    assert not playback.advance(9)
    playback.toggle()
    assert not playback.advance(0.5)
    assert playback.advance(0.6)
    assert playback.number == 1
    playback.change_speed(2)
    playback.advance(0.9)
    assert playback.number == 3, "a gap is passed over"
    playback.advance(9)
    assert (playback.number, playback.playing) == (4, False)


@pytest.mark.parametrize(
    ("typed", "number"),
    [("+5s", 15), ("+1m", 70), ("-1h", 0), ("02:31:27", 20), ("2:32", 53), ("2025-03-01 02:31:27", 20), ("50%", 299),
     ("+3", 13), ("2024-01-01 00:00", 0), ("23:59", 599)],
)  # fmt: skip
def test_jumps(typed: str, number: int) -> None:
    playback = Playback(tuple(NOW + second for second in range(600)))
    playback.step(10)
    playback.jump(typed)
    assert playback.number == number


@pytest.mark.parametrize("typed", ["", "x", "25:00", "5", "+", "٣:٣٣", "9999-99-99 00:00", "%"])
def test_what_is_no_time_is_refused(typed: str) -> None:
    with pytest.raises(BadArgument):
        Playback((NOW,)).jump(typed)
