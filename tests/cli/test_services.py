"""`status` tells of attached services, within a time of its own, and its exit code speaks of us alone."""

from __future__ import annotations

import json

from opalmind_tui import exits
from opalmind_tui.demo.matomo.message import JSON, Response, Wire
from opalmind_tui.storage.local_server import LocalServer
from tests.cli.matomo import Served
from tests.cli.program import run
from tests.support.opalmind_service import TOKEN, recorded, served

HOSTILE = Response(500, b'{"error":"\\u001b[2J \\u009b2J gone"}', JSON)


def test_services_stand_beside_our_own_health(server: LocalServer, stand_in: Served) -> None:
    with (
        served(recorded("tool-degraded-cooldown-backlog")) as waiting,
        served(Response(200, wire=Wire.STALLED)) as silent,
        served(HOSTILE) as hostile,
    ):
        urls = f"{waiting.url}, {silent.url} {hostile.url}"
        given = {"REDIS_URL": server.url, "OPALMIND_API_URLS": urls, "OPAL_BEARER_TOKEN": TOKEN, **stand_in.settings}
        done, text = run("status", "--json", **given), run("status", **given)
    assert (done.returncode, text.returncode) == (exits.OK, exits.OK)
    first, second, third = json.loads(done.stdout)["services"]
    assert first == {
        "url": waiting.url, "reach": "up", "trouble": None, "status": "degraded", "at": first["at"],
        "tookMs": first["tookMs"], "pending": 5, "inflight": 1, "processed": 0, "retried": 2, "hitRate": None,
        "entries": 0, "redisCommands": 2, "backlogAgeMs": 898,
        "lastError": "Matomo tracking request failed (429 Too Many Requests)", "cooldownMs": 3451,
        "failing": first["failing"],
    }  # fmt: skip
    assert [check["name"] for check in first["failing"]] == ["tracking-queue"]
    assert (second["reach"], second["status"], second["pending"]) == ("away", None, None)
    assert (third["status"], third["trouble"]) == ("unhealthy", "Its health check failed: \x1b[2J \x9b2J gone")
    assert "degraded   pending=5, inflight=1" in text.stdout
    assert "No answer within" in text.stdout
    assert not any(ord(char) < 32 and char != "\n" for char in text.stdout)
    assert TOKEN not in done.stdout + done.stderr + text.stdout + text.stderr
    assert len(waiting.asked) == 2


def test_without_services_the_document_has_no_such_part(server: LocalServer, stand_in: Served) -> None:
    done = run("status", "--json", REDIS_URL=server.url, **stand_in.settings)
    assert "services" not in json.loads(done.stdout)
