"""Every limit of the intake. What lies over one is refused with the limit named; nothing is cut in silence."""

from __future__ import annotations

KEY_LIMIT = 255
"""Characters of an idempotency key."""
REQUEST_LIMIT = 65_536
"""Bytes of one request as the queue stores it. Matomo itself cuts every text at 1,024 bytes."""
LINE_LIMIT = 262_144
"""Bytes of one line of `track --from`: a request of the full size with every character as a JSON escape."""
NESTING_LIMIT = 32
"""Levels of lists and objects inside `customVars`."""
WHOLE_LIMIT = 4_294_967_295
"""Largest site and goal id (Matomo's column is an unsigned 32-bit number)."""
OLDEST = 20 * 365 * 86_400
"""Seconds. Matomo silently replaces an older time by the time of arrival, so it is refused here."""
