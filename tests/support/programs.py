"""The real program as real processes, with an environment of its own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


def environment(**variables: str) -> dict[str, str]:
    """This process's environment without any setting of the program's, and with those given."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("REDIS_", "MATOMO_", "OPALMIND_", "CACHE_TTL"))
    }
    return {**kept, "PYTHONUNBUFFERED": "1", **variables}


@dataclass
class Finished:
    """What a program left behind."""

    code: int
    stdout: str
    stderr: str


async def start(*arguments: str, env: Mapping[str, str], module: str = "opalmind_tui") -> Process:
    """Start `opalmind-tui` (or another module) with arguments."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, env=dict(env), stdin=PIPE, stdout=PIPE, stderr=PIPE
    )


async def run(*arguments: str, env: Mapping[str, str], stdin: bytes = b"", timeout: float = 60.0) -> Finished:
    """Run it to its end."""
    process = await start(*arguments, env=env)
    try:
        out, err = await asyncio.wait_for(process.communicate(stdin), timeout)
    except TimeoutError:
        process.kill()
        out, err = await process.communicate()
        raise AssertionError(f"{arguments} did not end: {out!r} {err!r}") from None
    assert process.returncode is not None
    return Finished(process.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))


async def status(env: Mapping[str, str]) -> dict[str, Any]:
    """The health document."""
    finished = await run("status", "--json", env=env)
    document: dict[str, Any] = json.loads(finished.stdout)
    return document


def details(document: Mapping[str, Any], check: str) -> dict[str, Any]:
    """The details of one check of a health document."""
    found: dict[str, Any] = next(entry for entry in document["checks"] if entry["name"] == check)["details"]
    return found


async def end(process: Process, number: signal.Signals = signal.SIGTERM, timeout: float = 40.0) -> Finished:
    """Signal a program and wait for its end."""
    if process.returncode is None:
        process.send_signal(number)
    try:
        out, err = await asyncio.wait_for(process.communicate(), timeout)
    except TimeoutError:
        process.kill()
        out, err = await process.communicate()
        raise AssertionError(f"it did not end on {number.name}: {err!r}") from None
    assert process.returncode is not None
    return Finished(process.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))
