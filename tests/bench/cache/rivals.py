"""Who is measured. Versions are lower bounds; a run takes what is installed."""

from __future__ import annotations

from pathlib import Path

from tests.bench.core.contestants import Contestant

_SCRIPTS = Path(__file__).parent / "contestants"

OURS = Contestant("opalmind", _SCRIPTS / "ours.py", "ours")
CONTESTANTS = (
    OURS,
    Contestant(
        "aiocache", _SCRIPTS / "peers.py", needs=("aiocache[redis]>=0.12.3", "hiredis>=3.2"), module="aiocache",
        variant="aiocache",
    ),
    Contestant(
        "cashews", _SCRIPTS / "peers.py", needs=("cashews[redis]>=7.6", "hiredis>=3.2"), module="cashews",
        variant="cashews",
    ),
)  # fmt: skip
