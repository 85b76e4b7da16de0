"""The way to Redis: is it there, may we do what we must, is it safe, quick, and right about the time?"""

from __future__ import annotations

from opalmind_tui.doctor.facts import Facts
from opalmind_tui.health.words import lasting, many
from opalmind_tui.snapshot.findings import Finding, Severity

NAMED_BY_THE_SERVER = ("oom", "misconf", "readonly", "too-few-replicas")
"""Troubles of a server that still answers: its own figures name their cause better."""
CLOCK_APART = 5.0
"""Seconds. Matomo silently replaces a `cdt` that is as much in the future."""
SLOW_ANSWER = 0.05
"""Seconds of a round trip. A cache look-up gives up after 0.25."""
SLOW_COMMAND, SLOW_SINCE = 0.1, 3600.0
"""Seconds that a command held the server, and how long ago that still counts."""
CLIENTS_FULL = 0.9
OLDEST = (6, 2)
"""The oldest version that has every command we use."""
MAINTAINED = {"redis": (7, 4), "valkey": (7, 2)}
"""The oldest version that still gets corrections."""
_NEEDS = {
    "INFO": "memory, eviction, persistence and role",
    "CONFIG": "appendfsync, save points and stop-writes-on-bgsave-error",
    "SLOWLOG": "slow commands",
    "CLIENT": "the list of clients",
    "TIME": "the server's clock",
}
_GRANTS = {"INFO": "+info", "CONFIG": "+config|get", "SLOWLOG": "+slowlog|get", "CLIENT": "+client", "TIME": "+time"}

RUN_AS = "Run the command as one who may change users."


def away(facts: Facts) -> Finding | None:
    """Redis does not serve."""
    found = facts.trouble
    if found is None or (facts.server is not None and found.kind in NAMED_BY_THE_SERVER):
        return None
    consequence = (
        "Long-lived processes accept into their own memory and send from there; what is in Redis waits. A short-lived "
        "command accepts nothing."
        if found.falls_back
        else "Nothing is accepted and nothing is sent until this is corrected."
    )
    grants = found.kind == "permission"
    return Finding(
        f"connection-{found.kind}", Severity.FAILURE, found.sentence, f"{facts.place.address}: {found.sentence}.",
        consequence, f"{found.remedy} {RUN_AS}" if grants else found.remedy, _grant(facts) if grants else "",
    )  # fmt: skip


def permission_for_us(facts: Facts) -> Finding | None:
    """Redis answers, and the queue cannot be read all the same."""
    error = facts.state.queue.error
    if facts.trouble is not None or error is None:
        return None
    denied = "permit" in error
    return Finding(
        "queue-not-permitted" if denied else "queue-unreadable", Severity.FAILURE,
        "The queue may not be read" if denied else "The queue cannot be read", facts.clean(error),
        "Nothing of the queue is accepted, sent or known.",
        f"Let the user run scripts on our keys. {RUN_AS}" if denied else "Look at the keys under the queue's prefix.",
        _grant(facts) if denied else "",
    )  # fmt: skip


def _grant(facts: Facts) -> str:
    """Everything that our user needs."""
    ours = facts.settings
    prefixes = (ours.queue_prefix, ours.stats_prefix, ours.idempotency_prefix, ours.cache_prefix)
    keys = [f"{sign}{prefix}*" for sign in "~&" for prefix in prefixes]
    commands = ("+@all", "-@admin", "-@dangerous", "+info")
    return facts.grant(*keys, *commands)


def no_password(facts: Facts) -> Finding | None:
    """Whoever reaches the port may do anything."""
    place = facts.place
    if place.local or place.authenticated or facts.server is None:
        return None
    return Finding(
        "no-password", Severity.WARNING, "Redis wants no password on a network address",
        f"{place.address} served us without a password.",
        "Whoever reaches that port can read, change and delete the queue and the reports.",
        "Make an ACL user for us and close the default one, or bind the server to loopback. The command makes the user "
        "and prints its password; put that into REDIS_PASSWORD_FILE and the name into REDIS_USERNAME.",
        'p="$(openssl rand -hex 24)" && ' + facts.cli("acl", "setuser", "opalmind", "on", "~*", "&*", "+@all").rstrip()
        + ' ">$p" && printf "%s\\n" "$p"',
    )  # fmt: skip


def plain_text(facts: Facts) -> Finding | None:
    """Anybody on the way can read along."""
    place = facts.place
    if place.local or place.tls or facts.server is None:
        return None
    return Finding(
        "plain-text", Severity.WARNING, "The connection to Redis is not encrypted",
        f"{place.address} is reached over a network without TLS.",
        "Whoever is on the way can read visitors' addresses and titles, our password, and change what is stored.",
        "Switch TLS on in the server, and set REDIS_TLS=true (or rediss://) and REDIS_TLS_CA here.",
    )  # fmt: skip


