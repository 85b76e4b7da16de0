"""The server's memory: what it throws away when it is full, and what fills it."""

from __future__ import annotations

from opalmind_tui.doctor.facts import Facts
from opalmind_tui.doctor.words import size
from opalmind_tui.health.redis import MEMORY_FAIL, MEMORY_WARN
from opalmind_tui.health.words import lasting
from opalmind_tui.observe import durability
from opalmind_tui.snapshot.commands import Act, Command, TtlTarget
from opalmind_tui.snapshot.findings import Finding, Severity
from opalmind_tui.snapshot.model import QueueView, ServerView

RECORD_BYTES = 325
"""Memory of one idempotency record, as measured."""
ENTRY_BYTES = 150
"""Memory that a cached report takes beside its own bytes."""
FILLS = 0.3
"""Share of the memory from which one kind of keys counts as what fills it."""
_MEGABYTE = 1024 * 1024


def drops_queue(facts: Facts) -> Finding | None:
    """`allkeys-*`: the queue's own keys may go."""
    server = facts.server
    if server is None or not facts.home or not durability.drops_queue(server):
        return None
    return Finding(
        "eviction-queue", Severity.FAILURE, "The eviction policy can delete the queue",
        f"maxmemory-policy is {server.policy} with {_used(server)}, {server.evicted_keys:,} keys evicted so far; "
        f"{_ledger(facts.queue)}.",
        "When memory is full the server deletes any key: accepted requests and their counters are lost without a word.",
        "volatile-ttl on a server that is shared with a cache, noeviction on one of our own. "
        "Then CONFIG REWRITE, or the change ends with the server.",
        facts.cli("config", "set", "maxmemory-policy", "volatile-ttl"),
    )  # fmt: skip


def drops_records(facts: Facts) -> Finding | None:
    """`volatile-*` but not `volatile-ttl`: records go before reports. `allkeys-*`, where the queue is elsewhere."""
    server = facts.server
    if server is None:
        return None
    if not durability.drops_records(server) and (facts.home or not durability.drops_queue(server)):
        return None
    return Finding(
        "eviction-records", Severity.WARNING, "The eviction policy can delete records of what was sent",
        f"maxmemory-policy is {server.policy} with {_used(server)}, {server.evicted_keys:,} keys evicted so far; "
        f"{_ledger(facts.queue)}.",
        "The queue stays, but a request whose record is gone is sent again if it comes again: Matomo counts it twice.",
        "volatile-ttl lets cached reports go first. Then CONFIG REWRITE, or the change ends with the server.",
        facts.cli("config", "set", "maxmemory-policy", "volatile-ttl"),
    )  # fmt: skip


def nearly_full(facts: Facts) -> Finding | None:
    """It refuses writes, or will."""
    server = facts.server
    if server is None or not server.max_memory:
        return None
    share = server.used_memory / server.max_memory
    refuses = facts.trouble is not None and facts.trouble.kind == "oom"
    if not refuses and (server.policy != "noeviction" or share < MEMORY_WARN):
        return None
    full = f", full in about {lasting(server.full_in)}" if server.full_in is not None else ""
    return Finding(
        "memory-full" if refuses or share >= MEMORY_FAIL else "memory-nearly-full",
        Severity.FAILURE if refuses or share >= MEMORY_FAIL else Severity.WARNING,
        "Redis refuses writes: its memory is full" if refuses else "Redis is nearly full",
        f"{_used(server)} ({share:.0%}), policy {server.policy}{full}; {_ledger(facts.queue)}.",
        "At its limit the server refuses new requests and reports. The queue drains all the same, nothing is lost.",
        "Raise maxmemory, or shorten the times to live of reports and records.",
        facts.cli("config", "set", "maxmemory", f"{-(-server.max_memory * 3 // 2 // _MEGABYTE)}mb"),
    )  # fmt: skip


