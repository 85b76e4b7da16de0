"""The dashboard in a pseudo-terminal: without Redis, on a server of its own, and where no terminal is."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from opalmind_tui import exits
from opalmind_tui.storage.local_server import LocalServer, free_port
from tests.cli.matomo import Served
from tests.cli.program import command, environment, run, wait_until
from tests.drive_demo import END, START, delivered
from tests.support.servers import Product
from tests.support.terminal import Terminal

Open = Callable[..., Terminal]
NOTING = """
import gc, sys

note = open(sys.argv.pop(), "w", buffering=1)
freeze, set_threshold = gc.freeze, gc.set_threshold


def looked(phase, info):
    if phase == "start" and gc.get_threshold()[0] > 10_000:  # neither before the program chose, nor in the end
        print("looked", file=note)


def kept():
    freeze()
    print("kept", file=note)


def chosen(objects, *others):
    set_threshold(objects, *others)
    print("after", objects, file=note)


gc.callbacks.append(looked)
gc.freeze, gc.set_threshold = kept, chosen
from opalmind_tui.__main__ import main

main()
"""
"""The program, but what it does about unreachable cycles is written to a file."""


@pytest.fixture
def open_screen() -> Iterator[Open]:
    screens: list[Terminal] = []

    def open_it(*arguments: str, **variables: str) -> Terminal:
        screens.append(Terminal(command(*arguments), environment=environment(**variables), columns=120, lines=40))
        return screens[-1]

    yield open_it
    for screen in screens:
        screen.close()


def test_without_a_terminal_it_says_what_to_use() -> None:
    done = run(TERM="xterm")
    assert done.returncode == exits.UNUSABLE
    assert "status" in done.stderr
    assert done.stdout == ""


def test_without_redis_it_opens_degraded_and_recovers_by_itself(
    any_product: Product, open_screen: Open, stand_in: Served, tmp_path: Path
) -> None:
    assert any_product.binary is not None
    server = LocalServer(any_product.binary, tmp_path / "s", port=free_port())
    screen = open_screen(REDIS_URL=server.url, **stand_in.settings)
    screen.wait_for("that it is degraded", lambda text: "memory" in text and "Redis refuses" in text, START)
    server.start()
    try:
        screen.wait_for("that Redis serves", lambda text: "Redis refuses" not in text and "ping" in text, START)
        screen.press("q")
        assert screen.ended(END) == exits.OK
    finally:
        server.stop()


def test_a_wrong_password_opens_and_says_so(
    any_product: Product, open_screen: Open, stand_in: Served, tmp_path: Path
) -> None:
    import redis

    assert any_product.binary is not None
    server = LocalServer(any_product.binary, tmp_path / "s", port=free_port())
    server.start()
    try:
        with redis.Redis.from_url(server.url) as client:
            client.config_set("requirepass", "good-secret-1")
        screen = open_screen(REDIS_URL=server.url, REDIS_PASSWORD="bad-secret-2", **stand_in.settings)
        screen.wait_for("the reason", lambda text: "refuses the user or password" in text, START)
        assert "secret" not in screen.text
        screen.process.send_signal(signal.SIGTERM)
        assert screen.ended(END) == exits.OK
    finally:
        server.stop()


def test_embedded_keeps_its_data_and_is_shared(open_screen: Open, stand_in: Served, short_folder: Path) -> None:
    variables = {"XDG_DATA_HOME": str(short_folder / "x"), **stand_in.settings}
    goal = ["track", "goal", "--goal-id", "1", "--embedded", "--json"]
    # Each command of its own starts the server, and the data stays.
    assert json.loads(run(*goal, **variables).stdout)["outcome"] == "accepted"
    assert queue_details(variables)["pending"] == 1
    screen = open_screen("--embedded", **variables)
    screen.wait_for("a delivered request", lambda text: delivered(text) == 1, START)
    # While the dashboard runs the server, a second process attaches to it.
    assert json.loads(run(*goal, **variables).stdout)["outcome"] == "accepted"
    screen.wait_for("the second one", lambda text: delivered(text) == 2, START)
    folder = short_folder / "x" / "opalmind-tui" / "server"
    assert folder.stat().st_mode & 0o777 == 0o700
    screen.press("q")
    assert screen.ended(END) == exits.OK
    wait_until(lambda: not (folder / "server.sock").exists(), "the end of the server")
    assert queue_details(variables)["totalProcessed"] == 2


def queue_details(variables: dict[str, str]) -> dict[str, object]:
    document = json.loads(run("status", "--embedded", "--json", **variables).stdout)
    return {check["name"]: check for check in document["checks"]}["tracking-queue"]["details"]


def test_read_only_delivers_nothing(server: LocalServer, open_screen: Open, stand_in: Served) -> None:
    variables = {"REDIS_URL": server.url, **stand_in.settings}
    run("track", "goal", "--goal-id", "1", **variables)
    screen = open_screen("--read-only", "--deliver", **variables)
    screen.wait_for("the request", lambda text: "pending" in text and "READ-ONLY" in text.upper(), START)
    screen.press("q")
    assert screen.ended(END) == exits.OK
    assert not stand_in.journal.hits


def test_no_cycles_are_looked_for_before_the_first_figures_and_few_at_once_later(
    server: LocalServer, stand_in: Served, tmp_path: Path
) -> None:
    notes = tmp_path / "notes"
    variables = environment(REDIS_URL=server.url, **stand_in.settings)
    screen = Terminal([sys.executable, "-c", NOTING, str(notes)], environment=variables, columns=120, lines=40)
    try:
        screen.wait_for("figures", lambda text: "ping" in text, START)
        wait_until(lambda: "after 5000" in notes.read_text())
        screen.press("q")
        assert screen.ended(END) == exits.OK
    finally:
        screen.close()
    assert notes.read_text().splitlines() == ["after 100000", "after 1000000", "kept", "after 5000"]
