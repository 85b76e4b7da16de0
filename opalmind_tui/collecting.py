"""When Python looks for unreachable cycles. Loads nothing: it is asked for before anything else is loaded."""

from __future__ import annotations

import gc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_SELDOM = (100_000, 20, 20)
_HARDLY_EVER = (1_000_000, 20, 20)
_IN_SMALL_PARTS = (5_000, 5, 50)


def collect_seldom() -> None:
    """Look less often than Python does: loading modules makes many objects and hardly any cycle, and the looking takes
    a tenth of the start."""
    gc.set_threshold(*_SELDOM)


def collect_later() -> None:
    """Hardly ever look before the first figures (`kept_after`): what a dashboard loads for them is just enough for one
    look, and that takes a twentieth of their time."""
    gc.set_threshold(*_HARDLY_EVER)


def kept_after(work: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
    """Do that, and from then on keep what is loaded: no collection goes through it again. Those that come are short,
    for a key may wait for each: about ten milliseconds, where one that seldom comes took up to a hundred."""

    async def done() -> None:
        await work()
        gc.freeze()
        gc.set_threshold(*_IN_SMALL_PARTS)

    return done
