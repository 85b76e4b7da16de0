"""Where Matomo listens: from the configured base URL to the addresses of its two APIs.

The rules are the reference's (`client base URL` in its recorded tracking requests): a path that ends in a known script
is adapted, any other gets the script appended; query and fragment are dropped.
"""

from __future__ import annotations

from urllib.parse import SplitResult, quote, unquote, urlsplit

TRACKING_SCRIPTS = ("matomo.php", "piwik.php")
REPORTING_SCRIPT = "index.php"
_DEFAULT_PORTS = {"http": 80, "https": 443}
_PATH_SAFE = "/%:@!$&'()*+,;=~-._"


def tracking_url(base: str) -> str:
    """The tracking API's address, which also names the endpoint in the queue: equal for equal Matomos, no secrets.

    Args:
        base: `MATOMO_BASE_URL`.

    Raises `ValueError` where `base` is no http or https URL.
    """
    parts = _split(base)
    head, _, script = parts.path.rpartition("/")
    if script not in (*TRACKING_SCRIPTS, REPORTING_SCRIPT):
        head, script = parts.path.rstrip("/"), ""
    return f"{_origin(parts)}{_path(head)}/{script if script in TRACKING_SCRIPTS else TRACKING_SCRIPTS[0]}"


def reporting_url(base: str) -> str:
    """The reporting API's address. Arguments and errors as for `tracking_url`."""
    parts = _split(base)
    head, _, script = parts.path.rpartition("/")
    if script not in (*TRACKING_SCRIPTS, REPORTING_SCRIPT):
        head = parts.path.rstrip("/")
    return f"{_origin(parts)}{_path(head)}/{REPORTING_SCRIPT}"


def credentials(base: str) -> tuple[str, str] | None:
    """User and password for a web server that asks for them before Matomo, if the base URL holds any."""
    parts = _split(base)
    if not parts.username:
        return None
    return unquote(parts.username), unquote(parts.password or "")


def _split(base: str) -> SplitResult:
    parts = urlsplit(base.strip())
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ValueError("not an http:// or https:// URL with a host")
    return parts


def _origin(parts: SplitResult) -> str:
    host = parts.hostname or ""
    if ":" in host:
        host = f"[{host}]"
    port = parts.port
    return f"{parts.scheme}://{host}" + (f":{port}" if port and port != _DEFAULT_PORTS[parts.scheme] else "")


def _path(path: str) -> str:
    return quote(path, safe=_PATH_SAFE)
