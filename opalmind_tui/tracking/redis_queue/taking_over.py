"""What memory held while Redis was away moves into the queue on Redis."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.tracking.queue import Adopted, Answer, KeptRecord, LedgerShare, cut
from opalmind_tui.tracking.redis_queue.batches import MOST_ADOPTED, batches, batches_by_size
from opalmind_tui.tracking.redis_queue.beforehand import Beforehand
from opalmind_tui.tracking.redis_queue.keys import bytes_of, candidates_of, digest_of
from opalmind_tui.tracking.redis_queue.offers import Offer, told_of
from opalmind_tui.tracking.redis_queue.record_places import Apart, Together
from opalmind_tui.tracking.redis_queue.replies import answers_from, micros
from opalmind_tui.tracking.redis_queue.scripts import Argument, Scripts


class TakingOver:
    """The part of `RedisQueue` that takes over from memory. Raises `StoreUnavailable`."""

    _scripts: Scripts
    _records: Together | Apart
    _beforehand: Beforehand | None
    _idempotency_prefix: bytes

    async def adopt(self, requests: Sequence[Adopted]) -> list[Answer]:
        answers: dict[int, Answer] = {}
        for endpoint in dict.fromkeys(adopted.endpoint for adopted in requests):
            theirs = [at for at, adopted in enumerate(requests) if adopted.endpoint == endpoint]
            offers = [Offer.of(requests[at].id, requests[at].request) for at in theirs]
            for part in batches_by_size([offer.body for offer in offers], MOST_ADOPTED):
                offered = [(requests[theirs[at]], offers[at]) for at in part]
                try:
                    found = await self._adopt(endpoint, offered)
                except StoreUnavailable as error:
                    error.in_doubt = error.in_doubt or bool(answers)
                    raise
                answers |= {theirs[at]: answer for at, answer in zip(part, found, strict=True)}
        return [answers[at] for at in range(len(requests))]

    async def _adopt(self, endpoint: str, offered: Sequence[tuple[Adopted, Offer]]) -> list[Answer]:
        told, records = await self._records.told([offer.key for _, offer in offered if offer.key])
        arguments: list[Argument] = [endpoint, candidates_of(endpoint), new_epoch(), told]
        for adopted, offer in offered:
            arguments += told_of(offer)
            arguments += [
                micros(adopted.accepted), adopted.attempts, "" if adopted.status is None else adopted.status,
                cut(adopted.error).encode("utf-8", "replace"), int(adopted.unknown), int(adopted.dead),
            ]  # fmt: skip
        return answers_from(await self._scripts.run("adopt", arguments, records))

    async def merge_ledger(self, share: LedgerShare) -> None:
        arguments: list[Argument] = [share.nonce, new_epoch()]
        for name in ("delivered", "rejected", "dropped", "purged", "retried", "unknown"):
            arguments += [name, getattr(share, name)]
        await self._scripts.run("merge", arguments)

    async def keep_records(self, records: Sequence[KeptRecord]) -> None:
        for part in batches(records):
            if self._beforehand is not None:
                await self._beforehand.keep_records(part)
            names = self._records.names([bytes_of(kept.key) for kept in part])
            arguments: list[Argument] = [len(self._idempotency_prefix)]
            for kept in part:
                arguments += [kept.ttl, kept.record, digest_of(bytes_of(kept.key))]
            await self._scripts.run("records", arguments, names)


def new_epoch() -> str:
    """A candidate for the ledger's epoch, new for each call: a ledger that was lost never gets its old one back."""
    return secrets.token_hex(8)
