"""The rooms know only what lies below them, and looking costs no screen library."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent


def imported_by(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after running `code`."""
    script = f"{code}\nimport sys\nprint('MODULES', *{{name.partition('.')[0] for name in sys.modules}})"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, cwd=TOP)
    assert run.returncode == 0, run.stderr
    return set(run.stdout.rpartition("MODULES")[2].split())


def test_the_contracts_between_the_rooms_hold() -> None:
    # In a process of its own: it switches off the loggers of the one that it runs in.
    given = f"config_filename={str(TOP / 'pyproject.toml')!r}, no_cache=True"
    code = f"from importlinter.cli import lint_imports\nraise SystemExit(lint_imports({given}))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, cwd=TOP)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize(
    "code",
    [
        "import opalmind_tui.engine.engine, opalmind_tui.engine.client",
        "from opalmind_tui.cli.main import run\nrun(['--help'])",
        # Nothing listens on port 1 and no Matomo is configured, so there is nothing to ask.
        "from opalmind_tui.cli.main import run\nassert run(['--redis-port', '1', 'status', '--json']) == 3",
    ],
    ids=["engine", "help", "status"],
)
def test_nothing_but_the_dashboard_loads_textual(code: str) -> None:
    assert not {"textual", "rich"} & imported_by(code)


def test_the_dashboard_loads_no_client_of_any_server() -> None:
    assert not {"redis", "httpx"} & imported_by("import opalmind_tui.tui.app")
