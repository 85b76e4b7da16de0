"""The server's own figures: one INFO, rates from what changed since the sample before."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from opalmind_tui.observe.info import Info, takes_several_sections, text, view_of, whole
from opalmind_tui.observe.trend import Points, full_in, with_point
from opalmind_tui.snapshot.model import ServerView
from opalmind_tui.storage.trouble import TROUBLES, trouble

if TYPE_CHECKING:
    from redis.asyncio import Redis

SECTIONS = ("server", "clients", "memory", "persistence", "stats", "replication", "keyspace")
COMMANDS = "commandstats"
"""The section that tells how often each command was called, and how long they took: as much again as all others."""
CONFIG_EVERY = 60.0
"""Seconds between two questions for `appendfsync` and `save`, which INFO does not tell."""
CONFIG_DENIED_EVERY = 600.0
"""The same where the server has refused: each refusal stands in its ACL log."""
ROUND_TRIPS = 5
_COUNTERS = ("evicted_keys", "expired_keys", "total_commands_processed", "keyspace_hits", "keyspace_misses")


class Saving(Struct, frozen=True):
    """What CONFIG tells about persistence. `save` is None where we may not ask."""

    asked_at: float = 0.0
    appendfsync: str = ""
    save: bool | None = None


class ServerSample(Struct, frozen=True):
    """What the next reading needs to know of this one. `info`: everything that the server said."""

    at: float = 0.0
    run_id: str = ""
    several_sections: bool = False
    counters: tuple[int, ...] = ()
    memory: Points = ()
    round_trips: tuple[float, ...] = ()
    saving: Saving = Saving()
    info: Info = field(default_factory=dict)


async def read_server(
    client: Redis, previous: ServerSample | None, now: float, *, trips: Sequence[float] = (), commands: bool = False
) -> tuple[ServerView, ServerSample]:
    """Read the server once: one command, about 5 kB; two more once a minute.

    Args:
        client: answers in bytes or text.
        previous: the sample of the last reading; None at first. The first reading has no rates but the server's
            own figure of operations per second.
        now: epoch seconds.
        trips: round trips that a meter of the client notes, in seconds; without them that of INFO counts.
        commands: whether to ask for the statistics of commands, too.

    Raises:
        StoreUnavailable: the server did not answer, or does not permit INFO (kind ``permission``).
    """
    last = previous or ServerSample()
    try:
        started = time.perf_counter()
        info: Info = await client.info(*_sections(last, commands))
        round_trip = trips[-1] if trips else time.perf_counter() - started
        saving = await _saving(client, last, text(info, "run_id"), now)
    except TROUBLES as error:
        raise trouble(error) from error
    sample = _sample(info, last, now, round_trip, saving)
    return _view(info, last, sample), sample


def _sections(last: ServerSample, commands: bool) -> tuple[str, ...]:
    """What INFO is to name. A server that takes one section alone is asked for its usual ones, or for all."""
    if last.several_sections:
        return (*SECTIONS, COMMANDS) if commands else SECTIONS
    return ("all",) if commands else ()


async def _saving(client: Redis, last: ServerSample, run_id: str, now: float) -> Saving:
    known = last.saving
    pause = CONFIG_EVERY if known.appendfsync else CONFIG_DENIED_EVERY
    if known.asked_at and run_id == last.run_id and now - known.asked_at < pause:
        return known
    async with client.pipeline(transaction=False) as pipe:
        pipe.config_get("appendfsync")
        pipe.config_get("save")
        fsync, save = await pipe.execute(raise_on_error=False)
    points = _config_value(save, "save")
    return Saving(now, _config_value(fsync, "appendfsync") or "", None if points is None else bool(points))


def _config_value(answer: object, name: str) -> str | None:
    """The value in an answer of CONFIG GET; None where the answer is a refusal or lacks it."""
    if not isinstance(answer, dict):
        return None
    value = answer.get(name, answer.get(name.encode()))
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value if isinstance(value, str) else None


def _sample(info: Info, last: ServerSample, now: float, round_trip: float, saving: Saving) -> ServerSample:
    run_id = text(info, "run_id")
    same = run_id == last.run_id
    return ServerSample(
        at=now,
        run_id=run_id,
        several_sections=takes_several_sections(info),
        counters=tuple(whole(info, name) for name in _COUNTERS),
        memory=with_point(last.memory if same else (), now, whole(info, "used_memory")),
        round_trips=(*(last.round_trips if same else ()), round_trip)[-ROUND_TRIPS:],
        saving=saving,
        info=info,
    )


def _view(info: Info, last: ServerSample, sample: ServerSample) -> ServerView:
    view = view_of(info)
    evicted, expired, commands, hits, misses = _changes(last, sample)
    seconds = sample.at - last.at
    comparable = bool(last.counters) and last.run_id == sample.run_id and seconds > 0
    return replace(
        view,
        evicted_rate=evicted / seconds if comparable else 0.0,
        expired_rate=expired / seconds if comparable else 0.0,
        ops_rate=commands / seconds if comparable else view.ops_rate,
        keyspace_hit_rate=100.0 * hits / (hits + misses) if comparable and hits + misses else None,
        full_in=full_in(sample.memory, view.used_memory, view.max_memory),
        appendfsync=sample.saving.appendfsync,
        save_enabled=sample.saving.save,
        round_trip=min(sample.round_trips),
    )


def _changes(last: ServerSample, sample: ServerSample) -> list[int]:
    """How far each counter went. One that fell was reset, so nothing is known of it."""
    before = last.counters or sample.counters
    return [max(0, now - then) for now, then in zip(sample.counters, before, strict=True)]
