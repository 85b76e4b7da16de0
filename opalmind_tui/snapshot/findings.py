"""What the doctor found, frozen: plain data for a screen and for JSON. Texts are safe and hold no secrets."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from opalmind_tui.snapshot.commands import Command


class Severity(StrEnum):
    """How bad a finding is."""

    REMARK = "remark"
    """Worth knowing; nothing has to be done."""
    WARNING = "warning"
    """Works, but a fault or a change of load away from loss."""
    FAILURE = "failure"
    """Loses something, sends nothing, or serves nothing now."""


class Finding(Struct, frozen=True):
    """One finding.

    Args:
        id: stable name, such as ``eviction-allkeys``.
        title: what is wrong, in a few words.
        evidence: what was seen.
        consequence: what follows from it.
        remedy: what to do.
        command: the command to copy, quoted for a shell, for what belongs to the server; empty where there is none.
        action: what we can do ourselves, after a plan was shown; None where there is nothing.
        offer: what that would be, as a sentence.
    """

    id: str
    severity: Severity
    title: str
    evidence: str
    consequence: str
    remedy: str
    command: str = ""
    action: Command | None = None
    offer: str = ""


class Diagnosis(Struct, frozen=True):
    """Everything that was found at one moment, the worst first.

    Args:
        at: epoch seconds.
        address: the Redis that was asked, without secrets.
        checks: how many checks were made.
        asked: whether there was anything to ask: a Redis or a Matomo.
    """

    at: float
    address: str
    findings: tuple[Finding, ...]
    checks: int
    asked: bool = True

    @property
    def worst(self) -> Severity | None:
        """The most severe finding; None where there is none."""
        found = {finding.severity for finding in self.findings}
        return next((one for one in (Severity.FAILURE, Severity.WARNING, Severity.REMARK) if one in found), None)
