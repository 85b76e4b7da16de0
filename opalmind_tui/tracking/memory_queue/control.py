"""What operators ask of delivery, as this process knows it: what Redis said last, and what was asked for here since."""

from __future__ import annotations

import math

from msgspec import Struct, field
from msgspec.structs import replace

from opalmind_tui.snapshot.model import Control, Pause, RateLimit
from opalmind_tui.tracking.control import BURST, ControlChange, Wish

_NOTHING = Control()


class _Known(Struct):
    """Of one endpoint. The rate's hits come free from `free_from` on (epoch seconds)."""

    control: Control = _NOTHING
    free_from: float = -math.inf
    own: dict[Wish, ControlChange] = field(default_factory=dict)


class Controls:
    """Controls by endpoint. Moments in epoch seconds."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}

    def get(self, endpoint: str, now: float) -> Control:
        """What is in force."""
        known = self._known.get(endpoint)
        if known is None:
            return _NOTHING
        paused = known.control.paused
        if paused is not None and paused.until <= now:
            known.control = replace(known.control, paused=None)
        return known.control

    def change(self, endpoint: str, change: ControlChange, now: float) -> bool:
        """An operator's wish, kept for Redis too; returns whether a pause or rate was in force before."""
        known = self._known.setdefault(endpoint, _Known())
        before = self.get(endpoint, now)
        known.own[change.wish] = replace(change, at=now)
        if change.wish is Wish.PAUSE:
            known.control = replace(before, paused=None if change.ends else _pause(change, now))
            return before.paused is not None
        self._set_rate(known, None if change.per_second is None else _rate(change, change.per_second, now), now)
        return before.rate is not None

    def follow(self, endpoint: str, control: Control, now: float) -> None:
        """What Redis says; what was asked for here stays until Redis has it."""
        known = self._known.get(endpoint)
        if known is None:
            if control == _NOTHING:
                return
            known = self._known.setdefault(endpoint, _Known())
        if Wish.PAUSE not in known.own:
            known.control = replace(known.control, paused=control.paused)
        if Wish.RATE not in known.own and control.rate != known.control.rate:
            self._set_rate(known, control.rate, now)

    @staticmethod
    def _set_rate(known: _Known, rate: RateLimit | None, now: float) -> None:
        known.control = replace(known.control, rate=rate)
        if rate is not None:
            known.free_from = now - 1 / rate.per_second

    def own(self) -> list[tuple[str, ControlChange]]:
        """What was asked for here and is not in Redis, oldest first."""
        found = [(endpoint, change) for endpoint, known in self._known.items() for change in known.own.values()]
        return sorted(found, key=lambda entry: entry[1].at or 0.0)

    def shared(self, endpoint: str, change: ControlChange) -> None:
        """Redis has it, or something newer."""
        own = self._known[endpoint].own
        if own.get(change.wish) == change:
            del own[change.wish]

    def hits_free(self, endpoint: str, limit: int, now: float) -> tuple[int, float]:
        """How many hits of at most `limit` may go now, and when the next one may."""
        known = self._known.get(endpoint)
        rate = known.control.rate if known is not None else None
        if known is None or rate is None:
            return limit, now
        step = 1 / rate.per_second
        known.free_from = min(now, max(known.free_from, now - max(step, BURST)))
        return min(limit, math.floor((now - known.free_from) / step + 1e-6)), known.free_from + step

    def take_hits(self, endpoint: str, number: int) -> None:
        """Hits go (or come back, below 0)."""
        known = self._known.get(endpoint)
        if known is not None and known.control.rate is not None:
            known.free_from += number / known.control.rate.per_second


def _pause(change: ControlChange, now: float) -> Pause:
    until = math.inf if change.seconds is None else now + change.seconds
    return Pause(change.by, change.reason, now, until)


def _rate(change: ControlChange, per_second: float, now: float) -> RateLimit:
    return RateLimit(change.by, change.reason, now, per_second)
