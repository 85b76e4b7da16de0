"""The tracking queue's benchmark: its cells, its contestants and the project's targets."""

from tests.bench.queue.accepting import accept
from tests.bench.queue.draining import drain
from tests.bench.queue.keeping import memory
from tests.bench.queue.rivals import CONTESTANTS
from tests.bench.queue.targets import TARGETS

CELLS = {"accept": accept, "drain": drain, "memory": memory}

__all__ = ["CELLS", "CONTESTANTS", "TARGETS"]
