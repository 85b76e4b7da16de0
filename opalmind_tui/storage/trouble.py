"""What a failure of Redis means: from error to sentence, remedy, and whether memory may take over (ruling 3)."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from dataclasses import dataclass

from redis import exceptions as redis_errors

from opalmind_tui.errors import StoreUnavailable

TROUBLES: tuple[type[BaseException], ...] = (redis_errors.RedisError, OSError, TimeoutError)
"""What to catch around a call to Redis. Every one of them can be given to `trouble`."""

FOREIGN_KEY = "wrong-type"
"""A key holds another type than the one that we write there."""


@dataclass(frozen=True, slots=True)
class _Kind:
    sentence: str
    remedy: str
    falls_back: bool = True
    in_doubt: bool = False


_KINDS = {
    "refused": _Kind("Redis refuses connections", "Is it running, and is the port right?"),
    "dns": _Kind("The name of the Redis host does not resolve", "Check REDIS_HOST or REDIS_URL."),
    "unreachable": _Kind("The Redis host cannot be reached", "Check the network, the address and the firewall."),
    "no-socket": _Kind("The Redis socket does not exist", "Is the server running, and is the path right?"),
    "tls": _Kind(
        "The TLS handshake with Redis failed", "Check REDIS_TLS, REDIS_TLS_CA and the certificate.", falls_back=False
    ),
    "connect-timeout": _Kind(
        "Redis did not answer the connection in time", "Check network, load, and whether it speaks TLS."
    ),
    "timeout": _Kind(
        "Redis did not answer in time", "The server may hang or be overloaded: look at its slow log.", in_doubt=True
    ),
    "closed": _Kind("Redis closed the connection", "It may be restarting, or speak TLS; retrying.", in_doubt=True),
    "auth": _Kind(
        "Redis refuses the user or password", "Check REDIS_USERNAME, REDIS_PASSWORD or REDIS_URL.", falls_back=False
    ),
    "no-auth": _Kind("Redis wants a password", "Set REDIS_PASSWORD or REDIS_PASSWORD_FILE.", falls_back=False),
    "permission": _Kind(
        "Redis does not permit a command or key to this user", "Extend the user's ACL.", falls_back=False
    ),
    "protected": _Kind(
        "Redis is in protected mode and refuses other hosts", "Set a password or bind address there.", falls_back=False
    ),
    "database": _Kind("Redis does not have that database", "Check REDIS_DB.", falls_back=False),
    "loading": _Kind("Redis is loading its data", "Wait until it has started; retrying."),
    "readonly": _Kind("Redis is a read-only replica", "Point REDIS_HOST or REDIS_URL at the primary."),
    "oom": _Kind("Redis is full (maxmemory)", "Raise maxmemory or free memory; sending goes on and frees some."),
    "misconf": _Kind(
        "Redis refuses writes because it cannot save to disk", "Check its disk; see stop-writes-on-bgsave-error."
    ),
    "cluster-down": _Kind("The Redis Cluster is down", "Check the cluster's slots and nodes."),
    "master-down": _Kind("The replica has lost its primary", "Check the primary."),
    "max-clients": _Kind("Redis has reached its number of clients", "Raise maxclients or close idle clients."),
    "busy": _Kind("Redis is busy with another script", "Wait, or use SCRIPT KILL there."),
    "crossslot": _Kind(
        "The keys lie in different slots of the Redis Cluster", "Give REDIS_QUEUE_PREFIX one hash tag.",
        falls_back=False,
    ),
    FOREIGN_KEY: _Kind(
        "A key of ours was overwritten with a value of another type",
        "Look who writes there, then delete or rename the key.",
    ),
    "reply": _Kind("Redis answered with an error", "See the server's log."),
    "broken": _Kind("What answers there does not speak the Redis protocol", "Check the address.", falls_back=False),
}  # fmt: skip

_REPLIES = (
    ("WRONGPASS", "auth"), ("INVALID USERNAME-PASSWORD", "auth"), ("INVALID PASSWORD", "auth"),
    ("CLIENT SENT AUTH, BUT NO PASSWORD", "auth"), ("NOAUTH", "no-auth"), ("AUTHENTICATION REQUIRED", "no-auth"),
    ("NOPERM", "permission"), ("NO PERMISSION", "permission"), ("HAS NO PERMISSIONS", "permission"),
    ("PROTECTED MODE", "protected"), ("DB INDEX IS OUT OF RANGE", "database"), ("INVALID DB INDEX", "database"),
    ("LOADING", "loading"), ("READONLY", "readonly"), ("READ ONLY REPLICA", "readonly"),
    ("OOM ", "oom"), ("OUT OF MEMORY", "oom"), ("USED MEMORY > 'MAXMEMORY'", "oom"),
    ("MISCONF", "misconf"), ("CLUSTERDOWN", "cluster-down"), ("HASH SLOT NOT SERVED", "cluster-down"),
    ("MASTERDOWN", "master-down"), ("LINK WITH MASTER IS DOWN", "master-down"),
    ("WRONGTYPE", FOREIGN_KEY),
    ("MAX NUMBER OF CLIENTS", "max-clients"), ("BUSY ", "busy"), ("CROSSSLOT", "crossslot"),
)  # fmt: skip

_BY_TYPE: tuple[tuple[type[BaseException], str], ...] = (
    (redis_errors.AuthenticationError, "auth"),
    (redis_errors.NoPermissionError, "permission"),
    (redis_errors.BusyLoadingError, "loading"),
    (redis_errors.ReadOnlyError, "readonly"),
    (redis_errors.OutOfMemoryError, "oom"),
    (redis_errors.ClusterDownError, "cluster-down"),
    (redis_errors.MasterDownError, "master-down"),
    (redis_errors.InvalidResponse, "broken"),
    (redis_errors.ResponseError, "reply"),
)


def trouble(error: BaseException) -> StoreUnavailable:
    """Say what a client or system error means. Server texts are never repeated: they may hold foreign text."""
    if isinstance(error, StoreUnavailable):
        return error
    return trouble_of_kind(_kind_of(error))


def trouble_of_kind(name: str) -> StoreUnavailable:
    """The trouble with this name."""
    kind = _KINDS[name]
    return StoreUnavailable(name, kind.sentence, kind.remedy, falls_back=kind.falls_back, in_doubt=kind.in_doubt)


def _kind_of(error: BaseException) -> str:
    causes = list(_causes(error))
    for cause in causes:
        if name := _of_system_error(cause):
            return name
    text = " ".join(str(cause) for cause in causes).upper()
    for needle, name in _REPLIES:
        if needle in text:
            return name
    for kind, name in _BY_TYPE:
        if isinstance(error, kind):
            return name
    if any(isinstance(cause, TimeoutError | redis_errors.TimeoutError) for cause in causes):
        return "connect-timeout" if "CONNECTING" in text else "timeout"
    return "closed"


def _of_system_error(error: BaseException) -> str | None:
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    if isinstance(error, socket.gaierror):
        return "dns"
    if isinstance(error, FileNotFoundError):
        return "no-socket"
    if type(error).__module__ == "ssl":
        return "tls"
    if isinstance(error, OSError) and error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EACCES):
        return "unreachable"
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was raised from, at most eight deep."""
    seen = 0
    while error is not None and seen < 8:
        yield error
        following = error.__cause__ or error.__context__
        if following is None:
            return
        error, seen = following, seen + 1
