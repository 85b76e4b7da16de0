"""Plans commands and runs the plans: one table from act to kind. Read-only is enforced here (I12)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Protocol

from msgspec.structs import replace

from opalmind_tui.engine.acts.kind import Kind, OnProgress, unseen
from opalmind_tui.engine.undoing.inverse import encoded
from opalmind_tui.engine.undoing.last import NothingToUndo, Trail, find_undoable
from opalmind_tui.errors import ReadOnly
from opalmind_tui.matomo.masking import mask
from opalmind_tui.snapshot.audit import AuditEntry
from opalmind_tui.snapshot.commands import Act, Command, Outcome, Plan
from opalmind_tui.text import safe_text

_SHOWN = 60
"""Cells of a name from the trail."""


class AuditTrail(Trail, Protocol):
    """Where acts are noted."""

    async def write(
        self,
        *,
        by: str,
        act: str,
        what: str,
        outcome: str,
        done: int | None = None,
        inverse: str = "",
        undoes: str = "",
    ) -> None:
        """Note one act."""
        ...


class Acts:
    """Plans and runs commands.

    Args:
        kinds: who does what.
        user: who acts when a command does not say.
        endpoint: the Matomo whose delivery is in view.
        secrets: what must not be noted, also where somebody gives it as a reason (I10).
        store_time: epoch seconds by the clock of the store.
    """

    def __init__(
        self,
        kinds: Mapping[Act, Kind],
        audit: AuditTrail,
        *,
        read_only: bool,
        user: str,
        endpoint: str,
        secrets: tuple[str, ...],
        store_time: Callable[[], Awaitable[float]],
    ) -> None:
        self._kinds, self._audit, self._read_only, self._user = kinds, audit, read_only, user
        self._endpoint, self._secrets, self._store_time = endpoint, secrets, store_time

    async def plan(self, command: Command, on_progress: OnProgress | None = None) -> Plan:
        """What the command would do. Raises `OpalmindError` where that cannot be told.

        Args:
            on_progress: told how far it is, where it has to look through a list.
        """
        told = on_progress or unseen
        command = replace(command, reason=self._masked(command.reason))
        if command.act is not Act.UNDO:
            return self._shown(await self._kinds[command.act].plan(command, told))
        now = await self._store_time()
        entry, inverse = await find_undoable(self._audit, now, self._endpoint)
        plan = self._shown(await self._kinds[inverse.act].plan(replace(inverse, by=command.by), told))
        return replace(
            plan,
            title=f"Undo: {safe_text(entry.what, 2 * _SHOWN)}",
            consequences=(f"{_lower(plan.title)}.", _whose(entry, now), *plan.consequences),
            undo="An undo is not undone by this key; the act can be done again.",
            undoes=entry.ref,
        )

    async def run(self, plan: Plan, on_progress: OnProgress | None = None) -> Outcome:
        """Do it and note it. Raises `ReadOnly`."""
        if self._read_only:
            raise ReadOnly("This dashboard is read-only: it changes nothing")
        if plan.undoes and not await self._still_last(plan.undoes):
            said = "Nothing was undone: somebody else did or undid something meanwhile"
            return Outcome(said, error=said)
        outcome = await self._kinds[plan.command.act].run(plan, on_progress or unseen)
        outcome = replace(outcome, sentence=self._masked(outcome.sentence), error=self._masked(outcome.error))
        inverse = outcome.inverse if not plan.undoes else None
        await self._audit.write(
            by=self._masked(plan.command.by or self._user),
            act=str(Act.UNDO if plan.undoes else plan.command.act),
            what=self._masked(plan.title),
            outcome=outcome.sentence,
            done=outcome.done,
            inverse=encoded(inverse, self._endpoint) if inverse is not None else "",
            # What was stopped half-way can be undone once more.
            undoes="" if outcome.error or outcome.cancelled else plan.undoes,
        )
        return outcome

    def _masked(self, text: str) -> str:
        return mask(text, self._secrets)

    def _shown(self, plan: Plan) -> Plan:
        """The plan in words that may be shown, also where a filter looks for one of our secrets."""
        return replace(
            plan,
            title=self._masked(plan.title),
            consequences=tuple(map(self._masked, plan.consequences)),
            skipped=tuple((self._masked(reason), number) for reason, number in plan.skipped),
        )

    async def _still_last(self, ref: str) -> bool:
        try:
            entry, _ = await find_undoable(self._audit, await self._store_time(), self._endpoint)
        except NothingToUndo:
            return False
        return entry.ref == ref


def _lower(title: str) -> str:
    return f"It will {title[:1].lower()}{title[1:]}"


def _whose(entry: AuditEntry, now: float) -> str:
    at = entry.noted or entry.at
    clock = datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S")
    minutes = int(max(0.0, now - at) // 60)
    ago = f"{minutes} min ago" if minutes else "within the last minute"
    host = f" on {safe_text(entry.host, _SHOWN)}" if entry.host else ""
    return f"It was done by {safe_text(entry.who, _SHOWN)}{host} at {clock} UTC, {ago}."
