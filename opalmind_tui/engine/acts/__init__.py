"""What an operator can do, a file for each kind: planned, shown, then run in paced batches, and noted (I12)."""

from opalmind_tui.engine.acts.acts import Acts

__all__ = ["Acts"]
