"""A Node program with ioredis and this cache on one server: each reads what the other wrote, on all recorded lines."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from opalmind_tui.reports.js_json import stringify
from opalmind_tui.reports.service import Reports
from opalmind_tui.settings import Settings
from tests.reports.conftest import MakeCache
from tests.reports.recorded import CALLS, ENTRIES, PREFIX, ScriptedMatomo, arguments_of, method_of

SCRIPT = Path(__file__).parent / "two_way.cjs"
WRITTEN = [call for call in CALLS if call["written"] and "prefix" not in call and "returned" in call]


@pytest.fixture(scope="session")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ioredis."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("Node and npm are not installed: the two-way test with ioredis did not run")
    folder = tmp_path_factory.mktemp("ioredis")
    command = ["npm", "install", "--no-fund", "--no-audit", "--ignore-scripts", "--prefix", str(folder), "ioredis@^5.8"]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=120)
    except subprocess.SubprocessError:
        pytest.skip("npm could not install ioredis: the two-way test did not run")
    return folder / "node_modules"


def _service(node_modules: Path, **task: Any) -> dict[str, Any]:
    done = subprocess.run(
        ["node", str(SCRIPT)], input=json.dumps(task), capture_output=True, text=True, timeout=60,
        env=os.environ | {"NODE_PATH": str(node_modules)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


async def test_a_service_reads_what_we_write(
    settings: Settings, make_cache: MakeCache, redis: Redis, node_modules: Path
) -> None:
    cache = await make_cache(settings)
    for call in WRITTEN:
        await getattr(Reports(ScriptedMatomo(call), cache, 1), method_of(call))(**arguments_of(call))
    keys = [written["key"] for call in WRITTEN for written in call["written"]]
    assert await redis.exists(*set(keys)) == len(set(keys)) > 50

    found = _service(node_modules, url=settings.redis_url, write=[], keys=keys)

    assert set(found) == set(keys)
    assert [key for key, seen in found.items() if not (seen["same"] and seen["fresh"] and 0 < seen["ttl"] <= 300)] == []


async def test_we_read_what_a_service_writes(settings: Settings, make_cache: MakeCache, node_modules: Path) -> None:
    expires = round(time.time() * 1000) + 500_000
    write = []
    for call in WRITTEN:
        for written in call["written"]:
            key, value = json.loads(written["key"].removeprefix(PREFIX)), json.loads(ENTRIES[written["key"]]["value"])
            write.append({**key, "prefix": PREFIX, "value": value["value"], "expiresAt": expires})
    _service(node_modules, url=settings.redis_url, write=write, keys=[])

    cache = await make_cache(settings)
    for call in WRITTEN:
        matomo = ScriptedMatomo(call)
        result = await getattr(Reports(matomo, cache, 1), method_of(call))(**arguments_of(call))
        assert (stringify(result), matomo.asked) == (stringify(call["returned"]), []), call["id"]
    view = await cache.view()
    assert (view.hits, view.misses, view.corrupt, view.errors) == (len(WRITTEN), 0, 0, 0)
