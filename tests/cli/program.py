"""Runs the program as a process of its own, in an environment that holds nothing but what a test gives it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).parent.parent.parent
MATOMO = "http://127.0.0.1:1/matomo/"
"""A Matomo that answers nobody: what is only queued never asks it."""


def environment(**variables: str) -> dict[str, str]:
    """The environment of a run. `HOME` stays, so that Python finds what is installed for the user."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
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
