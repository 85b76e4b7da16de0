"""A thread that hangs in a name look-up holds up no program's end."""

from __future__ import annotations

import subprocess
import sys
import time

HANGING = """
import asyncio, time
from opalmind_tui.running import leave, run

async def main():
    try:
        async with asyncio.timeout(0.2):
            await asyncio.to_thread(time.sleep, 60)
    except TimeoutError:
        print("answered", flush=False)
    return 3

leave(run(main()))
"""
QUIET = "from opalmind_tui.running import leave, run\nasync def main():\n    return 4\nleave(run(main()))"


def test_a_hanging_thread_is_left_behind() -> None:
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", HANGING], capture_output=True, text=True, timeout=50)
    assert (done.returncode, done.stdout, done.stderr) == (3, "answered\n", "")
    assert time.monotonic() - started < 45


def test_without_one_the_end_is_an_ordinary_one() -> None:
    assert subprocess.run([sys.executable, "-c", QUIET], timeout=50).returncode == 4
