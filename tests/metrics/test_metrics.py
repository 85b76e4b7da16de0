"""The exported text by the official parser, whatever stands in the snapshot; the server whatever a client does."""

from __future__ import annotations

import asyncio
import math
import re
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from msgspec.structs import replace
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open
from prometheus_client.parser import text_string_to_metric_families as parse

from opalmind_tui.errors import BadArgument
from opalmind_tui.metrics import server as metrics_server
from opalmind_tui.metrics.export import Export
from opalmind_tui.metrics.families import LABEL, MOST_FEATURES, OTHERS, QUEUE_TOTALS
from opalmind_tui.metrics.look import OLD, Look, Looker
from opalmind_tui.metrics.page import Answer, Pages
from opalmind_tui.metrics.server import MetricsServer
from opalmind_tui.snapshot.model import (
    CacheView,
    FeatureView,
    Gate,
    GateKind,
    KeyCounts,
    Mode,
    QueueView,
    Reading,
    ServerView,
    Snapshot,
    StoreStatus,
)
from opalmind_tui.snapshot.wanted import NEWEST, Wanted
from opalmind_tui.tracking.send_stats import DispatcherStats
from tests.tui.fixtures import healthy

NOW = 1_700_000_000.0
README = Path(__file__).parents[2] / "README.md"
PROMTOOL = shutil.which("promtool")
SENT = DispatcherStats(posts=3, post_times=(1, 0, 0, 1, 0, 0, 0, 0, 0, 1), post_seconds=40.5)


def looker(look: Look | None, age: float = 2.0) -> Looker:
    made = Looker(source=None, clock=lambda: (look.snapshot.taken_at if look else NOW) + age)  # type: ignore[arg-type]
    made.newest = look
    return made


def text_of(look: Look, accept: str = "") -> str:
    answer = Pages(looker(look)).answer("/metrics", accept)
    assert answer.status == 200
    return answer.body.decode("utf-8")


