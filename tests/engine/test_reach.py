"""A server that is known to be away is not asked: each try would cost its time-out."""

from __future__ import annotations

import pytest

from opalmind_tui.snapshot.audit import AuditEntry
from opalmind_tui.snapshot.model import Mode
from tests.engine.conftest import Ground, until
from tests.support.servers import Product, running


async def test_a_hand_over_asks_nothing_of_a_server_that_is_away(
    any_product: Product, bare_ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(any_product) as server:
        engine = await bare_ground.engine(redis_url=server.url, deliver=False)
        asked: list[int] = []

        async def newest(limit: int) -> tuple[AuditEntry, ...]:
            asked.append(limit)
            return ()

        async def away() -> bool:
            return (await engine.take_snapshot()).store.mode is Mode.MEMORY

        monkeypatch.setattr(engine._stores.audit, "newest", newest)
        await engine.summary()
        assert len(asked) == 1
        server.kill()
        await until(away)
        assert "cannot be read: " in (await engine.summary()).partition("## What was done")[2]
        assert len(asked) == 1
        await engine.stop()
