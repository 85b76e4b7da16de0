"""What a process can be, and what follows from it."""

from __future__ import annotations

from typing import Literal

Role = Literal["dashboard", "worker", "track", "status", "operator", "doctor", "client"]
LONG_LIVED: frozenset[Role] = frozenset({"dashboard", "worker", "client"})
"""Roles that may accept into memory, and that send what memory accepted (ruling 1)."""
GRACE: dict[Role, float] = {"dashboard": 0.5, "worker": 30.0, "client": 10.0}
"""Seconds that posts under way get when the engine stops (I11)."""
