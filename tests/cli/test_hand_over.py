"""Programs that end with requests in their memory only: they save them, say where, and `track --from` takes them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from opalmind_tui import exits
from opalmind_tui.storage.local_server import LocalServer, free_port
from tests.cli.only_here import COUNT
from tests.cli.program import MATOMO, environment, queued, run
from tests.support.terminal import Terminal

PROGRAM = [sys.executable, "-m", "tests.cli.only_here"]


@pytest.fixture
def alone(tmp_path: Path) -> dict[str, str]:
    """Neither Redis nor Matomo is there."""
    return {
        "REDIS_URL": f"redis://127.0.0.1:{free_port()}/0",
        "MATOMO_BASE_URL": MATOMO,
        "MATOMO_DEFAULT_SITE_ID": "1",
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }


@pytest.fixture
def screen(alone: dict[str, str]) -> Iterator[Terminal]:
    terminal = Terminal([*PROGRAM, "dashboard"], environment=environment(**alone))
    yield terminal
    terminal.close()


def saved(tmp_path: Path) -> Path:
    (file,) = (tmp_path / "state" / "opalmind-tui").iterdir()
    return file


def ready(screen: Terminal) -> None:
    screen.wait_for("what is at stake", lambda text: f"{COUNT} requests live only" in text)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_a_signal_saves_without_asking_and_says_where(screen: Terminal, tmp_path: Path, number: signal.Signals) -> None:
    ready(screen)
    screen.process.send_signal(number)
    assert screen.ended() == exits.OK
    # After the terminal was given back, or it would be gone with the alternate screen.
    after = screen.output[screen.output.rindex(b"\x1b[?1049l") :].decode().replace("\r\n", "\n")
    assert f"{COUNT} accepted requests lived only in this process: saved in {saved(tmp_path)}." in after
    assert len(saved(tmp_path).read_text().splitlines()) == COUNT


def test_quitting_asks_and_saves(screen: Terminal, tmp_path: Path) -> None:
    ready(screen)
    screen.press("q")
    # The line at the top says as much; the question is there when its buttons are.
    screen.wait_for("the question", lambda text: "Save and quit" in text)
    assert f"{COUNT} requests live only in this dashboard" in screen.text
    assert "opalmind-tui track --from FILE" in screen.text.replace("\n", " ")
    screen.press("\x1b")
    screen.wait_for("the dashboard", lambda text: "Save and quit" not in text)
    assert screen.process.poll() is None
    screen.press("q")
    screen.wait_for("the question", lambda text: "Save and quit" in text)
    screen.press("\t\r")
    assert screen.ended() == exits.OK
    assert len(saved(tmp_path).read_text().splitlines()) == COUNT


def go_to_losing(screen: Terminal) -> None:
    """Go round the buttons until that one takes the focus: not before the question could be read."""
    plain = screen.colours_of("Lose them")

    def focused(*buttons: str) -> bool:
        found = [button for button in ("Stay", "Save and", "Lose them") if screen.colours_of(button) != plain]
        return len(found) == 1 and found[0] in buttons

    screen.wait_for("the focus", lambda _: focused("Stay"))
    while not focused("Lose them"):
        screen.press("\t")
        screen.wait_for("the focus on saving", lambda _: focused("Save and"))
        screen.press("\t")
        screen.wait_for("the focus on the next", lambda _: focused("Stay", "Lose them"))


def test_they_can_be_left_behind(screen: Terminal, tmp_path: Path) -> None:
    ready(screen)
    screen.press("\x03")
    screen.wait_for("the question", lambda text: "Lose them and quit" in text)
    go_to_losing(screen)
    screen.press("\r")
    assert screen.ended() == exits.OK
    assert not (tmp_path / "state").exists()


def test_a_program_with_the_library_saves_before_a_signal_ends_it(
    alone: dict[str, str], tmp_path: Path, server: LocalServer
) -> None:
    with subprocess.Popen(
        [*PROGRAM, "client"], env=environment(**alone), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"tracked\n"
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=20)
        finally:
            process.kill()
    assert process.returncode == -signal.SIGTERM, "ended as without us"
    assert f"saved in {saved(tmp_path)}" in said.decode()
    # Taken once, however often it is read; for another Matomo not at all.
    settings = {**alone, "REDIS_URL": server.url}
    other = run("track", "--from", str(saved(tmp_path)), **{**settings, "MATOMO_BASE_URL": "http://127.0.0.1:2/"})
    assert other.returncode == exits.UNUSABLE
    assert "was accepted for http://127.0.0.1:1/matomo/matomo.php" in other.stderr
    assert queued(settings)["pending"] == 0
    for _ in range(2):
        done = run("track", "--from", str(saved(tmp_path)), "--json", **settings)
        assert (done.returncode, json.loads(done.stdout)["accepted"]) == (exits.OK, COUNT)
        assert (queued(settings)["pending"], queued(settings)["ledgerDifference"]) == (COUNT, 0)
