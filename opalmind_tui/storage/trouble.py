"""What a failure of Redis means: from error to sentence, remedy, and whether memory may take over (ruling 3)."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator

from redis import exceptions as redis_errors

from opalmind_tui.errors import StoreUnavailable
from opalmind_tui.storage.trouble_table import FOREIGN_KEY, KINDS

TROUBLES: tuple[type[BaseException], ...] = (redis_errors.RedisError, OSError, TimeoutError)
"""What to catch around a call to Redis. Every one of them can be given to `trouble`."""


class Named(redis_errors.ConnectionError):
    """A trouble with a connection whose kind is known where it is raised. redis-py lets it through as it is."""

    def __init__(self, kind: str) -> None:
        super().__init__(KINDS[kind].sentence)
        self.kind = kind


class Demoted(redis_errors.ReadOnlyError):
    """The primary that we talked to is a replica now; the sentinels will name another. Nothing was written."""

    kind = "fail-over"


_REPLIES = (
    ("WRONGPASS", "auth"), ("INVALID USERNAME-PASSWORD", "auth"), ("INVALID PASSWORD", "auth"),
    ("CLIENT SENT AUTH, BUT NO PASSWORD", "auth"), ("NOAUTH", "no-auth"), ("AUTHENTICATION REQUIRED", "no-auth"),
    ("NOPERM", "permission"), ("NO PERMISSION", "permission"), ("HAS NO PERMISSIONS", "permission"),
    ("PROTECTED MODE", "protected"), ("DB INDEX IS OUT OF RANGE", "database"), ("INVALID DB INDEX", "database"),
    ("LOADING", "loading"), ("READONLY", "readonly"), ("READ ONLY REPLICA", "readonly"),
    ("OOM ", "oom"), ("OUT OF MEMORY", "oom"), ("USED MEMORY > 'MAXMEMORY'", "oom"),
    ("MISCONF", "misconf"), ("NOREPLICAS", "too-few-replicas"), ("NOT ENOUGH GOOD REPLICAS", "too-few-replicas"),
    ("CLUSTERDOWN", "cluster-down"), ("HASH SLOT NOT SERVED", "cluster-down"),
    ("CLUSTER SUPPORT DISABLED", "no-cluster"),
    ("MASTERDOWN", "master-down"), ("LINK WITH MASTER IS DOWN", "master-down"),
    ("WRONGTYPE", FOREIGN_KEY),
    ("MAX NUMBER OF CLIENTS", "max-clients"), ("BUSY ", "busy"), ("CROSSSLOT", "crossslot"),
)  # fmt: skip

_HANDSHAKES = (
    ("HOSTNAME MISMATCH", "tls-host"), ("IP ADDRESS MISMATCH", "tls-host"),
    ("EXPIRED", "tls-expired"), ("NOT YET VALID", "tls-expired"),
    ("CERTIFICATE_VERIFY_FAILED", "tls-unknown-ca"),
    ("WRONG_VERSION_NUMBER", "tls-plain"), ("RECORD_LAYER_FAILURE", "tls-plain"),
    # Alerts, which the server sends about what we showed it.
    ("CERTIFICATE_REQUIRED", "tls-client"), ("ALERT_BAD_CERTIFICATE", "tls-client"), ("ALERT_UNKNOWN_CA", "tls-client"),
    ("HANDSHAKE_FAILURE", "tls-client"), ("ALERT_CERTIFICATE", "tls-client"),
    ("UNEXPECTED_EOF", "tls-closed"),
    ("NO_CERTIFICATE_OR_CRL_FOUND", "tls-files"), ("KEY_VALUES_MISMATCH", "tls-files"), ("PEM", "tls-files"),
)  # fmt: skip
"""What OpenSSL says, and what it means; the first that fits counts."""

_BY_TYPE: tuple[tuple[type[BaseException], str], ...] = (
    (redis_errors.AuthenticationError, "auth"),
    (redis_errors.NoPermissionError, "permission"),
    (redis_errors.BusyLoadingError, "loading"),
    (redis_errors.ReadOnlyError, "readonly"),
    (redis_errors.OutOfMemoryError, "oom"),
    (redis_errors.MasterDownError, "master-down"),
    (redis_errors.ClusterDownError, "cluster-down"),
    (redis_errors.AskError, "cluster"),
    (redis_errors.TryAgainError, "cluster"),
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
    kind = KINDS[name]
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
    if isinstance(error, Named | Demoted):
        return error.kind
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    if isinstance(error, socket.gaierror):
        return "dns"
    if isinstance(error, FileNotFoundError):
        return "no-socket"
    if type(error).__module__ == "ssl":
        text = str(error).upper()
        return next((name for needle, name in _HANDSHAKES if needle in text), "tls")
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
