"""How the stand-in behaves: latency, faults and their share of the requests."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class Asked(Struct, frozen=True):
    """A request before it is answered.

    Args:
        kind: ``single`` or ``bulk`` tracking, or ``report``.
        hits: how many hits it carries (tracking).
        method: the reporting method (report).
        number: its number, counted from 1 since the start.
    """

    kind: Literal["single", "bulk", "report"]
    hits: int
    method: str
    number: int


class Behaviour(Struct, frozen=True):
    """What the stand-in does until it is told otherwise.

    Args:
        latency: seconds that every answer takes, and `latency_per_hit` for each hit beside it.
        faults: names of `faults.FAULTS` with their share of the requests, 0..1, together at most 1.
        kinds: the kinds of request that faults apply to.
        retry_after: seconds that a 429 asks to wait; `retry_after_date` spells them as an HTTP date.
        listening: false refuses connections.
        recording: false is Matomo with `record_statistics=0`.
        tokens: false refuses every token.
        require_token: `bulk_requests_require_authentication=1`.
    """

    latency: float = 0.0
    latency_per_hit: float = 0.0
    faults: tuple[tuple[str, float], ...] = ()
    kinds: tuple[str, ...] = ("single", "bulk", "report")
    retry_after: float = 4.0
    retry_after_date: bool = False
    listening: bool = True
    recording: bool = True
    tokens: bool = True
    require_token: bool = False

    def pick(self, kind: str, chance: float) -> str | None:
        """The fault for a request, given a random number in 0..1."""
        if kind in self.kinds:
            for name, share in self.faults:
                if chance < share:
                    return name
                chance -= share
        return None
