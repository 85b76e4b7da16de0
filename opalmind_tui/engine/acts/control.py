"""Pause, resume and rate limit of delivery to this Matomo, for all processes."""

from __future__ import annotations

import math
import time

from msgspec import Struct

from opalmind_tui.engine.acts.kind import OnProgress, count, unseen
from opalmind_tui.errors import SettingsError
from opalmind_tui.snapshot.commands import Act, Command, Outcome, Plan
from opalmind_tui.snapshot.model import Control
from opalmind_tui.tracking.control import pause_wish, rate_wish, resume_wish
from opalmind_tui.tracking.queue import TrackingQueue

EVERYWHERE = "Every process that delivers to this Matomo keeps to it; posts under way finish. Nothing is lost."


class ControlDelivery(Struct):
    """What operators ask of delivery.

    Args:
        endpoint: the Matomo; empty where none is configured.
        user: who acts when a command does not say.
    """

    queue: TrackingQueue
    endpoint: str
    user: str

    async def plan(self, command: Command, on_progress: OnProgress = unseen) -> Plan:
        if not self.endpoint:
            raise SettingsError("MATOMO_BASE_URL", "nothing", "the address of the Matomo to deliver to")
        self._check(command)
        now = await self.queue.control(self.endpoint)
        waiting = await self.queue.counts(self.endpoint)
        about = [count(waiting.pending + waiting.scheduled, "request") + " wait now.", *_in_force(now)]
        if command.act is Act.RESUME:
            return Plan(command, "Resume delivery", int(now.paused is not None), (), tuple(about), "It can be paused.")
        if command.act is Act.PAUSE:
            lasts = f" for {command.seconds / 60:g} min" if command.seconds else " until somebody resumes it"
            return Plan(
                command, f"Pause delivery{lasts}", 1, (), (EVERYWHERE, *about), "It can be resumed at any time."
            )
        title = f"Deliver at most {command.per_second:g}/s" if command.per_second else "Deliver as fast as Matomo takes"
        return Plan(command, title, 1, (), (EVERYWHERE, *about), "It can be set back at any time.")

    def _check(self, command: Command) -> None:
        """No plan for what the queue would refuse. Raises `BadArgument`."""
        by = command.by or self.user
        if command.act is Act.PAUSE:
            pause_wish(by, command.reason, command.seconds or None)
        elif command.act is Act.RESUME:
            resume_wish(by)
        else:
            rate_wish(command.per_second or None, by, command.reason)

    async def run(self, plan: Plan, on_progress: OnProgress) -> Outcome:
        command = plan.command
        by = command.by or self.user
        before = await self.queue.control(self.endpoint)
        if command.act is Act.RESUME:
            was = await self.queue.resume(self.endpoint, by=by)
            said = "Delivery goes on" if was else "Delivery was not paused any more"
            return Outcome(said, done=int(was), inverse=_pause_of(before, time.time()) if was else None)
        if command.act is Act.PAUSE:
            await self.queue.pause(self.endpoint, by=by, reason=command.reason, seconds=command.seconds or None)
            back = _pause_of(before, time.time()) or Command(Act.RESUME)
            return Outcome(f"Delivery is paused{_because(command.reason)}", done=1, inverse=back)
        rate = command.per_second or None
        await self.queue.limit_rate(self.endpoint, rate, by=by, reason=command.reason)
        said = f"Delivery is limited to {rate:g}/s{_because(command.reason)}" if rate else "The rate limit is gone"
        former = before.rate
        back = Command(Act.LIMIT, per_second=former.per_second, reason=former.reason) if former else Command(Act.LIMIT)
        return Outcome(said, done=1, inverse=back)


def _pause_of(control: Control, now: float) -> Command | None:
    """What sets the pause in force again, for the time that it had left."""
    if control.paused is None:
        return None
    left = control.paused.until - now
    return Command(Act.PAUSE, reason=control.paused.reason, seconds=max(1.0, left) if math.isfinite(left) else 0.0)


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""


def _in_force(control: Control) -> list[str]:
    """Who asked for what there is now."""
    found = []
    if control.paused is not None:
        found.append(f"Paused by {control.paused.by}{_because(control.paused.reason)}.")
    if control.rate is not None:
        found.append(f"Limited to {control.rate.per_second:g}/s by {control.rate.by}{_because(control.rate.reason)}.")
    return found
