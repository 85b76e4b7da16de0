"""What a dashboard costs a large Redis: its cells and the project's targets. Nobody is compared but the bare server."""

from tests.bench.census.costing import cost
from tests.bench.census.counting import exact
from tests.bench.census.estimating import cover, first
from tests.bench.census.probing import probe
from tests.bench.census.targets import TARGETS
from tests.bench.core.contestants import Contestant

CELLS = {"probe": probe, "first": first, "cover": cover, "exact": exact, "cost": cost}
CONTESTANTS: tuple[Contestant, ...] = ()

__all__ = ["CELLS", "CONTESTANTS", "TARGETS"]
