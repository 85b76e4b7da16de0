"""How many hits travel together: as many as Matomo takes, fewer after trouble, those of a failed bulk apart."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence

from opalmind_tui.tracking.answer_rules import Size
from opalmind_tui.tracking.prepare import Hit

MAX_BYTES = 512 * 1024
"""Bytes of one bulk; a single larger hit travels alone."""
REMEMBERED = 5_000
SINGLES = 20
"""Bulks of one after invalid hits that Matomo did not name: often more of them follow, and alone each is known."""


class BulkSize:
    """The size of bulks.

    Args:
        most: hits in one bulk at the most.
        max_bytes: bytes in one bulk at the most.

    A bulk that failed is split: its hits travel in halves until the one that made it fail is alone, while others go on
    at full size.
    """

    def __init__(self, most: int, *, max_bytes: int = MAX_BYTES) -> None:
        self._most = most
        self._max_bytes = max_bytes
        self._limits: OrderedDict[str, int] = OrderedDict()
        self._singles = 0
        self.now = most
        """Hits in the next bulk at the most."""

    def learn(self, advice: Size, posted: Sequence[Hit], *, done: bool) -> None:
        """Follow the advice of an answer to these hits; `done`: none of them is sent again."""
        number = len(posted)
        if advice is Size.ONE:
            self.now, self._singles = 1, SINGLES
        elif advice is Size.HALVE and number > 1:
            self.now = max(1, min(self.now, number // 2))
        elif advice is Size.GROW and self._singles > 0:
            self._singles -= 1
        elif advice is Size.GROW and number * 2 >= self.now:
            self.now = min(self._most, self.now * 2)
        if done:
            for hit in posted if self._limits else ():
                self._limits.pop(hit.claimed.id, None)
        elif advice is Size.HALVE and number > 1:
            for hit in posted:
                self._limits[hit.claimed.id] = max(1, number // 2)
            while len(self._limits) > REMEMBERED:
                self._limits.popitem(last=False)

    def split(self, hits: Sequence[Hit]) -> Iterator[Sequence[Hit]]:
        """The hits in order, cut into bulks that keep to the size, to the bytes and to each member's own limit."""
        if hits and self._fit(hits):
            yield hits
            return
        start, size, limit = 0, 0, self.now
        for place, hit in enumerate(hits):
            # What failed alone before, in whatever process, goes alone: it shall take nobody with it.
            own = 1 if hit.claimed.alone else self._limits.get(hit.claimed.id, self._most)
            length = len(hit.claimed.body)
            if place > start and (place - start >= min(limit, own) or size + length > self._max_bytes):
                yield hits[start:place]
                start, size, limit = place, 0, self.now
            limit = min(limit, own)
            size += length
        if start < len(hits):
            yield hits[start:]

    def _fit(self, hits: Sequence[Hit]) -> bool:
        """Whether they can travel together as they are, as they nearly always can."""
        if len(hits) > self.now or self._limits or any(hit.claimed.alone for hit in hits):
            return False
        return sum([len(hit.claimed.body) for hit in hits]) <= self._max_bytes
