"""What the senders of one process share."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from msgspec import Struct, field

from opalmind_tui.matomo.answer import BulkAnswer
from opalmind_tui.tracking.backoff import Backoff
from opalmind_tui.tracking.bulk_size import BulkSize
from opalmind_tui.tracking.delivered_memory import DeliveredMemory
from opalmind_tui.tracking.duties import Duties
from opalmind_tui.tracking.lease_keeper import LeaseKeeper
from opalmind_tui.tracking.queue import TrackingQueue
from opalmind_tui.tracking.send_stats import SendCounter
from opalmind_tui.tracking.token_use import TokenUse


class Poster(Protocol):
    """What posts bulks: `matomo.tracking_client.TrackingClient`."""

    async def post_bulk(self, hits: Sequence[Mapping[str, str]], *, with_token: bool) -> BulkAnswer:
        """Post them; never raises for trouble with the network."""
        ...

    async def close(self) -> None:
        """Close the connections."""
        ...


class Shared(Struct):
    """What the senders of one process share."""

    queue: TrackingQueue
    endpoint: str
    lease: float
    keeper: LeaseKeeper
    duties: Duties
    counter: SendCounter
    token_use: TokenUse
    size: BulkSize
    backoff: Backoff
    wake: Callable[[], None]
    """Have another sender look, if one rests."""
    clock: Callable[[], float] = time.time
    delivered: DeliveredMemory = field(default_factory=DeliveredMemory)
    cooldowns: int = 0
    """Cooldowns in a row: the queue's gate forgets its failures when a cooldown ends."""
    resend_unknown: bool = True
    """Whether what was posted and not answered is sent again; else it is dead, and an operator decides."""
    closed_until: float = float("-inf")
    """By the loop's clock: the endpoint is closed, and the store could not be told."""
    closings: int = 0
    """How often an answer closed the endpoint: what was claimed before is not posted after it."""
    brisk: bool = False
    """The newest bulk was taken so fast that the next may be marked as posted when it is claimed."""
    steady: bool = False
    """The newest bulk was taken, and fast enough that the next may be claimed while one is under way."""
    taking: bool = False
    """The newest answer came from a Matomo that stores what it gets."""
    visitors: set[str] = field(default_factory=set)
    """Visitor shards (third characters of ids) of which the senders of this process post hits just now."""
    stopping: bool = False
