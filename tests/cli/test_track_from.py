"""`track --from` on a real server: every line has its outcome, nothing is taken that cannot be kept."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import redis

from opalmind_tui import exits
from opalmind_tui.cli.feed import BATCH
from opalmind_tui.cli.foreseeing import SIDE_BY_SIDE, Foresight
from opalmind_tui.storage.local_server import LocalServer, free_port
from opalmind_tui.tracking.limits import LINE_LIMIT
from opalmind_tui.tracking.lines import read_lines
from opalmind_tui.tracking.queue import Acceptance
from opalmind_tui.tracking.redis_queue.batches import MOST_ITEMS
from tests.cli.program import MATOMO, command, environment, queued, run, wait_until

SETTINGS = {"MATOMO_BASE_URL": MATOMO, "MATOMO_DEFAULT_SITE_ID": "1"}
GOAL = '{"kind":"goal","goalId":%d}'


@pytest.fixture
def settings(server: LocalServer) -> dict[str, str]:
    return {**SETTINGS, "REDIS_URL": server.url}


MIXED = "\n".join(
    [
        '{"kind":"pageview","url":"https://example.org/a","idempotencyKey":"k1"}',
        '{"kind":"event","category":"c","action":"a"}',
        "",
        '{"kind":"pageview","url":"https://example.org/a","idempotencyKey":"k1"}',
        '{"kind":"pageview","url":"https://example.org/b","idempotencyKey":"k1"}',
        '{"kind":"goal","goalId":0}',
        "not json \x1b[31m",
        '{"kind":"raw","params":{"url":"https://example.org/r"}}',
    ]
)


def test_each_line_has_its_outcome_and_the_others_go_on(settings: dict[str, str], tmp_path: Path) -> None:
    source = tmp_path / "hits.jsonl"
    source.write_text(MIXED)
    done = run("track", "--from", str(source), **settings)
    assert done.returncode == exits.DEGRADED
    assert done.stdout == "7 lines: 3 accepted, 1 duplicate, 1 conflict, 2 refused\n"
    said = done.stderr.splitlines()
    assert [line.split(":")[:2] for line in said] == [
        ["line 4", " duplicate"], ["line 5", " conflict"], ["line 6", " refused"], ["line 7", " refused"],
    ]  # fmt: skip
    assert "goalId" in said[2]
    assert "\x1b" not in done.stderr
    details = queued(settings)
    assert details["pending"] == 3
    assert details["ledgerDifference"] == 0


def test_a_dry_run_says_the_same_and_takes_nothing(settings: dict[str, str], tmp_path: Path) -> None:
    source = tmp_path / "hits.jsonl"
    source.write_text(MIXED)
    reading = {**settings, "OPALMIND_READ_ONLY": "1"}
    foreseen = run("track", "--from", str(source), "--dry-run", **reading)
    assert (foreseen.returncode, queued(settings)["pending"]) == (exits.DEGRADED, 0)
    assert run("track", "--from", str(source), "--yes", **settings).returncode == exits.UNUSABLE, "nothing is asked"
    done = run("track", "--from", str(source), **settings)
    assert (foreseen.stdout, foreseen.stderr) == (done.stdout, done.stderr)
    again = run("track", "--from", str(source), "--dry-run", "--limit", "2", "--json", **reading)
    found = json.loads(again.stdout)
    assert [found[name] for name in ("lines", "accepted", "duplicate")] == [2, 1, 1], "the queue knows the first key"
    assert "a conflict with another one" in found["problems"][0]["reason"], "its payload was not compared"
    assert queued(settings)["pending"] == 3


async def test_a_dry_run_looks_a_batch_up_side_by_side() -> None:
    """Or each line costs a way to Redis and back; but not all at once: there are only so many connections."""
    asked: list[str] = []
    waiting: list[asyncio.Event] = []

    async def find(key: str) -> tuple[()]:
        asked.append(key)
        waiting.append(asyncio.Event())
        assert len(waiting) <= SIDE_BY_SIDE
        if len(waiting) == SIDE_BY_SIDE:
            for one in waiting:
                one.set()
        else:
            await waiting[-1].wait()
        if len(asked) % SIDE_BY_SIDE == 0:
            waiting.clear()
        return ()

    given = [b'{"kind":"goal","goalId":1,"idempotencyKey":"k%d"}' % number for number in range(BATCH)]
    (lines,) = read_lines([b"\n".join([*given, given[0]]) + b"\n"], default_site_id=1)
    engine: Any = SimpleNamespace(queue=SimpleNamespace(find=find))
    async with asyncio.timeout(20):
        _, answers = await Foresight().judged(engine, lines)
    assert sorted(asked) == sorted(f"k{number}" for number in range(BATCH))
    assert [one.outcome for one in answers.values()] == [Acceptance.ACCEPTED] * BATCH + [Acceptance.DUPLICATE]


def test_no_more_than_the_first_lines(settings: dict[str, str]) -> None:
    given = "\n".join(GOAL % (number + 1) for number in range(2 * BATCH))
    done = run("track", "--from", "-", "--limit", str(BATCH + 3), given=given, **settings)
    assert done.stdout.startswith(f"{BATCH + 3} lines: {BATCH + 3} accepted")
    assert queued(settings)["pending"] == BATCH + 3


def test_the_summary_as_json(settings: dict[str, str]) -> None:
    done = run("track", "--from", "-", "--json", given=MIXED, **settings)
    found = json.loads(done.stdout)
    assert done.returncode == exits.DEGRADED
    assert {name: found[name] for name in ("lines", "accepted", "duplicate", "conflict", "refused")} == {
        "lines": 7, "accepted": 3, "duplicate": 1, "conflict": 1, "refused": 2,
    }  # fmt: skip
    assert [problem["line"] for problem in found["problems"]] == [4, 5, 6, 7]
    assert found["firstNotTaken"] is None


def test_many_lines_are_taken_once_each(settings: dict[str, str]) -> None:
    given = "\n".join(GOAL % (number + 1) for number in range(3000))
    done = run("track", "--from", "-", given=given, **settings)
    assert (done.returncode, done.stderr) == (exits.OK, "")
    assert done.stdout.startswith("3000 lines: 3000 accepted, 0 duplicate")
    assert queued(settings)["pending"] == 3000


def test_a_batch_is_one_script() -> None:
    """Or a batch whose second script failed would be reported as not taken though its first half is queued."""
    assert BATCH <= MOST_ITEMS


def test_an_empty_input_is_no_error(settings: dict[str, str]) -> None:
    done = run("track", "--from", "-", **settings)
    assert (done.returncode, done.stdout) == (exits.OK, "0 lines: 0 accepted, 0 duplicate, 0 conflict, 0 refused\n")


def test_a_closed_stdin_is_said() -> None:
    shell = f"{' '.join(command('track', '--from', '-'))} <&-"
    done = subprocess.run(
        ["bash", "-c", shell], capture_output=True, text=True, timeout=60, env=environment(**SETTINGS)
    )
    assert (done.returncode, done.stderr) == (exits.UNUSABLE, "opalmind-tui: stdin is closed\n")


def test_a_line_over_the_limit_is_refused_with_the_limit(settings: dict[str, str]) -> None:
    done = run("track", "--from", "-", given="x" * (LINE_LIMIT + 1) + "\n" + GOAL % 1, **settings)
    assert done.returncode == exits.DEGRADED
    assert f"line 1: refused: line: is longer than {LINE_LIMIT:,} bytes" in done.stderr
    assert "1 accepted" in done.stdout


@pytest.mark.parametrize("redirect", [">&-", ">/dev/full", "| true"])
def test_all_is_taken_though_nobody_reads_the_summary(settings: dict[str, str], redirect: str) -> None:
    shell = f"set -o pipefail; {' '.join(command('track', '--from', '-'))} {redirect}"
    done = subprocess.run(
        ["bash", "-c", shell], input=GOAL % 1, capture_output=True, text=True, timeout=60, env=environment(**settings)
    )
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert done.returncode == (exits.CANNOT_TELL if "full" in redirect else exits.OK)
    assert queued(settings)["pending"] == 1


def test_one_call(settings: dict[str, str]) -> None:
    def track(*more: str) -> subprocess.CompletedProcess[str]:
        return run("track", "event", "--category", "c", "--action", "a", "--idempotency-key", "k", *more, **settings)

    first = json.loads(track("--json").stdout)
    assert (first["outcome"], len(first["id"]), first["idempotencyKey"]) == ("accepted", 14, "k")
    again = track()
    assert (again.returncode, again.stdout.split()[0]) == (exits.OK, "duplicate")
    other = track("--value", "2")
    assert (other.returncode, other.stdout.split()[0]) == (exits.DEGRADED, "conflict")
    assert queued(settings)["pending"] == 1


@pytest.mark.parametrize("arguments", [["track", "--from", "-"], ["track", "goal", "--goal-id", "1"]])
def test_without_redis_nothing_is_accepted(arguments: list[str]) -> None:
    done = run(*arguments, given=GOAL % 1, REDIS_URL=f"redis://127.0.0.1:{free_port()}/0", **SETTINGS)
    assert done.returncode == exits.CANNOT_TELL
    assert "Redis refuses connections" in done.stderr
    if "--from" in arguments:
        assert "line 1 is the first one not taken" in done.stderr
        assert done.stdout.startswith("0 lines: 0 accepted")


@pytest.fixture
def own_server(any_product, tmp_path: Path) -> Iterator[LocalServer]:  # type: ignore[no-untyped-def]
    server = LocalServer(any_product.binary, tmp_path / "s", port=free_port(), persistent=True)
    server.start()
    yield server
    server.stop()


def test_redis_lost_on_the_way_names_the_first_line_not_taken(own_server: LocalServer) -> None:
    settings = {**SETTINGS, "REDIS_URL": own_server.url}
    process = subprocess.Popen(
        command("track", "--from", "-", "--json"), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, env=environment(**settings),
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write("\n" + GOAL % 1 + "\n" + GOAL % 2 + "\n")
    process.stdin.flush()
    with redis.Redis.from_url(own_server.url) as client:
        wait_until(lambda: client.dbsize() > 3)
    wait_until(lambda: queued(settings)["pending"] == 2)
    own_server.stop()
    process.stdin.write("nonsense\n" + GOAL % 3 + "\n")
    out, err = process.communicate(timeout=30)
    assert process.returncode == exits.CANNOT_TELL, err
    found = json.loads(out)
    assert (found["accepted"], found["refused"], found["firstNotTaken"]) == (2, 1, 5)
    assert "line 5 is the first one not taken" in err
    own_server.start()
    assert queued(settings)["pending"] == 2


def test_ctrl_c_says_how_far_it_came(own_server: LocalServer) -> None:
    settings = {**SETTINGS, "REDIS_URL": own_server.url}
    process = subprocess.Popen(
        command("track", "--from", "-"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env=environment(**settings),
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(GOAL % 1 + "\n")
    process.stdin.flush()
    with redis.Redis.from_url(own_server.url) as client:
        wait_until(lambda: client.dbsize() > 3)
    wait_until(lambda: queued(settings)["pending"] == 1)
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == exits.INTERRUPTED
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.read() == "1 lines: 1 accepted, 0 duplicate, 0 conflict, 0 refused\n"
    assert "Traceback" not in process.stderr.read()
    process.communicate()


def test_ctrl_c_in_the_middle_of_a_large_file(settings: dict[str, str], tmp_path: Path) -> None:
    source = tmp_path / "hits.jsonl"
    source.write_text("\n".join(GOAL % (number + 1) for number in range(200_000)))
    process = subprocess.Popen(
        command("track", "--from", str(source)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=environment(**settings),
    )  # fmt: skip
    wait_until(lambda: queued(settings)["pending"])
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == exits.INTERRUPTED
    taken = int(out.split()[2])
    assert 0 < taken < 200_000
    pending = queued(settings)["pending"]
    assert taken == pending or f"line {taken + 1} is the first one not taken" in err
    assert taken <= pending <= taken + BATCH
    assert "Traceback" not in err


def test_foreign_names_of_fields_are_made_safe(settings: dict[str, str]) -> None:
    line = '{"kind":"goal","goalId":1,"\\u001b[2J\\u009b31m\\u202ex\\ud800":1}'
    done = run("track", "--from", "-", given=line, **settings)
    assert done.returncode == exits.DEGRADED
    assert "is no field of a goal" in done.stderr
    assert not set(done.stderr) & set("\x1b\x9b\u202e")


def test_a_terminal_gets_a_progress_bar(settings: dict[str, str], tmp_path: Path) -> None:
    source = tmp_path / "hits.jsonl"
    source.write_text("\n".join(GOAL % (number + 1) for number in range(600)))
    terminal, child = os.openpty()
    done = subprocess.run(
        command("track", "--from", str(source)), stdout=subprocess.PIPE, stderr=child, text=True, timeout=60,
        env=environment(TERM="xterm", **settings),
    )  # fmt: skip
    os.close(child)
    shown = os.read(terminal, 65_536).decode()
    os.close(terminal)
    assert done.stdout.startswith("600 lines: 600 accepted")
    assert "100%" in shown
