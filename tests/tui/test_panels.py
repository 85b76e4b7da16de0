"""What the panels say in which situation, whatever it looks like."""

from __future__ import annotations

import math

import pytest
from msgspec.structs import replace

from opalmind_tui.snapshot.model import (
    CacheView,
    Control,
    Gate,
    GateKind,
    HealthView,
    Mode,
    Pause,
    QueueView,
    Reading,
    ServerView,
    Snapshot,
    StoreStatus,
    Verdict,
)
from opalmind_tui.text import cells
from opalmind_tui.tui.addresses import shortened
from opalmind_tui.tui.card import Render
from opalmind_tui.tui.lines import Area, Tone
from opalmind_tui.tui.panels import cache, features, header, health, queue, requests, server, trends
from opalmind_tui.tui.sheet import frame
from tests.tui.fixtures import CACHE, NOW, QUEUE, SERVER, STATES, degraded, empty, healthy, outage, stale
from tests.tui.support import words

SIZES = {"80x24": Area(30, 10), "120x40": Area(39, 12), "200x60": Area(66, 13)}
ALL = pytest.mark.parametrize("size", SIZES)


def draw(render: Render, snapshot: Snapshot, size: str = "120x40") -> str:
    area = SIZES[size]
    return words(frame(render(snapshot, area), area))


def with_queue(view: QueueView) -> Snapshot:
    return replace(healthy(), queue=Reading(view, NOW))


def with_server(view: ServerView) -> Snapshot:
    return replace(healthy(), server=Reading(view, NOW))


def with_cache(view: CacheView) -> Snapshot:
    return replace(healthy(), cache=Reading(view, NOW))


# -- QUEUE -------------------------------------------------------------------------------------------------------


@ALL
def test_all_that_counts_is_in_the_queue_at_every_size(size: str) -> None:
    shown = draw(queue.render, healthy(), size)
    for part in ("pending", "scheduled", "inflight", "dead", "oldest", "delivered 12,041", "ledger 0", "nothing lost"):
        assert part in shown
    for part in ("2.3/s", "2.4/s", "0/s", "backlog", "2 workers"):
        assert part in shown


@ALL
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ledger_difference": 3}, "3 missing"),
        ({"ledger_difference": -2}, "2 too many"),
        ({"epoch_changed": True}, "counters were lost"),
    ],
)
def test_a_ledger_that_does_not_come_out_even_is_an_alarm(size: str, change: dict[str, int], said: str) -> None:
    shown = draw(queue.render, with_queue(replace(QUEUE, **change)), size)
    assert said in shown
    assert "FAIL" in shown
    assert "nothing lost" not in shown


@ALL
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"slope": 12.3}, "grows 12/s"),
        ({"slope": -4.0, "clears_in": 240.0}, "clears in 4 min"),
        ({"slope": 0.0}, "steady"),
        ({"slope": -0.01, "clears_in": math.inf}, "steady"),
        ({"slope": -1.0, "clears_in": math.inf}, "steady"),
        ({"pending": 0, "scheduled": 0, "inflight": 0}, "none"),
    ],
)
def test_where_the_backlog_goes(size: str, change: dict[str, float], said: str) -> None:
    assert said in draw(queue.render, with_queue(replace(QUEUE, **change)), size)  # type: ignore[arg-type]


@ALL
@pytest.mark.parametrize(
    ("gate", "said"),
    [
        (Gate(GateKind.BREAKER, NOW, NOW + 8, "HTTP 503"), "probe 8 s: HTTP 503"),
        (Gate(GateKind.BREAKER, NOW, NOW - 1, "x"), "probing now: x"),
        (Gate(GateKind.COOLDOWN, NOW, NOW + 42, "429"), "cooldown, ends 42 s: 429"),
        (Gate(GateKind.TOKEN, NOW, math.inf, "no access"), "token refused: no access"),
        (Gate(GateKind.RECORDING_OFF, NOW, math.inf, "x"), "recording is off: x"),
    ],
)
def test_a_closed_gate_says_why_and_until_when(size: str, gate: Gate, said: str) -> None:
    shown = draw(queue.render, with_queue(replace(QUEUE, gate=gate)), size)
    text = " ".join(shown.replace(" in ", " ").split())
    assert all(part in text for part in said.split(": "))


