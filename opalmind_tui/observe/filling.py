"""How many records of what was sent there will be once the first ones expire: from a look at the ages of a few."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from opalmind_tui.observe.keyspace import Keyspace
from opalmind_tui.observe.looks import Looker
from opalmind_tui.settings.model import Settings
from opalmind_tui.storage.trouble import TROUBLES, trouble

if TYPE_CHECKING:
    from redis.asyncio import Redis

LOOKS = 300
"""Keys that are drawn, in one round trip."""
FEWEST = 30
"""Records among them below which nothing is said."""
YOUNG = 1 / 8
"""Share of the time to live; records younger than that tell how many come."""
_CLASS = "idempotency"


class Filling(Struct, frozen=True):
    """Records as they are, and as they will be while as many come as of late.

    Args:
        ttl: seconds that each is kept.
        now, then: how many.
        bytes_each: memory of one, on average.
    """

    ttl: float
    now: int
    then: int
    bytes_each: float

    @property
    def growth(self) -> float:
        """Bytes of memory that come on top."""
        return max(0, self.then - self.now) * self.bytes_each


async def filling(client: Redis, settings: Settings, ttl: float) -> Filling | None:
    """Look at random keys. None where there are too few records, or their memory may not be asked.

    Args:
        client: answers in bytes.
        ttl: seconds that a new record is kept.

    Raises `StoreUnavailable`.
    """
    looker = Looker(Keyspace(settings), (settings.idempotency_prefix, settings.cache_prefix))
    try:
        total = int(await client.dbsize())
        looks = await looker.random(client, LOOKS)
    except TROUBLES as error:
        raise trouble(error) from error
    records = [look for look in looks if look.place[0] == _CLASS and look.ttl is not None]
    sizes = [look.size for look in records if look.size is not None]
    if len(records) < FEWEST or len(sizes) < len(records) or ttl <= 0:
        return None
    young = sum(ttl - (look.ttl or 0.0) <= YOUNG * ttl for look in records)
    now = total * len(records) / len(looks)
    return Filling(ttl, round(now), round(now * young / len(records) / YOUNG), sum(sizes) / len(sizes))
