"""A queue that takes no more says so at every door, with the limit's name and number."""

from __future__ import annotations

import json
from pathlib import Path

from opalmind_tui import MatomoClient, exits
from opalmind_tui.engine.engine import Engine
from opalmind_tui.settings.model import Settings
from opalmind_tui.storage.local_server import LocalServer
from opalmind_tui.tracking.fields import pageview
from opalmind_tui.tracking.queue import Acceptance
from tests.support.programs import environment, run, status

MATOMO = "http://127.0.0.1:9/"
WHY = "the queue is full: it holds 2 requests, its limit (MATOMO_QUEUE_MAX_LENGTH)"


def env(server: LocalServer) -> dict[str, str]:
    return environment(
        REDIS_URL=server.url, MATOMO_BASE_URL=MATOMO, MATOMO_DEFAULT_SITE_ID="1", MATOMO_QUEUE_MAX_LENGTH="2"
    )


async def test_every_door_names_the_limit(server: LocalServer, tmp_path: Path) -> None:
    lines = [{"kind": "pageview", "url": f"https://example.org/{number}"} for number in range(4)]
    path = tmp_path / "lines.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    told = await run("track", "--from", str(path), "--json", env=env(server))
    assert told.code == exits.CANNOT_TELL
    summary = json.loads(told.stdout)
    assert (summary["accepted"], summary["firstNotTaken"], summary["inDoubtUntil"]) == (2, 3, None)
    assert f"line 3 is the first one not taken: T{WHY[1:]}." in told.stderr
    one = await run("track", "pageview", "--url", "https://example.org/5", "--json", env=env(server))
    assert one.code == exits.CANNOT_TELL
    assert json.loads(one.stdout) | {"idempotencyKey": ""} == {
        "outcome": "full", "id": "", "idempotencyKey": "", "reason": WHY,
    }  # fmt: skip
    settings = Settings(
        redis_url=server.url, matomo_base_url=MATOMO, matomo_default_site_id=1, queue_max_length=2,
    )  # fmt: skip
    async with MatomoClient(settings, deliver=False) as client:
        tracked = await client.track_event("Video", "play")
        assert (tracked.outcome, tracked.ok, tracked.id, tracked.reason) == (Acceptance.FULL, False, "", WHY)
    async with Engine(settings, role="track") as engine:
        answers = await engine.offer([pageview({"url": "https://example.org/6"}, default_site_id=1)] * 2)
        assert {(answer.outcome, answer.id, answer.reason) for answer in answers} == {(Acceptance.FULL, "", WHY)}
    document = await status(env(server))
    check = next(entry for entry in document["checks"] if entry["name"] == "tracking-queue")
    assert document["status"] == "unhealthy"
    assert WHY in check["output"]
    seen = await run("status", env=env(server))
    assert seen.code == exits.UNUSABLE
