"""A closer look at a server, for a diagnosis: its clock, its settings, its slow log. Asked once, never on a frame."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from opalmind_tui.observe.answers import slow_commands, word
from opalmind_tui.snapshot.redis_report import SlowCommand
from opalmind_tui.storage.trouble import TROUBLES, trouble

if TYPE_CHECKING:
    from redis.asyncio import Redis

SETTINGS = (
    "appendfsync", "save", "stop-writes-on-bgsave-error", "timeout", "maxmemory-policy", "min-replicas-to-write",
    "min-replicas-max-lag",
)  # fmt: skip
"""What is asked of CONFIG. Nothing in it is a secret."""
SLOW = 10
"""Newest entries of the slow log."""


class Examination(Struct, frozen=True):
    """What was found out.

    Args:
        clock_offset: seconds by which the server's clock is ahead of ours; None where it did not tell.
        clock_margin: by how much that may be wrong.
        config: settings that we may read.
        denied: commands that the server does not let us use.
        slow: the newest slow commands.
        primary: where a replica's primary is.
        good_replicas: replicas that follow closely enough, told by a server that insists on some; else None.
    """

    clock_offset: float | None = None
    clock_margin: float = 0.0
    config: Mapping[str, str] = field(default_factory=dict)
    denied: tuple[str, ...] = ()
    slow: tuple[SlowCommand, ...] = ()
    primary: str = ""
    good_replicas: int | None = None


async def examine(client: Redis, clock: Callable[[], float] = time.time) -> Examination:
    """Ask in two round trips. What the server does not permit is listed, and no error.

    Args:
        client: answers in bytes.
        clock: epoch seconds, ours.

    Raises:
        StoreUnavailable: the server did not answer.
    """
    from redis.exceptions import ResponseError

    try:
        before = clock()
        async with client.pipeline(transaction=False) as pipe:
            pipe.execute_command("TIME")
            (told,) = await pipe.execute(raise_on_error=False)
        after = clock()
        async with client.pipeline(transaction=False) as pipe:
            for name in SETTINGS:
                pipe.config_get(name)
            pipe.slowlog_get(SLOW)
            pipe.execute_command("CLIENT", "ID")
            pipe.info("replication")
            *settings, slow, own, replication = await pipe.execute(raise_on_error=False)
    except TROUBLES as error:
        raise trouble(error) from error
    refused = {
        "TIME": isinstance(told, ResponseError),
        "CONFIG": all(isinstance(one, ResponseError) for one in settings),
        "SLOWLOG": isinstance(slow, ResponseError),
        "CLIENT": isinstance(own, ResponseError),
        "INFO": isinstance(replication, ResponseError),
    }
    seconds = _seconds(told)
    return Examination(
        clock_offset=None if seconds is None else seconds - (before + after) / 2,
        clock_margin=max(0.0, (after - before) / 2),
        config=_config(settings),
        denied=tuple(name for name, no in refused.items() if no),
        slow=slow_commands(slow),
        primary=_primary(replication),
        good_replicas=replication.get("min_slaves_good_slaves") if isinstance(replication, dict) else None,
    )


def _seconds(told: Any) -> float | None:
    if not isinstance(told, list | tuple) or len(told) != 2:
        return None
    return int(told[0]) + int(told[1]) / 1e6


def _config(answers: list[Any]) -> dict[str, str]:
    known = (answer for answer in answers if isinstance(answer, dict))
    return {word(name): word(value, 200) for answer in known for name, value in answer.items()}


def _primary(replication: Any) -> str:
    if not isinstance(replication, dict) or replication.get("role") != "slave":
        return ""
    return f"{word(replication.get('master_host', ''), 200)}:{replication.get('master_port', '')}"
