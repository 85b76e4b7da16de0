"""The tracking queue in this process's memory: what serves while Redis is away."""

from opalmind_tui.tracking.memory_queue.queue import MemoryQueue

__all__ = ["MemoryQueue"]
