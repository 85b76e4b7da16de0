"""Requests out of the shared queue, one line each, page by page: memory does not grow with their number."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from msgspec.structs import replace

from opalmind_tui.engine.stores import Stores
from opalmind_tui.matomo.masking import mask
from opalmind_tui.snapshot.filters import NO_FILTER, Filter
from opalmind_tui.snapshot.model import State
from opalmind_tui.tracking.queue import Adopted
from opalmind_tui.tracking.saved import saved_line

PAGE = 250
"""Requests read at a time."""


async def exported(
    stores: Stores,
    secrets: tuple[str, ...],
    states: Sequence[State],
    ids: Sequence[str] = (),
    wanted: Filter = NO_FILTER,
) -> AsyncIterator[tuple[str, bytes | None]]:
    """Id and line of each request; no line where its bytes are no request.

    Args:
        secrets: what must not be in a line (I10).
        states: whose requests are wanted, in this order.
        ids: these alone, whatever their state.
        wanted: only what fits.

    Raises `StoreUnavailable`.
    """
    # Whoever exports nothing starts sooner without it.
    from opalmind_tui.engine.finding.matching import fits

    test, now = fits(wanted), (await stores.shared.counts("")).at
    async for page in _pages(stores, states, ids):
        for found in await stores.shared.export(page):
            if test(found.stored, now):
                yield found.row.id, None if found.whole is None else saved_line(_masked(found.whole, secrets))


async def _pages(stores: Stores, states: Sequence[State], ids: Sequence[str]) -> AsyncIterator[Sequence[str]]:
    for at in range(0, len(ids), PAGE):
        yield ids[at : at + PAGE]
    for state in () if ids else states:
        after = ""
        while True:
            page, after = await stores.shared.ids(state, after=after, limit=PAGE)
            yield page
            if not after:
                break


def _masked(whole: Adopted, secrets: tuple[str, ...]) -> Adopted:
    request = whole.request
    texts = (*request.params.values(), request.key, whole.error)
    if not any(secret in text for secret in secrets for text in texts):
        return whole
    params = {name: mask(value, secrets) for name, value in request.params.items()}
    request = replace(request, params=params, key=mask(request.key, secrets))
    return replace(whole, request=request, error=mask(whole.error, secrets))
