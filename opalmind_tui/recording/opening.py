"""Opens a recording. Nothing in the file is trusted: its size, its lines and its values have bounds."""

from __future__ import annotations

import os
import stat
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from opalmind_tui.recording.codec import Codec
from opalmind_tui.recording.coders import Misfit
from opalmind_tui.recording.form import GZIP, LONGEST_LINE, MOST_ENTRIES, BadRecording, Head, head_of, moment_of, parsed
from opalmind_tui.snapshot.audit import AuditEntry
from opalmind_tui.snapshot.model import Snapshot

MOST_BYTES = 256 * 2**20
"""Of the file."""
MOST_UNPACKED = 2**30
MOST_SNAPSHOTS = 500_000
_CHUNK = 2**18
_ZEROS = bytes(64)
"""What a disk that lost its power may have in place of the end."""
_AT_HAND = 2
"""Segments of which the snapshots are kept ready."""


class _Member(Struct):
    """A gzip member: where it begins in the file, and the moments of its snapshots."""

    start: int
    moments: list[float] = field(default_factory=list)


class Recording:
    """A file, opened.

    Args:
        data: all of it.

    Raises `BadRecording`.
    """

    def __init__(self, data: bytes) -> None:
        self.cut_off = data.endswith(_ZEROS)
        """Its end is missing, as after a crash."""
        self._data = data.rstrip(b"\0") if self.cut_off else data
        self._coder = Codec().of(Snapshot)
        self._ready: OrderedDict[int, list[Snapshot]] = OrderedDict()
        self.audit: tuple[AuditEntry, ...] = ()
        """What operators did, the newest first."""
        self.head, self._members = self._index()
        self.moments = tuple(moment for member in self._members for moment in member.moments)
        """Of all snapshots, as they were taken: epoch seconds."""
        if not self.moments:
            raise BadRecording("It holds no snapshot" + (": its end is missing" if self.cut_off else ""))
        self.snapshot(0)

    def snapshot(self, number: int) -> Snapshot:
        """A snapshot by its number from 0. Raises `BadRecording`."""
        for at, member in enumerate(self._members):
            if number < len(member.moments):
                return self._snapshots(at)[number]
            number -= len(member.moments)
        raise IndexError(number)

    def _index(self) -> tuple[Head, list[_Member]]:
        head: Head | None = None
        members: list[_Member] = []
        count = 0
        for start, raw in self._raw():
            if head is None:
                head = head_of(raw)
                continue
            if not members or members[-1].start != start:
                members.append(_Member(start))
            content = parsed(raw)
            if "full" in content or "next" in content:
                if "next" in content and not members[-1].moments:
                    raise BadRecording("It is damaged: a part of it has no beginning")
                members[-1].moments.append(moment_of(content))
                count += 1
            elif isinstance(content.get("audit"), list):
                self.audit = self._entries(content["audit"])
            if count > MOST_SNAPSHOTS:
                raise BadRecording(f"It holds more than {MOST_SNAPSHOTS:,} snapshots")
        if head is None:
            raise BadRecording("It is no recording of this program, or its beginning is missing")
        return head, members

    def _entries(self, plain: list[Any]) -> tuple[AuditEntry, ...]:
        coder = Codec().of(AuditEntry)
        try:
            return tuple(map(coder.value, plain[:MOST_ENTRIES]))
        except Misfit as error:
            raise BadRecording(f"It is damaged: its audit trail has {error}") from None

    def _raw(self) -> Iterator[tuple[int, bytes]]:
        """Each line, and where the member begins that it is in."""
        at, budget = 0, MOST_UNPACKED
        while at < len(self._data):
            member = _Unpacking(self._data, at, budget)
            for raw in member.lines():
                yield at, raw
            budget, at = member.budget, member.end
            self.cut_off = self.cut_off or not member.complete

    def _snapshots(self, at: int) -> list[Snapshot]:
        """All snapshots of a member."""
        if at in self._ready:
            self._ready.move_to_end(at)
            return self._ready[at]
        found: list[Snapshot] = []
        try:
            for raw in _Unpacking(self._data, self._members[at].start, MOST_UNPACKED).lines():
                content = parsed(raw)
                if "full" in content:
                    found.append(self._coder.value(content["full"]))
                elif "next" in content:
                    found.append(self._coder.changed(found[-1], content["next"]))
        except (Misfit, IndexError, RecursionError) as error:
            raise BadRecording(f"It is damaged, or of a newer version: it has {error}") from None
        self._ready[at] = found
        while len(self._ready) > _AT_HAND:
            self._ready.popitem(last=False)
        return found


class _Unpacking:
    """One gzip member, line by line.

    Args:
        data: the file. at: where the member begins.
        budget: bytes that it may unpack to.
    """

    def __init__(self, data: bytes, at: int, budget: int) -> None:
        self._data, self._at = data, at
        self.end = at
        """Where the next one begins, once this one was read."""
        self.budget = budget
        self.complete = False

    def lines(self) -> Iterator[bytes]:
        """Whole lines; a last one that was cut off is left out. Raises `BadRecording`."""
        unpacker = zlib.decompressobj(GZIP)
        rest = b""
        while not unpacker.eof:
            source = unpacker.unconsumed_tail
            if not source:
                source = self._data[self._at : self._at + _CHUNK]
                self._at += len(source)
            try:
                piece = unpacker.decompress(source, _CHUNK)
            except zlib.error:
                raise BadRecording("It is damaged, or no recording: it cannot be unpacked") from None
            self.end = self._at - len(unpacker.unused_data)
            self.budget -= len(piece)
            *whole, rest = (rest + piece).split(b"\n")
            if self.budget < 0 or len(rest) > LONGEST_LINE:
                raise BadRecording("It unpacks to more than a recording can be")
            yield from whole
            if not source and not piece:
                return
        self.complete = True


def open_recording(path: Path) -> Recording:
    """Open a recording. Raises `BadRecording`, which names the file."""
    try:
        return Recording(_read(path))
    except OSError as error:
        raise BadRecording(f"{path}: {os.strerror(error.errno or 0)}") from None
    except BadRecording as error:
        raise BadRecording(f"{path}: {error}") from None


def _read(path: Path) -> bytes:
    # A pipe or a device would be waited for.
    found = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(found, "rb") as file:
        about = os.fstat(found)
        if not stat.S_ISREG(about.st_mode):
            raise BadRecording("It is no file")
        if about.st_size > MOST_BYTES:
            raise BadRecording(f"It is larger than {MOST_BYTES // 2**20} MiB")
        return file.read(MOST_BYTES)
