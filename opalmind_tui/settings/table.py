"""The one table of settings: every environment variable and option, where it goes, what it means and accepts."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from opalmind_tui.settings.model import Settings


class Kind(StrEnum):
    """How the text of a variable is read."""

    REDIS_URL = "redis url"
    WEB_URL = "web url"
    WEB_URLS = "web urls"
    HOST = "host"
    TEXT = "text"
    HOSTS = "hosts"
    PREFIX = "prefix"
    WHOLE = "whole number"
    PERCENT = "percent"
    SWITCH = "switch"
    DELIVERY = "delivery"
    PASSWORD = "password"
    TOKEN = "token"
    PASSWORD_FILE = "password file"
    TOKEN_FILE = "token file"
    PATH = "path"
    PROFILE = "profile"


class Variable(Struct, frozen=True):
    """One setting.

    Args:
        name: environment variable.
        field: where it goes in `Settings`; a secret and its file share one.
        kind: how its text is read.
        meaning: one sentence for the README.
        accepted: what it accepts, as the README and an error say it.
        option: command-line option that beats the variable; a secret has none (I10).
        least, most: bounds of a whole number, included.
    """

    name: str
    field: str
    kind: Kind
    meaning: str
    accepted: str
    option: str | None = None
    least: int = 0
    most: int = 0

    @property
    def secret(self) -> bool:
        """True when its value must never be shown."""
        return self.kind in (Kind.PASSWORD, Kind.TOKEN)

    @property
    def from_file(self) -> bool:
        """True when it names a file that holds a secret."""
        return self.kind in (Kind.PASSWORD_FILE, Kind.TOKEN_FILE)

    @property
    def default(self) -> object:
        """The value in an empty environment; None or empty text where there is none."""
        return "" if self.from_file else getattr(_DEFAULTS, self.field)


_DEFAULTS = Settings()
_YEARS_10 = 10 * 365 * 86_400
_SWITCH = "true, yes, on, 1 or false, no, off, 0"
_ONE_LINE = "up to 200 printable characters"
_PREFIX = "1 to 200 printable characters, not the beginning of another prefix"
_PERCENT = "a number from 0 to 100, such as 20 or 7.5"
_FILE = "the path of a readable file of at most 4096 bytes that holds it"
_MILLIONS = 1_000_000_000
MOST_SERVICES = 32


def _whole(name: str, field: str, meaning: str, least: int, most: int, option: str | None = None) -> Variable:
    accepted = f"a whole number from {least} to {most}"
    return Variable(name, field, Kind.WHOLE, meaning, accepted, option, least, most)


def _prefix(name: str, field: str, what: str, option: str) -> Variable:
    return Variable(name, field, Kind.PREFIX, f"What the keys of {what} begin with.", _PREFIX, option)


VARIABLES: tuple[Variable, ...] = (
    Variable(
        "REDIS_URL", "redis_url", Kind.REDIS_URL,
        "Where Redis or Valkey is. As an option it must not carry a password.",
        "redis://host:port/db, rediss://host:port/db (TLS) or unix:///path?db=0; not together with REDIS_HOST, "
        "REDIS_PORT, REDIS_DB or REDIS_SENTINELS", "--redis-url",
    ),
    Variable(
        "REDIS_HOST", "redis_host", Kind.HOST, "Host name or address of Redis; without it 127.0.0.1.",
        "a host name or an IP address", "--redis-host",
    ),
    _whole("REDIS_PORT", "redis_port", "Port of Redis.", 1, 65_535, "--redis-port"),
    Variable("REDIS_USERNAME", "redis_username", Kind.TEXT, "ACL user of Redis.", _ONE_LINE, "--redis-username"),
    Variable(
        "REDIS_PASSWORD", "redis_password", Kind.PASSWORD, "Password of Redis.",
        "any text; not together with REDIS_PASSWORD_FILE or a password in REDIS_URL",
    ),
    Variable(
        "REDIS_PASSWORD_FILE", "redis_password", Kind.PASSWORD_FILE,
        "File that holds the password of Redis; one line end after it is dropped.", _FILE, "--redis-password-file",
    ),
    _whole("REDIS_DB", "redis_db", "Number of the database.", 0, 1_000_000, "--redis-db"),
    Variable("REDIS_TLS", "redis_tls", Kind.SWITCH, "Connect to Redis by TLS.", _SWITCH, "--redis-tls"),
    Variable(
        "REDIS_TLS_CA", "redis_tls_ca", Kind.PATH, "Certificates (PEM) that the server's is checked against.",
        "the path of a readable file; only with REDIS_TLS or rediss://", "--redis-tls-ca",
    ),
    Variable(
        "REDIS_TLS_CERT", "redis_tls_cert", Kind.PATH, "Certificate (PEM) that we show to the server.",
        "the path of a readable file; only together with REDIS_TLS_KEY", "--redis-tls-cert",
    ),
    Variable(
        "REDIS_TLS_KEY", "redis_tls_key", Kind.PATH, "Key (PEM, without a password) of that certificate.",
        "the path of a readable file; only together with REDIS_TLS_CERT", "--redis-tls-key",
    ),
    Variable(
        "REDIS_SENTINELS", "sentinels", Kind.HOSTS,
        "Sentinels that know which Redis is the primary now. User, password, database and TLS of it are those above; "
        "TLS is for the sentinels, too.",
        "host:port, several separated by commas; not together with REDIS_URL, REDIS_HOST or REDIS_PORT",
        "--redis-sentinels",
    ),
    Variable(
        "REDIS_SENTINEL_MASTER", "sentinel_master", Kind.TEXT, "Name that the sentinels give to the primary.",
        f"{_ONE_LINE}; only with REDIS_SENTINELS", "--redis-sentinel-master",
    ),
    Variable(
        "REDIS_SENTINEL_USERNAME", "sentinel_username", Kind.TEXT, "ACL user of the sentinels.",
        f"{_ONE_LINE}; only with REDIS_SENTINELS", "--redis-sentinel-username",
    ),
    Variable(
        "REDIS_SENTINEL_PASSWORD", "sentinel_password", Kind.PASSWORD, "Password of the sentinels, if they want one.",
        "any text; only with REDIS_SENTINELS, not together with REDIS_SENTINEL_PASSWORD_FILE",
    ),
    Variable(
        "REDIS_SENTINEL_PASSWORD_FILE", "sentinel_password", Kind.PASSWORD_FILE,
        "File that holds the password of the sentinels; one line end after it is dropped.", _FILE,
        "--redis-sentinel-password-file",
    ),
    Variable(
        "REDIS_CLUSTER", "redis_cluster", Kind.SWITCH,
        "Redis is a Cluster, of which REDIS_URL or REDIS_HOST names any node; database 0, no unix socket.",
        _SWITCH, "--redis-cluster",
    ),
    Variable(
        "REDIS_NODES", "cluster_nodes", Kind.HOSTS,
        "Nodes of the Cluster that are asked for the others when a process starts, beside that of REDIS_URL or "
        "REDIS_HOST or instead of it.",
        "host:port, several separated by commas; only with REDIS_CLUSTER", "--redis-nodes",
    ),
    _whole(
        "REDIS_IDEMPOTENCY_TTL", "idempotency_ttl_s", "Seconds that the record of a delivered request is kept.",
        1, _YEARS_10, "--idempotency-ttl",
    ),
    _prefix("REDIS_IDEMPOTENCY_PREFIX", "idempotency_prefix", "idempotency records", "--idempotency-prefix"),
    _prefix("REDIS_CACHE_PREFIX", "cache_prefix", "cached reports", "--cache-prefix"),
    _prefix("REDIS_QUEUE_PREFIX", "queue_prefix", "the tracking queue", "--queue-prefix"),
    _prefix("REDIS_STATS_PREFIX", "stats_prefix", "counters, history and run-time configuration", "--stats-prefix"),
    _whole(
        "CACHE_TTL_MS", "cache_ttl_ms", "Milliseconds that a cached report is fresh.", 1, 1000 * _YEARS_10,
        "--cache-ttl-ms",
    ),
    Variable(
        "MATOMO_BASE_URL", "matomo_base_url", Kind.WEB_URL, "Where Matomo is.",
        "an http:// or https:// address without user, password, query and fragment", "--matomo-url",
    ),
    Variable(
        "MATOMO_TOKEN", "matomo_token", Kind.TOKEN, "Matomo's token_auth.",
        "printable ASCII characters without blanks, no sample such as change-me; not together with MATOMO_TOKEN_FILE",
    ),
    Variable(
        "MATOMO_TOKEN_FILE", "matomo_token", Kind.TOKEN_FILE,
        "File that holds the token; one line end after it is dropped.", _FILE, "--matomo-token-file",
    ),
    _whole("MATOMO_DEFAULT_SITE_ID", "matomo_default_site_id", "Site of calls that name none.", 1, 2**31 - 1, "--site"),
    Variable(
        "MATOMO_DELIVERY", "exact", Kind.DELIVERY,
        "Many hits in a bulk, or one: slower, but a hit that Matomo loses to a lock is known and sent again.",
        "bulk or exact",
    ),
    Variable(
        "MATOMO_RESEND_UNKNOWN", "resend_unknown", Kind.SWITCH,
        "Send again what was posted and not answered, which Matomo may count twice; else it is put aside as dead.",
        _SWITCH,
    ),
    _whole(
        "MATOMO_QUEUE_MAX_LENGTH", "queue_max_length",
        "Requests in the queue, dead ones included, from which more are refused; 0 for no limit.", 0, _MILLIONS,
    ),
    _whole(
        "MATOMO_QUEUE_MAX_MEMORY_MB", "queue_max_memory_mb",
        "Megabytes of Redis memory that requests may take before more are refused; 0 for no limit of ours.",
        0, 1_000_000,
    ),
    _whole(
        "MATOMO_QUEUE_WARN_PENDING", "queue_warn_pending", "Waiting requests from which the queue warns.",
        1, _MILLIONS,
    ),
    _whole(
        "MATOMO_QUEUE_FAIL_PENDING", "queue_fail_pending",
        "Waiting requests from which the queue fails; raised to the warning limit when below it.", 1, _MILLIONS,
    ),
    _whole(
        "MATOMO_QUEUE_WARN_AGE_MS", "queue_warn_age_ms",
        "Age of the oldest waiting request, in milliseconds, from which the queue warns.", 1, 1000 * _YEARS_10,
    ),
    _whole(
        "MATOMO_QUEUE_FAIL_AGE_MS", "queue_fail_age_ms",
        "The same, from which it fails; raised to the warning limit when below it.", 1, 1000 * _YEARS_10,
    ),
    Variable(
        "MATOMO_CACHE_WARN_HIT_RATE", "cache_warn_hit_rate", Kind.PERCENT,
        "Percent of hits below which the cache warns.", _PERCENT,
    ),
    Variable(
        "MATOMO_CACHE_FAIL_HIT_RATE", "cache_fail_hit_rate", Kind.PERCENT,
        "The same, below which it fails; lowered to the warning limit when above it.", _PERCENT,
    ),
    _whole(
        "MATOMO_CACHE_SAMPLE_SIZE", "cache_sample_size", "Look-ups before the hit rate is judged.", 1, _MILLIONS,
    ),
    Variable(
        "OPALMIND_API_URLS", "api_urls", Kind.WEB_URLS,
        "OpalMind services beside us, whose health documents the dashboard reads.",
        f"up to {MOST_SERVICES} http:// or https:// addresses without user, password, query and fragment; commas or "
        "blanks between them", "--api-urls",
    ),
    Variable(
        "OPAL_BEARER_TOKEN", "bearer_token", Kind.TOKEN,
        "Bearer token of those services; without it their open /health is read.",
        "printable ASCII characters without blanks, no sample such as change-me; not together with "
        "OPAL_BEARER_TOKEN_FILE",
    ),
    Variable(
        "OPAL_BEARER_TOKEN_FILE", "bearer_token", Kind.TOKEN_FILE,
        "File that holds that token; one line end after it is dropped.", _FILE, "--bearer-token-file",
    ),
    Variable(
        "OPALMIND_PROFILE", "profile", Kind.PROFILE,
        "Profile of the configuration file whose settings count where neither an option nor a variable gives one.",
        "the name of a profile in the configuration file", "--profile",
    ),
    Variable(
        "OPALMIND_ENV", "environment", Kind.TEXT,
        "Name of the environment that the first line shows; without it the name of the profile.",
        _ONE_LINE, "--env",
    ),
    Variable(
        "OPALMIND_READ_ONLY", "read_only", Kind.SWITCH,
        "Look, but change nothing. Only a recording that is asked for is written, to a local file.",
        _SWITCH, "--read-only",
    ),
    Variable(
        "OPALMIND_OPERATOR", "operator", Kind.TEXT, "Who acts, for the audit; without it the login name.",
        _ONE_LINE, "--operator",
    ),
    _whole(
        "OPALMIND_TYPE_ABOVE", "type_above",
        "How many requests or entries the dashboard changes at once without their number being typed.", 0, _MILLIONS,
    ),
)  # fmt: skip

BY_NAME = {variable.name: variable for variable in VARIABLES}


def option_names() -> dict[str, Variable]:
    """Every command-line option with its variable, for the command line to offer."""
    return {variable.option: variable for variable in VARIABLES if variable.option}


def settings_table_markdown() -> str:
    """The table of settings as the README holds it."""
    lines = ["| variable | option | default | meaning | accepted |", "|---|---|---|---|---|"]
    for variable in VARIABLES:
        option = f"`{variable.option}`" if variable.option else ""
        accepted = variable.accepted.replace("|", "\\|")
        default = _shown(variable.kind, variable.default)
        lines.append(f"| `{variable.name}` | {option} | {default} | {variable.meaning} | {accepted} |")
    return "\n".join(lines) + "\n"


def _shown(kind: Kind, default: object) -> str:
    if default is None or default in ("", ()):
        return ""
    if kind is Kind.DELIVERY:
        return "`exact`" if default else "`bulk`"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"
