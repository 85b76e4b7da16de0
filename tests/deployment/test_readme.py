"""What the README says about running it in production is true: checked with the tools that would read it."""

from __future__ import annotations

import ast
import asyncio
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from opalmind_tui.cli.main import program
from opalmind_tui.engine.engine import Engine
from opalmind_tui.engine.roles import GRACE
from opalmind_tui.observe import durability
from opalmind_tui.settings import VARIABLES, Settings, load_settings
from opalmind_tui.settings.table import BY_NAME
from opalmind_tui.storage.local_server import LocalServer, free_port
from tests.deployment.readme import README, block, rows, section
from tests.deployment.sizes import measure
from tests.support.servers import RUNNABLE, Product

OTHERS = {"XDG_STATE_HOME"}
"""Variables that are not ours."""
UNIT = "# /etc/systemd/system/opalmind-worker.service"


def pairs(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines() if line and not line.startswith("#"))


# -- systemd -----------------------------------------------------------------------------------------------------


def unit() -> list[tuple[str, str, str]]:
    """Section, name and value of each line."""
    found, head = [], ""
    for line in block(UNIT).splitlines():
        if re.fullmatch(r"\[\w+\]", line):
            head = line
        elif line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found.append((head, name, value))
    return found


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    tool = shutil.which("systemd-analyze")
    if tool is None:
        pytest.skip("there is no systemd-analyze here")
    program_ = tmp_path / "opalmind-tui"
    program_.write_text("#!/bin/sh\n")
    program_.chmod(0o755)
    environment = tmp_path / "worker.env"
    environment.write_text(block("# /etc/opalmind/worker.env"))
    text = block(UNIT).replace("/opt/opalmind/bin/opalmind-tui", str(program_))
    path = tmp_path / "opalmind-worker.service"
    path.write_text(text.replace("/etc/opalmind/worker.env", str(environment)))
    done = subprocess.run([tool, "verify", "--man=no", str(path)], capture_output=True, text=True, timeout=60)
    assert str(path.name) not in done.stderr, done.stderr
    # The tool itself finds mistakes here.
    path.write_text(text.replace("TimeoutStopSec=40", "TimeoutStopSecs=forty"))
    done = subprocess.run([tool, "verify", "--man=no", str(path)], capture_output=True, text=True, timeout=60)
    assert "TimeoutStopSecs" in done.stderr


def test_the_unit_says_what_a_worker_needs() -> None:
    values: dict[str, list[str]] = {}
    for head, name, value in unit():
        assert head in ("[Unit]", "[Service]", "[Install]")
        values.setdefault(name, []).append(value)
    assert program.get_command(click.Context(program), values["ExecStart"][0].split()[1]) is not None
    assert int(values["TimeoutStopSec"][0]) > GRACE["worker"]
    assert values["KillSignal"] == ["SIGTERM"]
    credentials = {one.split(":")[0] for one in values["LoadCredential"]}
    for name, value in (one.split("=", 1) for one in values["Environment"]):
        assert name in BY_NAME or name in OTHERS
        assert name not in OTHERS or value.startswith("/var/lib/" + values["StateDirectory"][0])
        assert not value.startswith("%d/") or value.removeprefix("%d/") in credentials


def test_the_environment_file_is_taken() -> None:
    settings = load_settings(pairs(block("# /etc/opalmind/worker.env")))
    assert settings.redis_host
    assert settings.matomo_base_url


# -- Compose -----------------------------------------------------------------------------------------------------

TOP = {"services", "secrets", "volumes", "networks"}
SERVICE: dict[str, type | tuple[type, ...]] = {
    "image": str, "command": list, "volumes": list, "healthcheck": dict, "restart": str, "networks": list, "init": bool,
    "environment": dict, "secrets": list, "stop_grace_period": str, "depends_on": dict,
}  # fmt: skip
"""The keys of the Compose specification that are used, and the form of each."""


