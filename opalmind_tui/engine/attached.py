"""The attached OpalMind services: watched in the background where somebody sees it, or asked once."""

from __future__ import annotations

import time
from collections.abc import Callable

from opalmind_tui.engine.roles import Role
from opalmind_tui.settings import Settings
from opalmind_tui.snapshot.model import Reading
from opalmind_tui.snapshot.services import ServicesView

QUICK = 1.5
"""Seconds that `status` gives them, while it asks everything else."""


class Attached:
    """Owns the watcher of attached services; nothing of it is loaded where there are none."""

    def __init__(self, settings: Settings, role: Role, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self.watched = bool(settings.api_urls) and role == "dashboard"
        """Whether `watch` is to run: only where somebody sees it, because each look costs the services."""
        self._services = None
        if settings.api_urls:
            from opalmind_tui.observe.services.watching import Services

            # Whoever asks once asks all of them at the same time.
            together = {} if self.watched else {"together": len(settings.api_urls)}
            self._services = Services(settings, clock, **together)

    @property
    def reading(self) -> Reading[ServicesView]:
        """What is known of them; without a value where there are none."""
        if self._services is None:
            return Reading()
        return Reading(self._services.view, self._clock())

    async def watch(self) -> None:
        """Look for ever."""
        if self._services is not None:
            await self._services.watch()

    async def ask(self) -> ServicesView | None:
        """Look once, for at most `QUICK` seconds; None where there are none."""
        return None if self._services is None else await self._services.look(QUICK)

    async def close(self) -> None:
        """Close the connections."""
        if self._services is not None:
            await self._services.close()
