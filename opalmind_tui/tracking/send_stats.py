"""What the senders of a process have done since it started."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from opalmind_tui.tracking.queue import Fate
from opalmind_tui.tracking.verdict import Decision

POST_TIMES = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Seconds up to which posts are counted together."""


class DispatcherStats(Struct, frozen=True):
    """Counted in this process since its start; moments are epoch seconds.

    Args:
        posts: bulks posted. post_times: how many of them took up to each of `POST_TIMES`, and longer. post_seconds: the
            time of all. failed_posts: of them those that Matomo did not take as it should.
        delivered, rejected, dropped, retried, dead: hits by their fate. retried counts each time.
        held: times that a hit was put off for want of a usable token.
        unknown: hits whose answer never came.
        unnamed: hits that Matomo counted invalid without saying which.
        again: hits that were claimed again after this process had delivered them, and were not sent.
        owed: requests whose fate the store does not know yet.
        bulk_size: hits in the next bulk at the most.
        token: ``none``, ``untested``, ``proved``, ``resting`` or ``refused``.
        token_reason: why it is refused.
        last_error: why Matomo did not take something, last_error_at when.
        store_error: why the store failed last.
        crashes: loops that met an unexpected error and went on; last_crash names it.
        leases_lost: claims that were lost while they were held. lease_error: why the last renewal failed.
    """

    running: bool = False
    posts: int = 0
    post_times: tuple[int, ...] = (0,) * (len(POST_TIMES) + 1)
    post_seconds: float = 0.0
    failed_posts: int = 0
    delivered: int = 0
    rejected: int = 0
    dropped: int = 0
    retried: int = 0
    dead: int = 0
    held: int = 0
    unknown: int = 0
    unnamed: int = 0
    again: int = 0
    owed: int = 0
    bulk_size: int = 0
    token: str = "none"
    token_reason: str = ""
    last_error: str = ""
    last_error_at: float = 0.0
    last_status: int | None = None
    last_post_at: float = 0.0
    last_elapsed: float = 0.0
    store_error: str = ""
    store_error_at: float = 0.0
    crashes: int = 0
    last_crash: str = ""
    leases_lost: int = 0
    lease_error: str = ""


_FIELD_OF = {
    Fate.DELIVERED: "delivered",
    Fate.REJECTED: "rejected",
    Fate.DROPPED: "dropped",
    Fate.RETRY: "retried",
    Fate.DEAD: "dead",
}


class SendCounter:
    """Counts.

    Args:
        clock: epoch seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.stats = DispatcherStats()

    def add(self, **numbers: int) -> None:
        """Add to counters by their names."""
        self.stats = replace(self.stats, **{name: getattr(self.stats, name) + n for name, n in numbers.items()})

    def decided(self, decision: Decision, status: int | None, elapsed: float) -> None:
        """A bulk was posted and judged."""
        now = self._clock()
        self.add(
            posts=1,
            failed_posts=int(not decision.took),
            unnamed=decision.unnamed,
            unknown=0 if decision.alike else sum(settlement.unknown for settlement in decision.settlements),
            **_counted(decision),
        )
        times = list(self.stats.post_times)
        times[bisect_left(POST_TIMES, elapsed)] += 1
        self.stats = replace(
            self.stats, post_times=tuple(times), post_seconds=self.stats.post_seconds + elapsed, last_post_at=now,
            last_elapsed=elapsed, last_status=status,
        )  # fmt: skip
        if decision.reason:
            self.stats = replace(self.stats, last_error=decision.reason, last_error_at=now)

    def store_failed(self, error: Exception) -> None:
        """The store failed."""
        self.stats = replace(self.stats, store_error=str(error), store_error_at=self._clock())

    def crashed(self, name: str, error: BaseException) -> None:
        """A loop met an error that it should not meet. The error's text may hold foreign text or a secret: not kept."""
        place = _place(error)
        self.add(crashes=1)
        self.stats = replace(self.stats, last_crash=f"{name}: {type(error).__name__}{place}")


def _counted(decision: Decision) -> dict[str, int]:
    if decision.alike:
        return {_FIELD_OF[Fate.DELIVERED]: len(decision.settlements)}
    fates = [settlement.fate for settlement in decision.settlements]
    return {name: fates.count(fate) for fate, name in _FIELD_OF.items()}


def _place(error: BaseException) -> str:
    """The innermost line of the error, as `` at file:line``."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return ""
    name = trace.tb_frame.f_code.co_filename.rpartition("/")[2]
    return f" at {name}:{trace.tb_lineno}"
