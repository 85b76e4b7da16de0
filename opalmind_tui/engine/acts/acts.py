"""Plans commands and runs the plans: one table from act to kind. Read-only is enforced here (I12)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from opalmind_tui.engine.acts.kind import Kind, OnProgress
from opalmind_tui.errors import ReadOnly
from opalmind_tui.snapshot.commands import Act, Command, Outcome, Plan


class AuditTrail(Protocol):
    """Where acts are noted."""

    async def write(self, *, by: str, act: str, what: str, outcome: str) -> None:
        """Note one act."""
        ...


class Acts:
    """Plans and runs commands.

    Args:
        kinds: who does what.
        user: who acts when a command does not say.
    """

    def __init__(self, kinds: Mapping[Act, Kind], audit: AuditTrail, *, read_only: bool, user: str) -> None:
        self._kinds, self._audit, self._read_only, self._user = kinds, audit, read_only, user

    async def plan(self, command: Command) -> Plan:
        """What the command would do. Raises `OpalmindError` where that cannot be told."""
        return await self._kinds[command.act].plan(command)

    async def run(self, plan: Plan, on_progress: OnProgress | None = None) -> Outcome:
        """Do it and note it. Raises `ReadOnly`."""
        if self._read_only:
            raise ReadOnly("This dashboard is read-only: it changes nothing")
        outcome = await self._kinds[plan.command.act].run(plan, on_progress or (lambda progress: None))
        await self._audit.write(
            by=plan.command.by or self._user, act=str(plan.command.act), what=plan.title, outcome=outcome.sentence
        )
        return outcome
