"""The table from act to kind."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from opalmind_tui.engine.acts.cache import PurgeCache, SetTtl
from opalmind_tui.engine.acts.control import ControlDelivery
from opalmind_tui.engine.acts.givingup import Kill, Release
from opalmind_tui.engine.acts.here import Deliver, TestToken
from opalmind_tui.engine.acts.kind import Kind
from opalmind_tui.engine.acts.ledger import Acknowledge
from opalmind_tui.engine.acts.refetch import Refetch
from opalmind_tui.engine.acts.requests import Purge, Restore, Retry
from opalmind_tui.engine.stores import Stores
from opalmind_tui.snapshot.commands import Act
from opalmind_tui.snapshot.model import QueueView


def kinds(
    stores: Stores,
    *,
    endpoint: str,
    user: str,
    memory_used: Callable[[], float | None],
    deliver: Callable[[bool], None],
    test_token: Callable[[], Awaitable[str]],
    look: Callable[[], Awaitable[QueueView]],
    refetch: Refetch,
) -> dict[Act, Kind]:
    """Who does what.

    Args:
        memory_used: share of its memory limit that Redis uses; None where there is none, or it is not known.
        deliver: switches this process's delivery.
        test_token: lets the token be used again; returns what Matomo says against it.
        look: reads the queue now.
        refetch: asks Matomo for a report anew.
    """
    control = ControlDelivery(stores.queue, endpoint, user)
    return {
        Act.PAUSE: control,
        Act.RESUME: control,
        Act.LIMIT: control,
        Act.RETRY: Retry(stores.queue, look),
        Act.KILL: Kill(stores.queue, user),
        Act.RELEASE: Release(stores.queue),
        Act.PURGE: Purge(stores.queue, memory_used),
        Act.RESTORE: Restore(stores.queue),
        Act.PURGE_CACHE: PurgeCache(stores.cache),
        Act.REFETCH: refetch,
        Act.SET_TTL: SetTtl(stores.ttl_control, user),
        Act.DELIVER: Deliver(deliver),
        Act.TEST_TOKEN: TestToken(test_token),
        Act.ACKNOWLEDGE: Acknowledge(stores.ledger, look, user),
    }
