"""How long this machine keeps a process waiting that only looks at the clock: the floor of every longest time.

A virtual machine is put aside by its host now and then, and what a program does just then seems to take that long.
"""

from __future__ import annotations

import subprocess
import sys

SECONDS = 10.0
_SPIN = """
import sys, time
end = time.perf_counter() + float(sys.argv[1])
longest, last = 0.0, time.perf_counter()
while last < end:
    now = time.perf_counter()
    longest, last = max(longest, now - last), now
print(longest)
"""


def longest_stall(seconds: float = SECONDS) -> float:
    """The longest of two processes side by side (a server and its client are two), in seconds."""
    spinners = [
        subprocess.Popen([sys.executable, "-c", _SPIN, str(seconds)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    return max(float(spinner.communicate(timeout=seconds + 30)[0]) for spinner in spinners)