@ALL
def test_a_pause_stands_before_the_gate(size: str) -> None:
    control = Control(paused=Pause("kim", "an upgrade", NOW, math.inf))
    view = replace(QUEUE, gate=Gate(GateKind.BREAKER, NOW, NOW + 8, "HTTP 503"), control=control)
    shown = " ".join(draw(queue.render, with_queue(view), size).split())
    assert "paused" in shown
    assert "kim: an upgrade" in shown
    assert "503" not in shown


def test_who_delivers() -> None:
    assert "no worker connected" in draw(queue.render, with_queue(replace(QUEUE, workers=0, delivering_here=False)))
    assert "12 held: over 24 h old" in draw(queue.render, with_queue(replace(QUEUE, held=12)))


# -- CACHE, FEATURES ---------------------------------------------------------------------------------------------


@ALL
def test_all_that_counts_is_in_the_cache_at_every_size(size: str) -> None:
    shown = draw(cache.render, healthy(), size)
    for part in ("86 %", "1,204", "196", "stale evict.", "12", "127", "evicted", "342/h", "TTL", "2 changed"):
        assert part in shown


@ALL
def test_two_matomos_under_one_prefix_are_said(size: str) -> None:
    mistaken = replace(CACHE, other_sources=("https://\x1b[2Jevil.example/",))
    assert "2 Matomos, one prefix" in draw(cache.render, with_cache(mistaken), size)
    assert "Matomos" not in draw(cache.render, healthy(), size)


def test_what_went_wrong_and_what_a_fetch_costs_is_shown_for_each_report_where_there_is_room() -> None:
    assert "fetch 240 ms" in draw(cache.render, healthy(), "120x40")
    wide = features.render(healthy(), Area(110, 12))
    shown = "\n".join("".join(span.text for span in one) for one in wide.body)
    head, *rows = shown.splitlines()
    for title in ("old", "corrupt", "errors", "size", "fetch"):
        assert title in head
    funnels = next(row for row in rows if "getFunnelSummary" in row)
    for figure in (" 3 ", " 1 ", "2.1K", "240 ms"):
        assert figure in funnels


@ALL
def test_an_estimate_says_about(size: str) -> None:
    assert "about" in draw(cache.render, STATES["estimated"](), size)
    assert "about 4,152,200" in draw(server.render, STATES["estimated"](), size)


def test_no_look_ups_are_no_rate() -> None:
    assert "hit rate         –" in draw(
        cache.render, with_cache(replace(CACHE, window_hits=0, window_misses=0, window=0))
    )


def test_features_are_listed_by_use() -> None:
    shown = draw(features.render, healthy())
    assert shown.index("getKeyNumbers") < shown.index("getTopReferrers") < shown.index("getFunnelSummary")
    assert "No report has been asked for yet." in draw(features.render, empty())


# -- REDIS -------------------------------------------------------------------------------------------------------


@ALL
def test_all_that_counts_is_in_redis_at_every_size(size: str) -> None:
    shown = draw(server.render, healthy(), size)
    for part in (
        "410M/512M",
        "80 %",
        "436M",
        "1.04",
        "noeviction",
        "98 %",
        "212/s",
        "7",
        "keys 3,204",
        "2,904",
        "127",
        "150",
    ):
        assert part in shown


@ALL
def test_a_filling_memory_says_when_it_is_full(size: str) -> None:
    assert "full in about 3 h" in draw(server.render, with_server(replace(SERVER, full_in=10_900.0)), size)
    assert "no limit" in draw(server.render, with_server(replace(SERVER, max_memory=0)), size)


