"""The settings of one process, read once and never changed."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

UNTOLD = frozenset({"redis_url", "redis_password", "sentinel_password", "matomo_token", "bearer_token"})
"""Fields that hold secrets, or may: nothing that is printed has them (I10)."""


class Settings(Struct, frozen=True):
    """What a process was told. Times are in the unit that the name ends in; `table.py` has the meaning of each.

    Build it with `load_settings()`, which validates; the defaults here are those of an empty environment.
    """

    redis_url: str = ""
    redis_host: str = ""
    redis_port: int = 6379
    redis_username: str = ""
    redis_password: str = ""
    redis_db: int = 0
    redis_tls: bool = False
    redis_tls_ca: str = ""
    redis_tls_cert: str = ""
    redis_tls_key: str = ""
    cluster_nodes: tuple[tuple[str, int], ...] = ()
    sentinels: tuple[tuple[str, int], ...] = ()
    sentinel_master: str = "mymaster"
    sentinel_username: str = ""
    sentinel_password: str = ""
    redis_cluster: bool = False

    idempotency_prefix: str = "opalmind:idempotency:"
    cache_prefix: str = "opalmind:cache:"
    queue_prefix: str = "opalmind:queue:"
    stats_prefix: str = "opalmind:stats:"
    idempotency_ttl_s: int = 86_400
    cache_ttl_ms: int = 60_000

    matomo_base_url: str = ""
    matomo_token: str = ""
    matomo_default_site_id: int | None = None

    exact: bool = False
    resend_unknown: bool = True
    queue_max_length: int = 1_000_000
    queue_max_memory_mb: int = 0

    queue_warn_pending: int = 10
    queue_fail_pending: int = 25
    queue_warn_age_ms: int = 60_000
    queue_fail_age_ms: int = 120_000
    cache_warn_hit_rate: float = 20.0
    cache_fail_hit_rate: float = 5.0
    cache_sample_size: int = 20

    api_urls: tuple[str, ...] = ()
    bearer_token: str = ""

    profile: str = ""
    environment: str = ""
    read_only: bool = False
    operator: str = ""
    type_above: int = 100
    origins: tuple[tuple[str, str], ...] = ()
    """Where each value that is no default came from: (variable, ``environment``, ``option``, ``file`` or profile)."""
    notes: tuple[str, ...] = ()
    """What was adjusted at reading, one sentence each: for the log, so that nothing changes in silence."""

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [(name, getattr(self, name)) for name in self.__struct_fields__ if name not in UNTOLD]

    def __repr__(self) -> str:
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"

    @property
    def redis_configured(self) -> bool:
        """True when an operator named a Redis; otherwise the local default address is tried."""
        return bool(self.redis_url or self.redis_host or self.sentinels or self.cluster_nodes)

    def secrets(self) -> tuple[str, ...]:
        """Every secret in these settings, longest first, for masking (I10). Never log the result."""
        from urllib.parse import unquote, urlsplit

        found = {self.redis_password, self.sentinel_password, self.matomo_token, self.bearer_token}
        if self.redis_url:
            password = urlsplit(self.redis_url).password or ""
            found |= {password, unquote(password)}
        return tuple(sorted((secret for secret in found if secret), key=len, reverse=True))
