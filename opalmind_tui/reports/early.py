"""When a report is fetched anew before it expires, so that nobody waits for it (XFetch)."""

from __future__ import annotations

import math
import random

EARLY = 8
"""A fetch ahead of time is thought of from this many times its usual seconds before the expiry on."""


def thought_of_for(usual: float) -> float:
    """Seconds before the expiry from which on it is thought of. `usual`: seconds that a fetch takes, 0 if not known."""
    return EARLY * usual


def is_time(usual: float, left: float) -> bool:
    """Whether to fetch now: the nearer the expiry and the longer a fetch takes, the likelier.

    Args:
        usual: seconds that a fetch takes; 0 where that is not known.
        left: seconds until the expiry.
    """
    return usual > 0.0 and left < thought_of_for(usual) and -usual * math.log(1.0 - random.random()) >= left