@ALL
def test_redis_away_says_why_since_when_and_what_to_do(size: str) -> None:
    shown = " ".join(draw(server.render, degraded(), size).split())
    for part in ("away", "Connection refused at", "02:14:05 UTC", "Start the server, or check REDIS_URL", "FAIL"):
        assert part in shown


# -- HEALTH, TRENDS ----------------------------------------------------------------------------------------------


def test_every_part_with_its_reason() -> None:
    area = Area(100, 12)
    shown = words(frame(health.render(STATES["outage"](), area), area))
    assert "✗ matomo-api FAIL" in shown
    assert "503 Service Unavailable since 02:14 UTC" in shown
    assert "survive: our crash yes" in shown
    assert "Services keep their own queues in their memory" in shown


def test_an_unknown_state_has_its_word() -> None:
    assert "UNKNOWN" in draw(health.render, replace(healthy(), health=Reading(None, 0.0)))
    assert "UNKNOWN" in draw(queue.render, replace(healthy(), health=Reading(HealthView(()), NOW)))


def test_trends_have_a_beginning() -> None:
    assert "The history begins now." in draw(trends.render, empty())
    shown = draw(trends.render, healthy())
    for part in ("backlog", "in", "out", "retried", "dead", "hit rate", "memory", "ops", "ping", "last 15 min"):
        assert part in shown


# -- age and errors ----------------------------------------------------------------------------------------------


@ALL
@pytest.mark.parametrize(
    ("panel", "age"), [(queue, "12s old"), (server, "12s old"), (health, "1m30s old"), (cache, "")]
)
def test_data_that_is_not_fresh_shows_its_age(size: str, panel: object, age: str) -> None:
    shown = draw(panel.render, stale(), size)  # type: ignore[attr-defined]
    assert (age in shown) if age else ("old" not in shown)


@ALL
def test_an_error_stands_in_its_own_place(size: str) -> None:
    snapshot = STATES["error"]()
    assert "WRONGTYPE" in draw(cache.render, snapshot, size)
    shown = draw(server.render, snapshot, size)
    assert "did not" in shown
    assert "410M" in shown, "the value that survived is shown with the error"
    assert "did not" not in draw(queue.render, snapshot, size)


@pytest.mark.parametrize("panel", [queue, cache, server, features, health])
def test_nothing_read_yet(panel: object) -> None:
    assert "Waiting for the first answer." in draw(panel.render, Snapshot(taken_at=NOW))  # type: ignore[attr-defined]


# -- the head of the screen --------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_where_you_are(width: int) -> None:
    first = words(header.render(healthy(), width)[:1])
    for part in (" PRODUCTION ", "6379/0", "0.4 ms", "02:31:07 UTC"):
        assert part in first
    assert ("delivering" if width > 60 else "sends") in first
    assert ("valkey 9.1" in first) == (width > 60)


@pytest.mark.parametrize("width", [60, 120])
@pytest.mark.parametrize(
    ("names", "tone"),
    [
        (("production", "PROD", "eu-prod-2", "live", "production-test"), Tone.PRODUCTION),
        (("staging", "Stage 2", "pre-production", "non-prod", "preprod", "uat"), Tone.STAGING),
        (("development", "dev", "local", "test"), Tone.DEVELOPMENT),
        (("demo", "sandbox"), Tone.BADGE),
        (("other", "product", "liveliness", "42", "Kunde Ω"), Tone.ENVIRONMENT),
    ],
)
def test_each_kind_of_environment_has_its_tone_and_its_name_in_view(
    names: tuple[str, ...], tone: Tone, width: int
) -> None:
    for name in names:
        identity = replace(healthy().identity, environment=name)
        spans = header.render(replace(healthy(), identity=identity), width)[0]
        assert [span.tone for span in spans if span.text == f" {name.upper()} "] == [tone]


