"""Why a queue takes nothing more, in words that name the limit and its number. What is refused was not stored."""

from __future__ import annotations

MEGABYTE = 1024 * 1024


def length_reason(limit: int) -> str:
    """As many requests as the queue may hold."""
    return f"the queue is full: it holds {limit:,} requests, its limit (MATOMO_QUEUE_MAX_LENGTH)"


def memory_reason(limit: int) -> str:
    """As many bytes of requests as the queue may hold."""
    return f"the queue is full: its requests take {limit / MEGABYTE:,.0f} MB, its limit (MATOMO_QUEUE_MAX_MEMORY_MB)"


def server_reason(maxmemory: int) -> str:
    """The server is about to refuse writes."""
    return f"Redis is nearly full: over 95 % of its {maxmemory / MEGABYTE:,.0f} MB (maxmemory), and it evicts nothing"


def process_length_reason(limit: int) -> str:
    """As many requests as a process may hold while Redis is away."""
    return f"this process is full: it holds {limit:,} requests in memory, its limit while Redis is away"


def process_memory_reason(limit: int) -> str:
    """As many bytes as a process may hold while Redis is away."""
    return f"this process is full: its requests take {limit / MEGABYTE:,.0f} MB, its limit while Redis is away"
