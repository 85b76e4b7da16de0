"""Does everything that was accepted add up (I1)? And what an operator has taken note of."""

from __future__ import annotations

import orjson
from msgspec.structs import replace

from opalmind_tui.snapshot.model import Acknowledged, QueueView
from opalmind_tui.storage.runtime_config import ConfiguredValue, RuntimeConfig

CONFIG_NAME = "ledger:acknowledged"


class Ledger:
    """Watches the counters of the shared queue.

    Args:
        config: where acknowledgements are kept, for all processes.
    """

    def __init__(self, config: RuntimeConfig) -> None:
        self._config = config
        self._epoch = ""
        self._most_accepted = 0
        self._noted_at = 0.0
        self._newest = QueueView()

    def judged(self, view: QueueView) -> QueueView:
        """The view with what can be said of its counters. They are lost when they are not those that were counted
        before: the server was emptied or restored."""
        known = self._acknowledged(view.epoch)
        if known is not None and known.at > self._noted_at:
            # Whoever noted it took these counters for good: from here on they are what is compared with.
            self._noted_at, self._epoch = known.at, ""
        if not self._epoch:
            self._epoch, self._most_accepted = view.epoch, 0
        lost = bool(self._epoch) and (view.epoch != self._epoch or view.accepted < self._most_accepted)
        if not lost:
            self._most_accepted = view.accepted
        self._newest = replace(view, epoch_changed=lost, ledger_acknowledged=known)
        return self._newest

    async def acknowledge(self, by: str, note: str) -> None:
        """Take note of things as they are now; the alarm is silent until they change. Raises `StoreUnavailable`."""
        view = self._newest
        noted = {"difference": view.ledger_difference, "epoch": view.epoch, "note": note}
        await self._config.set(CONFIG_NAME, orjson.dumps(noted).decode(), by)

    def _acknowledged(self, epoch: str) -> Acknowledged | None:
        """What was noted of these counters; None for others."""
        entry = self._config.details(CONFIG_NAME)
        return None if entry is None else _read(entry, epoch)


def _read(entry: ConfiguredValue, epoch: str) -> Acknowledged | None:
    try:
        noted = orjson.loads(entry.value)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(noted, dict) or noted.get("epoch") != epoch or not isinstance(noted.get("difference"), int):
        return None
    return Acknowledged(noted["difference"], entry.by, entry.at, str(noted.get("note", "")))
