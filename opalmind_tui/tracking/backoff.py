"""How long to wait: for one request, and for a Matomo that is down. Randomness is injected; nothing here sleeps."""

from __future__ import annotations

import random
from collections.abc import Callable

ATTEMPTS = 15
"""Attempts that may cost before a request is dead: about 1.6 hours of waiting, without what an outage adds."""
REQUEST_BASE, REQUEST_CAP = 5.0, 1800.0
"""Seconds: the first wait of a request is between 0 and the base, the next up to twice as long, up to the cap."""
BREAKER_BASE, BREAKER_CAP = 1.0, 60.0
"""Seconds: between two probes of a closed endpoint, doubling from base to cap."""
HINT_CAP = 3600.0
"""Seconds that Matomo's own wish is followed at the most."""
JITTER = 0.1
"""Share of a wait that is added at random, so that processes do not come back together."""

Uniform = Callable[[float, float], float]


class Backoff:
    """Waits with jitter.

    Args:
        uniform: a random number between two bounds.
    """

    def __init__(self, uniform: Uniform = random.uniform) -> None:
        self._uniform = uniform

    def request(self, attempts: int) -> float:
        """Seconds until a request's next try (full jitter).

        Args:
            attempts: attempts made so far, this one included; from 1.
        """
        return self._uniform(0.0, min(REQUEST_CAP, REQUEST_BASE * 2.0 ** (min(attempts, 40) - 1)))

    def breaker(self, failures: int) -> float:
        """Seconds until an endpoint is probed again.

        Args:
            failures: in a row, this one included; from 1.
        """
        return self._jittered(min(BREAKER_CAP, BREAKER_BASE * 2.0 ** (min(failures, 40) - 1)))

    def cooldown(self, hint: float | None, failures: int) -> float:
        """Seconds to leave an endpoint alone: at least what it asked for, at least its own breaker's wait."""
        own = self.breaker(failures)
        if hint is None:
            return own
        return max(own, min(HINT_CAP, self._jittered(min(hint, HINT_CAP))))

    def _jittered(self, seconds: float) -> float:
        return seconds + self._uniform(0.0, seconds * JITTER)