@pytest.mark.parametrize(
    ("address", "limit", "shown"),
    [
        ("db.internal:6379/0", 18, "db.internal:6379/0"),
        ("db.internal:6379/0", 14, "db.…nal:6379/0"),
        ("opalmind-redis-0.eu-west.example.org:26379/15", 24, "opalmin…ple.org:26379/15"),
        ("[2001:db8::17]:6379/0", 14, "[20…17]:6379/0"),
        ("/run/user/1000/opalmind/demo/redis.sock#0", 24, "/run/…/demo/redis.sock#0"),
        ("mymaster/0", 6, "mym…/0"),
        ("日本語日本語日本語:6379/0", 14, "日…本語:6379/0"),
    ],
)
def test_a_short_address_keeps_its_port(address: str, limit: int, shown: str) -> None:
    cut = shortened(address, limit)
    assert cut == shown
    assert cells(cut) <= limit


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_the_head_is_as_high_whatever_is_wrong(width: int) -> None:
    """Else what stands below would move."""
    for state in STATES.values():
        snapshot, memory = state(), state().store.mode is Mode.MEMORY
        for cause in ("", snapshot.cause, "It is long. " * 40):
            assert len(header.render(replace(snapshot, cause=cause), width)) == (5 if memory else 3)


@pytest.mark.parametrize("width", [80, 120, 200])
def test_an_outage_is_said(width: int) -> None:
    """Two rows of a narrow terminal have what it is, since when and what is lost; the queue's panel has the breaker."""
    shown = " ".join(words(header.render(outage(), width)).split())
    assert "Matomo answers 503 Service Unavailable (100 % of the newest 50 errors)" in shown
    assert "since 02:14 UTC (17 min). " in shown
    assert "3 dead, 0 dropped." in shown
    assert ("Breaker open, next probe in 8 s." in shown) == (width > 80)


def test_the_clock_is_the_snapshots() -> None:
    assert "02:31:12 UTC" in words(header.render(replace(healthy(), taken_at=NOW + 5), 80))


@pytest.mark.parametrize("verdict", Verdict)
def test_the_cause_has_a_word(verdict: Verdict) -> None:
    assert verdict.upper() in words(header.render(replace(healthy(), cause_verdict=verdict), 80)[1:2])


@pytest.mark.parametrize("width", [60, 80, 120])
def test_degraded_says_what_it_means(width: int) -> None:
    shown = " ".join(words(header.render(degraded(), width)).split())
    for part in (
        "DEGRADED",
        "Since 02:14:05 UTC (17 min)",
        "12 requests live only in this process",
        "are lost if it dies",
    ):
        assert part in shown


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 requests live only"), (1, "1 request lives only"), (2_000, "2,000 requests live only")]
)
def test_degraded_says_how_much_is_at_stake(number: int, said: str) -> None:
    store = replace(degraded().store, only_here=number)
    assert said in words(header.render(replace(degraded(), store=store), 120))


def test_recovering_says_so() -> None:
    store = StoreStatus(mode=Mode.MEMORY, since=NOW, only_here=1, recovering=True)
    shown = words(header.render(replace(healthy(), store=store), 120))
    assert "Redis is back: 1 request from memory is moving into it." in shown


def test_read_only_and_paused_are_in_view() -> None:
    shown = words(header.render(STATES["estimated"](), 80, "FROZEN"))
    assert "READ-ONLY" in shown
    assert "FROZEN" in shown


# -- the list ----------------------------------------------------------------------------------------------------


def test_an_empty_list_says_what_to_do_next() -> None:
    shown = words(requests.empty(empty(), Area(76, 8)))
    assert "MATOMO_BASE_URL" in shown
    assert "opalmind-tui track" in shown
    busy = replace(healthy(), requests=Reading((), NOW))
    assert "No request waits." in words(requests.empty(busy, Area(76, 8)))
    failed = replace(healthy(), requests=Reading(None, 0.0, "no answer"))
    assert "no answer" in words(requests.empty(failed, Area(76, 8)))


def test_a_panel_is_a_pure_function() -> None:
    area = SIZES["120x40"]
    for render in (queue.render, cache.render, server.render, features.render, health.render, trends.render):
        assert render(healthy(), area) == render(healthy(), area)
