"""The one table of what can be wrong with Redis: a short word, the sentence, the remedy, and what follows from it."""

from __future__ import annotations

from msgspec import Struct

FOREIGN_KEY = "wrong-type"
"""A key holds another type than the one that we write there."""


class Kind(Struct, frozen=True):
    """One trouble.

    Args:
        sentence: what is wrong.
        remedy: what to do about it.
        falls_back: memory may take over (ruling 3); else an operator must act first.
        in_doubt: the command may have run, only its answer is missing.
        silent: the server answers nothing else either.
        reads: it refuses writes alone, and tells all that it is asked.
    """

    sentence: str
    remedy: str
    falls_back: bool = True
    in_doubt: bool = False
    silent: bool = False
    reads: bool = False


def _away(sentence: str, remedy: str, *, falls_back: bool = True, in_doubt: bool = False) -> Kind:
    """A trouble in which nobody answers."""
    return Kind(sentence, remedy, falls_back=falls_back, in_doubt=in_doubt, silent=True)


def _barred(sentence: str, remedy: str) -> Kind:
    """A trouble that lets nobody in before an operator has acted."""
    return Kind(sentence, remedy, falls_back=False, silent=True)


KINDS = {
    # -- nobody there
    "refused": _away("Redis refuses connections", "Is it running, and is the port right?"),
    "dns": _away("The name of the Redis host does not resolve", "Check REDIS_HOST or REDIS_URL, and the DNS."),
    "unreachable": _away("The Redis host cannot be reached", "Check the network, the address and the firewall."),
    "no-socket": _away("The Redis socket does not exist", "Is the server running, and is the path right?"),
    "connect-timeout": _away(
        "Redis did not answer the connection in time", "Check the network, the firewall and the load of its machine."
    ),
    "timeout": _away(
        "Redis did not answer in time", "The server may hang or be overloaded: look at its slow log.", in_doubt=True
    ),
    "closed": _away(
        "Redis closed the connection", "It may be restarting, or speak TLS (REDIS_TLS=true); retrying.", in_doubt=True
    ),
    "broken": _barred("What answers there does not speak the Redis protocol", "Check the address and the port."),
    # -- TLS
    "tls": _barred("The TLS handshake with Redis failed", "Check REDIS_TLS, REDIS_TLS_CA and the certificates."),
    "tls-unknown-ca": _barred(
        "The certificate of Redis is signed by nobody we trust",
        "Set REDIS_TLS_CA to the certificate of its certificate authority.",
    ),
    "tls-host": _barred(
        "The certificate of Redis is for another host name",
        "Connect by a name that the certificate holds, or have one issued that holds this one.",
    ),
    "tls-expired": _barred("The certificate of Redis is not valid today", "Renew it, or check the clocks."),
    "tls-client": _barred(
        "Redis accepts no TLS connection without a client certificate that it trusts",
        "Set REDIS_TLS_CERT and REDIS_TLS_KEY to one that its certificate authority signed.",
    ),
    "tls-closed": _away(
        "Redis closed the connection during the TLS handshake",
        "It may be restarting, or want a client certificate (REDIS_TLS_CERT); see its log. Retrying.",
    ),
    "tls-plain": _barred(
        "We speak TLS, and that port of Redis does not", "Use the server's TLS port, or switch REDIS_TLS off."
    ),
    "tls-wanted": _barred(
        "That port speaks TLS, and we do not", "Set REDIS_TLS=true or rediss://, or use the plain port."
    ),
    "tls-files": _barred(
        "Our certificate, key or REDIS_TLS_CA cannot be used",
        "Each must be a PEM file, and the key without a password must be the certificate's.",
    ),
    # -- not let in
    "auth": _barred("Redis refuses the user or password", "Check REDIS_USERNAME, REDIS_PASSWORD or REDIS_URL."),
    "no-auth": _barred("Redis wants a password", "Set REDIS_PASSWORD or REDIS_PASSWORD_FILE."),
    "permission": Kind(
        "Redis does not permit a command or key to this user", "Extend the user's ACL.", falls_back=False
    ),
    "protected": _barred(
        "Redis is in protected mode and refuses other hosts", "Set a password or bind address there."
    ),
    "database": _barred("Redis does not have that database", "Check REDIS_DB."),
    "max-clients": _away("Redis has reached its number of clients", "Raise maxclients or close idle clients."),
    # -- there, and not serving
    "loading": _away("Redis is loading its data", "Wait until it has started; retrying."),
    "readonly": Kind("Redis is a read-only replica", "Point REDIS_HOST or REDIS_URL at the primary.", reads=True),
    "oom": Kind(
        "Redis is full (maxmemory)", "Raise maxmemory or free memory; sending goes on and frees some.", reads=True
    ),
    "misconf": Kind(
        "Redis refuses writes because it cannot save to disk", "Check its disk; see stop-writes-on-bgsave-error.",
        reads=True,
    ),
    "cluster-down": Kind("The Redis Cluster is down", "Check the cluster's slots and nodes."),
    "cluster": Kind("Redis is part of a Cluster", "Set REDIS_CLUSTER=true.", falls_back=False),
    "no-cluster": Kind("Redis is no Cluster", "Unset REDIS_CLUSTER.", falls_back=False),
    "master-down": Kind("The replica has lost its primary", "Check the primary."),
    "too-few-replicas": Kind(
        "Redis refuses writes because too few replicas follow it", "Check the replicas; see min-replicas-to-write.",
        reads=True,
    ),
    "busy": Kind("Redis is busy with another script", "Wait, or use SCRIPT KILL there."),
    "crossslot": Kind(
        "The keys lie in different slots of the Redis Cluster", "Give REDIS_QUEUE_PREFIX one hash tag.",
        falls_back=False,
    ),
    # -- the sentinels
    "sentinel-away": _away(
        "None of the sentinels can be reached", "Check REDIS_SENTINELS, the network, and whether sentinels run there."
    ),
    "sentinel-auth": _barred(
        "The sentinels refuse our user or password",
        "Check REDIS_SENTINEL_USERNAME and REDIS_SENTINEL_PASSWORD: they are not those of Redis.",
    ),
    "sentinel-tls": _barred(
        "The TLS handshake with the sentinels failed", "REDIS_TLS is for the sentinels, too: check their certificates."
    ),
    "sentinel-unknown": _barred(
        "The sentinels know no primary of that name", "Check REDIS_SENTINEL_MASTER; SENTINEL MASTERS lists the names."
    ),
    "sentinel-no-primary": _away(
        "The sentinels have no primary that serves", "A fail-over takes some seconds. If none comes: SENTINEL CKQUORUM."
    ),
    "fail-over": Kind(
        "A fail-over is under way: that Redis is a replica now", "Nothing to do: the new primary is followed."
    ),
    # -- answers that say no more
    FOREIGN_KEY: Kind(
        "A key of ours was overwritten with a value of another type",
        "Look who writes there, then delete or rename the key.",
    ),
    "reply": Kind("Redis answered with an error", "See the server's log."),
}  # fmt: skip

SILENT = tuple(name for name, kind in KINDS.items() if kind.silent)
"""Troubles of a server that answers nothing else either."""
