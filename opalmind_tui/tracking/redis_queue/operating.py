"""What an operator sees and does: the lists, and what changes where a request stands."""

from __future__ import annotations

from collections.abc import Sequence

from opalmind_tui.snapshot.listing import Order, Tab
from opalmind_tui.snapshot.model import RequestRow, State
from opalmind_tui.tracking import given
from opalmind_tui.tracking.queue import TRASH_KEPT, Closer, Moved, QueueCounts, Restored, Stored, Walked, Window, cut
from opalmind_tui.tracking.redis_queue.batches import batches
from opalmind_tui.tracking.redis_queue.exporting import Exported, export
from opalmind_tui.tracking.redis_queue.keys import bytes_of, candidates_of, digest_of
from opalmind_tui.tracking.redis_queue.record_places import Apart, Together
from opalmind_tui.tracking.redis_queue.replies import (
    LEDGER_FIELDS,
    attempts_from,
    counts_from,
    delivered_from,
    micros,
    rows_from,
    stored_from,
    text,
)
from opalmind_tui.tracking.redis_queue.scripts import Argument, Scripts
from opalmind_tui.tracking.request import stored_key
from opalmind_tui.tracking.rows import RECORD_SHOWN, delivered_closer

MOST_ROWS = 500
MOST_MOVED, MOST_RETRIED, MOST_RESTORED = 50, 40, 20
"""Requests that one script takes out of the queue, makes due or brings back: for the latter two it reads what is known
of those that were tried."""
TRASH_KEPT_MICROS = micros(TRASH_KEPT)
NEWEST_FIRST = {State.DEAD: "dead", State.TRASH: "trash", State.REJECTED: "rejected"}
"""States that a list shows by when they were reached, and the sets that know it."""


