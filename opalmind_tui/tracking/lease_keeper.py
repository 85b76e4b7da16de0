"""Leases are renewed from a thread of their own: a screen that is busy, or a blocked event loop, loses no claim."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Sequence

from msgspec import Struct

from opalmind_tui.errors import OpalmindError

Extend = Callable[[Sequence[str], float], Collection[str]]
"""Renew leases (tokens, seconds) and return those that are lost. Raises `OpalmindError`. Called from a thread."""
LAST_SECONDS = 5.0
"""A POST may not start in the last seconds of a lease."""


class _Lease(Struct):
    until: float
    renewed: bool = True


class LeaseKeeper:
    """Holds the leases of a process's claims.

    Args:
        extend: renews them; it must not depend on the event loop.
        lease: seconds. It is renewed every third of it.
        clock: seconds that only go forward.
    """

    def __init__(self, extend: Extend, lease: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._extend = extend
        self._lease = lease
        self._clock = clock
        self._margin = min(LAST_SECONDS, lease / 6)
        self._leases: dict[str, _Lease] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.lost = 0
        """Leases that were lost while they were held."""
        self.last_error = ""

    def start(self) -> None:
        """Start the thread."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="lease-keeper", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop renewing; returns at once."""
        self._stop.set()

    def hold(self, token: str, since: float) -> None:
        """A claim was made; `since` is the clock's reading before it was asked for."""
        with self._lock:
            self._leases[token] = _Lease(since + self._lease)

    def drop(self, token: str) -> None:
        """The claim is settled or given back."""
        with self._lock:
            self._leases.pop(token, None)

    def may_post(self, token: str) -> bool:
        """Whether a POST may start: the lease holds for a while yet, and its last renewal did not fail."""
        with self._lock:
            lease = self._leases.get(token)
            return lease is not None and lease.renewed and lease.until - self._clock() > self._margin

    def renew(self) -> bool:
        """Renew all leases now. False when the store could not be asked."""
        with self._lock:
            tokens = tuple(self._leases)
        if not tokens:
            return True
        started = self._clock()
        try:
            lost = set(self._extend(tokens, self._lease))
        except Exception as error:  # noqa: BLE001 - a renewal thread that died would go unseen; this one says why
            self._failed(tokens, str(error) if isinstance(error, OpalmindError) else type(error).__name__)
            return False
        with self._lock:
            for token in tokens:
                if token in lost:
                    self.lost += self._leases.pop(token, None) is not None
                elif token in self._leases:
                    self._leases[token] = _Lease(started + self._lease)
            self.last_error = ""
        return True

    def _failed(self, tokens: Sequence[str], reason: str) -> None:
        with self._lock:
            self.last_error = reason
            for token in tokens:
                if token in self._leases:
                    self._leases[token].renewed = False

    def _run(self) -> None:
        wait = self._lease / 3
        while not self._stop.wait(wait):
            wait = self._lease / 3 if self.renew() else self._lease / 10
