"""The probe of Matomo: shared, rare, and never again with a refused token (ruling 11)."""

from __future__ import annotations

import asyncio

import pytest

from opalmind_tui.engine import matomo_probe
from opalmind_tui.engine.engine import Engine
from opalmind_tui.engine.matomo_probe import MatomoProbe
from opalmind_tui.settings import Settings
from opalmind_tui.snapshot.commands import Act, Command
from opalmind_tui.snapshot.model import Verdict
from tests.engine.conftest import Ground, until


def asked(ground: Ground) -> int:
    return sum(count for method, count in ground.matomo.reports.items() if method.startswith("API."))


async def test_a_refused_token_is_used_once_by_all_processes(ground: Ground) -> None:
    await ground.matomo.set_mood("token-refused")
    for _ in range(5):
        engine = await ground.engine(role="status")
        document = await engine.health_document()
        assert document["status"] == "unhealthy"
        assert document["checks"][0]["status"] == "fail"
        await engine.stop()
    assert asked(ground) == 1


async def test_an_operator_asks_again(ground: Ground) -> None:
    await ground.matomo.set_mood("token-refused")
    engine = await ground.engine()
    await until(lambda: _refused(engine))
    await ground.matomo.set_mood("normal")
    outcome = await engine.run(await engine.plan(Command(Act.TEST_TOKEN)))
    assert outcome.sentence == "Matomo takes the token"
    assert (await engine.take_snapshot()).cause == "Nothing is wrong."
    assert len(await engine.reports.get_most_popular_urls(date="2026-01-05", limit=1)) == 1


async def _refused(engine: Engine) -> bool:
    snapshot = await engine.take_snapshot()
    return snapshot.cause.startswith("Matomo does not answer")


async def test_another_token_is_asked_with_again(ground: Ground) -> None:
    await ground.matomo.set_mood("token-refused")
    await (await ground.engine(role="status")).health_document()
    await ground.matomo.set_mood("normal")
    other = await ground.engine(role="status", matomo_base_url=ground.matomo.url + "index.php")
    assert (await other.health_document())["checks"][0]["status"] == "pass"


async def test_a_fresh_answer_is_shared(ground: Ground) -> None:
    for _ in range(3):
        await (await ground.engine(role="status")).health_document()
    assert asked(ground) == 1


async def test_an_outage_is_asked_about_again(ground: Ground) -> None:
    await ground.matomo.set_mood("outage")
    document = await (await ground.engine(role="status")).health_document()
    assert document["checks"][0]["status"] == "fail"
    await ground.matomo.set_mood("normal")
    document = await (await ground.engine(role="status")).health_document()
    assert document["checks"][0]["status"] == "pass"


async def test_the_end_of_an_outage_is_seen_soon(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matomo_probe, "ASK_SOONER", 0.05)
    await ground.matomo.set_mood("down-503")
    engine = await ground.engine()
    await until(lambda: _silent(engine))
    await ground.matomo.set_mood("normal")
    await until(lambda: _answers(engine), seconds=10)


class Told(MatomoProbe):
    """A probe whose answers are given: the kinds of error, empty for none."""

    def __init__(self, kinds: list[str]) -> None:
        super().__init__(Settings(), None, None, None)  # type: ignore[arg-type]
        self._kinds = iter(kinds)

    async def ask(self) -> None:
        self.kind = next(self._kinds)


async def test_it_asks_ever_more_rarely_while_nothing_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    rested: list[float] = []

    async def sleep(seconds: float) -> None:
        rested.append(seconds)
        if len(rested) == 8:
            raise asyncio.CancelledError

    monkeypatch.setattr(matomo_probe.asyncio, "sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        await Told(["network", "server", "timeout", "network", "network", "", "timeout", "auth"]).watch()
    assert rested == [5, 10, 20, 30, 30, 30, 5, 30]


async def _silent(engine: Engine) -> bool:
    return await _verdict(engine) is Verdict.FAIL


async def _answers(engine: Engine) -> bool:
    return await _verdict(engine) is Verdict.OK


async def _verdict(engine: Engine) -> Verdict | None:
    """What a dashboard shows of Matomo; looking asks nothing."""
    health = (await engine.take_snapshot()).health.value
    return health and health.checks[0].verdict


async def test_foreign_verdicts_are_no_verdicts(ground: Ground) -> None:
    import redis.asyncio

    await (await ground.engine(role="status")).health_document()
    async with redis.asyncio.Redis.from_url(ground.settings.redis_url) as client:
        (key,) = [key async for key in client.scan_iter("opalmind:stats:matomo:*", count=100)]
        for raw in (b"", b"true", b"{}", b"\xff", b'{"at":"x"}', b'{"at":1e999}', b'{"at":5,"refused":"no"}'):
            await client.set(key, raw)
            document = await (await ground.engine(role="status")).health_document()
            assert document["checks"][0]["status"] == "pass"
