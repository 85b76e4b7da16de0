"""`worker`: delivers what `track` accepted, says what happens, and ends in good order."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from opalmind_tui import exits
from opalmind_tui.storage.local_server import LocalServer, free_port
from tests.cli.matomo import Served
from tests.cli.program import command, environment, queued, run, wait_until
from tests.support.servers import Product


class Worker:
    """A worker process and what it has said."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process, self._log = process, log

    @property
    def said(self) -> str:
        """Its stderr so far."""
        return self._log.read_text("utf-8")

    def wait_for(self, text: str) -> None:
        """Wait until it has said something."""
        wait_until(lambda: text in self.said, f"{text!r} of the worker, which said {self.said!r},")

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Tell it to stop; returns its exit code."""
        self.process.send_signal(number)
        return self.process.wait(40)


@contextmanager
def working(folder: Path, variables: dict[str, str], *arguments: str) -> Iterator[Worker]:
    log = folder / "worker.log"
    with log.open("wb") as stderr:
        process = subprocess.Popen(command("worker", *arguments), stderr=stderr, env=environment(**variables))
    try:
        yield Worker(process, log)
    finally:
        process.kill()
        process.wait(10)


@pytest.fixture
def settings(server: LocalServer, stand_in: Served) -> dict[str, str]:
    return {"REDIS_URL": server.url, **stand_in.settings}


def lines(first: int, count: int) -> str:
    return "\n".join(
        f'{{"kind":"pageview","url":"https://example.org/{number}","pvId":"pv{number}"}}'
        for number in range(first, first + count)
    )


def urls(stand_in: Served) -> list[str]:
    return sorted(hit.params["url"] for hit in stand_in.journal.hits)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, exits.OK), (signal.SIGINT, exits.INTERRUPTED)])
def test_what_was_accepted_is_delivered_once(
    settings: dict[str, str], stand_in: Served, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    assert run("track", "--from", "-", given=lines(100, 300), **settings).returncode == exits.OK
    with working(tmp_path, settings) as worker:
        worker.wait_for("Started: delivers to ")
        wait_until(lambda: queued(settings)["totalProcessed"] == 300)
        assert worker.end(number) == code
        assert worker.said.rstrip().endswith("Stopped")
        assert "Traceback" not in worker.said
    assert urls(stand_in) == [f"https://example.org/{number}" for number in range(100, 400)]
    assert queued(settings)["ledgerDifference"] == 0


def test_an_outage_of_matomo_is_said_and_costs_nothing(
    settings: dict[str, str], stand_in: Served, tmp_path: Path
) -> None:
    stand_in.mood("outage")
    with working(tmp_path, settings) as worker:
        worker.wait_for("Started")
        run("track", "--from", "-", given=lines(100, 5), **settings)
        worker.wait_for("Matomo is closed: breaker")
        stand_in.mood("normal")
        worker.wait_for("Matomo is open again")
        wait_until(lambda: queued(settings)["totalProcessed"] == 5)
        assert worker.end() == exits.OK
    assert len(urls(stand_in)) == len(set(urls(stand_in))) == 5


def test_redis_away_is_said_and_survived(any_product: Product, stand_in: Served, tmp_path: Path) -> None:
    assert any_product.binary is not None
    server = LocalServer(any_product.binary, tmp_path / "s", port=free_port(), persistent=True)
    variables = {"REDIS_URL": server.url, **stand_in.settings}
    try:
        with working(tmp_path, variables) as worker:
            worker.wait_for("Redis refuses connections")
            server.start()
            worker.wait_for("Redis serves again")
            assert run("track", "--from", "-", given=lines(100, 5), **variables).returncode == exits.OK
            wait_until(lambda: len(stand_in.journal.hits) == 5)
            assert worker.end() == exits.OK
    finally:
        server.stop()


def test_a_second_worker_shares_the_work(settings: dict[str, str], stand_in: Served, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with working(tmp_path / "a", settings) as first, working(tmp_path / "b", settings) as second:
        first.wait_for("Started")
        second.wait_for("Started")
        run("track", "--from", "-", given=lines(1000, 1000), **settings)
        wait_until(lambda: queued(settings)["totalProcessed"] == 1000)
        first.process.kill()
        run("track", "--from", "-", given=lines(3000, 10), **settings)
        wait_until(lambda: queued(settings)["totalProcessed"] == 1010)
        assert second.end() == exits.OK
    assert len(urls(stand_in)) == len(set(urls(stand_in))) == 1010


def scraped(address: str) -> dict[str, float]:
    """What a scraper finds, by the official parser; labels left out, so the newest of a name."""
    with urlopen(address, timeout=20) as answer:
        families = text_string_to_metric_families(answer.read().decode("utf-8"))
        return {sample.name: sample.value for family in families for sample in family.samples}


def test_metrics_of_a_worker_at_work(tmp_path: Path, settings: dict[str, str], stand_in: Served) -> None:
    assert run("track", "--from", "-", given=lines(0, 5), **settings).returncode == exits.OK
    with working(tmp_path, settings, "--metrics", "0") as worker:
        worker.wait_for("Metrics on http://127.0.0.1:")
        (address,) = re.findall(r"Metrics on (\S+)", worker.said)
        wait_until(lambda: scraped(address).get("opalmind_queue_delivered_total") == 5, "the delivered requests")
        found = scraped(address)
        assert found["opalmind_queue_accepted_total"] == 5
        assert found["opalmind_ledger_difference"] == 0
        assert found["opalmind_post_duration_seconds_count"] >= 1
        assert found["opalmind_matomo_up"] == 1
        for path in ("/healthz", "/readyz"):
            with urlopen(address.replace("/metrics", path), timeout=20) as answer:
                assert answer.read() == b"ok\n"
        port = address.rpartition(":")[2].partition("/")[0]
        refused = run("worker", "--metrics", port, **settings)
        assert refused.returncode == exits.UNUSABLE
        assert f"--metrics: cannot listen on 127.0.0.1 port {port}: Address already in use" in refused.stderr
        assert worker.end() == exits.OK
    assert stand_in.settings["MATOMO_TOKEN"] not in worker.said


def test_lines_of_json_and_what_is_logged_at_all(tmp_path: Path, settings: dict[str, str], stand_in: Served) -> None:
    with working(tmp_path, settings, "--log-format", "json") as worker:
        worker.wait_for("Started")
        assert worker.end() == exits.OK
    told = [json.loads(line) for line in worker.said.splitlines()]
    assert [line["message"] for line in told][-1] == "Stopped"
    assert {line["level"] for line in told} == {"info"}
    assert run("track", "--from", "-", given=lines(0, 1), **settings).returncode == exits.OK
    with working(tmp_path, settings, "--log-level", "warning") as worker:
        wait_until(lambda: bool(stand_in.journal.hits), "the delivered request")
        assert worker.end() == exits.OK
    assert worker.said == ""
