"""Every command that asks or acts, under every condition: an empty store, one that is away, a pipe that nobody reads,
no stdout at all. Never a traceback, always the exit code that is promised, and JSON of the shape that is promised."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from typing import Any

import pytest

from opalmind_tui.cli.main import run as run_here
from opalmind_tui.storage.local_server import LocalServer
from tests.cli.commands import command_at, every_command
from tests.cli.program import MATOMO, command, environment, run

AWAY = "redis://127.0.0.1:1"


@dataclass(frozen=True)
class Case:
    """One command line.

    Args:
        words: the command with arguments that fit an empty store.
        empty, away: exit codes on an empty store, and without one.
        shape: the names of what `--json` answers; of a list, those of its elements, or nothing where it is empty.
        given: stdin.
    """

    words: tuple[str, ...]
    empty: int = 0
    away: int = 3
    shape: tuple[str, ...] | None = None
    given: str = ""


CHANGE = ("outcome", "plan")
TRACKED = ("id", "idempotencyKey", "outcome")
CASES = {
    "audit": Case(("audit",), shape=()),
    "cache list": Case(("cache", "list"), shape=("entries", "more")),
    "cache purge": Case(("cache", "purge", "--all", "--yes"), shape=CHANGE),
    "cache show": Case(("cache", "show", "nothing"), empty=1),
    "cache stats": Case(("cache", "stats")),
    "cache ttl": Case(("cache", "ttl")),
    "config file": Case(("config", "file"), away=0, shape=("exists", "keys", "path", "profiles", "ui")),
    "config reset": Case(("config", "reset", "events", "--yes"), shape=CHANGE),
    "config show": Case(("config", "show"), shape=("runTime", "settings")),
    "doctor": Case(("doctor",), empty=2, away=2, shape=("checks", "findings", "redis", "timestamp", "worst")),
    "keys": Case(("keys",)),
    "summary": Case(("summary",), away=0),
    "undo": Case(("undo", "--yes"), empty=2),
    "queue acknowledge": Case(("queue", "acknowledge", "--note", "x", "--yes"), shape=CHANGE),
    "queue export": Case(("queue", "export")),
    "queue groups": Case(("queue", "groups"), shape=()),
    "queue import": Case(("queue", "import", "-", "--yes"), shape=(
        "accepted", "conflict", "duplicate", "firstNotTaken", "inDoubtUntil", "lines", "problems", "problemsOmitted",
        "refused",
    )),
    "queue kill": Case(("queue", "kill", "--filter", "site:1", "--yes"), shape=CHANGE),
    "queue limit": Case(("queue", "limit", "5", "--yes"), shape=CHANGE),
    "queue list": Case(("queue", "list"), shape=()),
    "queue pause": Case(("queue", "pause", "--yes"), shape=CHANGE),
    "queue purge": Case(("queue", "purge", "--dead", "--yes"), shape=CHANGE),
    "queue release": Case(("queue", "release", "AAAAAAAAAAAAAA", "--yes"), shape=CHANGE),
    "queue restore": Case(("queue", "restore", "--all", "--yes"), shape=CHANGE),
    "queue resume": Case(("queue", "resume", "--yes"), shape=CHANGE),
    "queue retry": Case(("queue", "retry", "--dead", "--yes"), shape=CHANGE),
    "queue show": Case(("queue", "show", "nothing"), empty=1),
    "snapshot": Case(("snapshot",), empty=2, away=2, shape=("doctor", "product", "snapshot", "version")),
    "status": Case(("status",), empty=2, away=2, shape=("checks", "status", "timestamp")),
    "track": Case(("track", "--from", "-"), given='{"kind":"pageview","url":"https://x/"}\n', shape=(
        "accepted", "conflict", "duplicate", "firstNotTaken", "inDoubtUntil", "lines", "problems", "problemsOmitted",
        "refused",
    )),
    "track event": Case(("track", "event", "--category", "c", "--action", "a"), shape=TRACKED),
    "track goal": Case(("track", "goal", "--goal-id", "1"), shape=TRACKED),
    "track pageview": Case(("track", "pageview", "--url", "https://x/"), shape=TRACKED),
    "watch": Case(("watch", "--count", "1"), away=0),
}  # fmt: skip
"""Every command that ends by itself. The dashboard, `demo` and `worker` have tests of their own."""
ENDLESS = {"", "demo", "replay", "worker", "cache", "config", "queue"}
CASE = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def variables(url: str) -> dict[str, str]:
    return {"REDIS_URL": url, "MATOMO_BASE_URL": MATOMO, "MATOMO_DEFAULT_SITE_ID": "1"}


def test_no_command_is_left_out() -> None:
    assert set(CASES) | ENDLESS == {" ".join(path) for path in every_command()}


@CASE
def test_on_an_empty_store(case: Case, server: LocalServer) -> None:
    plain = run(*case.words, given=case.given, **variables(server.url))
    assert plain.returncode == case.empty, plain.stderr
    assert "Traceback" not in plain.stderr
    name = next(name for name, one in CASES.items() if one is case)
    if not any("--json" in one.opts for one in command_at(tuple(name.split())).params) or (
        case.empty and case.shape is None
    ):
        return
    done = run(*case.words, "--json", given=case.given, **variables(server.url))
    found: Any = json.loads(done.stdout)
    if case.shape is None:
        return  # Its names are in test_shapes.
    assert found == [] if case.shape == () else tuple(sorted(found)) == case.shape


@CASE
def test_on_a_store_that_is_away(case: Case) -> None:
    given = case.given or '{"kind":"pageview","url":"https://x/"}\n' * case.words[:2].count("import")
    done = run(*case.words, given=given, **variables(AWAY))
    assert done.returncode == case.away, done.stderr
    assert "Traceback" not in done.stderr
    if case.away == 3:
        assert done.stderr


@CASE
@pytest.mark.parametrize("closed", [False, True], ids=["broken pipe", "closed stdout"])
def test_where_nobody_reads(case: Case, closed: bool, server: LocalServer) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    line = command(*case.words)
    shell = ["sh", "-c", 'exec "$@" >&-', "sh", *line] if closed else line
    done = subprocess.run(
        shell, input=case.given.encode(), stdout=writing, stderr=subprocess.PIPE, timeout=60,
        env=environment(**variables(server.url)), check=False,
    )  # fmt: skip
    os.close(writing)
    assert done.returncode == case.empty, done.stderr
    assert b"Traceback" not in done.stderr
    assert b"Error" not in done.stderr


@CASE
def test_bad_input_is_2_and_says_what_is_wrong(case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    for option in (("--no-such-option",), ("--redis-port", "x")):
        assert run_here([*case.words, *option]) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert option[0] in said.err
