"""What this process has finished: never sent again, whatever the store forgot (I6)."""

from __future__ import annotations

from collections import OrderedDict

from opalmind_tui.tracking.prepare import Delivery

REMEMBERED = 100_000


class DeliveredMemory:
    """The newest requests that Matomo has taken, counted invalid or lost, by id.

    Args:
        limit: how many are remembered.
    """

    def __init__(self, limit: int = REMEMBERED) -> None:
        self._limit = limit
        self._deliveries: OrderedDict[str, Delivery] = OrderedDict()

    def remember(self, request_id: str, delivery: Delivery) -> None:
        """Matomo has answered for it."""
        self._deliveries[request_id] = delivery
        if len(self._deliveries) > self._limit:
            self._deliveries.popitem(last=False)

    def find(self, request_id: str) -> Delivery | None:
        """What became of it, if it is remembered."""
        return self._deliveries.get(request_id)
