"""Every threshold and every rule of the checks, and what is said where nothing can be known."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from opalmind_tui.health import health_document, health_view
from opalmind_tui.health.facts import Facts
from opalmind_tui.snapshot.model import (
    CacheView,
    Check,
    Control,
    GateKind,
    KeyCounts,
    Mode,
    Pause,
    Reading,
    StoreStatus,
    Verdict,
)
from opalmind_tui.text import safe_text
from tests.health.inputs import NOW, SERVER, TOKEN, away, facts, gate, memory, queue

OK, WARN, FAIL, UNKNOWN = Verdict.OK, Verdict.WARN, Verdict.FAIL, Verdict.UNKNOWN


def found(known: Facts, name: str) -> Check:
    return next(check for check in health_view(known).checks if check.name == name)


def details(known: Facts, name: str) -> dict[str, Any]:
    return dict(found(known, name).details)


QUEUES: list[tuple[dict[str, Any], Verdict]] = [
    ({}, OK),
    ({"pending": 8, "inflight": 1}, OK),
    ({"pending": 5, "inflight": 2, "scheduled": 3}, WARN),
    ({"pending": 24}, WARN),
    ({"pending": 20, "inflight": 2, "scheduled": 3}, FAIL),
    ({"pending": 1, "oldest_accepted": NOW - 59.999}, OK),
    ({"pending": 1, "oldest_accepted": NOW - 60}, WARN),
    ({"scheduled": 1, "oldest_accepted": NOW - 119.999}, WARN),
    ({"inflight": 1, "oldest_accepted": NOW - 120}, FAIL),
    ({"oldest_accepted": NOW - 9_000, "last_retry_at": NOW - 9_000}, OK),
    ({"pending": 1, "oldest_accepted": NOW + 50}, OK),
    ({"dead": 1}, WARN),
    ({"held": 1, "pending": 1}, WARN),
    ({"ledger_difference": 1}, FAIL),
    ({"ledger_difference": -1}, FAIL),
    ({"epoch_changed": True}, FAIL),
    ({"gate": gate(GateKind.COOLDOWN, 3600)}, WARN),
    ({"gate": gate(GateKind.BREAKER, 119)}, WARN),
    ({"gate": gate(GateKind.BREAKER, 120)}, FAIL),
    ({"gate": gate(GateKind.TOKEN)}, FAIL),
    ({"gate": gate(GateKind.RECORDING_OFF)}, WARN),
    ({"control": Control(Pause("kim", "", NOW, float("inf")))}, WARN),
    ({"pending": 1, "delivering_here": False}, WARN),
    ({"pending": 1, "delivering_here": False, "workers": 1}, OK),
    ({"delivering_here": False}, OK),
]


@pytest.mark.parametrize(("changes", "verdict"), QUEUES)
def test_the_queue_is_judged_by_its_backlog_age_and_troubles(changes: dict[str, Any], verdict: Verdict) -> None:
    check = found(facts(queue=queue(**changes)), "tracking-queue")
    assert check.verdict is verdict
    assert ("; " in check.output) is (verdict is not OK)


def test_the_limits_of_the_queue_are_settings() -> None:
    environ = {"MATOMO_QUEUE_WARN_PENDING": "100", "MATOMO_QUEUE_WARN_AGE_MS": "600000"}
    assert found(facts(environ, queue=queue(pending=60, oldest_accepted=NOW - 300)), "tracking-queue").verdict is OK
    assert found(facts(environ, queue=queue(pending=100)), "tracking-queue").verdict is FAIL


def test_the_details_of_the_queue_leave_out_what_is_unset() -> None:
    always = {
        "pending", "inflight", "scheduled", "dead", "ledgerDifference", "totalProcessed", "totalRetried",
        "lastBackoffMs", "backlogAgeMs",
    }  # fmt: skip
    assert set(details(facts(), "tracking-queue")) == always
    view = queue(
        pending=2, dead=3, delivered=5, retried=7, last_backoff=1.5, oldest_accepted=NOW - 2, last_retry_at=NOW - 1,
        last_error="503 Service Unavailable", last_error_at=NOW - 1.25, last_status=503,
        gate=gate(GateKind.COOLDOWN, 1), ledger_difference=-1,
    )  # fmt: skip
    now = round(NOW * 1000)
    assert details(facts(queue=view), "tracking-queue") == {
        "pending": 2, "inflight": 0, "scheduled": 0, "dead": 3, "ledgerDifference": -1, "totalProcessed": 5,
        "totalRetried": 7, "lastBackoffMs": 1500, "backlogAgeMs": 2000, "lastRetryAt": now - 1000,
        "lastError": {"message": "503 Service Unavailable", "timestamp": now - 1250, "status": 503},
        "cooldownUntil": now + 8000, "lastRetryStatus": 503, "oldestPendingAt": now - 2000,
        "gate": {
            "kind": "cooldown", "since": now - 1000, "until": now + 8000, "reason": "503 Service Unavailable",
        },
    }  # fmt: skip


def test_a_breaker_is_no_cooldown_and_a_gate_without_an_end_has_none() -> None:
    known = details(facts(queue=queue(gate=gate(GateKind.BREAKER, until=float("inf")))), "tracking-queue")
    assert "cooldownUntil" not in known
    assert "until" not in known["gate"]


CACHES: list[tuple[int, int, Verdict]] = [
    (0, 0, OK),
    (0, 19, OK),
    (0, 20, OK),
    (0, 199, OK),
    (0, 200, FAIL),
    (1, 18, OK),
    (1, 20, FAIL),
    (1, 19, WARN),
    (4, 17, WARN),
    (4, 16, OK),
    (10, 189, WARN),
    (9, 191, FAIL),
    (200, 0, OK),
]


@pytest.mark.parametrize(("hits", "misses", "verdict"), CACHES)
def test_the_cache_is_judged_by_its_rate_once_it_is_warm(hits: int, misses: int, verdict: Verdict) -> None:
    view = CacheView(hits=hits, misses=misses, window=300, window_hits=hits, window_misses=misses)
    assert found(facts(cache=view), "reports-cache").verdict is verdict


def test_the_last_minutes_are_judged_and_not_what_once_was() -> None:
    good_once = CacheView(hits=9_000, misses=1_000, window=300, window_hits=2, window_misses=98)
    check = found(facts(cache=good_once), "reports-cache")
    assert (check.verdict, check.observed) == (FAIL, 2)
    assert check.output == "Hit rate: 2.0% (2/100 requests); below 5%"
    known = dict(check.details)
    assert (known["hits"], known["misses"], known["hitRate"]) == (9_000, 1_000, 2)
    assert known["window"] == {"hits": 2, "misses": 98, "seconds": 300}
    bad_once = CacheView(hits=0, misses=5_000, window=300, window_hits=60, window_misses=40)
    assert found(facts(cache=bad_once), "reports-cache").verdict is OK


def test_two_matomos_under_one_prefix_are_reported() -> None:
    view = CacheView(hits=90, misses=10, window_hits=90, window_misses=10, other_sources=(f"https://two/?{TOKEN}\x1b",))
    check = found(facts(cache=view), "reports-cache")
    assert check.verdict is WARN
    assert "another Matomo, https://two/" in check.output
    [shown] = dict(check.details)["otherMatomos"]
    for text in (check.output, shown):
        assert TOKEN not in text
        assert "\x1b" not in text
    assert "otherMatomos" not in dict(found(facts(cache=replace(view, other_sources=())), "reports-cache").details)


def test_a_quiet_cache_shows_its_totals_and_is_not_judged() -> None:
    check = found(facts(cache=CacheView(hits=1, misses=99, window=300)), "reports-cache")
    assert (check.verdict, check.output) == (OK, "Hit rate: 1.0% (1/100 requests)")


def test_entries_are_the_keys_under_the_prefix() -> None:
    assert details(facts(cache=CacheView(entries=7), keys=KeyCounts(cache=12)), "reports-cache")["entries"] == 12
    assert details(facts(cache=CacheView(entries=7), keys=Reading()), "reports-cache")["entries"] == 7


SERVERS: list[tuple[dict[str, Any], Verdict, str]] = [
    ({}, OK, ""),
    ({"max_memory": 100, "used_memory": 79}, OK, ""),
    ({"max_memory": 100, "used_memory": 80}, WARN, "80% of its memory"),
    ({"max_memory": 100, "used_memory": 95}, FAIL, "95% of its memory"),
    ({"max_memory": 100, "used_memory": 150, "policy": "volatile-ttl"}, WARN, "100% of its memory"),
    ({"max_memory": 100, "policy": "allkeys-lru"}, WARN, "can drop queued requests"),
    ({"max_memory": 0, "policy": "allkeys-lru"}, OK, ""),
    ({"max_memory": 100, "policy": "volatile-lru"}, WARN, "can drop idempotency records"),
    ({"max_memory": 100, "policy": "volatile-ttl"}, OK, ""),
    ({"role": "slave"}, WARN, "replica"),
    ({"loading": True}, WARN, "loading"),
    ({"aof_error": True}, FAIL, "append-only"),
    ({"bgsave_error": True}, WARN, "snapshot"),
]


@pytest.mark.parametrize(("changes", "verdict", "reason"), SERVERS)
def test_the_server_is_judged_by_what_it_can_do_to_the_data(
    changes: dict[str, Any], verdict: Verdict, reason: str
) -> None:
    check = found(facts(server=replace(SERVER, **changes)), "redis-connection")
    assert check.verdict is verdict
    assert reason in check.output
    assert check.output.startswith("valkey 9.1.2 answered in 0.4ms")


def test_the_details_of_redis_have_the_agreed_names() -> None:
    server = replace(SERVER, max_memory=512, evicted_keys=4, keyspace_hits=5, keyspace_misses=6)
    assert details(facts(server=server), "redis-connection") == {
        "mode": "redis", "server": "valkey", "version": "9.1.2", "usedMemory": 1, "maxMemory": 512,
        "maxMemoryPolicy": "noeviction", "connectedClients": 3, "evictedKeys": 4, "keyspaceHits": 5,
        "keyspaceMisses": 6, "keys": {"idempotency": 3, "cache": 2, "queue": 9, "stats": 4, "other": 1},
        "keysExact": True,
    }  # fmt: skip


def test_without_redis_counts_are_null_and_the_whole_is_degraded() -> None:
    document = health_document(away())
    assert document["status"] == "degraded"
    by_name = {check["name"]: check for check in document["checks"]}
    redis = by_name["redis-connection"]
    assert redis["status"] == "warn"
    assert redis["details"].pop("mode") == "redis"
    assert set(redis["details"].pop("keys").values()) == {None}
    assert set(redis["details"].values()) == {None}
    assert redis["observedValue"] is None
    queue_details = by_name["tracking-queue"]["details"]
    assert set(queue_details.values()) == {None}
    assert {"pending", "scheduled", "dead", "ledgerDifference"} <= set(queue_details)
    cache = by_name["reports-cache"]["details"]
    assert cache["entries"] is cache["hits"] is cache["hitRate"] is None
    assert (cache["sampleSize"], cache["warnHitRate"]) == (20, 20)
    assert 0 not in [check.get("observedValue") for check in document["checks"]]


def test_an_old_value_is_not_taken_for_the_present_one() -> None:
    stale = Reading(queue(pending=5), NOW - 60, "Redis did not answer in time")
    assert details(facts(queue=stale), "tracking-queue")["pending"] is None


def test_memory_mode_warns_and_shows_what_lives_here() -> None:
    known = facts(store=memory(), server=Reading(error="away"), keys=Reading(error="away"), queue=queue(pending=4))
    check = found(known, "redis-connection")
    assert check.verdict is WARN
    assert check.output == "Redis refuses connections; running on memory, 41 requests only here"
    assert dict(check.details)["mode"] == "memory"
    assert details(known, "tracking-queue")["pending"] == 4
    assert health_document(known)["status"] == "degraded"
    assert found(facts(store=StoreStatus(mode=Mode.MEMORY)), "redis-connection").verdict is WARN


def test_the_way_back_from_memory_is_no_outage_any_more() -> None:
    check = found(facts(store=memory(reason="", recovering=True)), "redis-connection")
    assert check.verdict is WARN
    assert check.output.endswith("; it is back, 41 requests of this process moving over")


def test_a_server_that_is_full_still_shows_its_figures() -> None:
    full = replace(SERVER, max_memory=100, used_memory=100)
    check = found(facts(store=memory(reason="Redis is full (maxmemory)"), server=full), "redis-connection")
    assert check.verdict is FAIL
    assert dict(check.details)["usedMemory"] == 100
    assert "Redis is full (maxmemory); running on memory" in check.output


def test_a_server_that_does_not_tell_is_unknown() -> None:
    known = facts(server=Reading(error="Redis does not permit a command or key to this user"), keys=Reading())
    assert found(known, "redis-connection").verdict is UNKNOWN
    assert health_document(known)["checks"][3]["status"] == "warn"


MATOMOS: list[tuple[dict[str, str], Reading[float], Verdict, str]] = [
    ({}, Reading(0.0123, NOW), OK, "API responded in 12ms"),
    ({}, Reading(None, 0.0, "no answer in time"), FAIL, "no answer in time"),
    ({}, Reading(0.01, NOW - 60, "503"), FAIL, "503"),
    ({}, Reading(), UNKNOWN, "not asked yet"),
    ({"MATOMO_BASE_URL": ""}, Reading(), UNKNOWN, "no Matomo is configured (MATOMO_BASE_URL)"),
]


@pytest.mark.parametrize(("environ", "probe", "verdict", "output"), MATOMOS)
def test_matomo_passes_only_when_it_answered(
    environ: dict[str, str], probe: Reading[float], verdict: Verdict, output: str
) -> None:
    check = found(facts(environ, matomo=probe), "matomo-api")
    assert (check.verdict, check.output) == (verdict, output)


def test_any_fail_is_unhealthy_and_any_warning_degraded() -> None:
    assert health_document(facts())["status"] == "healthy"
    assert health_document(facts(queue=queue(dead=1)))["status"] == "degraded"
    assert health_document(facts(matomo=Reading()))["status"] == "degraded"
    assert health_document(facts(queue=queue(dead=1), matomo=Reading(error="x")))["status"] == "unhealthy"


def test_times_are_iso_with_milliseconds() -> None:
    document = health_document(replace(facts(), now=NOW + 0.0429999))
    assert document["timestamp"] == "2026-11-22T19:23:20.043Z"
    assert {check["time"] for check in document["checks"]} == {document["timestamp"]}


ECHO = f"<html>\x1b]0;owned\x07 GET /index.php?token_auth={TOKEN}&x=\u202e1 {TOKEN.upper()}"


def test_secrets_and_controls_of_strangers_stay_out() -> None:
    known = facts(
        queue=queue(last_error=ECHO, gate=gate(GateKind.BREAKER, reason=ECHO)),
        matomo=Reading(error=ECHO), store=StoreStatus(reason=ECHO), server=Reading(error=ECHO),
        cache=Reading(error=ECHO),
    )  # fmt: skip
    text = json.dumps(health_document(known), ensure_ascii=False)
    assert TOKEN not in text.lower()
    assert safe_text(text) == text
    assert "owned" in text


@given(
    st.builds(
        queue,
        pending=st.integers(0, 10**9),
        dead=st.integers(0, 10**6),
        ledger_difference=st.integers(-(10**6), 10**6),
        oldest_accepted=st.none() | st.floats(0, 4e9),
        last_error=st.text(max_size=30),
        last_status=st.none() | st.integers(100, 599),
        clears_in=st.none() | st.floats(0, 1e9),
    )
)
def test_any_queue_makes_a_document_that_json_can_hold(view: Any) -> None:
    document = json.loads(json.dumps(health_document(facts(queue=view)), allow_nan=False))
    assert document["status"] in ("healthy", "degraded", "unhealthy")
