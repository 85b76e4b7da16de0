"""When Python looks for unreachable cycles. Loads nothing: it is asked for before anything else is loaded."""

from __future__ import annotations

import gc

_SELDOM = (100_000, 20, 20)
_HARDLY_EVER = (1_000_000, 20, 20)


def collect_seldom() -> None:
    """Look less often than Python does: loading modules makes many objects and hardly any cycle, and the looking takes
    a tenth of the start."""
    gc.set_threshold(*_SELDOM)


def collect_later() -> None:
    """Hardly ever look before `keep_what_is_loaded`: what a dashboard loads for its first figures is just enough for
    one look, and that takes a twentieth of their time."""
    gc.set_threshold(*_HARDLY_EVER)


def keep_what_is_loaded() -> None:
    """What there is now stays until the end: no collection goes through it again, and no key waits for that."""
    gc.freeze()
    collect_seldom()
