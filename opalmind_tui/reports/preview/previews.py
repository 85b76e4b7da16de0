"""Previews of a time to live for an operator: the look-ups of all processes, and what was counted in the same time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from opalmind_tui.reports.preview.access_log import AccessLog, Lookups
from opalmind_tui.snapshot.model import PreviewPoint, TtlPreview

if TYPE_CHECKING:
    from opalmind_tui.reports.preview.sample import Sample

REREAD_AFTER = 30.0
"""Seconds for which the look-ups that were read once are good enough: an operator tries several times to live."""

Counted = Callable[[str, float, float], Awaitable[tuple[int, int] | None]]
"""Look-ups and misses of a feature (empty: of all) between two moments, or None where nobody counted."""


class Previews:
    """Predicts from what was observed.

    Args:
        log: the sample of look-ups.
        counted: what the counters say of the same time.
        present: seconds in force for a feature (empty: for reports without a time of their own).
    """

    def __init__(
        self,
        log: AccessLog,
        counted: Counted,
        present: Callable[[str], float],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._log, self._counted, self._present, self._clock = log, counted, present, clock
        self._read_at = float("-inf")
        self._lookups: Lookups | None = None

    async def preview(self, feature: str, seconds: float | None = None) -> TtlPreview:
        """What times to live would do to a feature, or to all reports (empty). Raises `StoreUnavailable`.

        Args:
            seconds: a time that somebody thinks of, beside those of the chart and the one in force.
        """
        lookups = await self._newest()
        counted = await self._counted(feature, lookups.begins, lookups.ends)
        total, missed = counted or (None, None)
        sample = lookups.sample(feature, total=total, missed=missed)
        present = self._present(feature)
        # In a thread: a second of arithmetic must not stand between a key and the screen.
        return await asyncio.to_thread(_previewed, feature, sample, present, seconds)

    async def _newest(self) -> Lookups:
        now = self._clock()
        if self._lookups is None or not 0 <= now - self._read_at < REREAD_AFTER:
            self._lookups, self._read_at = await self._log.read(now), now
        return self._lookups


def _previewed(feature: str, sample: Sample, present: float, seconds: float | None) -> TtlPreview:
    from opalmind_tui.reports.preview.predict import CANDIDATES

    measured = None
    if sample.total and sample.missed is not None:
        measured = 1 - sample.missed / sample.total
    return TtlPreview(
        feature=feature,
        present=_point(sample, present, present),
        proposed=None if seconds is None else _point(sample, seconds, present),
        candidates=tuple(_point(sample, ttl, present) for ttl in CANDIDATES),
        measured=measured,
        share=sample.rate,
        seconds=max(0.0, sample.ends - sample.begins),
    )


def _point(sample: Sample, ttl: float, present: float) -> PreviewPoint:
    from opalmind_tui.reports.preview.predict import Prediction, predict

    found = predict(sample, ttl, present)
    if not isinstance(found, Prediction):
        return PreviewPoint(ttl, reason=found.reason)
    return PreviewPoint(
        ttl=ttl,
        hit_rate=found.hit_rate,
        margin=found.margin,
        requests_per_hour=found.requests_per_hour,
        entries=found.entries,
        memory=found.memory,
        expiring=found.expiring,
    )
