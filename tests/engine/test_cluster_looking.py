"""What a dashboard shows of a Cluster."""

from __future__ import annotations

import dataclasses

from opalmind_tui.engine.engine import Engine
from opalmind_tui.settings.model import Settings
from opalmind_tui.snapshot.findings import Severity
from opalmind_tui.snapshot.model import Reading
from opalmind_tui.storage.cluster import ClusterClient
from opalmind_tui.storage.connection import async_client
from opalmind_tui.tracking.redis_queue.keys import tag_of
from tests.support.cluster import LocalCluster


async def test_every_panel_has_its_figures_and_the_doctor_no_failure(cluster: LocalCluster) -> None:
    settings = Settings(redis_url=cluster.nodes[0].url, redis_cluster=True, matomo_base_url="http://127.0.0.1:9/")
    client = async_client(settings)
    assert isinstance(client, ClusterClient)
    pipe = client.pipeline(transaction=False)
    for number in range(60):
        pipe.set(f"opalmind:idempotency:{number}", '{"key":"x"}', ex=600)
    await pipe.execute()
    engine = Engine(settings, role="dashboard")
    await engine.start()
    try:
        taken = await engine.take_snapshot(closer=True)
        readings = {field.name: getattr(taken, field.name) for field in dataclasses.fields(taken)}
        errors = {name: one.error for name, one in readings.items() if isinstance(one, Reading) and one.error}
        assert set(errors) <= {"health"}, errors
        assert taken.keys.value is not None
        assert taken.keys.value.idempotency == 60, "of all nodes"
        assert taken.server.value is not None
        diagnosis = await engine.diagnose()
        about_redis = [one for one in diagnosis.findings if not one.id.startswith(("matomo", "no-token"))]
        assert all(one.severity is not Severity.FAILURE for one in about_redis), about_redis
        home = cluster.owner(tag_of(settings.queue_prefix).decode())
        commands = [one.command for one in diagnosis.findings if "-cli " in one.command]
        assert commands
        assert all(f" -p {home.port} " in one for one in commands), "the node that was looked at"
    finally:
        await engine.stop()
        await client.aclose()
