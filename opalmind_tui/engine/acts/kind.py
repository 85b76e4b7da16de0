"""What all acts share: the shape of a kind, and the words of an outcome."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

from opalmind_tui.snapshot.commands import Command, Outcome, Plan, Progress

OnProgress: TypeAlias = Callable[[Progress], None]


def unseen(progress: Progress) -> None:
    """Where nobody wants to know how far it is."""


class Kind(Protocol):
    """One kind of act."""

    async def plan(self, command: Command, on_progress: OnProgress = unseen) -> Plan:
        """What it would do. Raises `OpalmindError` where that cannot be told.

        Args:
            on_progress: told how far it is, where it has to look through a list. Cancelling ends the look.
        """
        ...

    async def run(self, plan: Plan, on_progress: OnProgress) -> Outcome:
        """Do it. Cancelling stops between two batches; what was done by then stays done."""
        ...


def outcome(done: int, skipped: int, failed: int, done_word: str, error: str, cancelled: bool) -> Outcome:
    """The outcome with its sentence."""
    parts = [f"{done:,} {done_word}"]
    if skipped:
        parts.append(f"{skipped:,} no longer eligible")
    left = f" with {failed:,} left as they were" if failed else ""
    if cancelled:
        parts.append(f"cancelled{left}")
    elif error:
        parts.append(f"stopped{left}: {error}")
    return Outcome(", ".join(parts), done, skipped, failed, error, cancelled)


def count(number: int, one: str, many: str = "") -> str:
    """``1 request``, ``2 requests``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
