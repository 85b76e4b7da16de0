"""Clients for the configured server. Ours never repeat a command by themselves: a lost answer may have run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from opalmind_tui.settings.model import Settings
from opalmind_tui.storage.cancellable import cancellable
from opalmind_tui.storage.greeting import blocking_greeter, greeter
from opalmind_tui.storage.meter import Meter, metered
from opalmind_tui.storage.packing import packing_in_c
from opalmind_tui.storage.sentinel import ASK_TIMEOUT, Locator, following, following_blocking, locator_of
from opalmind_tui.storage.tls import secured, secured_blocking

if TYPE_CHECKING:
    import redis
    import redis.asyncio

CONNECT_TIMEOUT = 1.0
"""Seconds for a TCP connection and TLS handshake."""
COMMAND_TIMEOUT = 1.5
"""Seconds for one command. Scripts keep under 5 ms; this is for a server that hangs, which is named within 2 s."""
CACHE_TIMEOUT = 0.25
"""Seconds that a cache look-up may wait for Redis before Matomo is asked instead."""
READ_SIZE = 256 * 1024
"""Bytes that are taken from a socket at once: as much as asyncio receives at once."""
POOL = 16
"""Connections of one client at the most; further callers wait for a free one."""


class Address(Struct, frozen=True):
    """Where the server is, without secrets."""

    host: str
    port: int
    database: int
    tls: bool
    path: str = ""
    user: str = ""
    authenticated: bool = False
    master: str = ""
    """Name of the primary, where sentinels say where it is; host and port are those of the last that they named."""

    def __str__(self) -> str:
        if self.master and not self.host:
            return f"{'tls ' if self.tls else ''}{self.master}/{self.database}"
        if self.path:
            return f"{self.path}#{self.database}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        name = f"{self.master} " if self.master else ""
        return f"{'tls ' if self.tls else ''}{name}{host}:{self.port}/{self.database}"


def address(settings: Settings) -> Address:
    """The configured address; the default is a Redis on this machine. With sentinels, where the primary is now."""
    arguments, tls = _target(settings)
    locator = locator_for(settings)
    if locator is not None:
        arguments["host"], arguments["port"] = locator.current or ("", 0)
    return Address(
        host=arguments.get("host", "127.0.0.1"),
        port=int(arguments.get("port", 6379)),
        master=settings.sentinel_master if locator is not None else "",
        database=int(arguments.get("db", 0)),
        tls=tls,
        path=arguments.get("path", ""),
        user=arguments.get("username") or "",
        authenticated=bool(arguments.get("password")),
    )


def async_client(
    settings: Settings,
    *,
    connect_timeout: float = CONNECT_TIMEOUT,
    timeout: float = COMMAND_TIMEOUT,
    pool: int = POOL,
    no_touch: bool = False,
    meter: Meter | None = None,
) -> redis.asyncio.Redis:
    """A client for asyncio with byte replies.

    Args:
        connect_timeout: seconds for a connection.
        timeout: seconds for a command, and for a free connection of the pool.
        pool: connections at the most.
        no_touch: see `greeter`.
        meter: counts what is asked.
    """
    from redis.asyncio import BlockingConnectionPool, Redis, connection
    from redis.asyncio.retry import Retry

    arguments, kind = _pool_arguments(settings, connect_timeout, timeout, connection)
    locator = locator_for(settings)
    greet = greeter(no_touch=no_touch, primary=locator is not None)
    arguments |= {"retry": Retry(_no_backoff(), 0), "redis_connect_func": greet}
    arguments["socket_read_size"] = READ_SIZE
    if address(settings).tls:
        kind = secured(kind, settings)
    if locator is not None:
        kind = following(kind, locator)
    ours = cancellable(packing_in_c(kind))
    if meter is not None:
        ours = metered(ours, meter)

    # Three primaries at the least, each with connections of its own: to open many at once takes longer than to wait.
    at_most = -(-pool // 3) if settings.redis_cluster else pool

    def client_of(kind: type[Any], **where: Any) -> redis.asyncio.Redis:
        return Redis.from_pool(
            BlockingConnectionPool(
                connection_class=kind, max_connections=at_most, timeout=timeout, **{**arguments, **where}
            )
        )

    if settings.redis_cluster:
        from opalmind_tui.storage.cluster import cluster_client

        return cluster_client(settings.queue_prefix, arguments, ours, client_of, settings.cluster_nodes)
    return client_of(ours)


def sync_client(
    settings: Settings, *, connect_timeout: float = CONNECT_TIMEOUT, timeout: float = COMMAND_TIMEOUT
) -> redis.Redis:
    """A blocking client with one connection, for a thread of its own. Arguments as in `async_client`."""
    from redis import Redis, connection
    from redis.retry import Retry

    arguments, kind = _pool_arguments(settings, connect_timeout, timeout, connection)
    locator = locator_for(settings)
    greet = blocking_greeter(primary=locator is not None)
    arguments |= {"retry": Retry(_no_backoff(), 0), "redis_connect_func": greet}
    if address(settings).tls:
        kind = secured_blocking(kind, settings)
    if locator is not None:
        kind = following_blocking(kind, locator)
    if settings.redis_cluster:
        from opalmind_tui.storage.blocking_cluster import towards_home

        kind = towards_home(kind, settings.queue_prefix, settings.cluster_nodes)
    pool: Any = connection.BlockingConnectionPool
    return Redis.from_pool(pool(connection_class=kind, max_connections=1, timeout=timeout, **arguments))


def locator_for(settings: Settings) -> Locator | None:
    """What finds the primary; None where no sentinels are configured."""
    return locator_of(settings, _dial) if settings.sentinels else None


def _dial(node: Settings) -> redis.asyncio.Redis:
    """A client for one sentinel."""
    return async_client(node, connect_timeout=ASK_TIMEOUT, timeout=ASK_TIMEOUT, pool=1)


def _no_backoff() -> Any:
    from redis.backoff import NoBackoff

    return NoBackoff()


def _pool_arguments(
    settings: Settings, connect_timeout: float, timeout: float, connection: Any
) -> tuple[dict[str, Any], type[Any]]:
    """Arguments of a connection and its class, from redis-py's asyncio or blocking `connection` module."""
    arguments, _ = _target(settings)
    # No library's name is told (see `greeting`), and its version is not looked up: that reads a file in the event loop,
    # for each connection. redis-py before 7.2 has two arguments for it; later ones warn of them.
    untold = ("driver_info",) if hasattr(connection, "DriverInfo") else ("lib_name", "lib_version")
    arguments |= {
        # RESP2 on purpose: the same reply shapes from Redis 6.2 to Valkey 9, and no push messages in between.
        "protocol": 2,
        "socket_connect_timeout": connect_timeout,
        "socket_timeout": timeout,
        "health_check_interval": 0,
        **dict.fromkeys(untold),
    }
    if "path" in arguments:
        return arguments, connection.UnixDomainSocketConnection
    return arguments, connection.Connection


def _target(settings: Settings) -> tuple[dict[str, Any], bool]:
    """Where to connect to and as whom, and whether by TLS: from the URL or from the single variables."""
    tls = settings.redis_tls
    if settings.redis_url:
        from redis.connection import parse_url

        arguments: dict[str, Any] = dict(parse_url(settings.redis_url))  # type: ignore[no-untyped-call]
        arguments.pop("connection_class", None)
        tls = tls or settings.redis_url.startswith("rediss:")
    else:
        named = not settings.redis_host and settings.cluster_nodes
        host, port = named[0] if named else (settings.redis_host or "127.0.0.1", settings.redis_port)
        arguments = {"host": host, "port": port, "db": settings.redis_db}
    if settings.redis_username:
        arguments.setdefault("username", settings.redis_username)
    if settings.redis_password:
        arguments.setdefault("password", settings.redis_password)
    return arguments, tls
