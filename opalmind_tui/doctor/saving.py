"""What survives a crash of Redis, and whether it can be written to at all."""

from __future__ import annotations

from opalmind_tui.doctor.facts import Facts
from opalmind_tui.health.words import many
from opalmind_tui.snapshot.findings import Finding, Severity


def replica(facts: Facts) -> Finding | None:
    """A read-only target."""
    server = facts.server
    refused = facts.trouble is not None and facts.trouble.kind == "readonly"
    if server is None or (server.role != "slave" and not refused):
        return None
    primary = facts.clean(facts.examination.primary, 200) if facts.examination is not None else ""
    link = "" if server.master_link_up is not False else "; its link to the primary is down"
    return Finding(
        "replica", Severity.FAILURE, "We are connected to a read-only replica",
        f"{facts.place.address} has the role {server.role}" + (f" of {primary}" if primary else "") + f"{link}.",
        "Nothing can be accepted, claimed or acknowledged there.",
        "Point REDIS_HOST or REDIS_URL at the primary" + (f", {primary}." if primary else "."),
        facts.cli("info", "replication"),
    )  # fmt: skip


def unsaved(facts: Facts) -> Finding | None:
    """The disk does not take what the server wants to save."""
    server = facts.server
    refused = facts.trouble is not None and facts.trouble.kind == "misconf"
    if server is None or not (server.aof_error or server.bgsave_error or refused):
        return None
    stops = refused or server.aof_error or facts.config("stop-writes-on-bgsave-error") == "yes"
    what = "append-only file" if server.aof_error else "snapshot"
    return Finding(
        "cannot-save", Severity.FAILURE if stops else Severity.WARNING, "Redis cannot save to its disk",
        f"The last write of its {what} failed" + (", and it refuses writes (MISCONF)." if refused else "."),
        "It refuses every write until a save succeeds: nothing is accepted." if stops
        else "A crash of Redis loses everything since the last good snapshot.",
        "Make room on its disk and look at its log and the permissions of its folder; then let it save once.",
        facts.cli("bgsave"),
    )  # fmt: skip


def few_replicas(facts: Facts) -> Finding | None:
    """The server takes no write without replicas that it has not got."""
    refused = facts.trouble is not None and facts.trouble.kind == "too-few-replicas"
    wanted, lag = facts.config("min-replicas-to-write") or "", facts.config("min-replicas-max-lag") or "10"
    good = facts.examination.good_replicas if facts.examination is not None else None
    told = ""
    if wanted.isdecimal() and good is not None and good < int(wanted):
        told = f"min-replicas-to-write is {wanted}; {many(good, 'replica')} followed within {lag} s"
    if facts.server is None or facts.server.role == "slave" or not (refused or told):
        return None
    return Finding(
        "min-replicas", Severity.FAILURE, "Redis refuses writes because too few replicas follow it",
        f"{told or 'It answered NOREPLICAS'}.",
        "Nothing is accepted, claimed or acknowledged there before enough replicas are back.",
        "Start the replicas, and look at their logs and the network. Who would rather write without them lowers the "
        "number: what the primary alone has is lost with it then.",
        facts.cli("config", "set", "min-replicas-to-write", "0"),
    )  # fmt: skip


def stops_writing(facts: Facts) -> Finding | None:
    """One failed snapshot would stop everything."""
    server = facts.server
    if server is None or server.bgsave_error or not facts.config("save"):
        return None
    if facts.config("stop-writes-on-bgsave-error") != "yes":
        return None
    return Finding(
        "stops-writing", Severity.REMARK, "One failed snapshot would stop all writes",
        f"stop-writes-on-bgsave-error is yes, and snapshots are made ({facts.clean(facts.config('save') or '', 60)}).",
        "When the disk is full or a fork fails, Redis refuses every write, and nothing is accepted.",
        "With an append-only file the snapshots are not needed for safety: switch this off, and watch the disk.",
        facts.cli("config", "set", "stop-writes-on-bgsave-error", "no"),
    )  # fmt: skip


def no_append_only(facts: Facts) -> Finding | None:
    """No append-only file: a crash loses what was accepted since the last snapshot."""
    server = facts.server
    if server is None or server.aof_enabled or server.role == "slave":
        return None
    lost = "everything" if server.save_enabled is False else "everything since its last snapshot"
    return Finding(
        "no-append-only-file", Severity.WARNING, "Redis keeps no append-only file",
        f"appendonly is no; {facts.state.store.durability or 'a crash of Redis loses accepted requests'}.",
        f"A crash of Redis loses {lost}: accepted requests, records of what was sent, and the counters.",
        "Switch it on: at most the last second is lost then. Then CONFIG REWRITE, or the change ends with the server.",
        facts.cli("config", "set", "appendonly", "yes"),
    )  # fmt: skip


def slow_fsync(facts: Facts) -> Finding | None:
    """An append-only file that the system writes when it likes."""
    server = facts.server
    if server is None or not server.aof_enabled or facts.config("appendfsync") != "no":
        return None
    return Finding(
        "appendfsync-no", Severity.WARNING, "The append-only file is written late",
        "appendonly is yes, appendfsync is no.", "A crash of the machine loses about the last 30 s.",
        "everysec loses at most a second and costs little.", facts.cli("config", "set", "appendfsync", "everysec"),
    )  # fmt: skip
