"""Claims in memory: who may send what, and until when."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import islice

from opalmind_tui.errors import LeaseLost
from opalmind_tui.snapshot.model import Gate
from opalmind_tui.tracking.memory_queue.control import Controls
from opalmind_tui.tracking.memory_queue.gates import Gates
from opalmind_tui.tracking.memory_queue.places import LAST, Item, Lease, Place, Shard
from opalmind_tui.tracking.memory_queue.store import MICROS, Store
from opalmind_tui.tracking.queue import Claim, Claimed

UNKNOWN_LOST = "its outcome is unknown: posted, and its sender was lost; it may be counted already"


class Leases:
    """The claims of one queue. Leases and moments in microseconds."""

    def __init__(
        self,
        store: Store,
        gates: Gates,
        controls: Controls,
        *,
        claim_shards: int,
        max_recovered: int,
        resend_unknown: bool,
    ) -> None:
        self._store = store
        self._gates = gates
        self._controls = controls
        self._claim_shards = claim_shards
        self._max_recovered = max_recovered
        self._resend_unknown = resend_unknown
        self.claims: dict[str, Lease] = {}
        self._shards: dict[Shard, str] = {}
        self.busy_elsewhere: Callable[[], Collection[str]] = frozenset
        """The visitor shards whose requests this process is sending from Redis: a visitor has one sender (I5)."""

    def _alive(self, token: str, now: int) -> bool:
        return token in self.claims and self.claims[token].ends > now

    def _owns_shards(self, token: str) -> bool:
        return all(self._shards.get(shard) == token for shard in self.claims[token].shards)

    def claim(self, endpoint: str, token: str, limit: int, lease: int) -> Claim:
        """Lease due requests, or say why there are none."""
        now = self._store.now()
        gate = self._gates.get(endpoint, now / MICROS)
        if token in self.claims:
            return self._resume(endpoint, token, now + lease, gate)
        free, _ = self._controls.hits_free(endpoint, limit, now / MICROS)
        if self._controls.get(endpoint, now / MICROS).paused is not None or free < 1:
            return self._answer(endpoint, token, [], gate)
        probe, limit = False, free
        if gate is not None:
            if now < gate.until * MICROS or self._alive(self._gates.probe(endpoint), now):
                return self._answer(endpoint, token, [], gate)
            probe, limit = True, 1
        taken = self._take(endpoint, token, limit, now)
        if not taken:
            return self._answer(endpoint, token, [], gate)
        self._controls.take_hits(endpoint, len(taken))
        shards = tuple(dict.fromkeys(item.shard for item in taken))
        self.claims[token] = Lease(now + lease, shards, [item.id for item in taken])
        if probe:
            self._gates.set_probe(endpoint, token)
        return self._answer(endpoint, token, taken, gate, probe=probe)

    def _resume(self, endpoint: str, token: str, ends: int, gate: Gate | None) -> Claim:
        """The same token again: what it still holds, as long as nobody took a shard of it."""
        if not self._alive(token, self._store.now()) and not self._owns_shards(token):
            return self._answer(endpoint, token, [], gate)
        claim = self.claims[token]
        claim.ends = max(claim.ends, ends)
        held = [item for request_id in claim.ids if (item := self._held(request_id, token)) is not None]
        probe = gate is not None and self._gates.probe(endpoint) == token
        return self._answer(endpoint, token, held, gate, probe=probe)

    def _held(self, request_id: str, token: str) -> Item | None:
        item = self._store.places.items.get(request_id)
        return item if item and item.token == token and item.place is Place.INFLIGHT else None

    def _take(self, endpoint: str, token: str, limit: int, now: int) -> list[Item]:
        """The oldest due requests of the shards with the oldest heads, none of which is leased."""
        places, taken, shards = self._store.places, list[Item](), 0
        busy = self.busy_elsewhere()
        for head, _, shard in places.heads(endpoint):
            if head > now or len(taken) >= limit or shards >= self._claim_shards:
                break
            if shard[1] in busy or self._alive(self._shards.get(shard, ""), now):
                continue
            due = places.due[shard].irange(maximum=(now, LAST))
            found = [places.items[request_id] for _, request_id in islice(due, limit - len(taken))]
            for item in found:
                item.token = token
                places.move(item, Place.INFLIGHT)
            taken += found
            self._shards[shard] = token
            shards += 1
        return taken

    def _answer(
        self, endpoint: str, token: str, items: Sequence[Item], gate: Gate | None, *, probe: bool = False
    ) -> Claim:
        heads = self._store.places.heads(endpoint)
        requests = tuple(
            Claimed(
                id=item.id, body=item.request.encode(), accepted=item.accepted / MICROS, attempts=item.attempts,
                recovered=item.recovered, unknown=item.unknown, alone=item.alone > 0,
                suspect=0 < item.alone < self._store.taken.get(endpoint, 0),
                token_suspect=0 < item.alone < self._store.proved.get(endpoint, 0),
            )
            for item in items
        )  # fmt: skip
        control = self._controls.get(endpoint, now := self._store.now() / MICROS)
        if control.paused is not None and not requests:
            gate = control.paused.gate
        free, next_free = self._controls.hits_free(endpoint, 1, now)
        next_due = max(heads[0][0] / MICROS, next_free if free < 1 else 0.0) if heads else None
        return Claim(token, requests, gate=gate, probe=probe, next_due=next_due, at=now, control=control)

    def mark_posted(self, token: str) -> Gate | None:
        """It is about to be posted, unless a pause forbids that. Raises `LeaseLost`."""
        claim = self.claims.get(token)
        if claim is None or not (self._alive(token, self._store.now()) or self._owns_shards(token)):
            raise LeaseLost
        paused = self._controls.get(claim.shards[0][0], self._store.now() / MICROS).paused
        if paused is None:
            claim.posted = True
        return None if paused is None else paused.gate

    def mark_posting(self, token: str) -> None:
        """It is posted at once: its outcome is unknown should it be lost, but it may still be given back."""
        self.claims[token].posting = True

    def extend(self, token: str, lease: int) -> bool:
        """Renew a lease; false when it is lost."""
        now = self._store.now()
        if token not in self.claims or not (self._alive(token, now) or self._owns_shards(token)):
            return False
        self.claims[token].ends = max(self.claims[token].ends, now + lease)
        return True

    def settled(self, token: str, ids: set[str]) -> None:
        """These are settled: what the claim held is free once all are."""
        claim = self.claims.get(token)
        if claim is not None:
            claim.ids = [request_id for request_id in claim.ids if request_id not in ids]
            if not claim.ids:
                self._end(token)

    def _end(self, token: str) -> None:
        for shard in self.claims.pop(token).shards:
            if self._shards.get(shard) == token:
                del self._shards[shard]

    def release(self, token: str) -> int:
        """Give back what was not posted, to its old place."""
        claim = self.claims.get(token)
        if claim is None or claim.posted:
            return 0
        held = [item for request_id in claim.ids if (item := self._held(request_id, token)) is not None]
        for item in held:
            item.token = ""
            self._store.places.move(item, Place.DUE)
        self._controls.take_hits(claim.shards[0][0], -len(held))
        self._end(token)
        return len(held)

    def free_hits(self, endpoint: str, number: int) -> None:
        """So many hits were claimed and nothing was sent for them: what they took of a rate is free again."""
        self._controls.take_hits(endpoint, -number)

    def reap(self) -> int:
        """Return what expired claims hold."""
        now = self._store.now()
        reaped = 0
        for token in [token for token, claim in self.claims.items() if claim.ends <= now]:
            claim = self.claims[token]
            for request_id in claim.ids:
                item = self._held(request_id, token)
                if item is not None:
                    self._recover(item, posted=claim.may_be_posted, now=now)
                    reaped += 1
            self._end(token)
        return reaped

    def take_back(self, ids: Iterable[str]) -> int:
        """End the claims that hold these, as if their leases had run out."""
        wanted, back, now = set(ids), 0, self._store.now()
        for token, claim in list(self.claims.items()):
            if wanted.isdisjoint(claim.ids):
                continue
            for request_id in claim.ids:
                item = self._held(request_id, token)
                if item is not None:
                    self._recover(item, posted=claim.may_be_posted, now=now, by_operator=True)
                    back += 1
            self._end(token)
        return back

    def _recover(self, item: Item, *, posted: bool, now: int, by_operator: bool = False) -> None:
        """Back to its old place; dead when it happens too often. The token stays for an answer that comes late."""
        item.recovered += 1
        if posted:
            self._store.places.mark_unknown(item, now)
        self._store.ledger["recovered"] += 1
        self._store.ledger["unknown"] += int(posted)
        if by_operator:
            # An operator wants it back, and knows.
            self._store.places.move(item, Place.DUE)
            return
        final = posted and not self._resend_unknown
        if final or item.recovered >= self._max_recovered:
            why = UNKNOWN_LOST if final else f"its sender was lost {item.recovered} times"
            self._store.note_failure(item, now, None, why)
            self._store.bury(item, now)
        else:
            self._store.places.move(item, Place.DUE)
