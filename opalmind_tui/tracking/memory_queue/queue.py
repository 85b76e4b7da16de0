"""The tracking queue in memory: the rules of the Redis scripts in plain Python. Nothing awaits inside a change."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from msgspec.structs import replace

from opalmind_tui.errors import BadArgument
from opalmind_tui.snapshot.listing import Order, Tab
from opalmind_tui.snapshot.model import Control, Gate, GateKind, RateLimit, RequestRow, State
from opalmind_tui.tracking import given
from opalmind_tui.tracking.control import ControlChange, pause_wish, rate_wish, resume_wish
from opalmind_tui.tracking.memory_queue import acting, admission, listing, views, walking
from opalmind_tui.tracking.memory_queue.control import Controls
from opalmind_tui.tracking.memory_queue.gates import Gates
from opalmind_tui.tracking.memory_queue.leases import Leases
from opalmind_tui.tracking.memory_queue.recovery import Recovery
from opalmind_tui.tracking.memory_queue.settling import settle
from opalmind_tui.tracking.memory_queue.store import MICROS, Store
from opalmind_tui.tracking.queue import (
    TRASH_KEPT,
    Adopted,
    Answer,
    Claim,
    Closer,
    KeptRecord,
    LedgerShare,
    Moved,
    QueueCounts,
    Repairs,
    Restored,
    Settled,
    Settlement,
    Walked,
    Window,
    cut,
)
from opalmind_tui.tracking.request import TrackingRequest
from opalmind_tui.tracking.rows import delivered_closer

MAX_LENGTH = 100_000
"""Requests that a process holds while Redis is away."""
MAX_BYTES = 256 * 1024 * 1024
"""Bytes of them."""


class MemoryQueue:
    """`TrackingQueue` of one process; all of it is gone with the process.

    What is in the trash here stays here when the rest moves over to Redis: it counts as purged in the shared ledger,
    and `restore` puts it back for as long as the trash keeps it, to move over then. The rejected that are kept here
    stay as well.

    Args:
        clock: epoch seconds.
        max_length: requests in the queue, dead ones included; more are answered FULL. 0 for no limit.
        max_bytes: bytes of them; more are answered FULL. 0 for no limit.
        idempotency_ttl: the present time to live of a record, in seconds.
        max_recovered: how often a lost lease may hold a request before it is dead.
        claim_shards: visitor shards that one claim may lease.
        resend_unknown: whether what was posted is sent again when its lease runs out; else it is dead.
        worker: the name of this process, for the history of what fails.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        max_length: int = MAX_LENGTH,
        max_bytes: int = MAX_BYTES,
        idempotency_ttl: Callable[[], int] = lambda: 86_400,
        max_recovered: int = 3,
        claim_shards: int = 4,
        resend_unknown: bool = True,
        worker: str = "",
    ) -> None:
        self._store = Store(clock, worker)
        self._gates = Gates()
        self._controls = Controls()
        self._leases = Leases(
            self._store,
            self._gates,
            self._controls,
            claim_shards=claim_shards,
            max_recovered=max_recovered,
            resend_unknown=resend_unknown,
        )
        self._recovery = Recovery(self._store)
        self._limits = admission.Limits(max_length, max_bytes)
        self._idempotency_ttl = idempotency_ttl

    def avoid(self, busy_elsewhere: Callable[[], Collection[str]]) -> None:
        """Claim nothing of the visitor shards that this names when it is asked (third characters of ids)."""
        self._leases.busy_elsewhere = busy_elsewhere

    def __len__(self) -> int:
        return len(self._store.places.items)

    # -- the protocol --------------------------------------------------------------------------------------------

    async def enqueue(
        self, endpoint: str, requests: Sequence[TrackingRequest], ids: Sequence[str] | None = None
    ) -> list[Answer]:
        named = given.ids_of(endpoint, requests, ids)
        return admission.enqueue(self._store, endpoint, requests, named, self._limits)

    async def claim(self, endpoint: str, token: str, *, limit: int, lease: float, posting: bool = False) -> Claim:
        given.claim(endpoint, token, limit, lease)
        claim = self._leases.claim(endpoint, token, min(limit, 500), round(lease * MICROS))
        if not (posting and claim.requests and claim.control.paused is None):
            return claim
        self._leases.mark_posting(token)
        return replace(claim, posting=True)

    async def mark_posted(self, token: str) -> Gate | None:
        return self._leases.mark_posted(token)

    async def extend(self, tokens: Sequence[str], lease: float) -> tuple[str, ...]:
        given.duration("lease", lease)
        return tuple(token for token in tokens if not self._leases.extend(token, round(lease * MICROS)))

    async def settle(self, token: str, settlements: Sequence[Settlement]) -> Settled:
        return settle(self._store, self._leases, token, settlements, max(1, self._idempotency_ttl()))

    async def release(self, token: str) -> int:
        return self._leases.release(token)

    async def reap(self) -> int:
        self._store.aside.empty_trash(self._store.now() - TRASH_KEPT * MICROS)
        return self._leases.reap()

    async def reconcile(self, cursor: str = "") -> Repairs:
        """Memory has one place for each request by construction: there is nothing to find."""
        return Repairs()

    async def counts(self, endpoint: str) -> QueueCounts:
        now = self._store.now() / MICROS
        return views.counts(self._store, endpoint, self._gates.get(endpoint, now), self._controls.get(endpoint, now))

    async def rows(
        self, *, limit: int, state: State | None = None, unknown_only: bool = False
    ) -> tuple[RequestRow, ...]:
        return views.rows(self._store, limit, state, unknown_only=unknown_only)

    async def window(
        self, tab: Tab, order: Order, *, first: int = 0, rows: int = 50, anchor: str = "", above: int = 0
    ) -> Window:
        given.window(tab, order, first, rows, above)
        return listing.window(self._store, tab, order, first=first, rows=rows, anchor=anchor, above=above)

    async def walk(self, tab: Tab, *, after: str = "", limit: int = 500, until: float = 0.0) -> Walked:
        given.walk(limit, until)
        return walking.walk(self._store, tab, after, limit, round(until * MICROS))

    async def rows_of(self, ids: Sequence[str]) -> tuple[RequestRow, ...]:
        return views.rows_of(self._store, ids)

    async def closer(self, request_id: str) -> Closer | None:
        return views.closer(self._store, request_id) or await delivered_closer(self, request_id)

    async def find(self, id_or_key: str) -> tuple[RequestRow, ...]:
        return views.find(self._store, id_or_key)

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
        within = (round(since * MICROS), round(until * MICROS))
        return views.ids(self._store, state, after, limit, unknown_only=unknown_only, within=within)

    async def retry(self, ids: Sequence[str], *, delay: float = 0.0) -> Moved:
        given.duration("delay", delay)
        return acting.retry(self._store, ids, round(delay * MICROS))

    async def kill(self, ids: Sequence[str], why: str) -> Moved:
        return acting.kill(self._store, ids, why)

    async def take_back(self, ids: Sequence[str]) -> int:
        return self._leases.take_back(ids)

    async def purge(self, ids: Sequence[str], *, hard: bool = False) -> Moved:
        return acting.purge(self._store, ids, hard=hard)

    async def restore(self, ids: Sequence[str]) -> Restored:
        return acting.restore(self._store, ids)

    async def close_gate(
        self, endpoint: str, kind: GateKind, *, seconds: float, reason: str, failures: int = 0
    ) -> Gate:
        if kind is GateKind.PAUSED:
            raise BadArgument("kind", "a pause is no fact about Matomo: use pause()")
        given.closing(seconds)
        now = self._store.now() / MICROS
        return self._gates.close(endpoint, kind, now, seconds=seconds, reason=cut(reason), failures=failures)

    async def open_gate(self, endpoint: str) -> None:
        self._gates.open(endpoint)

    async def pause(self, endpoint: str, *, by: str, reason: str, seconds: float | None = None) -> Gate:
        self._change(endpoint, pause_wish(by, reason, seconds))
        paused = (await self.control(endpoint)).paused
        assert paused is not None
        return paused.gate

    async def resume(self, endpoint: str, *, by: str) -> bool:
        return self._change(endpoint, resume_wish(by))

    async def limit_rate(self, endpoint: str, per_second: float | None, *, by: str, reason: str) -> RateLimit | None:
        self._change(endpoint, rate_wish(per_second, by, reason))
        return (await self.control(endpoint)).rate

    async def control(self, endpoint: str) -> Control:
        return self._controls.get(endpoint, self._store.now() / MICROS)

    def _change(self, endpoint: str, change: ControlChange) -> bool:
        return self._controls.change(endpoint, change, self._store.now() / MICROS)

    async def adopt(self, requests: Sequence[Adopted]) -> list[Answer]:
        return admission.adopt(self._store, requests)

    async def merge_ledger(self, share: LedgerShare) -> None:
        self._recovery.merge(share)

    # -- beside Redis --------------------------------------------------------------------------------------------

    def follow(self, endpoint: str, control: Control) -> None:
        """Keep to what Redis says; what was asked for here goes on until Redis has it."""
        self._controls.follow(endpoint, control, self._store.now() / MICROS)

    def own_control(self) -> list[tuple[str, ControlChange]]:
        """What operators asked for here and Redis does not have, with its endpoint, oldest first."""
        return self._controls.own()

    def control_shared(self, endpoint: str, change: ControlChange) -> None:
        """Redis has it now, or something newer."""
        self._controls.shared(endpoint, change)

    # -- the way back to Redis -----------------------------------------------------------------------------------

    def holds(self, token: str) -> bool:
        """Whether a claim is open here."""
        return token in self._leases.claims

    def in_trash(self, ids: Iterable[str]) -> list[str]:
        """Those of the ids that are in the trash here."""
        return [request_id for request_id in ids if self._store.aside.in_trash(request_id)]

    def waiting(self) -> int:
        """How many requests could move over: all that are not in flight."""
        return len(self) - len(self._store.places.inflight)

    def hold_in_doubt(self, ids: Iterable[str]) -> None:
        """Redis may have these: they count as pending, are never sent from here, and only adoption resolves them."""
        self._recovery.hold_in_doubt(ids)

    def take_for_adoption(self, limit: int) -> list[Adopted]:
        """The oldest, of visitors of whom nothing is in flight; nothing touches them here until `adopted` or
        `put_back`."""
        return self._recovery.take(limit)

    def adopted(self, ids: Iterable[str]) -> None:
        """They are in Redis now: forget them."""
        self._recovery.adopted(ids)

    def everything(self) -> Iterator[Adopted]:
        """All requests in order of acceptance, those in flight too; posted ones with an unknown outcome."""
        claims = self._leases.claims.values()
        return self._recovery.everything(
            {request_id for claim in claims if claim.may_be_posted for request_id in claim.ids}
        )

    def put_back(self, ids: Iterable[str]) -> None:
        """The move failed: they are as before."""
        self._recovery.put_back(ids)

    def ledger_share(self) -> LedgerShare | None:
        """What was settled here and is in no shared ledger; the same until `forget_share`. None for nothing."""
        return self._recovery.share()

    def forget_share(self, nonce: str) -> None:
        """It is merged."""
        self._recovery.forget_share(nonce)

    def records_to_share(self, limit: int = 500) -> list[KeptRecord]:
        """Idempotency records of what was delivered from here, which Redis does not have."""
        return self._store.records.unshared(limit, self._store.now())

    def records_shared(self, keys: Sequence[str]) -> None:
        """Redis has them now."""
        self._store.records.shared(list(keys))
