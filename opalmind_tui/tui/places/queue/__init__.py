"""The Queue place: every request by state, found by filter, grouped by error, and acted on."""

from opalmind_tui.tui.places.queue.place import QueuePlace

__all__ = ["QueuePlace"]
