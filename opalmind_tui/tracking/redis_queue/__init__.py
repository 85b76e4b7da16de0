"""The tracking queue on Redis: bounded scripts over sorted sets and hashes that share one hash tag."""

from opalmind_tui.tracking.redis_queue.queue import RedisQueue

__all__ = ["RedisQueue"]
