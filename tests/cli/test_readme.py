"""What the README shows does what it says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from opalmind_tui import exits
from opalmind_tui.storage.local_server import LocalServer
from opalmind_tui.tui.actions import ACTIONS
from tests.cli.matomo import Served
from tests.cli.program import environment, run
from tests.make_readme import made

README = (Path(__file__).parent.parent.parent / "README.md").read_text("utf-8")


def block(language: str) -> str:
    """The first block of code in this language."""
    found = re.search(rf"```{language}\n(.*?)```", README, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_python_example_runs(server: LocalServer, stand_in: Served) -> None:
    variables = environment(REDIS_URL=server.url, **stand_in.settings)
    done = subprocess.run(
        [sys.executable, "-c", block("python")], capture_output=True, text=True, timeout=60, env=variables
    )
    assert done.returncode == 0, done.stderr
    first, *_, last = done.stdout.splitlines()
    assert first == "accepted True"
    assert last == "healthy"


def test_the_lines_are_accepted(server: LocalServer, stand_in: Served) -> None:
    lines = block("json")
    done = run("track", "--from", "-", "--json", given=lines, REDIS_URL=server.url, **stand_in.settings)
    assert done.returncode == exits.OK
    assert json.loads(done.stdout)["accepted"] == len(lines.splitlines()) == 4


def test_the_tables_are_those_of_the_code() -> None:
    assert made(README) == README, "python -m tests.make_readme writes them anew"
    assert all(f"| `{action.sign}` | {action.help}" in README for action in ACTIONS)
