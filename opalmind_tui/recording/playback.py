"""Where a replay is, and how it goes on. Pure: whoever has a clock tells how much time has passed."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime

from opalmind_tui.errors import BadArgument

SPEEDS = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
LONGEST_WAIT = 3.0
"""Seconds of a gap in the recording that are played; the rest is passed over."""
_OFFSET = re.compile(r"([+-])((?:\d+(?:\.\d+)?[smh])+|\d+(?:\.\d+)?)")
_PART = re.compile(r"(\d+(?:\.\d+)?)([smh])")
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}
_CLOCK = re.compile(r"(?:(\d{4}-\d\d-\d\d)[T ])?(\d{1,2}):(\d\d)(?::(\d\d))?Z?")
ACCEPTED = "02:31 or 02:31:07 (UTC), a date before it, +5m, -30s, or 50%"


class Playback:
    """A position in a recording.

    Args:
        moments: of its snapshots, epoch seconds, as they were taken.
    """

    def __init__(self, moments: Sequence[float]) -> None:
        self.moments = moments
        self.number = 0
        """Of the snapshot in view, from 0."""
        self.playing = False
        self.speed = 1.0
        self._waited = 0.0

    @property
    def at_end(self) -> bool:
        """The last snapshot is in view."""
        return self.number >= len(self.moments) - 1

    @property
    def elapsed(self) -> float:
        """Seconds from the first snapshot to the one in view."""
        return max(0.0, self.moments[self.number] - self.moments[0])

    @property
    def length(self) -> float:
        """Seconds from the first snapshot to the last."""
        return max(0.0, self.moments[-1] - self.moments[0])

    def toggle(self) -> None:
        """Play, or pause; from the end: from the beginning."""
        self.playing = not self.playing
        self._waited = 0.0
        if self.playing and self.at_end:
            self.number = 0

    def change_speed(self, steps: int) -> None:
        """Play faster (positive) or slower."""
        self.speed = SPEEDS[max(0, min(len(SPEEDS) - 1, SPEEDS.index(self.speed) + steps))]

    def step(self, steps: int) -> None:
        """Pause, and go so many snapshots on (back, if negative)."""
        self.playing = False
        self._stand(self.number + steps)

    def advance(self, seconds: float) -> bool:
        """Let time pass while it plays. True where another snapshot is in view then."""
        before = self.number
        self._waited += seconds * self.speed
        while self.playing and not self.at_end:
            wait = self.moments[self.number + 1] - self.moments[self.number]
            wait = max(0.0, min(wait, LONGEST_WAIT))
            if self._waited < wait:
                break
            self._waited -= wait
            self.number += 1
        if self.at_end:
            self.playing = False
        return self.number != before

    def jump(self, typed: str) -> None:
        """Go to a time as typed. Raises `BadArgument`, which says what is accepted."""
        self._stand(self._found(typed.strip()))

    def _found(self, typed: str) -> int:
        if offset := _OFFSET.fullmatch(typed):
            parts = _PART.findall(offset[2]) or [(offset[2], "s")]
            seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
            return self._at(self.moments[self.number] + (seconds if offset[1] == "+" else -seconds))
        if typed.endswith("%") and typed[:-1].isascii() and typed[:-1].isdigit() and len(typed) < 6:
            return self._at(self.moments[0] + self.length * min(100, int(typed[:-1])) / 100)
        if clock := _CLOCK.fullmatch(typed):
            return self._at(self._moment(clock))
        raise BadArgument("time", f"accepted are {ACCEPTED}")

    def _moment(self, clock: re.Match[str]) -> float:
        """The time on the day that was typed, else on the first day after the recording began that has it."""
        try:
            day = clock[1] or datetime.fromtimestamp(self.moments[0], UTC).strftime("%Y-%m-%d")
            typed = f"{day} {clock[2]:0>2}:{clock[3]}:{clock[4] or '00'} +0000"
            moment = datetime.strptime(typed, "%Y-%m-%d %H:%M:%S %z").timestamp()
        except (ValueError, OverflowError, OSError):
            raise BadArgument("time", "there is no such time") from None
        if clock[1] or moment >= self.moments[0] or moment + 86_400 > self.moments[-1]:
            return moment
        return moment + 86_400

    def _at(self, moment: float) -> int:
        """The last snapshot that was taken by then."""
        return bisect_right(self.moments, moment) - 1

    def _stand(self, number: int) -> None:
        self.number = max(0, min(len(self.moments) - 1, number))
        self._waited = 0.0
