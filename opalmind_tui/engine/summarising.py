"""Gathers what a hand-over tells, and writes it to a file of its own."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from opalmind_tui.engine.finding.grouping import Grouping
from opalmind_tui.engine.hand_over import folders
from opalmind_tui.engine.reach import Reach
from opalmind_tui.engine.stores import Stores
from opalmind_tui.errors import OpalmindError
from opalmind_tui.health.summary import ACTS, ERRORS, summary
from opalmind_tui.private_file import create
from opalmind_tui.settings import Settings
from opalmind_tui.snapshot.audit import AuditEntry
from opalmind_tui.snapshot.listing import Groups, GroupView
from opalmind_tui.snapshot.model import Reading, Snapshot

GROUP_WITHIN = 3.0
"""Seconds for which failures are grouped; what was found by then is told."""
_STEP = 0.05


async def summed_up(
    snapshot: Snapshot, settings: Settings, stores: Stores, reach: Reach, clock: Callable[[], float]
) -> str:
    """The hand-over. Never raises for a part that cannot be read: it says so."""
    groups = await _groups(stores, reach, clock)
    return summary(snapshot, settings, groups=groups, acts=await _acts(stores, reach))


async def _groups(stores: Stores, reach: Reach, clock: Callable[[], float]) -> Reading[Groups]:
    view = GroupView(rows=ERRORS)
    grouping = Grouping(stores.queue, view, clock)
    ends = time.monotonic() + GROUP_WITHIN
    try:
        reach.need_queue()
        found = await grouping.groups(view)
        while not found.done and time.monotonic() < ends:
            await asyncio.sleep(_STEP)
            found = await grouping.groups(view)
        return Reading(found, clock())
    except OpalmindError as error:
        return Reading(error=str(error))
    finally:
        await grouping.stop()


async def _acts(stores: Stores, reach: Reach) -> Reading[Sequence[AuditEntry]]:
    waiting = stores.audit.waiting
    try:
        reach.need_redis()
        return Reading((*waiting, *await stores.audit.newest(ACTS)))
    except OpalmindError as error:
        return Reading(waiting or None, error=str(error))


def save_summary(text: str, places: Iterable[Path] | None = None) -> Path:
    """Write it to a new file that only its owner can read, in the first folder that takes it.

    Raises `OSError` where none does.
    """
    moment = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
    name, failure = f"incident-{moment}-{secrets.token_hex(4)}.md", OSError("no folder to write to")
    for folder in folders() if places is None else places:
        path = folder / name
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = create(path)
        except OSError as error:
            failure = error
            continue
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
                file.write(text)
            return path
        except OSError as error:
            # Half of it would be taken for all.
            path.unlink(missing_ok=True)
            failure = error
    raise failure
