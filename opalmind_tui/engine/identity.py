"""Whose process this is, and what it looks at."""

from __future__ import annotations

import getpass
import os
import platform
from urllib.parse import urlsplit

from opalmind_tui.settings import Settings
from opalmind_tui.snapshot.model import Identity

_SSH_WORDS = 4
_LONGEST = 60
"""Characters of a name or an address."""


def identity_of(settings: Settings, user: str) -> Identity:
    """What the head of a screen says; no secret is in it (I10)."""
    return Identity(
        environment=settings.environment,
        read_only=settings.read_only,
        matomo=_shown(settings.matomo_base_url),
        user=user,
    )


def user_of(settings: Settings) -> str:
    """Who acts, for the audit: as told, else who runs this process."""
    return settings.operator or _login()


def origin_of() -> dict[str, str]:
    """From where this process acts: the system's user, the address of the SSH client if there is one, the machine.

    ``SSH_CONNECTION`` is set by sshd: ``client port server port``.
    """
    words = os.environ.get("SSH_CONNECTION", "").split()
    return {
        "login": _login(),
        "client": words[0][:_LONGEST] if len(words) == _SSH_WORDS else "",
        "host": platform.node()[:_LONGEST],
    }


def _login() -> str:
    """The system's user, who became it by sudo included; a number where the system knows no name."""
    try:
        # What is not UTF-8 in a name could be written to no store.
        name = getpass.getuser().encode("utf-8", "replace").decode()
    except (KeyError, OSError):
        name = str(os.getuid())
    before = os.environ.get("SUDO_USER", "").encode("utf-8", "replace").decode()[:_LONGEST]
    return f"{name} (sudo by {before})" if before and before != name else name


def _shown(base_url: str) -> str:
    """Matomo's address without user and password."""
    if not base_url:
        return ""
    parts = urlsplit(base_url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"
