"""What an HTTP client's error says about the network, in one place for both APIs."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator
from functools import lru_cache
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from opalmind_tui.matomo.answer import Failure

if TYPE_CHECKING:
    import httpx

WORDS = {
    Failure.REFUSED: "connection refused",
    Failure.CONNECT_TIMEOUT: "no connection in time",
    Failure.DNS: "the host name does not resolve",
    Failure.TLS: "the TLS handshake failed",
    Failure.UNREACHABLE: "the host cannot be reached",
    Failure.LOST_BEFORE_SENT: "the connection broke before all was sent",
    Failure.LOST_AFTER_SENT: "the connection broke before the answer",
    Failure.READ_TIMEOUT: "no answer in time",
    Failure.GARBLED: "the answer is not HTTP",
    Failure.UNENCODABLE: "a value cannot be written as JSON",
}


@lru_cache(maxsize=1)
def _default_context() -> ssl.SSLContext:
    import httpx

    return httpx.create_ssl_context()


def tls_context(url: str) -> ssl.SSLContext:
    """What a client of this URL verifies certificates with: one for all, because reading the authorities takes long.

    For plain http one that trusts nobody.
    """
    return _default_context() if url.startswith("https:") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def uses_proxies(url: str) -> bool:
    """Whether the environment's proxies apply. They cannot reach what runs on this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return not ip_address(host).is_loopback
    except ValueError:
        return host != "localhost" and not host.endswith(".localhost")


def failure_of(error: httpx.HTTPError | OSError, *, sent: bool) -> Failure:
    """The kind of failure.

    Args:
        error: what the client raised.
        sent: whether the whole request had left by then.
    """
    import httpx

    if isinstance(error, httpx.ConnectTimeout | httpx.PoolTimeout):
        return Failure.CONNECT_TIMEOUT
    if isinstance(error, httpx.ConnectError | httpx.UnsupportedProtocol | httpx.ProxyError):
        return _of_connect(error)
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return Failure.READ_TIMEOUT if sent else Failure.LOST_BEFORE_SENT
    if isinstance(error, httpx.DecodingError) or _is_garbled(error):
        return Failure.GARBLED if sent else Failure.LOST_BEFORE_SENT
    return Failure.LOST_AFTER_SENT if sent else Failure.LOST_BEFORE_SENT


def _is_garbled(error: BaseException) -> bool:
    import httpx

    text = str(error)
    cut_off = "without sending" in text or "ConnectionClosed" in text
    return isinstance(error, httpx.RemoteProtocolError) and not cut_off


def _of_connect(error: BaseException) -> Failure:
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLError):
            return Failure.TLS
        if isinstance(cause, socket.gaierror):
            return Failure.DNS
        if isinstance(cause, ConnectionRefusedError):
            return Failure.REFUSED
        if isinstance(cause, OSError) and cause.errno == errno.ECONNREFUSED:
            return Failure.REFUSED
    return Failure.UNREACHABLE


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error, what it was raised from, and the members of a group on the way; at most 16 of them."""
    waiting: list[BaseException] = [error]
    for _ in range(16):
        if not waiting:
            return
        current = waiting.pop(0)
        yield current
        if isinstance(current, BaseExceptionGroup):
            waiting.extend(current.exceptions)
        following = current.__cause__ or current.__context__
        if following is not None:
            waiting.append(following)
