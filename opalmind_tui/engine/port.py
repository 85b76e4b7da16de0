"""What a screen may ask of the engine. The dashboard depends on this alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from opalmind_tui.snapshot.commands import Command, Outcome, Plan, Progress
from opalmind_tui.snapshot.entries import EntryPart
from opalmind_tui.snapshot.findings import Diagnosis
from opalmind_tui.snapshot.listing import RequestDetail
from opalmind_tui.snapshot.model import Snapshot, TtlPreview
from opalmind_tui.snapshot.wanted import NEWEST, Wanted


class EnginePort(Protocol):
    """The engine as a screen sees it; a recording can stand in for it."""

    async def take_snapshot(self, wanted: Wanted = NEWEST) -> Snapshot:
        """Read what one frame needs, and what is in view.

        Never raises for a part that failed: that part's `Reading` says why.
        """
        ...

    async def request_detail(self, request_id: str, *, reveal: bool = False, start: int = 0) -> RequestDetail | None:
        """All that is known of one request; None where it is no more.

        Args:
            start: from which character on a part of the body is wanted; the detail says how many there are.
            reveal: show personal data. It is noted in the audit who asked, and refused where nothing may be written
                (`ReadOnly`).

        Raises `StoreUnavailable`.
        """
        ...

    async def entry_part(self, key: str, start: int = 0) -> EntryPart | None:
        """A part of what the cache holds under a key, as it is stored; None where there is nothing any more.

        Args:
            key: the key text.
            start: the first byte.

        Raises `StoreUnavailable`.
        """
        ...

    async def plan(self, command: Command, on_progress: Callable[[Progress], None] | None = None) -> Plan:
        """Say what a command would do, and capture what it acts on. Raises `OpalmindError` where it cannot tell.

        Args:
            on_progress: told how far it is, where a long list has to be gone through; cancelling the task ends that.
        """
        ...

    async def run(self, plan: Plan, on_progress: Callable[[Progress], None] | None = None) -> Outcome:
        """Do what was planned, in paced batches; cancelling the task stops between two batches. Raises `ReadOnly`."""
        ...

    def leave_behind(self) -> None:
        """Don't write a file of what lives only in memory when the engine stops: an operator chose to lose it."""
        ...

    async def ttl_preview(self, feature: str, seconds: float | None = None) -> TtlPreview:
        """What times to live would do to a report feature (empty: to all), from the look-ups that were observed.

        Args:
            seconds: a time that somebody thinks of, beside the one in force.

        Raises `OpalmindError` where the look-ups cannot be read.
        """
        ...

    def switch_count(self) -> None:
        """Count all keys one by one, go on with a count that was stopped, or stop one that runs. It gives way."""
        ...

    async def summary(self) -> str:
        """The hand-over of an incident in Markdown, secrets and personal data masked. Takes a few seconds at most."""
        ...

    async def diagnose(self) -> Diagnosis:
        """Look for causes of trouble, and for what may become one. Takes a few seconds at the most.

        Never raises for a part that failed: that is a finding.
        """
        ...


class DemoPort(Protocol):
    """The demo's stand-in Matomo, as a screen sees it."""

    @property
    def moods(self) -> tuple[tuple[str, str, str], ...]:
        """(key, name, what it does) of every behaviour that the stand-in knows."""
        ...

    def mood(self) -> str:
        """The behaviour in force."""
        ...

    async def set_mood(self, name: str) -> None:
        """Switch the behaviour."""
        ...
