"""What operators did, as a screen shows it. Every text may be from outside: the stream lies in a shared database."""

from __future__ import annotations

from msgspec import Struct

OLDEST = "-"
"""An `AuditView.anchor` that holds the window at the oldest entry."""
UNDO_WITHIN = 15 * 60.0
"""Seconds in which an act can be undone."""


class AuditEntry(Struct, frozen=True):
    """What somebody did.

    Args:
        at: epoch seconds by the clock of whoever did it.
        by: who, as told by OPALMIND_OPERATOR, else the system's user.
        act: the kind of act. what: its plan in a sentence. outcome: what came of it.
        done: how many were changed; None where that was not noted.
        login: the system's user, also where `by` names somebody else (shared accounts).
        client: the address from which an SSH session came; empty for none.
        host: the machine on which it was done.
        id: its place in the stream; empty while it waits to be written.
        noted: when the server took it in, by its clock; 0 while it waits.
        ref: names it, for the one that undoes it.
        inverse: how it can be undone, as `engine.undoing.inverse` writes it; empty where it cannot.
        undoes: the `ref` of the entry that this one undid.
    """

    at: float
    by: str
    act: str
    what: str
    outcome: str
    done: int | None = None
    login: str = ""
    client: str = ""
    host: str = ""
    id: str = ""
    noted: float = 0.0
    ref: str = ""
    inverse: str = ""
    undoes: str = ""

    @property
    def who(self) -> str:
        """By whom, in one piece: ``anna (root, from 10.0.0.5)``; raw."""
        login = self.login if self.login != self.by else ""
        whence = f"from {self.client}" if self.client else ""
        more = ", ".join(part for part in (login, whence) if part)
        return f"{self.by} ({more})" if more else self.by


class AuditView(Struct, frozen=True):
    """Which part of the trail a screen shows.

    Args:
        anchor: id of the entry at which the window is held; empty: the newest; `OLDEST`: the oldest.
        above: how many newer ones than the anchor's are wanted, too.
        rows: how many are wanted from the anchor on, towards the older.
    """

    anchor: str = ""
    above: int = 0
    rows: int = 50


class AuditPage(Struct, frozen=True):
    """A window on the trail, the newest first.

    Args:
        total: entries that the trail keeps.
        newest, oldest: whether the window reaches to that end.
    """

    view: AuditView
    entries: tuple[AuditEntry, ...] = ()
    total: int = 0
    newest: bool = True
    oldest: bool = True


class Undoable(Struct, frozen=True):
    """The last act that can be undone: when, by whom and what it was."""

    at: float
    by: str
    what: str
