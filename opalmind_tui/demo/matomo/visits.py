"""Visits as Matomo tells them apart: the same visitor within half an hour."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

from msgspec import Struct, field

GAP = 1800.0
"""Seconds without a hit after which a visit is over."""
KEEP = 5000
"""Visits and orders remembered; the oldest are forgotten."""


class Visit(Struct):
    """A visit that is going on. Moments in epoch seconds; `entry`, `page` are its first and its newest page."""

    first: float
    last: float
    actions: int = 0
    goals: set[int] = field(default_factory=set)
    converted: bool = False
    seen: float = 0.0
    entry: str = ""
    page: str = ""
    labels: tuple[tuple[str, ...], ...] = ()
    """The rows of the reports that it counts in."""


def visitor_of(params: Mapping[str, str], address: str, agent: str) -> str:
    """What tells visitors apart: `uid`, else `cid`, else address and user agent (never `_id` alone)."""
    if uid := params.get("uid", "").strip():
        return f"uid:{uid}"
    if cid := params.get("cid"):
        return f"cid:{cid}"
    return f"net:{params.get('cip') or address}|{params.get('ua') or agent}"


class Visits:
    """The visits of all sites, and the orders that were taken."""

    def __init__(self) -> None:
        self._visits: OrderedDict[tuple[int, str], Visit] = OrderedDict()
        self._orders: OrderedDict[tuple[int, str], None] = OrderedDict()

    def find(self, site: int, visitor: str, time: float) -> Visit | None:
        """The visit that a hit at `time` belongs to, if one is going on."""
        visit = self._visits.get((site, visitor))
        return visit if visit is not None and visit.first - GAP <= time <= visit.last + GAP else None

    def join(self, site: int, visitor: str, time: float) -> tuple[Visit, bool]:
        """That visit, or a new one (true)."""
        visit, new = self.find(site, visitor, time), False
        if visit is None:
            visit, new = Visit(time, time), True
            self._visits[site, visitor] = visit
        self._visits.move_to_end((site, visitor))
        while len(self._visits) > KEEP:
            self._visits.popitem(last=False)
        visit.last = max(visit.last, time)
        return visit, new

    def ordered(self, site: int, order: str) -> bool:
        """True when this order was taken before."""
        return (site, order) in self._orders

    def take_order(self, site: int, order: str) -> None:
        """Remember an order."""
        self._orders[site, order] = None
        while len(self._orders) > KEEP:
            self._orders.popitem(last=False)
