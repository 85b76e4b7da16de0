"""The guarantee in words: a table of cases."""

from __future__ import annotations

import pytest

from opalmind_tui.observe.durability import drops_queue, drops_records, durability
from opalmind_tui.snapshot.model import Mode, ServerView

BEGINS = "accepted requests survive: our crash yes; a Redis crash: "
CASES: list[tuple[Mode, ServerView | None, str]] = [
    (Mode.REDIS, ServerView(aof_enabled=True, appendfsync="everysec"), f"{BEGINS}up to 1 s lost (everysec)"),
    (Mode.REDIS, ServerView(aof_enabled=True, appendfsync="always"), f"{BEGINS}yes (always)"),
    (Mode.REDIS, ServerView(aof_enabled=True, appendfsync="no"), f"{BEGINS}about 30 s lost (appendfsync no)"),
    (
        Mode.REDIS,
        ServerView(aof_enabled=True),
        f"{BEGINS}unknown (AOF is on; the server does not tell its appendfsync)",
    ),
    (
        Mode.REDIS,
        ServerView(aof_enabled=True, aof_error=True),
        f"{BEGINS}unknown (its append-only file cannot be written)",
    ),
    (Mode.REDIS, ServerView(save_enabled=False, appendfsync="everysec"), f"{BEGINS}all lost (no persistence)"),
    (Mode.REDIS, ServerView(save_enabled=True), f"{BEGINS}all since its last snapshot lost (no AOF)"),
    (Mode.REDIS, ServerView(), f"{BEGINS}all since its last snapshot lost, if it makes any (no AOF)"),
    (Mode.REDIS, None, f"{BEGINS}unknown (the server does not tell)"),
    (
        Mode.REDIS,
        ServerView(aof_enabled=True, appendfsync="always", policy="allkeys-lru", max_memory=1),
        f"{BEGINS}yes (always); eviction (allkeys-lru) can drop queued requests",
    ),
    (
        Mode.MEMORY,
        ServerView(aof_enabled=True, appendfsync="always"),
        "accepted requests live in this process's memory only: its end loses them until Redis is back",
    ),
]


@pytest.mark.parametrize(("mode", "server", "sentence"), CASES)
def test_the_sentence_says_what_survives(mode: Mode, server: ServerView | None, sentence: str) -> None:
    assert durability(mode, server) == sentence


@pytest.mark.parametrize(
    ("policy", "limit", "queue", "records"),
    [
        ("allkeys-lru", 1, True, False),
        ("allkeys-random", 1, True, False),
        ("allkeys-lru", 0, False, False),
        ("volatile-lru", 1, False, True),
        ("volatile-random", 1, False, True),
        ("volatile-ttl", 1, False, False),
        ("noeviction", 1, False, False),
        ("", 1, False, False),
    ],
)
def test_which_policy_drops_what(policy: str, limit: int, queue: bool, records: bool) -> None:
    server = ServerView(policy=policy, max_memory=limit)
    assert (drops_queue(server), drops_records(server)) == (queue, records)
