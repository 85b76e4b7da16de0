"""Why endpoints are closed now, and which claim probes them."""

from __future__ import annotations

import math

from msgspec.structs import replace

from opalmind_tui.snapshot.model import Gate, GateKind

TIMED = (GateKind.COOLDOWN,)
"""These end by themselves; the others let one probe through."""


class Gates:
    """Gates by endpoint. Moments in epoch seconds."""

    def __init__(self) -> None:
        self._gates: dict[str, Gate] = {}
        self._probes: dict[str, str] = {}

    def get(self, endpoint: str, now: float) -> Gate | None:
        """The gate, None where there is none or it has ended by itself."""
        gate = self._gates.get(endpoint)
        if gate is not None and gate.kind in TIMED and gate.until <= now:
            self.open(endpoint)
            return None
        return gate

    def close(self, endpoint: str, kind: GateKind, now: float, *, seconds: float, reason: str, failures: int) -> Gate:
        """Close it. Of one kind the longer closing wins."""
        old = self.get(endpoint, now)
        until = now + seconds if math.isfinite(seconds) else math.inf
        gate = Gate(kind=kind, since=now, until=until, reason=reason, failures=failures)
        if old is not None and old.kind is kind:
            gate = replace(gate, since=old.since, until=max(old.until, until))
        self._gates[endpoint] = gate
        self._probes.pop(endpoint, None)
        return gate

    def open(self, endpoint: str) -> None:
        """Open it."""
        self._gates.pop(endpoint, None)
        self._probes.pop(endpoint, None)

    def probe(self, endpoint: str) -> str:
        """The token of the claim that probes it, or that did so last."""
        return self._probes.get(endpoint, "")

    def set_probe(self, endpoint: str, token: str) -> None:
        """This claim probes it."""
        self._probes[endpoint] = token
