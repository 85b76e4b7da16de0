"""What the scripts `enqueue` and `adopt` are told of a request that is offered."""

from __future__ import annotations

from typing import NamedTuple

from opalmind_tui.tracking.given import check_id
from opalmind_tui.tracking.redis_queue.keys import bytes_of, digest_of
from opalmind_tui.tracking.redis_queue.scripts import Argument
from opalmind_tui.tracking.request import TrackingRequest


class Offer(NamedTuple):
    """A request, encoded by its caller: what cannot be is the caller's mistake, and no concern of those who travel with
    it. So is an id that is none.

    Args:
        id: as `new_id` makes it.
        body: the stored form.
        key: its idempotency key as it stands in Redis, empty for none.
        fingerprint: of its payload.
    """

    id: str
    body: bytes
    key: bytes
    fingerprint: str

    @classmethod
    def of(cls, request_id: str, request: TrackingRequest) -> Offer:
        """An offer of this request. Raises `BadArgument` for an id that is none."""
        check_id(request_id)
        return cls(request_id, request.encode(), bytes_of(request.key), request.fingerprint)


def told_of(offer: Offer) -> tuple[Argument, ...]:
    """What the scripts are told of it."""
    return offer.id, offer.body, digest_of(offer.key), offer.fingerprint
