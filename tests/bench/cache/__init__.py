"""The report cache's benchmark: its cells, its contestants and the project's targets."""

from tests.bench.cache.hitting import hits
from tests.bench.cache.looking import stats
from tests.bench.cache.rivals import CONTESTANTS
from tests.bench.cache.silence import silent
from tests.bench.cache.targets import TARGETS

CELLS = {"hits": hits, "silent": silent, "stats": stats}

__all__ = ["CELLS", "CONTESTANTS", "TARGETS"]
