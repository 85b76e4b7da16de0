"""Connections by TLS: who we trust, who we say we are, and why a handshake fails.

The host name is always checked. Where a certificate authority is given, it alone is trusted.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from opalmind_tui.settings.model import Settings
from opalmind_tui.storage.trouble import Named, trouble

PROBE_TIMEOUT = 0.3
"""Seconds to find out what else a port speaks, after it has failed."""
FIRST_ANSWERS = (b"+", b"-")
"""What the first reply of a server of the Redis protocol begins with."""


def context_of(settings: Settings) -> ssl.SSLContext:
    """What a connection is made with. Files that were renewed count from the next connection on.

    Raises `Named` where a file cannot be used.
    """
    files = (settings.redis_tls_ca, settings.redis_tls_cert, settings.redis_tls_key)
    try:
        return _context(*files, tuple(Path(file).stat().st_mtime_ns for file in files if file))
    except (OSError, ValueError) as error:
        raise Named("tls-files") from error


@lru_cache(maxsize=8)
def _context(ca: str, certificate: str, key: str, _changed: tuple[int, ...]) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if certificate:
        # An encrypted key must not make OpenSSL ask on the terminal.
        context.load_cert_chain(certificate, key, password=lambda: b"")
    return context


def secured(kind: type[Any], settings: Settings) -> type[Any]:
    """A kind of redis-py's asyncio TCP connections that goes by TLS."""

    class Secured(kind):  # type: ignore[misc]
        by_tls = settings

        def _connection_arguments(self) -> dict[str, Any]:
            return {**super()._connection_arguments(), "ssl": context_of(settings)}

        async def _connect(self) -> None:
            try:
                await super()._connect()
            except TimeoutError as error:
                if await asyncio.to_thread(speaks_plainly, self.host, self.port):
                    raise Named("tls-plain") from error
                raise
            except (ConnectionResetError, ConnectionAbortedError) as error:
                raise Named("tls-closed") from error

    return Secured


def secured_blocking(kind: type[Any], settings: Settings) -> type[Any]:
    """The same for blocking connections."""

    class Secured(kind):  # type: ignore[misc]
        by_tls = settings

        def _connect(self) -> ssl.SSLSocket:
            plain: socket.socket = super()._connect()
            # Until now it may wait as long as a command; this is still the connection.
            plain.settimeout(self.socket_connect_timeout)
            try:
                wrapped = context_of(settings).wrap_socket(plain, server_hostname=self.host)
            except BaseException as error:
                plain.close()
                if isinstance(error, TimeoutError) and speaks_plainly(self.host, self.port):
                    raise Named("tls-plain") from error
                raise
            wrapped.settimeout(self.socket_timeout)
            return wrapped

    return Secured


def speaks_plainly(host: str, port: int) -> bool:
    """A port that let a handshake wait answers the Redis protocol without TLS."""
    with suppress(OSError), socket.create_connection((host, port), PROBE_TIMEOUT) as connection:
        connection.settimeout(PROBE_TIMEOUT)
        connection.sendall(b"PING\r\n")
        return connection.recv(1) in FIRST_ANSWERS
    return False


def speaks_tls(host: str, port: int) -> bool:
    """A port that closed on us, or answered with other bytes, answers a TLS handshake. Nothing is sent by it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with suppress(OSError), socket.create_connection((host, port), PROBE_TIMEOUT) as connection:
        connection.settimeout(PROBE_TIMEOUT)
        try:
            context.wrap_socket(connection, server_hostname=host).close()
        except ssl.SSLEOFError:
            return False
        except ssl.SSLError as error:
            # An alert is an answer, too.
            return "ALERT" in str(error).upper()
        return True
    return False


def refusal(settings: Settings, host: str, port: int) -> str:
    """Why a server hung up on our handshake: its last word, which asyncio loses, says so."""
    try:
        with socket.create_connection((host, port), PROBE_TIMEOUT) as plain:
            plain.settimeout(PROBE_TIMEOUT)
            with context_of(settings).wrap_socket(plain, server_hostname=host) as connection:
                connection.recv(1)
    except ssl.SSLError as error:
        return trouble(error).kind
    except OSError:
        pass  # It hung up again, or serves now: no more is known.
    return "tls-closed"


def explained(connection: Any, error: Exception) -> str | None:
    """The kind of trouble of a connection that failed at its first words, where TLS explains it.

    Asks the port; may take 0.3 s.
    """
    if trouble(error).kind not in ("closed", "broken", "tls"):
        return None
    host, port = getattr(connection, "host", ""), getattr(connection, "port", 0)
    settings: Settings | None = getattr(connection, "by_tls", None)
    if settings is not None:
        return refusal(settings, host, port)
    return "tls-wanted" if host and speaks_tls(host, port) else None
