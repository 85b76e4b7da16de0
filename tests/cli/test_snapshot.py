"""`snapshot`: one frame of every place as a picture and as JSON, of a real server."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from xml.etree import ElementTree

import pytest

from opalmind_tui import exits
from opalmind_tui.cli.main import run as run_here
from opalmind_tui.cli.snapshot import PLACES
from opalmind_tui.storage.local_server import LocalServer
from opalmind_tui.tui.places import table
from tests.cli.program import MATOMO, run
from tests.cli.test_cache import EVENTS, put

SEEN = {
    "overview": "TRENDS", "queue": "groups", "cache": "life left", "redis": "LATENCY", "fleet": "SERVICES",
    "doctor": "FINDING", "audit": "AUDIT", "history": "24 H",
}  # fmt: skip
"""What the picture of each place has and no other place's has."""


def test_every_place_of_the_dashboard_can_be_asked_for() -> None:
    assert list(PLACES) == [entry.id for entry in table.PLACES] == list(SEEN)


@pytest.fixture
def settings(server: LocalServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> LocalServer:
    """A store with a dead request and a report."""
    variables = {"REDIS_URL": server.url, "MATOMO_BASE_URL": MATOMO, "MATOMO_DEFAULT_SITE_ID": "1"}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    put(server, EVENTS, [])
    for line in (["track", "pageview", "--url", "https://x/"], ["queue", "kill", "--filter", "site:1", "--state",
                 "pending", "--yes"]):  # fmt: skip
        assert run_here(line) == exits.OK, capsys.readouterr().err
    capsys.readouterr()
    return server


def words(svg: str) -> str:
    """The text of a picture, row by row."""
    texts = [element for element in ElementTree.fromstring(svg).iter() if element.tag.endswith("}text")]
    return "\n".join((element.text or "").replace("\xa0", " ") for element in texts)


def test_a_picture_of_every_place(settings: LocalServer, tmp_path: Path) -> None:
    shown = {}
    for place in PLACES:
        path = tmp_path / f"{place}.svg"
        path.write_text("an older one")
        path.chmod(0o644)
        assert run_here(["snapshot", "--svg", str(path), "--size", "80x24", "--place", place]) == exits.UNUSABLE
        shown[place] = words(path.read_text("utf-8"))
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert shown[place].count("\n") >= 24
    for place, word in SEEN.items():
        assert [one for one, text in shown.items() if word in text] == [place], word
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".svg"] == []


def test_a_frame_of_every_place_as_json(settings: LocalServer, capsys: pytest.CaptureFixture[str]) -> None:
    found, doctor = {}, {}
    for place in PLACES:
        run_here(["snapshot", "--place", place])
        told = json.loads(capsys.readouterr().out)
        found[place], doctor[place] = told["snapshot"], told["doctor"]
    assert found["overview"]["requests"]["value"][0]["state"] == "dead"
    assert found["queue"]["listing"]["value"]["rows"][0]["state"] == "dead"
    assert found["cache"]["entries"]["value"]["rows"][0]["feature"] == "events"
    assert found["cache"]["entries"]["value"]["done"] is True
    assert found["redis"]["redis"]["value"] is not None
    assert found["audit"]["audit"]["value"]["entries"][0]["act"] == "kill"
    run_here(["doctor", "--json"])
    alone = json.loads(capsys.readouterr().out)
    there = doctor.pop("doctor")
    assert [one["id"] for one in there["findings"]] == [one["id"] for one in alone["findings"]]
    assert "dead" in {one["id"] for one in there["findings"]}
    assert set(doctor.values()) == {None}, "nobody waits for a diagnosis who did not ask for it"
    for place, other in {"queue": "entries", "cache": "listing", "fleet": "audit"}.items():
        assert not (found[place][other] or {}).get("value"), "what no screen shows is not asked for"


def test_what_cannot_be_drawn(server: LocalServer, tmp_path: Path) -> None:
    for arguments in (["--size", "59x24"], ["--size", "120"], ["--size", "500x40"], ["--place", "nowhere"], ["--json"]):
        done = run("snapshot", "--svg", str(tmp_path / "x.svg"), *arguments, REDIS_URL=server.url)
        assert (done.returncode, done.stdout) == (exits.UNUSABLE, ""), arguments
    done = run("snapshot", "--svg", str(tmp_path / "no" / "x.svg"), REDIS_URL=server.url)
    assert (done.returncode, done.stdout) == (exits.CANNOT_TELL, "")
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
