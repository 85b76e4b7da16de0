"""Whose process this is, and what it looks at."""

from __future__ import annotations

import getpass
import os
from urllib.parse import urlsplit

from opalmind_tui.settings import Settings
from opalmind_tui.snapshot.model import Identity


def identity_of(settings: Settings, user: str) -> Identity:
    """What the head of a screen says; no secret is in it (I10)."""
    return Identity(
        environment=settings.environment,
        read_only=settings.read_only,
        matomo=_shown(settings.matomo_base_url),
        user=user,
    )


def user_of(settings: Settings) -> str:
    """Who acts, for the audit: as told, else who runs this process; a number where the system knows no name."""
    if settings.operator:
        return settings.operator
    try:
        # What is not UTF-8 in a name could be written to no store.
        return getpass.getuser().encode("utf-8", "replace").decode()
    except (KeyError, OSError):
        return str(os.getuid())


def _shown(base_url: str) -> str:
    """Matomo's address without user and password."""
    if not base_url:
        return ""
    parts = urlsplit(base_url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"
