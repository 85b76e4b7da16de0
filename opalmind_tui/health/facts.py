"""What is known at one moment: the input of every check."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from msgspec import Struct, field

from opalmind_tui.matomo.masking import mask
from opalmind_tui.settings.model import Settings
from opalmind_tui.snapshot.model import (
    CacheView,
    KeyCounts,
    QueueView,
    Reading,
    RequestRow,
    ServerView,
    StoreStatus,
    Verdict,
)
from opalmind_tui.text import safe_text

T = TypeVar("T")
Finding = tuple[Verdict, str]
"""How bad something is, and what it is."""
_SEVERITY = (Verdict.OK, Verdict.UNKNOWN, Verdict.WARN, Verdict.FAIL)


class SiteAccess(Struct, frozen=True):
    """What came of asking Matomo for one site; `error` is empty when it may be read."""

    site_id: int
    error: str = ""


class Facts(Struct, frozen=True):
    """The input.

    Args:
        now: epoch seconds.
        settings: limits, and the secrets to mask.
        store: where the data lives.
        matomo: seconds of the newest answer to a cheap question to Matomo; `error` says why there was none.
        site: only where it was asked for.
        failures: the newest requests that failed, where a list of them is at hand.
        lately: what Matomo failed with in the last minute, where it was looked at so long.
    """

    now: float
    settings: Settings
    store: StoreStatus = field(default_factory=StoreStatus)
    queue: Reading[QueueView] = field(default_factory=Reading)
    cache: Reading[CacheView] = field(default_factory=Reading)
    server: Reading[ServerView] = field(default_factory=Reading)
    keys: Reading[KeyCounts] = field(default_factory=Reading)
    matomo: Reading[float] = field(default_factory=Reading)
    site: SiteAccess | None = None
    failures: tuple[RequestRow, ...] = ()
    lately: tuple[str, ...] = ()

    def clean(self, text: str, limit: int = 300) -> str:
        """Text from outside, fit to be shown: secrets masked (I10), controls visible (I9), cut to `limit` cells."""
        return safe_text(mask(text, self.settings.secrets()), limit)


def known(reading: Reading[T]) -> T | None:
    """The value, None where the newest try failed: an old number is no answer to "how is it now" (ruling 3)."""
    return None if reading.error is not None else reading.value


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The most severe one; OK where there is none."""
    return max(verdicts, key=_SEVERITY.index, default=Verdict.OK)


def with_reasons(output: str, findings: Iterable[Finding]) -> str:
    """The figures, and after them what is wrong with them."""
    return "; ".join([output, *(sentence for _, sentence in findings)])
