"""A benchmark run: what cells may use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.bench.core.contestants import Contestant, Failed
from tests.bench.core.report import Report
from tests.support.servers import Product


@dataclass(frozen=True)
class Run:
    """The options of a run.

    Args:
        rounds: of each measurement.
        scale: all counts are multiplied by it.
        long: with the measurements that take minutes.
        product: the server.
        report: where results go.
    """

    rounds: int
    scale: float
    long: bool
    product: Product
    report: Report
    contestants: Sequence[Contestant]

    def count(self, number: int, least: int = 20) -> int:
        """A count of a measurement, scaled."""
        return max(least, int(number * self.scale))

    def interleave(self, cell: str, who: Sequence[Contestant], measure: Callable[[Contestant], None]) -> None:
        """Measure A B C A B C ...: what else the machine does meets all alike. One that fails is named and left out."""
        failed: set[str] = set()
        for number in range(1, self.rounds + 1):
            for contestant in who:
                if contestant.name in failed:
                    continue
                self.report.say(f"{cell}: round {number} of {self.rounds}: {contestant.name}")
                try:
                    measure(contestant)
                except Failed as error:
                    failed.add(contestant.name)
                    self.report.note(str(error))

    def among(self, *roles: str) -> list[Contestant]:
        """The contestants with one of these roles that can run."""
        return [who for who in self.contestants if who.role in roles]