def clocks_apart(facts: Facts) -> Finding | None:
    """The server's clock and ours."""
    seen = facts.examination
    if seen is None or seen.clock_offset is None or abs(seen.clock_offset) - seen.clock_margin < CLOCK_APART:
        return None
    ahead = "ahead of" if seen.clock_offset > 0 else "behind"
    return Finding(
        "clocks-apart", Severity.WARNING, "The clocks of Redis and of this machine are apart",
        f"The clock of Redis is {lasting(abs(seen.clock_offset))} {ahead} ours.",
        "Times of visits are off, Matomo replaces times in the future by the time of arrival, and cached reports count "
        "as fresh too long or not long enough.",
        "Let NTP set both clocks, and see which of them is wrong.", "timedatectl status",
    )  # fmt: skip


def old_server(facts: Facts) -> Finding | None:
    """A version without corrections, or without what we need."""
    server = facts.server
    version = _version(server.version) if server is not None else ()
    if server is None or not version:
        return None
    running = f"{server.product} {server.version}"
    if version < OLDEST:
        return Finding(
            "old-server", Severity.FAILURE, "The server is too old", f"It is {running}.",
            "Commands that the queue and the cache use are missing there.", "Run Redis 7.4 or Valkey 8, or newer.",
        )  # fmt: skip
    if version >= MAINTAINED.get(server.product, OLDEST):
        return None
    return Finding(
        "old-server", Severity.WARNING, "The server's version gets no corrections any more", f"It is {running}.",
        "Faults that were found since, security holes among them, stay open.", "Run Redis 7.4 or Valkey 8, or newer.",
    )  # fmt: skip


def _version(text: str) -> tuple[int, ...]:
    parts = text.split(".")[:2]
    return tuple(int(part) for part in parts) if len(parts) == 2 and all(part.isdecimal() for part in parts) else ()


def slow_answers(facts: Facts) -> Finding | None:
    """Each command waits for the network or the server."""
    server = facts.server
    if server is None or server.round_trip < SLOW_ANSWER:
        return None
    return Finding(
        "slow-answers", Severity.WARNING, "Redis answers slowly",
        f"An answer took {server.round_trip * 1000:.0f} ms; a cache look-up gives up after 250 ms.",
        "Look-ups of reports time out and go to Matomo, and accepting requests takes longer.",
        "Look at the network to the server, at its load and its slow log.", facts.cli("--latency"),
    )  # fmt: skip


def slow_commands(facts: Facts) -> Finding | None:
    """While one command runs, nobody else is served."""
    slow = facts.examination.slow if facts.examination is not None else ()
    # The entries carry the server's clock.
    now = facts.now + ((facts.examination.clock_offset or 0.0) if facts.examination is not None else 0.0)
    held = [one for one in slow if one.seconds >= SLOW_COMMAND and now - one.at < SLOW_SINCE]
    if not held:
        return None
    worst = max(held, key=lambda one: one.seconds)
    return Finding(
        "slow-commands", Severity.WARNING, "Commands hold the server up",
        f"{many(len(held), 'command')} of the last hour took {SLOW_COMMAND * 1000:.0f} ms or more; the slowest, "
        f"{facts.clean(worst.name, 40)}, {worst.seconds * 1000:.0f} ms {lasting(now - worst.at)} ago.",
        "While one command runs, nobody else is served: ours time out.",
        "Find out who sends them. Commands of ours keep under 5 ms.", facts.cli("slowlog", "get", "10"),
    )  # fmt: skip


def idle_closed(facts: Facts) -> Finding | None:
    """The server's own time-out."""
    seconds = facts.config("timeout") or "0"
    if not seconds.isdecimal() or int(seconds) == 0:
        return None
    return Finding(
        "idle-closed", Severity.REMARK, "The server closes idle connections", f"Its timeout is {seconds} s.",
        "Idle connections are opened anew; the first command after a quiet time may fail and is repeated.",
        "Switch the time-out off; tcp-keepalive finds dead clients.", facts.cli("config", "set", "timeout", "0"),
    )  # fmt: skip


def few_clients_left(facts: Facts) -> Finding | None:
    """Near `maxclients`."""
    server = facts.server
    if server is None or not server.max_clients or server.clients < CLIENTS_FULL * server.max_clients:
        return None
    return Finding(
        "few-clients-left", Severity.WARNING, "The server is near its limit of clients",
        f"{server.clients:,} of {server.max_clients:,} connections are in use.",
        "From the limit on it refuses connections: processes fall back to their memory.",
        "Find out who holds connections open, or raise the limit.",
        facts.cli("config", "set", "maxclients", str(2 * server.max_clients)),
    )  # fmt: skip


def not_permitted(facts: Facts) -> Finding | None:
    """What a managed server keeps to itself."""
    denied = list(facts.examination.denied) if facts.examination is not None else []
    if not denied:
        return None
    told = "; ".join(f"{name} ({_NEEDS[name]})" for name in denied)
    return Finding(
        "not-permitted", Severity.REMARK, "The server does not let us look at everything",
        f"Not permitted: {told}.", "What depends on it was not checked, and shows as not permitted.",
        "Where the server is managed for you, look in its console; otherwise extend our user. "
        + RUN_AS,
        facts.grant(*(_GRANTS[name] for name in denied)),
    )  # fmt: skip
