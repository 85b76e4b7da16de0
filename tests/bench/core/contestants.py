"""Programs that are measured: each runs in a process of its own, and a peer in an environment of its own, for their
requirements quarrel (arq wants an older redis-py than this project)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import platformdirs

ROOT = Path(__file__).resolve().parents[3]
PATIENCE = 600.0
"""Seconds after which a child is killed."""


def cache_folder() -> Path:
    """Where the environments of peers are: `BENCH_CACHE`, else the user's cache folder."""
    named = os.environ.get("BENCH_CACHE")
    return Path(named) if named else platformdirs.user_cache_path("opalmind-tui") / "bench"


@dataclass(frozen=True)
class Contestant:
    """One program.

    Args:
        name: in tables.
        script: its adapter.
        role: ``ours``, ``peer``, ``floor`` or ``aside``.
        needs: what pip, or npm for a ``.cjs`` script, must install; empty for what runs in our own environment.
        module: what can be imported if it is installed beside us already (by the extra ``bench``).
        variant: passed on to the script.
        slow: its count is divided by this, for it would take minutes.
    """

    name: str
    script: Path
    role: str = "peer"
    needs: tuple[str, ...] = ()
    module: str = ""
    variant: str = ""
    slow: int = 1

    @property
    def is_node(self) -> bool:
        """Whether it runs on Node."""
        return self.script.suffix == ".cjs"

    @property
    def folder(self) -> Path:
        """Its environment."""
        return cache_folder() / self.name

    @property
    def why_not(self) -> str:
        """Why it cannot run; empty when it can."""
        if self.is_node and shutil.which("node") is None:
            return "no Node"
        return "" if self.command() else "not installed: python -m tests.bench setup"

    def command(self) -> list[str]:
        """How it is started; empty when it is not installed."""
        if self.is_node:
            there = all((self.folder / "node_modules" / need.partition("@")[0]).is_dir() for need in self.needs)
            return ["node", str(self.script)] if there else []
        own = self.folder / "bin" / "python"
        if self.needs and own.exists():
            return [str(own), str(self.script)]
        return [sys.executable, str(self.script)] if not self.needs or self._is_beside_us() else []

    def _is_beside_us(self) -> bool:
        from importlib.util import find_spec

        return bool(self.module) and find_spec(self.module) is not None

    def environment(self) -> dict[str, str]:
        """Of its process: our package is there for what is ours alone."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(("REDIS_", "MATOMO_"))}
        own.pop("PYTHONPATH", None)
        if self.is_node:
            return own | {"NODE_PATH": str(self.folder / "node_modules")}
        return own if self.needs else own | {"PYTHONPATH": str(ROOT)}

    def install(self, say: Callable[[str], None]) -> None:
        """Make its environment. Raises `subprocess.CalledProcessError`."""
        if not self.needs or (self.is_node and shutil.which("npm") is None):
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        say(f"{self.name}: {' '.join(self.needs)} -> {self.folder}")
        if self.is_node:
            subprocess.run(
                ["npm", "install", "--no-fund", "--no-audit", "--ignore-scripts", "--prefix", self.folder, *self.needs],
                check=True,
            )
            return
        venv.create(self.folder, with_pip=True)
        subprocess.run([self.folder / "bin" / "python", "-m", "pip", "install", "--quiet", *self.needs], check=True)


class Failed(Exception):
    """A contestant's process did not do its task."""


@dataclass
class Child:
    """A running process of a contestant."""

    who: Contestant
    process: subprocess.Popen[str]
    errors: IO[str]

    def lines(self) -> Iterator[dict[str, Any]]:
        """What it says, as it says it, until it ends."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            yield json.loads(line)

    def first(self, name: str) -> dict[str, Any]:
        """The next thing it says that has this name. Raises `Failed` if it ends before."""
        for said in self.lines():
            if name in said:
                return said
        self.errors.seek(0)
        raise Failed(f"{self.who.name} failed: {self.errors.read()[-300:].strip()}")


@contextmanager
def child(who: Contestant, **task: Any) -> Iterator[Child]:
    """Its process, which lives as long as the block, and no longer than a bound."""
    if who.variant:
        task["variant"] = who.variant
    # Errors go to a file: a pipe that nobody reads would stop a talkative worker.
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            [*who.command(), json.dumps(task)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
            text=True, env=who.environment(),
        )  # fmt: skip
        bound = threading.Timer(PATIENCE, process.kill)
        bound.daemon = True
        bound.start()
        try:
            yield Child(who, process, errors)
        finally:
            bound.cancel()
            process.kill()
            process.communicate()


def run(who: Contestant, **task: Any) -> dict[str, Any]:
    """Let it do a task and say how long it took. Raises `Failed`."""
    with child(who, **task) as running:
        return running.first("seconds")
