"""`config show` and `config reset`: what is in force, where it comes from, and no secret."""

from __future__ import annotations

import json
from pathlib import Path

from opalmind_tui import exits
from opalmind_tui.settings import VARIABLES, load_settings
from opalmind_tui.storage.local_server import LocalServer, free_port
from tests.cli.program import run

SECRET = "s3cret-of-matomo"


def test_every_setting_with_its_origin_and_no_secret(server: LocalServer, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(SECRET + "\n")
    given = {"REDIS_URL": server.url, "MATOMO_TOKEN_FILE": str(token), "CACHE_TTL_MS": "90000"}
    for arguments in (["--json"], []):
        done = run("config", "show", "--env", "test", *arguments, **given)
        assert done.returncode == exits.OK, done.stderr
        assert SECRET not in done.stdout + done.stderr
    document = json.loads(run("config", "show", "--json", "--env", "test", **given).stdout)
    found = {one["name"]: one for one in document["settings"]}
    assert set(found) == {variable.name for variable in VARIABLES if not variable.from_file}
    assert (found["MATOMO_TOKEN"]["value"], found["MATOMO_TOKEN"]["origin"]) == ("(set)", "file")
    assert (found["CACHE_TTL_MS"]["value"], found["CACHE_TTL_MS"]["origin"]) == (90_000, "environment")
    assert (found["OPALMIND_ENV"]["value"], found["OPALMIND_ENV"]["origin"]) == ("test", "option")
    assert (found["REDIS_PORT"]["value"], found["REDIS_PORT"]["origin"]) == (6379, "default")
    assert found["REDIS_PASSWORD"]["value"] is None
    assert document["runTime"] == []


def test_what_is_shown_can_be_given_back() -> None:
    given = {
        "REDIS_SENTINELS": "[::1]:1,127.0.0.1:1", "MATOMO_DELIVERY": "exact", "MATOMO_CACHE_WARN_HIT_RATE": "7.5",
        "OPALMIND_API_URLS": "http://127.0.0.1:1 https://127.0.0.1:2/x", "MATOMO_RESEND_UNKNOWN": "no",
        "MATOMO_BASE_URL": "http://127.0.0.1:1/",
    }  # fmt: skip
    shown = {one["name"]: one for one in json.loads(run("config", "show", "--json").stdout)["settings"]}
    assert (shown["MATOMO_DELIVERY"]["value"], shown["MATOMO_DELIVERY"]["origin"]) == ("bulk", "default")
    lines = (line.split(maxsplit=1) for line in run("config", "show", **given).stdout.splitlines()[1:])
    again = {name: rest.removesuffix(" environment").strip() for name, rest in lines if rest.endswith(" environment")}
    assert set(again) == set(given)
    assert load_settings(again) == load_settings(given)


def test_the_password_in_an_address_is_not_shown() -> None:
    address = f"redis://anna:{SECRET}@127.0.0.1:{free_port()}/0"
    done = run("config", "show", "--json", REDIS_URL=address)
    assert done.returncode == exits.CANNOT_TELL
    assert SECRET not in done.stdout + done.stderr
    assert json.loads(done.stdout)["settings"][0]["name"] == "REDIS_URL"


def test_what_was_set_at_run_time_is_shown_and_reset(server: LocalServer) -> None:
    done = run("cache", "ttl", "events", "5m", "--yes", REDIS_URL=server.url, OPALMIND_OPERATOR="anna")
    assert done.returncode == exits.OK
    [row] = json.loads(run("config", "show", "--json", REDIS_URL=server.url).stdout)["runTime"]
    assert (row["name"], row["seconds"], row["origin"], row["by"]) == ("events", 300, "configured", "anna")
    assert "at run time: events 300 s, set by anna" in run("config", "show", REDIS_URL=server.url).stdout
    assert run("config", "reset", "events", REDIS_URL=server.url).returncode == exits.UNUSABLE
    assert run("config", "reset", "events", "--yes", REDIS_URL=server.url).returncode == exits.OK
    assert json.loads(run("config", "show", "--json", REDIS_URL=server.url).stdout)["runTime"] == []
    assert run("config", "reset", "nonsense", "--yes", REDIS_URL=server.url).returncode == exits.UNUSABLE