def figures(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    found: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
    for family in parse(text):
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in found, f"twice: {key}"
            found[key] = sample.value
    return found


def full() -> Look:
    return Look(healthy(), Reading(0.25, NOW), SENT)


def test_every_figure_is_there_once_and_true() -> None:
    look = full()
    found = figures(text_of(look))
    queue, cache, server = look.snapshot.queue.value, look.snapshot.cache.value, look.snapshot.server.value
    assert queue is not None
    assert cache is not None
    assert server is not None
    store = ("store", "redis")
    for name, _ in QUEUE_TOTALS:
        assert found[f"opalmind_queue_{name}_total", (store,)] == getattr(queue, name)
    assert found["opalmind_queue_requests", (("state", "pending"), store)] == queue.pending
    for feature in cache.features:
        labels = (("feature", feature.feature), store)
        assert found["opalmind_cache_hits_total", labels] == feature.hits
        assert found["opalmind_cache_fetch_seconds_total", labels] == pytest.approx(feature.fetch_ms / 1000)
    assert found["opalmind_redis_memory_used_bytes", ()] == server.used_memory
    assert found["opalmind_ledger_alarm", (store,)] == 0
    assert found["opalmind_matomo_answer_seconds", ()] == 0.25
    assert found["opalmind_look_age_seconds", ()] == 2.0
    assert found["opalmind_post_duration_seconds_bucket", (("le", "0.05"),)] == 1
    assert found["opalmind_post_duration_seconds_bucket", (("le", "30"),)] == 2
    assert found["opalmind_post_duration_seconds_bucket", (("le", "+Inf"),)] == 3
    assert found["opalmind_post_duration_seconds_count", ()] == 3
    assert found["opalmind_post_duration_seconds_sum", ()] == 40.5


def test_the_format_that_the_scraper_prefers() -> None:
    families = list(parse_open(text_of(full(), "application/openmetrics-text; version=1.0.0")))
    assert len(families) > 30


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")
def test_promtool_finds_nothing_to_blame() -> None:
    done = subprocess.run(
        [PROMTOOL or "", "check", "metrics"],
        input=text_of(full()),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr + done.stdout) == (0, "")


def test_what_could_not_be_read_is_left_out() -> None:
    snapshot = healthy()
    broken = {
        part: Reading(getattr(snapshot, part).value, NOW, "it is away") for part in ("queue", "cache", "server", "keys")
    }
    found = figures(text_of(Look(replace(snapshot, **broken), Reading(None, NOW, "no answer"))))  # type: ignore[arg-type]
    names = {name for name, _ in found}
    assert not {name for name in names if name.startswith(("opalmind_queue", "opalmind_cache", "opalmind_redis"))}
    assert found["opalmind_part_up", (("part", "queue"),)] == 0
    assert found["opalmind_matomo_up", ()] == 0
    assert "opalmind_matomo_answer_seconds" not in names
    assert figures(text_of(Look(Snapshot()))), "the first look of all, before anything was read"


def test_totals_of_memory_are_other_series() -> None:
    snapshot = healthy()
    away = replace(snapshot, store=replace(snapshot.store, mode=Mode.MEMORY))
    found = figures(text_of(Look(away, cache_in_memory=True)))
    assert not [labels for name, labels in found if ("store", "redis") in labels]
    assert found["opalmind_degraded", ()] == 1


HOSTILE = ('a"b\\c\nd', "\x1b[31m", "\ud800", "x" * 10_000, "x" * 9_999, "‮evil", "", "名前")


def test_hostile_names_stay_text() -> None:
    features = tuple(FeatureView(name, hits=number) for number, name in enumerate(HOSTILE, 1))
    features += tuple(FeatureView(f"f{number}", hits=1) for number in range(500))
    look = Look(
        Snapshot(
            cache=Reading(CacheView(features=features), NOW),
            server=Reading(ServerView(product='re"dis\n', version="\x00\ud800"), NOW),
            keys=Reading(KeyCounts(), NOW),
            queue=Reading(QueueView(gate=Gate(GateKind.BREAKER, 0.0, math.inf, 'because "\n')), NOW),
            store=StoreStatus(reason="\x1b]0;x\x07"),
        )
    )
    text = text_of(look)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\u202e]", text)
    found = figures(text)
    hits = {
        dict(labels)["feature"]: value for (name, labels), value in found.items() if name == "opalmind_cache_hits_total"
    }
    assert len(hits) <= MOST_FEATURES + 1
    assert all(len(name) <= LABEL for name in hits)
    assert sum(hits.values()) == sum(feature.hits for feature in features)
    assert hits[OTHERS] > 300
    assert found["opalmind_queue_closed", (("reason", "breaker"), ("store", "redis"))] == 1


def test_alive_and_ready() -> None:
    def answers(look: Look | None, age: float = 1.0) -> tuple[int, int]:
        pages = Pages(looker(look, age))
        return pages.answer("/healthz", "").status, pages.answer("/readyz", "").status

    assert answers(None) == (200, 503)
    assert answers(full()) == (200, 200)
    assert answers(full(), OLD) == (503, 503)
    away = replace(healthy(), store=StoreStatus(mode=Mode.MEMORY, reason="Redis refuses \x1b[2J"))
    assert answers(Look(away)) == (200, 503)
    assert b"\x1b" not in Pages(looker(Look(away))).answer("/readyz", "").body
    assert Pages(looker(None)).answer("/", "").status == 404


# -- the server ---------------------------------------------------------------------------------------------------


@asynccontextmanager
async def serving(body: bytes = b"ok\n") -> AsyncIterator[int]:
    server = MetricsServer(lambda path, accept: Answer(200, body))
    port = await server.start("127.0.0.1", 0)
    try:
        yield port
    finally:
        await server.close()


