"""A closer look at the server, for the screen that shows it: what a frame does not need, asked only while in view."""

from __future__ import annotations

from msgspec import Struct

from opalmind_tui.snapshot.census import CountProgress, KeyCensus

MOST_COMMANDS = 5.0
"""Commands a second that a dashboard which only looks, once a second, asks of the server at the most."""
MOST_BYTES = 20_000
"""Bytes a second to and from the server of such a dashboard."""


class SlowCommand(Struct, frozen=True):
    """One entry of the slow log. The command's name alone, for its arguments may hold anything. `at`: epoch seconds."""

    name: str
    at: float
    seconds: float


class Replica(Struct, frozen=True):
    """One replica, as its primary tells. `lag`: seconds since it was last heard."""

    address: str
    state: str
    lag: int


class ClientRow(Struct, frozen=True):
    """One program's connections. Texts are raw, from outside.

    Args:
        ours: they name themselves as an OpalMind TUI process does.
        connections: how many.
        idle: seconds since the last command on any of them.
    """

    name: str
    address: str
    ours: bool
    connections: int
    idle: int
    command: str


class Latency(Struct, frozen=True):
    """Round trips of this process's own commands, in seconds. `points`: the newest, oldest first."""

    p50: float = 0.0
    p99: float = 0.0
    points: tuple[float, ...] = ()


class Cost(Struct, frozen=True):
    """What this process costs the server, per second.

    Args:
        commands, sent, received: counted here: commands, bytes to and from the server.
        server: seconds of the server's own time: our calls, each at the mean time that the server measured for such a
            command; None where it does not tell. What others call by the same name is in that mean.
    """

    commands: float = 0.0
    sent: float = 0.0
    received: float = 0.0
    server: float | None = None


class RedisReport(Struct, frozen=True):
    """All of it.

    Args:
        denied: commands that the server does not let us use: what they tell is missing.
        clients: None where there are too many to ask for.
        input, output: bytes per second of all clients of the server; None before that is known.
    """

    at: float = 0.0
    census: KeyCensus | None = None
    counting: CountProgress | None = None
    slow: tuple[SlowCommand, ...] = ()
    replicas: tuple[Replica, ...] = ()
    clients: tuple[ClientRow, ...] | None = ()
    input: float | None = None
    output: float | None = None
    changes: int = 0
    """Writes since the last snapshot on disk."""
    rewriting: bool = False
    """The append-only file is being rewritten, or a snapshot saved."""
    latency: Latency = Latency()
    cost: Cost = Cost()
    denied: tuple[str, ...] = ()
