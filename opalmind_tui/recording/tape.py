"""The newest snapshots, packed: what changed from one to the next, in segments that each begin with a whole one."""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Callable

from msgspec import Struct, field

from opalmind_tui.recording.codec import Codec
from opalmind_tui.recording.coders import Clean
from opalmind_tui.recording.form import GZIP, LONGEST_LINE, line
from opalmind_tui.snapshot.model import Snapshot

KEPT = 30 * 60.0
"""Seconds that are kept."""
MOST_BYTES = 16 * 2**20
"""Packed bytes that are kept at the most; then less than `KEPT` is."""
APART = 0.9
"""Seconds between two snapshots at the least; one that comes sooner is left out."""
MOST_FRAMES = 4 * 1800
"""Snapshots that are kept at the most, whatever the clock says."""
SEGMENT_FRAMES, SEGMENT_BYTES = 180, 2**20
_LEVEL = 6


class Segment(Struct):
    """Snapshots that are dropped together."""

    began: float
    data: bytearray = field(default_factory=bytearray)
    frames: int = 0


class Tape:
    """Takes one snapshot after the other.

    Args:
        clean: every text goes through it (I10).
        sink: gets every piece of the packed form, as it comes, also of what is no longer kept here. What it got so
            far can be read up to the last snapshot.
    """

    def __init__(self, clean: Clean = str, sink: Callable[[bytes], None] | None = None) -> None:
        self._coder = Codec(clean).of(Snapshot)
        self._sink = sink
        self._segments: deque[Segment] = deque()
        self._packer = _packer()
        self._last: Snapshot | None = None
        self.left_out = 0
        """Snapshots that were too large for a line."""

    def take(self, snapshot: Snapshot) -> None:
        """Note a snapshot, unless it comes right after the last one."""
        last = self._last
        since = snapshot.taken_at - last.taken_at if last is not None else 0.0
        if last is not None and 0 <= since < APART:
            return
        current = self._segments[-1] if self._segments else None
        # A clock that was set back begins anew: times in a segment only grow.
        if current is None or last is None or since < 0 or _full(current):
            self._begin(snapshot)
        else:
            self._write(current, line({"at": snapshot.taken_at, "next": self._coder.change(last, snapshot)}), snapshot)
        self._forget(snapshot.taken_at)

    def _begin(self, snapshot: Snapshot) -> None:
        self._close()
        written = line({"at": snapshot.taken_at, "full": self._coder.plain(snapshot)})
        segment, self._packer = Segment(snapshot.taken_at), _packer()
        self._segments.append(segment)
        self._write(segment, written, snapshot)

    def _write(self, segment: Segment, written: bytes, snapshot: Snapshot) -> None:
        if len(written) > LONGEST_LINE:
            self.left_out += 1
            self._last = None
            return
        data = self._packer.compress(written) + self._packer.flush(zlib.Z_SYNC_FLUSH)
        segment.frames += 1
        segment.data += data
        self._last = snapshot
        if self._sink is not None:
            self._sink(data)

    def _close(self) -> None:
        """End the newest segment."""
        if self._segments:
            end = self._packer.flush()
            self._segments[-1].data += end
            if self._sink is not None and self._segments[-1].frames:
                self._sink(end)

    def _forget(self, now: float) -> None:
        segments = self._segments
        while len(segments) > 1 and (
            not segments[0].frames
            or segments[1].began < now - KEPT
            or self.frames > MOST_FRAMES
            or self.size > MOST_BYTES
        ):
            segments.popleft()

    @property
    def size(self) -> int:
        """Packed bytes."""
        return sum(len(segment.data) for segment in self._segments)

    @property
    def frames(self) -> int:
        """Snapshots that are kept."""
        return sum(segment.frames for segment in self._segments)

    @property
    def span(self) -> tuple[float, float]:
        """The moments of the oldest and the newest snapshot (epoch seconds); zeros where there is none."""
        return (self._segments[0].began, self._last.taken_at) if self._segments and self._last else (0.0, 0.0)

    def packed(self) -> bytes:
        """All that is kept, packed."""
        if not self._segments:
            return b""
        return b"".join(segment.data for segment in self._segments) + self._packer.copy().flush()

    def end(self) -> None:
        """No more will come: let the sink have the end."""
        self._close()
        self._segments.clear()
        self._last = None


def _packer() -> zlib._Compress:
    return zlib.compressobj(_LEVEL, zlib.DEFLATED, GZIP)


def _full(segment: Segment) -> bool:
    return segment.frames >= SEGMENT_FRAMES or len(segment.data) >= SEGMENT_BYTES
