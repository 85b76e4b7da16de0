"""The first contact with Redis, and what the log says when the connection goes and comes."""

from __future__ import annotations

import logging

from opalmind_tui.engine.roles import Role
from opalmind_tui.engine.stores import Stores
from opalmind_tui.errors import StoreUnavailable

log = logging.getLogger(__name__)


async def connect(stores: Stores, role: Role) -> None:
    """Look whether Redis serves; where it does not, memory takes over if it may.

    Raises `StoreUnavailable` for a role that cannot go on so: see `Engine.start`.
    """
    link = stores.link
    await link.probe()
    if link.trouble is not None:
        in_need = role in ("worker", "client") and not link.trouble.falls_back
        must_have = role in ("track", "operator") or in_need
        if must_have:
            raise link.trouble
        log.warning("%s. %s", link.trouble.sentence, link.trouble.remedy)
        if link.trouble.falls_back:
            stores.queue.enter_memory_mode()
        return
    try:
        await stores.config.refresh()
    except StoreUnavailable as error:
        link.report(error)


def note_changes(stores: Stores) -> None:
    """Let the log say when Redis goes and comes."""

    def changed() -> None:
        found = stores.link.trouble
        if found is None:
            log.info("Redis serves again; %d requests of this process move over", stores.queue.only_here)
        else:
            log.warning("%s. %s", found.sentence, found.remedy)

    stores.link.on_change(changed)
