"""The benchmark itself works: every cell and every installed peer, with tiny counts. No figure is judged."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.bench import cache
from tests.bench.core.contestants import ROOT, Contestant
from tests.bench.core.report import Report, Target, target_table
from tests.bench.core.run import Run
from tests.bench.queue import CELLS, CONTESTANTS
from tests.bench.queue.draining import drain
from tests.bench.queue.rivals import FLOOR, OURS
from tests.support.servers import Product


def tiny(product: Product, *who: str) -> Run:
    """A run that takes a moment."""
    contestants = [contestant for contestant in CONTESTANTS if contestant.name in who]
    return Run(1, 0.002, False, product, Report(lambda _: None), contestants)


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The command, to its end."""
    words = [sys.executable, "-m", "tests.bench", *arguments]
    return subprocess.run(words, capture_output=True, text=True, cwd=ROOT, timeout=400, check=False)


def measured(tmp_path: Path, *arguments: str) -> tuple[str, dict[str, Any]]:
    """What the command shows after one round, and what it writes into a file."""
    file = tmp_path / "found.json"
    done = bench(*arguments, "--rounds", "1", "--json", str(file))
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads(file.read_text())


@pytest.mark.slow
@pytest.mark.parametrize("cell", CELLS)
def test_every_cell_measures_ours(cell: str, any_product: Product) -> None:
    run = tiny(any_product, OURS.name, FLOOR.name)
    CELLS[cell](run)
    assert not [note for note in run.report.notes if OURS.name in note]
    figures = [series for series in run.report.series.values() if series.role == "ours"]
    assert figures
    assert all(value >= 0 for series in figures for value in series.values)


def test_the_command_measures_the_cache(tmp_path: Path) -> None:
    _, found = measured(tmp_path, "cache", "--peers", "none", "--scale", "0.002")
    assert not [note for note in found["notes"] if "opalmind" in note]
    reached = {target["target"] for target in found["targets"] if target["measured"] is not None}
    assert len(reached) == len(cache.TARGETS) - 4, "all but those that need peers"
    commands = [one["median"] for one in found["series"] if one["unit"] == "commands"]
    assert commands == [2, 2, 2]


@pytest.mark.parametrize("peer", [who for who in cache.CONTESTANTS if who.role == "peer"], ids=lambda who: who.name)
def test_every_installed_cache_gives_hits(peer: Contestant, any_product: Product) -> None:
    if peer.why_not:
        pytest.skip(f"{peer.name}: {peer.why_not}")
    run = Run(1, 0.002, False, any_product, Report(lambda _: None), [peer])
    cache.CELLS["hits"](run)
    assert run.report.notes == []
    assert {series.role for series in run.report.series.values()} == {"peer"}


def test_a_cell_of_the_other_suite_is_a_mistake_of_the_command_line() -> None:
    done = bench("cache", "--only", "drain")
    assert done.returncode == 2
    assert "no cell 'drain' of cache" in done.stderr


@pytest.mark.parametrize("peer", [who for who in CONTESTANTS if who.role == "peer"], ids=lambda who: who.name)
def test_every_installed_peer_accepts_and_drains(peer: object, any_product: Product) -> None:
    assert isinstance(peer, type(OURS))
    if peer.why_not:
        pytest.skip(f"{peer.name}: {peer.why_not}")
    run = tiny(any_product, peer.name)
    drain(run)
    assert run.report.notes == []
    assert {series.who for series in run.report.series.values()} == {peer.name}


def test_the_command_prints_tables_targets_and_json(tmp_path: Path) -> None:
    shown, found = measured(tmp_path, "queue", "--only", "drain", "--peers", "none", "--scale", "0.002")
    assert "drain by one worker" in shown
    assert "not measured" in shown
    assert {series["who"] for series in found["series"]} == {OURS.name, FLOOR.name}


def test_ratios_and_verdicts() -> None:
    report = Report(lambda _: None)
    for ours, theirs in ((10.0, 5.0), (30.0, 6.0), (20.0, 4.0)):
        report.add("cell", "ours", ours, "per s", role="ours")
        report.add("cell", "peer", theirs, "per s", role="peer")
    assert "4.00 x" in report.tables()

    def ratio(found: Report) -> float | None:
        ours, theirs = found.median("cell", "ours", "per s"), found.median("cell", "peer", "per s")
        return None if ours is None or theirs is None else ours / theirs

    targets = [
        Target("fast", 3, True, "x", ratio),
        Target("faster", 8, True, "x", ratio),
        Target("lean", 2, False, "x", ratio),
        Target("other", 1, True, "x", lambda _: None),
    ]
    verdicts = [target.verdict(report) for target in targets]
    half = "NOT MET (50% of it)"
    assert [verdict.word for verdict in verdicts] == ["met", half, half, "not measured"]
    assert "faster" in target_table(verdicts)


@pytest.mark.slow
def test_the_command_measures_what_a_dashboard_costs(tmp_path: Path) -> None:
    _, found = measured(tmp_path, "census", "--scale", "0.001")
    assert not found["notes"]
    assert all(target["measured"] is not None for target in found["targets"])


@pytest.mark.slow
def test_the_command_measures_the_terminal(tmp_path: Path) -> None:
    _, found = measured(tmp_path, "terminal", "--scale", "0.001")
    assert all(target["measured"] is not None for target in found["targets"])
