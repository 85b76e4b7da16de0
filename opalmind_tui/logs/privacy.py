"""Secrets and personal data out of log lines (I10): tokens, passwords, visitors' addresses, user ids, mail."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import ip_address
from urllib.parse import urlsplit

from opalmind_tui.matomo.masking import MASK, mask
from opalmind_tui.settings import Settings

_IDS = re.compile(
    r"""((?<![a-z])(?:uid|user_?id|visitor_?id|_id|cid|cip|client_?ip|e?mail)(?:\\?["'])?\s*(?:=|:|%3D|%3A)\s*(?:\\?["'])?)
        [^\s"'<>&\\,;{}()]+""",
    re.IGNORECASE | re.VERBOSE,
)
_MAIL = re.compile(r"(?<![\w.+-])[\w.+-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+")
_ADDRESS_4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?!\.?\d)")
_ADDRESS_6 = re.compile(r"(?:(?<![\w:])|(?<=[a-z]:))[0-9a-f]*:[0-9a-f]*:[0-9a-f:.]*", re.IGNORECASE)


def cleaner(settings: Settings | None = None) -> Callable[[str], str]:
    """A function that masks secrets and personal data.

    Addresses of this machine and of the servers in the settings stay: without them an outage cannot be understood.
    """
    secrets = settings.secrets() if settings is not None else ()
    ours = _servers(settings) if settings is not None else frozenset()

    def address(found: re.Match[str]) -> str:
        text = found[0].rstrip(":.")
        return MASK + found[0][len(text) :] if _is_foreign(text, ours) else found[0]

    def clean(text: str) -> str:
        text = _IDS.sub(lambda found: found[1] + MASK, mask(text, secrets))
        return _ADDRESS_6.sub(address, _ADDRESS_4.sub(address, _MAIL.sub(MASK, text)))

    return clean


def _servers(settings: Settings) -> frozenset[str]:
    urls = (settings.redis_url, settings.matomo_base_url, *settings.api_urls)
    nodes = (host for host, _ in (*settings.sentinels, *settings.cluster_nodes))
    hosts = (settings.redis_host, *nodes, *(urlsplit(url).hostname for url in urls))
    return frozenset(host for host in hosts if host)


def _is_foreign(text: str, ours: frozenset[str]) -> bool:
    try:
        found = ip_address(text)
    except ValueError:
        return False
    return not (found.is_loopback or found.is_unspecified or text in ours)
