"""Who is measured. Versions are lower bounds; a run takes what is installed."""

from __future__ import annotations

from pathlib import Path

from tests.bench.core.contestants import Contestant

_SCRIPTS = Path(__file__).parent / "contestants"

OURS = Contestant("opalmind", _SCRIPTS / "ours.py", "ours")
OFFER = Contestant("opalmind Engine.offer", _SCRIPTS / "ours.py", "aside", variant="offer")
SCRIPT = Contestant("opalmind, a script each", _SCRIPTS / "ours.py", "aside", variant="script")
FLOOR = Contestant("redis-py list", _SCRIPTS / "floor.py", "floor")
BULLMQ = Contestant("bullmq", _SCRIPTS / "peer_bullmq.cjs", needs=("bullmq@^6.7", "ioredis@^6.0"))

CONTESTANTS = (
    OURS,
    FLOOR,
    Contestant(
        "saq", _SCRIPTS / "peer_saq.py", needs=("saq[hiredis]>=0.26.4", "typing_extensions>=4.12"), module="saq"
    ),
    Contestant("arq", _SCRIPTS / "peer_arq.py", needs=("arq>=0.28", "hiredis>=3.2"), module="arq"),
    Contestant("streaq", _SCRIPTS / "peer_streaq.py", needs=("streaq>=7.2",), module="streaq"),
    Contestant(
        "taskiq", _SCRIPTS / "peer_taskiq.py", needs=("taskiq-redis>=1.2.4", "hiredis>=3.2"), module="taskiq_redis"
    ),
    Contestant("rq", _SCRIPTS / "peer_rq.py", needs=("rq>=3.0", "hiredis>=3.2"), module="rq", slow=10),
    Contestant(
        "dramatiq", _SCRIPTS / "peer_dramatiq.py", needs=("dramatiq[redis]>=2.2", "hiredis>=3.2"), module="dramatiq"
    ),
    BULLMQ,
)
