"""The tracking queue's benchmark: its cells, its contestants and the project's targets."""

from tests.bench.queue.accepting import accept
from tests.bench.queue.delivering import delivery
from tests.bench.queue.draining import drain
from tests.bench.queue.growing import rss
from tests.bench.queue.keeping import memory
from tests.bench.queue.killing import kill
from tests.bench.queue.looking import listing
from tests.bench.queue.rivals import CONTESTANTS
from tests.bench.queue.targets import TARGETS
from tests.bench.queue.waiting import latency

CELLS = {
    "accept": accept,
    "drain": drain,
    "latency": latency,
    "memory": memory,
    "kill": kill,
    "delivery": delivery,
    "listing": listing,
    "rss": rss,
}

__all__ = ["CELLS", "CONTESTANTS", "TARGETS"]