class Operating:
    """The part of `RedisQueue` that shows and acts. Raises `StoreUnavailable`.

    Args:
        records: where idempotency records are.
    """

    _idempotency_prefix: bytes

    def __init__(self, scripts: Scripts, records: Together | Apart) -> None:
        self._scripts = scripts
        self._records = records

    async def counts(self, endpoint: str) -> QueueCounts:
        return counts_from(await self._scripts.run("counts", [endpoint, candidates_of(endpoint), *LEDGER_FIELDS]))

    async def rows(
        self, *, limit: int, state: State | None = None, unknown_only: bool = False
    ) -> tuple[RequestRow, ...]:
        most = max(1, min(limit, MOST_ROWS))
        place = "unknown" if unknown_only else NEWEST_FIRST.get(state, "") if state else ""
        if state and not place:
            return await self.rows_of((await self.ids(state, limit=most))[0])
        return rows_from(await self._scripts.run("rows", [most, place]))

    async def window(
        self, tab: Tab, order: Order, *, first: int = 0, rows: int = 50, anchor: str = "", above: int = 0
    ) -> Window:
        given.window(tab, order, first, rows, above)
        descending = order in (Order.NEWEST, Order.NEWEST_ACCEPTED)
        named = bytes_of(anchor)
        reply = await self._scripts.run("window", [tab, int(descending), first, min(rows, MOST_ROWS), named, above])
        now, total, begins, *rest = reply
        found = delivered_from(rest) if tab is Tab.DELIVERED else rows_from([now, *rest])
        return Window(found, int(begins), int(total))

    async def walk(self, tab: Tab, *, after: str = "", limit: int = 500, until: float = 0.0) -> Walked:
        given.walk(limit, until)
        most = min(limit, MOST_ROWS)
        if tab is Tab.DELIVERED:
            return await self._walk_delivered(given.place_in(after), most)
        place, score, last = given.cursor_of(after) if after else ("", "", "")
        bound = micros(until) if until else ""
        cursor, examined, *rest = await self._scripts.run("walk", [tab, most, place, score, last, bound])
        return Walked(stored_from(rest), examined, text(cursor))

    async def _walk_delivered(self, first: int, limit: int) -> Walked:
        found = await self.window(Tab.DELIVERED, Order.NEWEST, first=first, rows=limit)
        # Near the end a window begins earlier than it was asked to.
        rows = found.rows[max(0, first - found.first) :]
        ends = first + len(rows)
        return Walked(tuple(Stored(row, {}) for row in rows), len(rows), str(ends) if ends < found.total else "")

    async def rows_of(self, ids: Sequence[str]) -> tuple[RequestRow, ...]:
        rows: list[RequestRow] = []
        for part in batches(ids):
            rows += rows_from(await self._scripts.run("rows", [0, "", *map(bytes_of, part)]))
        return tuple(rows)

    async def export(self, ids: Sequence[str]) -> list[Exported]:
        """The named requests that still exist, with all that another queue needs to take them over."""
        return await export(self._scripts, ids)

    async def closer(self, request_id: str) -> Closer | None:
        _, *found = await self._scripts.run("rows", [0, "", bytes_of(request_id)])
        if not found:
            return await delivered_closer(self, request_id)
        (stored,) = stored_from([_, *found])
        record, ends = None, None
        if stored.row.key:
            key = self._idempotency_prefix + bytes_of(stored.row.key)
            record, ends = await self._scripts.text_at(key, RECORD_SHOWN)
        return Closer(stored, found[3], attempts_from(found[4]), record, ends)

    async def find(self, id_or_key: str) -> tuple[RequestRow, ...]:
        digest = digest_of(bytes_of(id_or_key))
        held = [text(found) for found in await self._scripts.run("find", [digest])] if digest else []
        named = bytes_of(id_or_key).decode("utf-8", "replace")
        return await self.rows_of([request_id for request_id in dict.fromkeys([named, *held]) if request_id])

    async def ids(
        self,
        state: State | None,
        *,
        after: str = "",
        limit: int = 500,
        unknown_only: bool = False,
        since: float = 0.0,
        until: float = 0.0,
    ) -> tuple[tuple[str, ...], str]:
        given.page(state, limit, since, until)
        place, score, last = given.cursor_of(after) if after else ("", "", "")
        wanted = state.value if state else ""
        cursor, *found = await self._scripts.run(
            "ids",
            [
                wanted,
                min(limit, 500),
                int(unknown_only),
                place,
                score,
                last,
                micros(since) if since else "",
                micros(until) if until else "",
            ],
        )
        return tuple(text(request_id) for request_id in found), text(cursor)

    async def retry(self, ids: Sequence[str], *, delay: float = 0.0) -> Moved:
        given.duration("delay", delay)
        done = 0
        for part in batches(ids, MOST_RETRIED):
            done += int(await self._scripts.run("retry", [micros(delay), *map(bytes_of, part)]))
        return Moved(done, len(ids) - done)

    async def kill(self, ids: Sequence[str], why: str) -> Moved:
        done, told = 0, cut(why).encode("utf-8", "replace")
        for part in batches(ids, MOST_RETRIED):
            done += int(await self._scripts.run("kill", [told, *map(bytes_of, part)]))
        return Moved(done, len(ids) - done)

    async def take_back(self, ids: Sequence[str]) -> int:
        back = 0
        for part in batches(ids, MOST_MOVED):
            found, unfinished = 1, b""
            while found:
                found, unfinished = await self._scripts.run("take_back", [MOST_MOVED, unfinished, *map(bytes_of, part)])
                back += found
        return back

    async def purge(self, ids: Sequence[str], *, hard: bool = False) -> Moved:
        done = 0
        for part in batches(ids, MOST_MOVED):
            keys = await self._keys_in(part)
            arguments: list[Argument] = [int(hard)]
            for request_id in part:
                arguments += [bytes_of(request_id), digest_of(bytes_of(keys.get(request_id, "")))]
            done += int(await self._scripts.run("purge", arguments))
        return Moved(done, len(ids) - done)

    async def restore(self, ids: Sequence[str]) -> Restored:
        done, taken = 0, list[str]()
        for part in batches(ids, MOST_RESTORED):
            keys = await self._keys_in(part)
            theirs = [bytes_of(keys.get(request_id, "")) for request_id in part]
            told, records = await self._records.told([key for key in theirs if key])
            arguments: list[Argument] = [told]
            for request_id, key in zip(part, theirs, strict=True):
                arguments += [bytes_of(request_id), digest_of(key)]
            restored, *refused = await self._scripts.run("restore", arguments, records)
            done += restored
            taken += [request_id.decode() for request_id in refused]
        return Restored(done, len(ids) - done - len(taken), tuple(taken))

    async def _keys_in(self, ids: Sequence[str]) -> dict[str, str]:
        """The idempotency keys of stored requests, from their bodies, which never change."""
        keys: dict[str, str] = {}
        for part in batches(ids):
            bodies = await self._scripts.bodies(part)
            keys |= {request_id: stored_key(body) for request_id, body in bodies.items()}
        return keys
