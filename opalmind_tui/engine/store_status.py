"""Where the data lives now, for a snapshot."""

from __future__ import annotations

from msgspec.structs import replace

from opalmind_tui.engine.stores import Stores
from opalmind_tui.observe.durability import durability
from opalmind_tui.settings import Settings
from opalmind_tui.snapshot.model import Mode, Reading, ServerView, StoreStatus
from opalmind_tui.storage.cluster import home_address, primaries_known
from opalmind_tui.storage.connection import address


def store_status(settings: Settings, stores: Stores, server: Reading[ServerView], hand_over: str) -> StoreStatus:
    """Which store serves, why, and what survives which crash.

    Args:
        hand_over: the folder where requests of this process would be saved.
    """
    queue, link = stores.queue, stores.link
    return StoreStatus(
        mode=queue.mode,
        since=queue.since if queue.mode is Mode.MEMORY else link.since,
        reason=link.trouble.sentence if link.trouble else "",
        remedy=link.trouble.remedy if link.trouble else "",
        only_here=queue.only_here,
        hand_over=hand_over,
        durability=durability(queue.mode, server.value if server.error is None else None),
        address=str(address(settings)),
        nodes=primaries_known(stores.observer),
        home=str(home_address(stores.observer) or ""),
        recovering=queue.mode is Mode.MEMORY and link.writable,
    )


def as_told(store: StoreStatus, stores: Stores) -> StoreStatus:
    """The same, as a process says it that only asks: while Redis is away the long-lived ones run on their memory."""
    trouble = stores.link.trouble
    return replace(store, mode=Mode.MEMORY) if trouble is not None and trouble.falls_back else store
