"""What was measured, as a table of text and as JSON."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any


@dataclass
class Series:
    """One figure of one contestant, once for each round.

    Args:
        cell: what was measured, with its circumstances.
        who: the contestant.
        unit: of the values.
        better: ``more`` or ``less``.
        role: ``ours``, ``peer``, ``floor`` or ``aside`` (shown, and compared with nothing).
    """

    cell: str
    who: str
    unit: str
    better: str
    role: str
    values: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """The middle of the rounds."""
        return median(self.values)


@dataclass(frozen=True)
class Verdict:
    """A target of the project beside what was measured; None where it was not."""

    target: str
    bound: float
    at_least: bool
    unit: str
    measured: float | None

    @property
    def word(self) -> str:
        """Met or not, and by how much it is missed."""
        if self.measured is None:
            return "not measured"
        if (self.measured >= self.bound) if self.at_least else (self.measured <= self.bound):
            return "met"
        missing = self.measured / self.bound if self.at_least else self.bound / self.measured
        return f"NOT MET ({missing:.0%} of it)"


@dataclass(frozen=True)
class Target:
    """A number that the project wants to reach, and how to read it from a report."""

    text: str
    bound: float
    at_least: bool
    unit: str
    measure: Callable[[Report], float | None]

    def verdict(self, report: Report) -> Verdict:
        """Judge a report."""
        return Verdict(self.text, self.bound, self.at_least, self.unit, self.measure(report))


class Report:
    """Collects what cells measure."""

    def __init__(self, say: Callable[[str], None] = print) -> None:
        self.say = say
        self.series: dict[tuple[str, str, str], Series] = {}
        self.notes: list[str] = []

    def add(self, cell: str, who: str, value: float, unit: str, *, better: str = "more", role: str = "aside") -> None:
        """One measurement."""
        key = (cell, who, unit)
        if key not in self.series:
            self.series[key] = Series(cell, who, unit, better, role)
        self.series[key].values.append(value)

    def note(self, text: str) -> None:
        """A sentence under the tables; each once."""
        if text not in self.notes:
            self.notes.append(text)
            self.say(f"  ({text})")

    def median(self, cell: str, who: str, unit: str) -> float | None:
        """A contestant's figure, or None where there is none."""
        series = self.series.get((cell, who, unit))
        return series.median if series is not None else None

    def best(self, cell: str, unit: str, among: Callable[[Series], bool]) -> float | None:
        """The best figure among some contestants."""
        found = [s for (c, _, u), s in self.series.items() if c == cell and u == unit and among(s)]
        if not found:
            return None
        return (max if found[0].better == "more" else min)(series.median for series in found)

    def tables(self) -> str:
        """All cells, one after the other. ``x ours`` is how many times better ours is."""
        cells = dict.fromkeys((series.cell, series.unit, series.better) for series in self.series.values())
        return "\n\n".join(self._table(*cell) for cell in cells)

    def _table(self, cell: str, unit: str, better: str) -> str:
        rows = [s for s in self.series.values() if (s.cell, s.unit, s.better) == (cell, unit, better)]
        rows.sort(key=lambda series: series.median, reverse=better == "more")
        ours = next((series.median for series in rows if series.role == "ours"), None)
        width = max(len(series.who) for series in rows)
        lines = [f"{cell}, {unit} ({better} is better)"]
        lines.append(f"  {'':{width}}  {'median':>11}  {'min':>11}  {'max':>11}  {'ours is':>9}  rounds")
        for series in rows:
            times = ""
            if ours and series.median and series.role != "ours":
                ratio = ours / series.median if better == "more" else series.median / ours
                times = f"{ratio:.2f} x"
            lines.append(
                f"  {series.who:{width}}  {_number(series.median):>11}  {_number(min(series.values)):>11}  "
                f"{_number(max(series.values)):>11}  {times:>9}  {len(series.values)}"
            )
        return "\n".join(lines)

    def as_json(self, verdicts: list[Verdict]) -> dict[str, Any]:
        """Everything, for programs."""
        return {
            "series": [asdict(series) | {"median": series.median} for series in self.series.values()],
            "targets": [asdict(verdict) | {"word": verdict.word} for verdict in verdicts],
            "notes": self.notes,
        }


def target_table(verdicts: list[Verdict]) -> str:
    """Each target, what was measured, and whether that is enough."""
    width = max(len(verdict.target) for verdict in verdicts)
    lines = ["Targets"]
    for verdict in verdicts:
        sign = ">=" if verdict.at_least else "<="
        measured = "" if verdict.measured is None else f"{_number(verdict.measured)} {verdict.unit}"
        wanted = f"{sign} {_number(verdict.bound)} {verdict.unit}"
        lines.append(f"  {verdict.target:{width}}  {wanted:>16}  {measured:>16}  {verdict.word}")
    return "\n".join(lines)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.2f}"
