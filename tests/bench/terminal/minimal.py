"""The floor: a Textual app with four panels and nothing behind them. ``python tests/bench/terminal/minimal.py``."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.containers import Grid
from textual.widgets import DataTable, Log, Sparkline, Static

READY = "minimal is ready"


class Minimal(App[None]):
    """Figures, a chart, a table, a log."""

    CSS = "Grid { grid-size: 2 2; }"

    def compose(self) -> ComposeResult:
        with Grid():
            yield Static("\n".join(f"figure {number:<20} {number * 1234:>10,}" for number in range(12)))
            yield Sparkline([number * 7 % 20 for number in range(58)])
            yield DataTable[str]()
            yield Log()

    def on_mount(self) -> None:
        table = self.query_one(DataTable)
        table.cursor_type = "row"
        table.add_columns(*(f"column {number}" for number in range(6)))
        for row in range(20):
            table.add_row(*(f"{row * number}" for number in range(6)))
        table.focus()
        self.query_one(Log).write_lines([f"line {number}" for number in range(15)] + [READY])


if __name__ == "__main__":
    Minimal().run()