def no_limit(facts: Facts) -> Finding | None:
    """`maxmemory` is not set."""
    server = facts.server
    if server is None or server.max_memory:
        return None
    total = server.total_system_memory
    limit = max(total // 2, 256 * _MEGABYTE, 2 * server.used_memory)
    of_total = f" of the machine's {size(total)}" if total else ""
    return Finding(
        "no-memory-limit", Severity.WARNING, "Redis has no memory limit",
        f"maxmemory is 0; it uses {size(server.used_memory)}{of_total}.",
        "It grows until the machine has no memory left; then the system kills it, or everything swaps.",
        "Set a limit that leaves room for snapshots. Then CONFIG REWRITE, or the change ends with the server.",
        facts.cli("config", "set", "maxmemory", f"{limit // _MEGABYTE}mb"),
    )  # fmt: skip


def kept_too_long(facts: Facts) -> Finding | None:
    """Records or reports fill the memory because they live so long."""
    server, keys, cache = facts.server, facts.keys, facts.cache
    if server is None or keys is None or cache is None or not server.max_memory:
        return None
    if server.used_memory < MEMORY_WARN * server.max_memory:
        return None
    records = keys.idempotency * RECORD_BYTES
    reports = keys.cache * (ENTRY_BYTES + (cache.bytes / cache.sets if cache.sets else 0))
    target = TtlTarget.IDEMPOTENCY if records >= reports else TtlTarget.REPORTS
    taken = max(records, reports)
    present = cache.idempotency_ttl if target is TtlTarget.IDEMPOTENCY else cache.ttl
    least = 3600.0 if target is TtlTarget.IDEMPOTENCY else 30.0
    shorter = max(least, _round(present * FILLS * server.max_memory / taken)) if taken else present
    if taken < FILLS * server.max_memory or shorter >= present:
        return None
    number = keys.idempotency if target is TtlTarget.IDEMPOTENCY else keys.cache
    what = "idempotency records" if target is TtlTarget.IDEMPOTENCY else "cached reports"
    about = "" if keys.exact else "about "
    return Finding(
        "kept-too-long", Severity.WARNING, f"The time to live of {what} is too long for the memory",
        f"{about}{number:,} {what} take about {size(taken)} of {size(server.max_memory)}, kept for {lasting(present)}; "
        f"{_used(server)}.",
        "They fill the memory: the server refuses writes or evicts.",
        f"Keep them for {lasting(shorter)}, or raise maxmemory."
        + (" A request that comes again later than that is sent again." if target is TtlTarget.IDEMPOTENCY else ""),
        facts.limit_memory(-(-server.max_memory * 2 // _MEGABYTE)),
        Command(Act.SET_TTL, target=target, seconds=shorter, existing=True),
        f"Set the time to live of {what} to {lasting(shorter)}, for those that exist, too",
    )  # fmt: skip


def will_not_fit(facts: Facts) -> Finding | None:
    """More records come than fit by the time the first ones expire."""
    server, coming = facts.server, facts.filling
    if server is None or coming is None or not server.max_memory or kept_too_long(facts) is not None:
        return None
    most = MEMORY_FAIL * server.max_memory
    if server.used_memory + coming.growth < most:
        return None
    fit = (most - server.used_memory) / coming.bytes_each + coming.now
    shorter = max(3600.0, _round(coming.ttl * fit / coming.then)) if fit > 0 else 3600.0
    can = shorter < coming.ttl
    enough = int(server.used_memory + coming.growth) * 3 // 2 // _MEGABYTE + 1
    return Finding(
        "will-not-fit", Severity.WARNING, "The time to live of idempotency records is too long for the memory",
        f"about {_about(coming.now)} records are there, and about {_about(coming.then)} will be after "
        f"{lasting(coming.ttl)} at the rate of the newest ones: about {size(coming.growth)} more; {_used(server)}.",
        "The memory fills up before the first ones expire: the server then refuses writes or evicts.",
        (f"Keep them for {lasting(shorter)}, or raise maxmemory. A request that comes again later than that is sent "
         "again." if can else "Raise maxmemory."),
        facts.limit_memory(enough),
        Command(Act.SET_TTL, target=TtlTarget.IDEMPOTENCY, seconds=shorter, existing=True) if can else None,
        f"Set the time to live of idempotency records to {lasting(shorter)}, for those that exist, too" if can else "",
    )  # fmt: skip


def _about(number: int) -> str:
    """Two digits: a sample tells no more."""
    return f"{round(number, 2 - len(str(number))):,}"


def _round(seconds: float) -> float:
    """Down to whole hours, minutes or seconds."""
    unit = next((unit for unit in (3600.0, 60.0) if seconds >= unit), 1.0)
    return max(1.0, seconds // unit) * unit


def _used(server: ServerView) -> str:
    return f"{size(server.used_memory)} of {size(server.max_memory)} used"


def _ledger(queue: QueueView | None) -> str:
    if queue is None:
        return "the ledger is not known"
    if queue.epoch_changed:
        return "the ledger's counters were replaced"
    return f"ledger difference {queue.ledger_difference:,}, {queue.backlog + queue.dead:,} requests in the queue"
