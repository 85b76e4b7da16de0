"""Who a token belongs to, and what a stranger's wrong tokens do to everybody."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from enum import IntEnum

from msgspec import Struct


class Access(IntEnum):
    """What a user may do; each includes those before it."""

    NONE = 0
    VIEW = 1
    WRITE = 2
    ADMIN = 3
    SUPER = 4


class Account(Struct, frozen=True):
    """The owner of a token.

    Args:
        access: what it may do.
        sites: the sites that it applies to; None for all.
        secure_only: made "only for secure requests".
        expired: past its date.
    """

    access: Access
    sites: frozenset[int] | None = None
    secure_only: bool = False
    expired: bool = False

    def may(self, access: Access, site: int) -> bool:
        """True when it has at least this access to the site."""
        return self.access >= access and (self.sites is None or site in self.sites)


ATTEMPTS = 21
"""Wrong tokens of one address within `WINDOW` before it is locked out."""
WINDOW = 3600.0
LOCK = 1200.0
"""Seconds that the lock lasts after the last wrong token."""


class Accounts:
    """All tokens, and the lock against guessing them. With `refuse_all` no token is good."""

    def __init__(self, tokens: Mapping[str, Account]) -> None:
        self._tokens = dict(tokens)
        self._wrong: deque[float] = deque(maxlen=ATTEMPTS)
        self.refuse_all = False

    def find(self, token: str) -> Account | None:
        """The account of a token that is known and not expired."""
        account = None if self.refuse_all else self._tokens.get(token)
        return None if account is None or account.expired else account

    def for_tracking(self, token: str, *, secure: bool) -> Account | None:
        """The account on tracking; `secure` when the token came in a form-encoded body.

        A super user's secure-only token is taken from nowhere else; such a token of others works everywhere.
        """
        account = self.find(token)
        if account is not None and account.secure_only and account.access is Access.SUPER and not secure:
            return None
        return account

    def count_wrong(self, now: float) -> None:
        """Remember a wrong token."""
        if not self.locked(now):
            self._wrong.append(now)

    def locked(self, now: float) -> bool:
        """True while tokens are not looked at because too many were wrong."""
        full = len(self._wrong) == ATTEMPTS
        return full and self._wrong[-1] - self._wrong[0] <= WINDOW and now - self._wrong[-1] < LOCK

    def unlock(self) -> None:
        """Forget the wrong tokens."""
        self._wrong.clear()
