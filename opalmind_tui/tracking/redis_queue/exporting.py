"""Requests with all that another queue needs to take them over, as they stand in Redis."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from opalmind_tui.snapshot.model import RequestRow, State
from opalmind_tui.tracking.outcomes import Adopted, Stored
from opalmind_tui.tracking.redis_queue.batches import batches
from opalmind_tui.tracking.redis_queue.keys import bytes_of, digest_of
from opalmind_tui.tracking.redis_queue.replies import stored_from, text
from opalmind_tui.tracking.redis_queue.scripts import Scripts
from opalmind_tui.tracking.request import TrackingRequest

_ID = 14
"""Characters of an id: what an entry of the index begins with; the fingerprint follows."""


class Exported(Struct, frozen=True):
    """A request to be written down. `whole` is None where its bytes are no request."""

    stored: Stored
    whole: Adopted | None

    @property
    def row(self) -> RequestRow:
        """As a list shows it."""
        return self.stored.row


async def export(scripts: Scripts, ids: Sequence[str]) -> list[Exported]:
    """The named requests that still exist. Raises `StoreUnavailable`."""
    found: list[Exported] = []
    for part in batches(ids):
        stored = stored_from(await scripts.run("rows", [0, "", *map(bytes_of, part)]))
        entries = await scripts.fields(b"key", [digest_of(bytes_of(one.row.key)) for one in stored])
        urls = await scripts.fields(b"endpoints", [bytes_of(one.row.id[:2]) for one in stored])
        for one in stored:
            entry = text(entries.get(digest_of(bytes_of(one.row.key))))
            found.append(Exported(one, _whole(one, entry, text(urls.get(bytes_of(one.row.id[:2]))))))
    return found


def _whole(stored: Stored, entry: str, endpoint: str) -> Adopted | None:
    row = stored.row
    if not stored.params or not endpoint:
        return None
    # The key may be another's by now; then the fingerprint is made anew by whoever reads the line.
    fingerprint = entry[_ID:] if entry.startswith(row.id) else ""
    return Adopted(
        row.id,
        TrackingRequest(row.kind, stored.params, row.key, fingerprint),
        endpoint,
        row.accepted,
        row.attempts,
        row.status,
        row.error,
        row.unknown,
        dead=row.state is State.DEAD,
        # It may be on its way to Matomo right now.
        in_doubt=row.state is State.INFLIGHT,
    )
