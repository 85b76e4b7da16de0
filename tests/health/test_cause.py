"""Line 2: the sentence for each trouble, and which of two troubles is said."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from opalmind_tui.health import cause_line
from opalmind_tui.health.cause import CAUSES
from opalmind_tui.health.facts import Facts
from opalmind_tui.health.words import lasting, since, utc_clock
from opalmind_tui.snapshot.model import (
    CacheView,
    Control,
    GateKind,
    Mode,
    Pause,
    Reading,
    RequestRow,
    State,
    StoreStatus,
    Verdict,
)
from opalmind_tui.text import safe_text
from tests.health.inputs import NOW, SERVER, TOKEN, away, facts, gate, memory, queue

OK, WARN, FAIL, UNKNOWN = Verdict.OK, Verdict.WARN, Verdict.FAIL, Verdict.UNKNOWN
INF = float("inf")
POORLY = CacheView(hits=2, misses=98, window=300, window_hits=2, window_misses=98)
EVICTING = replace(SERVER, max_memory=100, policy="allkeys-lru")

ORDERED: list[tuple[str, dict[str, Any], str, Verdict]] = [
    (
        "the counters are gone",
        {"queue": queue(epoch_changed=True)},
        "The queue's counters were replaced (server emptied or restored): requests may be lost.",
        FAIL,
    ),
    (
        "the ledger does not add up",
        {"queue": queue(ledger_difference=12)},
        "Ledger alarm: 12 accepted requests cannot be accounted for.",
        FAIL,
    ),
    (
        "the ledger has too much",
        {"queue": queue(ledger_difference=-1)},
        "Ledger alarm: 1 request accounted for twice.",
        FAIL,
    ),
    (
        "a wrong password",
        {
            "store": StoreStatus(
                reason="Redis refuses the user or password", remedy="Check REDIS_PASSWORD.", since=NOW - 30
            )
        },
        "Redis refuses the user or password since 19:22 UTC (30 s). Check REDIS_PASSWORD.",
        FAIL,
    ),
    (
        "Redis is away",
        {"store": memory()},
        "Redis refuses connections since 19:06 UTC (17 min): running on memory, 41 requests live only here.",
        WARN,
    ),
    (
        "one request in memory",
        {"store": memory(only_here=1)},
        "Redis refuses connections since 19:06 UTC (17 min): running on memory, 1 request lives only here.",
        WARN,
    ),
    (
        "the way back",
        {"store": memory(recovering=True)},
        "Redis is back: 41 requests of this process moving over.",
        WARN,
    ),
    (
        "the queue is full",
        {"queue": queue(refused_by="1,000,000 requests (MATOMO_QUEUE_MAX_LENGTH)", refused_at=NOW - 5)},
        "New requests are refused, the last at 19:23 UTC: 1,000,000 requests (MATOMO_QUEUE_MAX_LENGTH).",
        FAIL,
    ),
    (
        "the token is refused",
        {"queue": queue(pending=1, gate=gate(GateKind.TOKEN, 7_800, until=INF))},
        "Matomo refuses the token since 17:13 UTC (2 h 10 min): 1 request waits. Correct MATOMO_TOKEN.",
        FAIL,
    ),
    (
        "an outage",
        {"queue": queue(pending=5, gate=gate(GateKind.BREAKER, 1_020))},
        "Matomo answers 503 Service Unavailable since 19:06 UTC (17 min). Breaker open, next probe in 8 s. "
        "Nothing lost.",
        FAIL,
    ),
    (
        "a young outage",
        {"queue": queue(pending=5, gate=gate(GateKind.BREAKER, 10, "connection refused"))},
        "Matomo is away (connection refused) since 19:23 UTC (10 s). Breaker open, next probe in 8 s. Nothing lost.",
        WARN,
    ),
    (
        "an outage being probed, with losses",
        {"queue": queue(dead=2, dropped=1, gate=gate(GateKind.BREAKER, 10, until=-1))},
        "Matomo answers 503 Service Unavailable since 19:23 UTC (10 s). Breaker open, being probed now. "
        "2 dead, 1 dropped.",
        WARN,
    ),
    (
        "a cooldown",
        {"queue": queue(gate=gate(GateKind.COOLDOWN, 5, "429 Too Many Requests, asked to wait 13 s"))},
        "Matomo answers 429 Too Many Requests since 19:23 UTC (5 s). Cooldown until 19:23 UTC, 8 s from now. "
        "Nothing lost.",
        WARN,
    ),
    (
        "recording is off",
        {"queue": queue(pending=3, gate=gate(GateKind.RECORDING_OFF, 60, "Matomo stores nothing", INF))},
        "Matomo stores nothing since 19:22 UTC (1 min): 3 requests wait.",
        WARN,
    ),
    (
        "a pause",
        {"queue": queue(pending=3, control=Control(Pause("kim", "", NOW - 60, INF)))},
        "Sending is paused by kim since 19:22 UTC (1 min): 3 requests wait.",
        WARN,
    ),
    (
        "a pause with a reason and an end",
        {"queue": queue(pending=1, control=Control(Pause("kim", "upgrade", NOW - 60, NOW + 600)))},
        "Sending is paused by kim: upgrade since 19:22 UTC (1 min), on in 10 min: 1 request waits.",
        WARN,
    ),
    (
        "the queue cannot be read",
        {"queue": Reading(queue(), NOW - 9, "Redis did not answer in time")},
        "The queue cannot be read: Redis did not answer in time",
        WARN,
    ),
    (
        "nobody delivers",
        {"queue": queue(pending=9, delivering_here=False, oldest_accepted=NOW - 30)},
        "No worker connected: 9 requests wait, the oldest for 30 s.",
        WARN,
    ),
    (
        "reports fail",
        {"matomo": Reading(error="no answer in time")},
        "Matomo does not answer as it should: no answer in time",
        FAIL,
    ),
    (
        "the server may drop the queue",
        {"server": EVICTING},
        "Redis: eviction policy allkeys-lru can drop queued requests.",
        WARN,
    ),
    (
        "Redis is full",
        {"server": replace(SERVER, used_memory=99, max_memory=100, policy="noeviction")},
        "Redis: 99% of its memory is used (noeviction).",
        FAIL,
    ),
    (
        "Redis is a replica",
        {"server": replace(SERVER, role="slave")},
        "Redis: it is a replica: nothing can be written.",
        WARN,
    ),
    (
        "nothing is due",
        {
            "queue": queue(
                scheduled=12, oldest_accepted=NOW - 10, next_due=NOW + 480, last_error="503 Service Unavailable"
            )
        },
        "Nothing is due: 12 requests wait for their next try, the first at 19:31 UTC, in 8 min. "
        "Last error: 503 Service Unavailable.",
        WARN,
    ),
    (
        "a Matomo that fails at times",
        {"queue": queue(last_error="502 Bad Gateway", last_error_at=NOW - 4, last_status=502)},
        "Matomo fails at times (502 Bad Gateway), the last at 19:23 UTC. Nothing lost.",
        WARN,
    ),
    (
        "a backlog that shrinks",
        {"queue": queue(pending=2_310, oldest_accepted=NOW - 1_022, slope=-9.6, clears_in=240.0)},
        "2,310 requests wait, the oldest for 17 min, clears in 4 min.",
        FAIL,
    ),
    (
        "a backlog that grows",
        {"queue": queue(pending=12, oldest_accepted=NOW - 10, slope=12.34)},
        "12 requests wait, the oldest for 10 s, grows by 12.3/s.",
        WARN,
    ),
    ("dead requests", {"queue": queue(dead=3)}, "3 requests given up: retry or purge them.", WARN),
    (
        "held requests",
        {"queue": queue(pending=2, held=2)},
        "2 requests over 24 h old wait for a usable MATOMO_TOKEN.",
        WARN,
    ),
    (
        "two Matomos under one prefix",
        {"cache": replace(POORLY, other_sources=(f"https://two.example/{TOKEN}\x1b[2J", "https://three.example/"))},
        "The cache is shared with another Matomo, https://two.example/•••␛[2J and 1 more: its reports would be taken "
        "for ours. Give each Matomo a REDIS_CACHE_PREFIX of its own.",
        FAIL,
    ),
    (
        "a cache of little use",
        {"cache": POORLY},
        "Few reports come from the cache: 2 of 100 look-ups in 5 min.",
        FAIL,
    ),
    (
        "something that has no sentence of its own",
        {"cache": Reading(error="Redis did not answer in time")},
        "reports-cache: Hit rate: cannot be read: Redis did not answer in time.",
        UNKNOWN,
    ),
    ("nothing", {}, "Nothing is wrong.", OK),
]


@pytest.mark.parametrize(("name", "changes", "sentence", "verdict"), ORDERED, ids=[row[0] for row in ORDERED])
def test_each_trouble_has_its_sentence(name: str, changes: dict[str, Any], sentence: str, verdict: Verdict) -> None:
    assert cause_line(facts(**changes)) == (sentence, verdict)


PARTS = ("store", "queue", "cache", "server", "matomo")
PAIRS = [
    (first, second)
    for place, first in enumerate(ORDERED)
    for second in ORDERED[place + 1 :]
    if not set(first[1]) & set(second[1])
]


@pytest.mark.parametrize(("first", "second"), PAIRS, ids=[f"{first[0]} / {second[0]}" for first, second in PAIRS])
def test_of_two_troubles_the_worse_is_said(first: Any, second: Any) -> None:
    assert cause_line(facts(**first[1], **second[1]))[0] == first[2]


def test_within_the_queue_the_worse_is_said() -> None:
    everything = {
        "dead": 3, "held": 2, "pending": 99, "oldest_accepted": NOW - 900, "delivering_here": False,
        "gate": gate(GateKind.BREAKER, 5), "ledger_difference": 1,
    }  # fmt: skip
    expected = (
        ("ledger_difference", "Ledger"),
        ("gate", "Matomo answers"),
        ("delivering_here", "No worker"),
        ("oldest_accepted", "99 requests wait"),
    )
    for field, begins in expected:
        assert cause_line(facts(queue=queue(**everything)))[0].startswith(begins)
        del everything[field]
    del everything["pending"]
    assert cause_line(facts(queue=queue(**everything)))[0].startswith("3 requests given up")


def test_the_clock_of_the_screen_writes_the_times() -> None:
    sentence, _ = cause_line(facts(store=memory()), clock=lambda moment: f"<{moment:.0f}>")
    assert f"since <{NOW - 1020:.0f}> (17 min)" in sentence


def test_a_command_without_redis_says_why() -> None:
    sentence, verdict = cause_line(away())
    assert (sentence, verdict) == ("Redis refuses connections.", FAIL)


def test_memory_mode_without_a_reason_is_still_said() -> None:
    assert cause_line(facts(store=StoreStatus(mode=Mode.MEMORY)))[0].startswith("Redis is away: running on memory")


def test_nothing_is_wrong_only_when_every_check_passes() -> None:
    known = facts({"MATOMO_BASE_URL": ""})
    assert cause_line(known) == ("matomo-api: no Matomo is configured (MATOMO_BASE_URL).", UNKNOWN)


HOSTILE = f"503 \x1b[2J\u202e token_auth={TOKEN} " + "x" * 500
STRANGERS: list[Facts] = [
    facts(queue=queue(gate=gate(GateKind.BREAKER, 5, HOSTILE))),
    facts(queue=queue(gate=gate(GateKind.RECORDING_OFF, 5, HOSTILE))),
    facts(queue=Reading(error=HOSTILE)),
    facts(matomo=Reading(error=HOSTILE)),
    facts(store=memory(reason=HOSTILE)),
    facts(cache=Reading(error=HOSTILE)),
]


@pytest.mark.parametrize("known", STRANGERS)
def test_text_of_strangers_is_masked_cut_and_made_safe(known: Facts) -> None:
    sentence, _ = cause_line(known)
    assert TOKEN not in sentence
    assert safe_text(sentence) == sentence
    assert len(sentence) < 450


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0 s"), (0, "0 s"), (8.4, "8 s"), (59.4, "59 s"), (59.6, "1 min"), (60, "1 min"), (1_022, "17 min"),
        (3_599, "59 min"), (3_600, "1 h"), (7_800, "2 h 10 min"), (86_399, "23 h 59 min"), (86_400, "1 d"),
        (300_000, "3 d"),
    ],
)  # fmt: skip
def test_durations_have_one_or_two_units(seconds: float, words: str) -> None:
    assert lasting(seconds) == words


def test_a_time_of_day_is_said_only_where_it_says_something() -> None:
    assert since(0, NOW, utc_clock) == ""
    assert since(NOW - 60, NOW, utc_clock) == " since 19:22 UTC (1 min)"
    assert since(NOW - 3 * 86_400, NOW, utc_clock) == " for 3 d"


def failures(*statuses: int | None) -> tuple[RequestRow, ...]:
    return tuple(
        RequestRow(
            f"{number}", State.SCHEDULED, "event", "x", "1", "", NOW, status=status, error=HOSTILE, failed_at=NOW
        )
        for number, status in enumerate(statuses)
    )


def test_the_share_of_the_commonest_error_is_said_where_enough_are_known() -> None:
    closed = facts(queue=queue(gate=gate(GateKind.BREAKER, 5)))
    known = replace(closed, failures=failures(*[503] * 97, 400, None, None))
    assert cause_line(known)[0].startswith(
        "Matomo answers 503 Service Unavailable (97 % of the newest 100 errors) since"
    )
    assert "errors" not in cause_line(replace(closed, failures=failures(503, 503)))[0]


def test_each_place_in_the_order_has_a_name_and_a_reason() -> None:
    names = [cause.name for cause in CAUSES]
    assert len(set(names)) == len(names)
    assert all(cause.because for cause in CAUSES)
