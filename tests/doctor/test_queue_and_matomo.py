"""Findings about queue, environments and token: real engines on a real server, and the stand-in Matomo."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import redis
from msgspec.structs import replace

from opalmind_tui.demo.matomo.accounts import Access, Account
from opalmind_tui.demo.matomo.behaviour import Behaviour
from opalmind_tui.demo.matomo.server import StandIn
from opalmind_tui.doctor import Facts, Token, diagnose
from opalmind_tui.engine.engine import Engine
from opalmind_tui.health.facts import Facts as State
from opalmind_tui.settings.model import Settings
from opalmind_tui.snapshot.commands import Act
from opalmind_tui.snapshot.findings import Finding, Severity
from opalmind_tui.snapshot.model import CacheView, GateKind, Mode, QueueView, Reading, StoreStatus
from opalmind_tui.storage.local_server import LocalServer
from opalmind_tui.tracking.fields import pageview
from opalmind_tui.tracking.ids import new_token
from opalmind_tui.tracking.queue import Fate, Settlement
from opalmind_tui.tracking.request import TrackingRequest
from tests.doctor.conftest import Doctor, until
from tests.support.servers import Product, running

SUPER, SECURE, WRITER, VIEWER, OTHER_SITE, BAD = (letter * 32 for letter in "012345")
ACCOUNTS = {
    SUPER: Account(Access.SUPER),
    SECURE: Account(Access.SUPER, secure_only=True),
    WRITER: Account(Access.WRITE, frozenset({1}), secure_only=True),
    VIEWER: Account(Access.VIEW),
    OTHER_SITE: Account(Access.WRITE, frozenset({2})),
}


@dataclass
class Ground:
    """A server, a stand-in, and engines that end with the test."""

    server: LocalServer
    matomo: StandIn
    settings: Settings
    made: list[Engine] = field(default_factory=list)

    async def engine(self, role: str = "client", **options: Any) -> Engine:
        fields = {name: options.pop(name) for name in list(options) if hasattr(self.settings, name)}
        engine = Engine(replace(self.settings, **fields), role=role, **options)  # type: ignore[arg-type]
        self.made.append(engine)
        await engine.start()
        return engine

    async def findings(self, **options: Any) -> dict[str, Finding]:
        return await Doctor(self.settings).findings(**options)


@pytest.fixture(scope="module")
def one_server(any_product: Product) -> Any:
    good = ("--appendonly", "yes", "--maxmemory", "200mb", "--maxmemory-policy", "volatile-ttl", "--save", "")
    with running(any_product, extra=good) as server:
        yield server


@pytest.fixture
async def ground(one_server: LocalServer) -> AsyncIterator[Ground]:
    with redis.Redis.from_url(one_server.url) as client:
        client.flushall()
    matomo = StandIn(token=SUPER, tokens=ACCOUNTS, seed=3)
    await matomo.start()
    settings = Settings(
        redis_url=one_server.url, matomo_base_url=matomo.url, matomo_token=SUPER, matomo_default_site_id=1
    )
    made = Ground(one_server, matomo, settings)
    yield made
    for engine in made.made:
        await engine.stop()
    await matomo.stop()


def hits(count: int, **more: str) -> list[TrackingRequest]:
    return [
        pageview({"url": f"https://example.com/{number}", "visitorId": f"{number:016x}", **more}, default_site_id=1)
        for number in range(count)
    ]


# -- token -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("token", "wanted"),
    [
        (SUPER, None), (WRITER, None), (SECURE, "token-secure-only"), (VIEWER, "token-may-not-write"),
        (OTHER_SITE, "token-may-not-write"), (BAD, "token-refused"), ("", "no-token"),
    ],
    ids=["super user", "writer", "secure-only super user", "viewer", "writer of another site", "bad", "none"],
)  # fmt: skip
async def test_tokens(ground: Ground, token: str, wanted: str | None) -> None:
    found = await ground.findings(matomo_token=token)
    about = {name for name in found if "token" in name}
    assert about == ({wanted} if wanted else set())
    assert token == "" or token not in str(found)
    assert not ground.matomo.journal.hits, "looking stores no hit"
    if wanted == "token-refused":
        assert found[wanted].action is not None
        assert found[wanted].action.act is Act.TEST_TOKEN


async def test_a_bad_token_is_used_once(ground: Ground) -> None:
    await ground.findings(matomo_token=BAD)
    asked = ground.matomo.requests
    found = await ground.findings(matomo_token=BAD)
    assert "token-refused" in found
    assert ground.matomo.requests == asked


async def test_locked_out(ground: Ground) -> None:
    for _ in range(21):
        ground.matomo.accounts.count_wrong(time.time())
    assert "matomo-locked" in await ground.findings()


@pytest.mark.parametrize(("seconds", "said"), [(-150, "2 min behind"), (150, "2 min ahead of"), (-2, None)])
async def test_matomo_with_another_clock(ground: Ground, seconds: float, said: str | None) -> None:
    other = StandIn(token=SUPER, seed=3, clock=lambda: time.time() + seconds)
    await other.start()
    for _ in range(2):  # The second time the verdict of the first is known.
        found = await ground.findings(matomo_base_url=other.url)
        assert ("matomo-clock-apart" in found) is (said is not None)
        if said is not None:
            assert said in found["matomo-clock-apart"].evidence
    await other.stop()


async def test_matomo_away_and_silent(ground: Ground) -> None:
    assert not {"matomo-silent", "matomo-timeout"} & set(await ground.findings())
    with redis.Redis.from_url(ground.server.url) as client:
        client.flushall()
    await ground.matomo.set_mood("outage")
    found = await ground.findings()
    assert {"matomo-silent", "matomo-timeout"} & set(found)


# -- queue -------------------------------------------------------------------------------------------------------------


async def test_no_worker(ground: Ground) -> None:
    client = await ground.engine()
    idle = (await ground.findings())["no-worker"]
    assert idle.severity is Severity.REMARK
    await client.offer(hits(3))
    found = (await ground.findings())["no-worker"]
    assert found.severity is Severity.FAILURE
    assert "3 requests wait" in found.evidence
    assert found.command == "opalmind-tui worker"
    await ground.engine("worker", deliver=True)
    await until(lambda: _gone(ground, "no-worker"))


async def _gone(ground: Ground, name: str) -> bool:
    return name not in await ground.findings()


async def _there(ground: Ground, name: str) -> bool:
    return name in await ground.findings()


async def test_paused_by_an_operator(ground: Ground) -> None:
    client = await ground.engine()
    await client.offer(hits(2))
    await client.queue.pause(client.endpoint, by="jane", reason="database move")
    found = (await ground.findings())["queue-paused"]
    assert "2 requests wait" in found.evidence
    assert "jane" in found.evidence
    assert found.action is not None
    assert found.action.act is Act.RESUME
    await client.run(await client.plan(found.action))
    assert "queue-paused" not in await ground.findings()


@pytest.mark.parametrize(
    ("behaviour", "wanted"),
    [
        (Behaviour(faults=(("503", 1.0),)), "queue-breaker"),
        (Behaviour(faults=(("429", 1.0),), retry_after=600), "queue-cooldown"),
        (Behaviour(recording=False), "queue-recording-off"),
    ],
    ids=["503", "429", "recording off"],
)
async def test_the_gates_of_matomo(ground: Ground, behaviour: Behaviour, wanted: str) -> None:
    await ground.matomo.behave(behaviour)
    worker = await ground.engine("worker", deliver=True)
    await worker.offer(hits(3))
    await until(lambda: _there(ground, wanted))
    found = (await ground.findings())[wanted]
    assert "wait" in found.evidence
    assert "Nothing is lost" in found.consequence


async def test_ledger_and_lost_counters(ground: Ground) -> None:
    client = await ground.engine()
    await client.offer(hits(5))
    with redis.Redis.from_url(ground.server.url) as admin:
        for key in admin.scan_iter("opalmind:queue:*"):
            if b":due:" in key:
                admin.delete(key)
    found = await ground.findings()
    assert found["ledger"].severity is Severity.FAILURE


async def test_a_wrong_type_under_our_keys_is_named(ground: Ground) -> None:
    client = await ground.engine()
    await client.offer(hits(1))
    with redis.Redis.from_url(ground.server.url) as admin:
        for key in list(admin.scan_iter("opalmind:queue:*")):
            admin.delete(key)
            admin.set(key, "\x1b[2J foreign")
    found = await ground.findings()
    assert {"queue-unreadable", "ledger", "connection-wrong-type"} & set(found)
    assert "\x1b" not in str(found)


async def test_dead_and_refusing(ground: Ground) -> None:
    client = await ground.engine(queue_max_length=2)
    await client.offer(hits(5))
    found = await ground.findings()
    assert found["refusing"].severity is Severity.FAILURE
    assert "MATOMO_QUEUE_MAX_LENGTH" in found["refusing"].remedy


async def test_nearly_a_day_old(ground: Ground) -> None:
    client = await ground.engine()
    await client.offer(hits(2))
    aged = await ground.findings(clock=lambda: time.time() + 21 * 3600)
    assert aged["nearly-a-day"].severity is Severity.WARNING
    assert "21 h" in aged["nearly-a-day"].evidence
    without = await ground.findings(clock=lambda: time.time() + 21 * 3600, matomo_token="")
    assert without["nearly-a-day"].severity is Severity.FAILURE
    trap = await ground.findings(clock=lambda: time.time() + 21 * 3600, matomo_token=SECURE)
    assert trap["nearly-a-day"].severity is Severity.FAILURE


async def test_given_up_and_retried_by_the_finding(ground: Ground) -> None:
    client = await ground.engine()
    await client.offer(hits(2))
    claim = await client._stores.shared.claim(client.endpoint, new_token(), limit=10, lease=30.0)
    fates = [Settlement(one.id, Fate.DEAD, error="refused") for one in claim.requests]
    await client._stores.shared.settle(claim.token, fates)
    found = (await ground.findings())["dead"]
    assert "2 requests dead" in found.evidence
    assert found.action is not None
    await client.run(await client.plan(found.action))
    assert "dead" not in await ground.findings()


async def test_a_token_that_delivery_was_refused(ground: Ground) -> None:
    client = await ground.engine()
    await client.offer(hits(1))
    await client.queue.close_gate(client.endpoint, GateKind.TOKEN, seconds=3600, reason="refused \x1b[2J")
    found = (await ground.findings())["queue-token"]
    assert found.action is not None
    assert found.action.act is Act.TEST_TOKEN
    assert "\x1b" not in found.evidence


def view(**figures: Any) -> dict[str, Finding]:
    """Findings of a queue of which no engine here can bring about the state at once."""
    endpoint = "http://m.example/matomo.php"
    queue = QueueView(**{"endpoint": endpoint, "workers": 1, "oldest_accepted": 1.0, **figures})
    settings = Settings(matomo_base_url="http://m.example/", matomo_token="t" * 32)
    state = State(1000.0, settings, queue=Reading(queue, 1000.0), matomo=Reading(0.1, 1000.0))
    facts = Facts(state, token=Token(super_user=True, in_bulks=True))
    return {finding.id: finding for finding in diagnose(facts).findings}


def test_why_a_queue_with_workers_does_not_go_on() -> None:
    assert "claims of a process that is gone" in view(inflight=3)["queue-stalled"].evidence
    failed = view(scheduled=2, last_error="HTTP 500")["queue-stalled"]
    assert "HTTP 500" in failed.evidence
    assert "More comes in" in view(pending=9, slope=2.0)["queue-stalled"].evidence
    assert "They are due" in view(pending=9)["queue-stalled"].evidence
    assert "queue-stalled" not in view(pending=9, oldest_accepted=999.0)
    assert "queue-stalled" not in view(pending=2, held=2)
    assert "queue-held" in view(pending=2, held=2)


# -- environments ------------------------------------------------------------------------------------------------------


async def test_two_environments_on_the_same_keys(ground: Ground) -> None:
    await ground.engine("worker", environment="staging")
    await until(lambda: _announced(ground, 1))
    assert "shared-prefixes" not in await ground.findings(environment="staging")
    found = (await ground.findings(environment="production"))["shared-prefixes"]
    assert "staging (1 process)" in found.evidence
    assert "default prefix opalmind:queue:" in found.evidence
    apart = await ground.findings(
        environment="production", queue_prefix="p:queue:", stats_prefix="p:stats:", cache_prefix="p:cache:"
    )
    assert "shared-prefixes" not in apart


async def _announced(ground: Ground, number: int) -> bool:
    with redis.Redis.from_url(ground.server.url) as client:
        return bool(client.zcard("opalmind:stats:presence") >= number)


async def test_two_matomos_in_one_queue(ground: Ground) -> None:
    other = await ground.engine(matomo_base_url="http://127.0.0.1:9/other/")
    await other.offer(hits(2))
    await until(lambda: _announced(ground, 1))
    found = (await ground.findings())["two-matomos"]
    assert "2 requests of the queue are for another Matomo" in found.evidence


def test_what_needs_no_server_to_be_seen() -> None:
    cache = CacheView(corrupt=3, other_sources=("http://other.example/",))
    store = StoreStatus(mode=Mode.MEMORY, only_here=2)
    settings = Settings(matomo_base_url="http://m.example/", matomo_token="t" * 32)
    state = State(1.0, settings, store=store, cache=Reading(cache, 1.0), matomo=Reading(None, 1.0, "view access"))
    found = {one.id: one for one in diagnose(Facts(state, matomo_kind="permission")).findings}
    assert {"cache-corrupt", "mixed-reports", "only-in-memory", "token-not-allowed"} <= set(found)
    assert "http://other.example/" in found["mixed-reports"].evidence
