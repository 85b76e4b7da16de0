"""The dashboard in a pseudo-terminal, beside the smallest Textual app that could be one: its cells and targets."""

from tests.bench.core.contestants import Contestant
from tests.bench.terminal.starting import opening, start
from tests.bench.terminal.targets import TARGETS
from tests.bench.terminal.using import use

CELLS = {"start": start, "opening": opening, "use": use}
CONTESTANTS: tuple[Contestant, ...] = ()

__all__ = ["CELLS", "CONTESTANTS", "TARGETS"]