def test_the_compose_file_holds_together(tmp_path: Path) -> None:
    compose: dict[str, Any] = yaml.safe_load(block("# compose.yaml"))
    assert compose.keys() == TOP
    for service in compose["services"].values():
        assert all(isinstance(value, SERVICE[name]) for name, value in service.items())
        assert not service.keys() & {"ports", "privileged"}
        assert set(service.get("secrets", ())) <= compose["secrets"].keys()
        assert set(service["networks"]) <= compose["networks"].keys()
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            assert source.startswith("./") or source in compose["volumes"]
        assert service.get("depends_on", {}).keys() <= compose["services"].keys()
    worker = compose["services"]["worker"]
    assert int(worker["stop_grace_period"].removesuffix("s")) > GRACE["worker"]
    assert "exec opalmind-tui worker" in worker["command"][-1]
    environment = {name: str(value) for name, value in worker["environment"].items() if name not in OTHERS}
    secret = tmp_path / "matomo-token"
    secret.write_text("0123456789abcdef")
    assert environment["MATOMO_TOKEN_FILE"] == "/run/secrets/" + worker["secrets"][0]
    settings = load_settings(environment | {"MATOMO_TOKEN_FILE": str(secret)})
    assert settings.redis_url == "redis://redis:6379/0"
    tool = shutil.which("docker-compose")
    if tool is not None:
        (tmp_path / "compose.yaml").write_text(block("# compose.yaml"))
        subprocess.run([tool, "config", "-q"], cwd=tmp_path, check=True, timeout=60)


# -- redis.conf --------------------------------------------------------------------------------------------------


@contextmanager
def configured(product: Product, text: str, folder: Path) -> Iterator[str]:
    """A real server with this configuration, on a port of its own on loopback; its address."""
    conf, port = folder / "redis.conf", free_port()
    conf.write_text(text)
    own = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--daemonize", "no"]
    process = subprocess.Popen([str(product.binary), str(conf), *own], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        import redis

        for _ in range(600):
            try:
                with redis.Redis(port=port) as client:
                    client.ping()
                break
            except redis.exceptions.ConnectionError:
                assert process.poll() is None, process.stdout and process.stdout.read().decode()
                time.sleep(0.05)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(20)


@pytest.mark.parametrize("use", ["development", "production"])
@pytest.mark.parametrize("product", RUNNABLE, ids=lambda one: one.name)
def test_a_real_server_starts_with_each_configuration_and_the_doctor_likes_it(
    product: Product, use: str, tmp_path: Path
) -> None:
    async def ask(url: str) -> tuple[set[str], str]:
        async with Engine(Settings(redis_url=url), role="doctor") as engine:
            found = {finding.id for finding in (await engine.diagnose()).findings}
            snapshot = await engine.take_snapshot()
            assert snapshot.server.value is not None
            assert not durability.drops_queue(snapshot.server.value)
            return found, snapshot.store.durability

    with configured(product, block(f"# redis.conf for {use}"), tmp_path) as url:
        found, sentence = asyncio.run(ask(url))
    server = {
        "eviction-queue", "eviction-records", "no-memory-limit", "no-append-only-file", "appendfsync-no",
        "cannot-save", "idle-closed", "stops-writing",
    }  # fmt: skip
    assert not found & server
    assert "everysec" in sentence


# -- tables ------------------------------------------------------------------------------------------------------


def test_the_sizes_are_as_measured(server: LocalServer) -> None:
    documented = {what: re.findall(r"[\d,]+", size) for what, size in rows(section("### How much memory"))}
    found = asyncio.run(measure(server))
    print({what: round(size) for what, size in found.items()})
    assert documented.keys() == found.keys()
    for what, size in found.items():
        least, most = (int(number.replace(",", "")) for number in documented[what])
        assert least * 0.9 <= size <= most * 1.1, (what, size)


def test_the_tuning_table_names_real_settings_with_their_defaults() -> None:
    for _, name, default in rows(section("### Tuning")):
        variable = BY_NAME[name.strip("`")]
        shown = re.search(rf"\| `{variable.name}` \| [^|]* \| ([^|]*) \|", README)
        assert shown is not None
        assert default == shown[1].strip()


def test_every_finding_of_the_doctor_stands_in_the_table_of_trouble() -> None:
    told = set(
        re.findall(r"`([a-z-]+(?:\.\.\.)?)`", "".join(row[2] for row in rows(section("### When something is wrong"))))
    )
    ids = set()
    for path in (Path(__file__).parents[2] / "opalmind_tui" / "doctor").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Finding":
                ids |= set(names_in(node.args[0]))
    assert len(ids) > 40
    assert ids - told == set()


def names_in(node: ast.expr) -> list[str]:
    """The ids that an expression can be; of one that is put together its beginning."""
    match node:
        case ast.Constant(value=str(value)):
            return [value]
        case ast.IfExp(body=one, orelse=other):
            return [*names_in(one), *names_in(other)]
        case ast.JoinedStr(values=[ast.Constant(value=str(value)), *_]):
            return [value + "..."]
    raise AssertionError(ast.dump(node))


def test_variables_that_the_readme_names_exist() -> None:
    known = {variable.name for variable in VARIABLES}
    named = set(re.findall(r"\b((?:REDIS|MATOMO|OPALMIND|OPAL|CACHE)_[A-Z_]+)\b", README))
    assert named - known <= {"REDIS_"}
