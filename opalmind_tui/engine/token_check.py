"""What Matomo thinks of our token: asked only when somebody wants to know, and without storing a hit.

A super user's token that is made only for secure requests works for reports and is ignored in bulks. Only a bulk tells:
a super user's gets the field `invalid_indices` in the answer. The hit in it has no `rec`, so Matomo stores nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from opalmind_tui.doctor import Token
from opalmind_tui.errors import MatomoError
from opalmind_tui.settings import Settings

if TYPE_CHECKING:
    from opalmind_tui.matomo.reporting_client import ReportingClient

PATIENCE = 4.0
"""Seconds for the bulk, and without a byte of its answer."""
ACCESSES = ("SitesManager.getSitesIdWithWriteAccess", "SitesManager.getSitesIdWithAdminAccess")


async def check_token(settings: Settings, client: ReportingClient | None) -> Token | None:
    """Ask. None where there is no token, or where Matomo does not take it or answer: that is another finding.

    Args:
        client: reports with this token; once it was refused nothing is asked with it any more.
    """
    if client is None or not settings.matomo_token or client.refusal is not None:
        return None
    try:
        super_user = _truth(await client.call("UsersManager.hasSuperUserAccess"))
        if super_user is None:
            return None
        if super_user:
            known, error = await _known_in_bulks(settings)
            return Token(super_user=True, in_bulks=known, bulk_error=error)
        sites = [site for method in ACCESSES for site in _sites(await client.call(method))]
    except MatomoError:
        return None
    return Token(super_user=False, writes=tuple(sorted(set(sites))))


async def _known_in_bulks(settings: Settings) -> tuple[bool | None, str]:
    """Whether a bulk is answered as to a super user, and what was answered instead."""
    from opalmind_tui.matomo.tracking_client import TrackingClient

    client = TrackingClient(
        settings.matomo_base_url, settings.matomo_token, timeout=PATIENCE / 2, connect_timeout=PATIENCE / 2
    )
    try:
        answer = await client.post_bulk([{"idsite": str(settings.matomo_default_site_id or 1)}], with_token=True)
    finally:
        await client.close()
    if answer.failure:
        return None, ""
    try:
        document = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return None, ""
    if answer.status != 200 or not isinstance(document, dict) or document.get("status") != "success":
        return None, f"HTTP {answer.status}"
    return "invalid_indices" in document, ""


def _truth(answer: object) -> bool | None:
    """The value of an answer such as ``{"value":false}``."""
    value = answer.get("value") if isinstance(answer, dict) else answer
    return bool(value) if isinstance(value, bool | int) else None


def _sites(answer: object) -> list[int]:
    found = answer if isinstance(answer, list) else []
    return [int(site) for site in found if isinstance(site, int) or (isinstance(site, str) and site.isdecimal())]