async def ask(port: int, sent: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    async with asyncio.timeout(20):
        answer = await reader.read()
    writer.close()
    return answer


GET = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    ("sent", "begins"),
    [
        (GET, b"HTTP/1.1 200 OK\r\n"),
        (b"GET /metrics HTTP/1.0\r\n\r\n", b"HTTP/1.1 200 OK\r\n"),
        (b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n", b"HTTP/1.1 200 OK\r\n"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", b"HTTP/1.1 405"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc" * 40 + b"\r\n\r\n", b"HTTP/1.1 400"),
        (b"GET /" + b"x" * 40_000 + b" HTTP/1.1\r\n\r\n", b"HTTP/1.1 4"),
        (b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n", b"HTTP/1.1 4"),
    ],
)
async def test_a_request(sent: bytes, begins: bytes) -> None:
    async with serving() as port:
        answer = await ask(port, sent)
        assert answer.startswith(begins)
        assert answer.endswith(b"ok\n") is (begins.endswith(b"OK\r\n") and not sent.startswith(b"HEAD"))


async def test_slow_and_half_open_clients_keep_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """More of them than there are places: the oldest goes. Those that stay end by themselves."""
    monkeypatch.setattr(metrics_server, "PATIENCE", 0.5)
    async with serving(b"x" * 8_000_000) as port:
        slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(3 * metrics_server.MOST)]
        for one in slow[::2]:
            one.sendall(b"GET /metrics HT")
        for one in slow[1::2]:
            one.sendall(GET)
        assert len(await ask(port, GET)) > 8_000_000
        for one in slow:
            one.settimeout(20)
            while await asyncio.to_thread(_received, one):
                pass
            one.close()


def _received(one: socket.socket) -> bytes:
    try:
        return one.recv(1 << 20)
    except ConnectionError:
        return b""


class Still:
    """An engine that counts how often it is looked at."""

    matomo_answer: Reading[float] = Reading()
    sent = None
    cache_in_memory = False

    def __init__(self) -> None:
        self.looks = 0

    async def take_snapshot(self, wanted: Wanted = NEWEST) -> Snapshot:
        self.looks += 1
        return replace(healthy(), taken_at=NOW)


async def test_a_scrape_looks_at_nothing() -> None:
    source = Still()
    export = Export(source)
    address = await export.open("127.0.0.1", 0)
    port = int(re.findall(r":(\d+)/", address)[0])
    watching = asyncio.create_task(export.watch())
    while not source.looks:  # noqa: ASYNC110 - of another task
        await asyncio.sleep(0.01)
    for _ in range(20):
        assert b"opalmind_build_info" in await ask(port, GET)
    assert source.looks == 1
    watching.cancel()
    with pytest.raises(BadArgument, match="Address already in use"):
        await Export(source).open("127.0.0.1", port)
    await export.close()


# -- the alert rules of the README --------------------------------------------------------------------------------


def rules_text() -> str:
    (found,) = re.findall(r"```yaml\n(groups:\n.*?)```", README.read_text("utf-8"), re.DOTALL)
    return str(found)


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(rules_text())["groups"] for rule in group["rules"]]


def names_in(expression: Any) -> set[str]:
    """The metrics that a parsed expression names."""
    return set(re.findall(r"\bopalmind_[a-z_]+", str(expression)))


def test_the_alert_rules_parse_and_name_only_what_is_exported() -> None:
    exported = {sample.name for family in parse(text_of(full())) for sample in family.samples}
    assert len(rules()) >= 8
    for rule in rules():
        expression = promql_parser.parse(rule["expr"])
        named = names_in(expression.prettify())
        assert named <= exported, rule["alert"]
        assert rule["annotations"]["summary"]


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")
def test_promtool_takes_the_alert_rules(tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(rules_text(), "utf-8")
    done = subprocess.run(
        [PROMTOOL or "", "check", "rules", str(tmp_path / "rules.yml")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout


def test_the_readme_names_every_metric() -> None:
    text = README.read_text("utf-8")
    families: list[Metric] = list(parse(text_of(full())))
    missing = [family.name for family in families if f"`{family.name}" not in text]
    assert missing == []
