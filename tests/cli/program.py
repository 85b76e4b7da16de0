"""Runs the program as a process of its own, in an environment that holds nothing but what a test gives it."""

from __future__ import annotations

import asyncio
import os
import pty
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from opalmind_tui.engine.engine import Engine
from opalmind_tui.settings import load_settings

TOP = Path(__file__).parent.parent.parent
MATOMO = "http://127.0.0.1:1/matomo/"
"""A Matomo that answers nobody: what is only queued never asks it."""


def environment(**variables: str) -> dict[str, str]:
    """The environment of a run. `HOME` stays, so that Python finds what is installed for the user."""
    names = ("PATH", "HOME", "LANG", "TMPDIR", "XDG_STATE_HOME", "XDG_CONFIG_HOME")
    kept = {name: os.environ[name] for name in names if name in os.environ}
    return {**kept, "PYTHONPATH": str(TOP), **variables}


def command(*arguments: str) -> list[str]:
    """The program's command line."""
    return [sys.executable, "-m", "opalmind_tui", *arguments]


def run(*arguments: str, given: str | bytes = b"", **variables: str) -> subprocess.CompletedProcess[str]:
    """Run it to its end.

    Args:
        arguments: its command line.
        given: its stdin.
        variables: its environment.
    """
    data = given.encode() if isinstance(given, str) else given
    done = subprocess.run(
        command(*arguments), input=data, capture_output=True, timeout=60, env=environment(**variables), check=False
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8")
    )


def at_a_terminal(typed: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run it to its end with a terminal for stdin and stderr, at which somebody types a line; stdout is a pipe."""
    master, slave = pty.openpty()
    os.write(master, f"{typed}\n".encode())
    done = subprocess.run(
        command(*arguments), stdin=slave, stdout=subprocess.PIPE, stderr=slave, timeout=60,
        env=environment(**variables), check=False,
    )  # fmt: skip
    os.set_blocking(master, False)
    said = os.read(master, 65_536)
    os.close(slave)
    os.close(master)
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode("utf-8"), said.decode("utf-8").replace("\r\n", "\n")
    )


def checks(variables: dict[str, str]) -> dict[str, dict[str, Any]]:
    """The checks of the health document by name, as another process sees them."""

    async def ask() -> dict[str, Any]:
        async with Engine(load_settings(variables), role="status") as engine:
            return await engine.health_document()

    return {check["name"]: check for check in asyncio.run(ask())["checks"]}


def queued(variables: dict[str, str]) -> dict[str, Any]:
    """The tracking queue's details."""
    details: dict[str, Any] = checks(variables)["tracking-queue"]["details"]
    return details


def wait_until(seen: Callable[[], object], what: str = "it", seconds: float = 30.0) -> None:
    """Wait for something; fail when it does not come. The bound is generous: no test measures time."""
    deadline = time.monotonic() + seconds
    while not seen():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} was not seen in {seconds:.0f} s")
        time.sleep(0.05)
