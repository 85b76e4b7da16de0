"""Taking note of a ledger that does not come out even."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from msgspec import Struct

from opalmind_tui.engine.acts.kind import OnProgress, count, unseen
from opalmind_tui.engine.ledger import Ledger
from opalmind_tui.errors import BadArgument
from opalmind_tui.snapshot.commands import Command, Outcome, Plan
from opalmind_tui.snapshot.model import QueueView

LONGEST_NOTE = 200


class Acknowledge(Struct):
    """Silences the ledger's alarm, with a note for those who come after.

    Args:
        look: reads the queue now.
        user: who acts when a command does not say.
    """

    ledger: Ledger
    look: Callable[[], Awaitable[QueueView]]
    user: str

    async def plan(self, command: Command, on_progress: OnProgress = unseen) -> Plan:
        if not 0 < len(command.reason.strip()) <= LONGEST_NOTE:
            raise BadArgument("note", f"say in 1 to {LONGEST_NOTE} characters what happened")
        view = await self.look()
        alarm = view.ledger_alarm
        found = "the counters were replaced" if view.epoch_changed else f"{count(abs(alarm), 'request')} off"
        return Plan(
            command,
            f"Take note of the ledger: {found}",
            int(bool(alarm) or view.epoch_changed),
            (),
            ("The alarm is silent in every process until the difference changes. Nothing is sent or removed.",),
            "It cannot be taken back; the audit keeps it.",
        )

    async def run(self, plan: Plan, on_progress: OnProgress) -> Outcome:
        command = plan.command
        await self.ledger.acknowledge(command.by or self.user, command.reason.strip())
        return Outcome(f"Noted: {command.reason.strip()}", done=1)
