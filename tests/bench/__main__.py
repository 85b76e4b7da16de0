"""``python -m tests.bench queue`` (``cache``, ``census``, ``terminal``): measure. ``... setup``: install the peers.

Ratios of one run are what counts: everything in it meets the same machine. Times in ms hold for an idle one.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from pathlib import Path

from tests.bench import cache, census, queue, startup, terminal
from tests.bench.core.contestants import Contestant
from tests.bench.core.report import Report, target_table
from tests.bench.core.run import Run
from tests.bench.core.servers import product

SUITES = {"queue": queue, "cache": cache, "census": census, "terminal": terminal}
_CELLS = "; ".join(f"{name}: {','.join(suite.CELLS)}" for name, suite in SUITES.items())


def main() -> int:
    """Run what the command line says."""
    options = _options()
    if options.what == "setup":
        for contestant in {contestant.name: contestant for contestant in _everyone()}.values():
            contestant.install(print)
        return 0
    if options.what == "startup":
        return startup.report(product(options.server), options.rounds * 3)
    suite = SUITES[options.what]
    report = Report(lambda text: print(text, file=sys.stderr, flush=True))
    can_run = []
    for contestant in suite.CONTESTANTS:
        wanted = contestant.role != "peer" or options.peers is None or contestant.name in options.peers
        if wanted and contestant.why_not:
            report.note(f"{contestant.name} not run: {contestant.why_not}")
        elif wanted:
            can_run.append(contestant)
    run = Run(options.rounds, options.scale, options.long, product(options.server), report, can_run)
    began = time.monotonic()
    for name in options.only or suite.CELLS:
        suite.CELLS[name](run)
    verdicts = [target.verdict(report) for target in suite.TARGETS]
    print(report.tables(), target_table(verdicts), sep="\n\n")
    for note in report.notes:
        print(f"- {note}")
    print(
        f"{run.product.name}, Python {platform.python_version()}, {os.cpu_count()} cores, "
        f"load {os.getloadavg()[1]:.1f}, {time.monotonic() - began:.0f} s"
    )
    if options.json is not None:
        options.json.write_text(json.dumps(report.as_json(verdicts), indent=1), "utf-8")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("what", choices=(*SUITES, "startup", "setup"))
    parser.add_argument("--rounds", type=int, default=3, help="of each measurement, interleaved (default 3)")
    parser.add_argument("--only", type=_names, help=f"cells with commas between: {_CELLS}")
    parser.add_argument("--peers", type=_names, help="peers with commas between, or none (default: all installed)")
    parser.add_argument("--server", default="valkey", help="valkey, redis or path- (default valkey)")
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies all counts")
    parser.add_argument("--long", action="store_true", help="a million requests where the target says so")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all values there")
    options = parser.parse_args()
    if options.what in SUITES:
        suite = SUITES[options.what]
        for name in options.only or ():
            if name not in suite.CELLS:
                parser.error(f"no cell {name!r} of {options.what}")
        for name in options.peers or ():
            if name not in [contestant.name for contestant in suite.CONTESTANTS if contestant.role == "peer"]:
                parser.error(f"no peer {name!r} of {options.what}")
    return options


def _names(text: str) -> list[str]:
    return [] if text == "none" else text.split(",")


def _everyone() -> list[Contestant]:
    return [contestant for suite in SUITES.values() for contestant in suite.CONTESTANTS]


if __name__ == "__main__":
    sys.exit(main())
