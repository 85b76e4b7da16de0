"""Why an endpoint gets nothing now: gates, which are facts about Matomo, and what operators ask for."""

from __future__ import annotations

import math

from opalmind_tui.errors import BadArgument
from opalmind_tui.snapshot.model import Control, Gate, GateKind, RateLimit
from opalmind_tui.tracking import given
from opalmind_tui.tracking.control import ControlChange, Wish, pause_wish, rate_wish, resume_wish
from opalmind_tui.tracking.queue import cut
from opalmind_tui.tracking.redis_queue.keys import candidates_of
from opalmind_tui.tracking.redis_queue.replies import control_from, gate_from, micros, pause_from, rate_from
from opalmind_tui.tracking.redis_queue.scripts import Scripts


class Closing:
    """The part of the queue that opens and closes endpoints."""

    _scripts: Scripts

    async def close_gate(
        self, endpoint: str, kind: GateKind, *, seconds: float, reason: str, failures: int = 0
    ) -> Gate:
        if kind is GateKind.PAUSED:
            raise BadArgument("kind", "a pause is no fact about Matomo: use pause()")
        given.closing(seconds)
        length = "" if seconds == math.inf else micros(seconds)
        raw = await self._scripts.run(
            "close_gate",
            [endpoint, candidates_of(endpoint), kind.value, length, cut(reason).encode("utf-8", "replace"), failures],
        )
        gate = gate_from(raw, 0.0)
        assert gate is not None
        return gate

    async def open_gate(self, endpoint: str) -> None:
        await self._scripts.run("open_gate", [endpoint, candidates_of(endpoint)])

    async def pause(self, endpoint: str, *, by: str, reason: str, seconds: float | None = None) -> Gate:
        _, raw = await self._change(endpoint, pause_wish(by, reason, seconds))
        pause = pause_from(raw)
        assert pause is not None
        return pause.gate

    async def resume(self, endpoint: str, *, by: str) -> bool:
        was_paused, _ = await self._change(endpoint, resume_wish(by))
        return was_paused

    async def limit_rate(self, endpoint: str, per_second: float | None, *, by: str, reason: str) -> RateLimit | None:
        wish = rate_wish(per_second, by, reason)
        _, raw = await self._change(endpoint, wish)
        return None if wish.ends else rate_from(raw)

    async def control(self, endpoint: str) -> Control:
        _, pause, rate = await self._scripts.run("control_now", [endpoint, candidates_of(endpoint)])
        return control_from(pause, rate)

    async def keep_control(self, endpoint: str, change: ControlChange) -> None:
        await self._change(endpoint, change)

    async def _change(self, endpoint: str, change: ControlChange) -> tuple[bool, bytes]:
        """Returns whether a pause or rate was in force before, and what stands now."""
        value: str | int = ""
        if change.wish is Wish.PAUSE and change.seconds is not None:
            value = micros(change.seconds)
        elif change.per_second is not None:
            value = repr(float(change.per_second))
        was_in_force, raw = await self._scripts.run(
            "set_control",
            [
                endpoint, candidates_of(endpoint), change.wish.value, int(change.ends), value,
                change.by.encode("utf-8", "replace"), change.reason.encode("utf-8", "replace"),
                "" if change.at is None else micros(change.at),
            ],
        )  # fmt: skip
        return bool(was_in_force), raw
