"""The names and kinds of values in every answer in JSON, as scripts rely on them: one file holds them all."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from opalmind_tui.cli.main import run as run_here
from opalmind_tui.storage.local_server import LocalServer
from tests.cli.program import MATOMO
from tests.cli.test_cache import EVENTS, put

GOLDEN = Path(__file__).parent.parent / "data" / "cli" / "shapes.json"
DEPTH = {"snapshot": 2}
"""Names deeper than this are those of the snapshot's fields, which have tests of their own."""
BEFORE = (
    "track pageview --url https://x/ --idempotency-key one", "track pageview --url https://x/",
    "track pageview --url https://y/", "queue kill --filter site:1 --state pending --limit 2 --yes",
    "cache ttl events 5m --yes",
)  # fmt: skip
"""What fills the store."""
ASKED = (
    "status", "doctor", "keys", "keys --exact", "audit", "cache list", "cache show KEY", "cache stats", "cache ttl",
    "config show", "queue list", "queue show one", "queue groups", "watch --count 1", "snapshot",
    "track pageview --url https://z/", "track --from HITS --dry-run", "track --from HITS --limit 1",
    "queue release --all --limit 1 --dry-run", "cache ttl events 5m --existing --limit 1 --dry-run",
    "queue purge --dead --limit 1 --dry-run", "queue purge --dead --yes",
    "undo --yes",
)  # fmt: skip
"""In this order."""


def shape(value: Any, depth: int = 20) -> Any:
    """Names and kinds; of a list, those of all its elements together."""
    if isinstance(value, dict):
        return "object" if not depth else {name: shape(part, depth - 1) for name, part in sorted(value.items())}
    if isinstance(value, list):
        found: Any = None
        for one in value:
            found = _both(found, shape(one, depth))
        return [found]
    kinds = {str: "text", bool: "truth", int: "number", float: "number", type(None): None}
    return kinds[type(value)]


def _both(one: Any, other: Any) -> Any:
    if isinstance(one, dict) and isinstance(other, dict):
        # As the details of health checks: each has its own names.
        return "object" if one.keys() != other.keys() else {name: _both(one[name], other[name]) for name in one}
    return other if one is None else one


def agrees(found: Any, golden: Any) -> bool:
    """Whether names are the same and kinds, too, where there is a value."""
    if isinstance(found, dict) and isinstance(golden, dict):
        return found.keys() == golden.keys() and all(agrees(found[name], golden[name]) for name in found)
    if isinstance(found, list) and isinstance(golden, list):
        return agrees(found[0], golden[0])
    return found is None or golden is None or found == golden


def test_every_answer_has_its_shape(
    server: LocalServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for name, value in {"REDIS_URL": server.url, "MATOMO_BASE_URL": MATOMO, "MATOMO_DEFAULT_SITE_ID": "1"}.items():
        monkeypatch.setenv(name, value)
    put(server, EVENTS, [])
    for line in BEFORE:
        assert run_here(shlex.split(line)) == 0, capsys.readouterr().err
    (tmp_path / "hits").write_text('{"kind":"goal","goalId":1}\n{"kind":"goal","goalId":0}\n')
    words = {"KEY": EVENTS, "HITS": str(tmp_path / "hits")}
    golden = json.loads(GOLDEN.read_text("utf-8"))
    assert list(golden) == sorted(ASKED)
    capsys.readouterr()
    for line in ASKED:
        run_here([words.get(word, word) for word in [*shlex.split(line), "--json"]])
        found = shape(json.loads(capsys.readouterr().out), DEPTH.get(line, 20))
        assert agrees(found, golden[line]), f"{line}: {json.dumps(found)}"
