"""What was posted, and what is decided about it: the plain values on both sides of `classify`."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from opalmind_tui.snapshot.model import GateKind
from opalmind_tui.tracking.answer_rules import Size
from opalmind_tui.tracking.queue import Settlement


class SentHit(Struct, frozen=True, gc=False):
    """One hit of a bulk.

    Args:
        id: the request's.
        attempts: that cost, before this one.
        suspect: it failed alone before, and another hit got through since.
        repeated_order: an order that was posted before with an unknown outcome: Matomo takes an order's number once.
    """

    id: str
    attempts: int = 0
    suspect: bool = False
    repeated_order: bool = False


class Sent(Struct, frozen=True):
    """What was posted.

    Args:
        hits: in the order of the bulk.
        with_token: the token went with it.
        needs_token: every hit of it is refused without a valid token.
        proved: Matomo took a hit of this site that needed the token.
        failures: of the endpoint in a row, before this one.
        taking: the answer before this one came from a Matomo that stores what it gets.
    """

    hits: tuple[SentHit, ...]
    with_token: bool = False
    needs_token: bool = False
    proved: bool = False
    failures: int = 0
    taking: bool = False


class TokenNews(StrEnum):
    """What an answer says about the token."""

    NONE = "none"
    PROVED = "proved"
    """A hit that needs it was taken."""
    REFUSED = "refused"
    """The first hit that needed it was counted invalid: do not use it any more (ruling 11)."""
    DOUBTFUL = "doubtful"
    """It was good before: test it again with one hit."""


class GateAction(Struct, frozen=True):
    """Close the endpoint. `failures` in a row, this one included."""

    kind: GateKind
    seconds: float
    reason: str
    failures: int


class Decision(Struct, frozen=True):
    """What to do.

    Args:
        settlements: one for each hit, in their order; a DELIVERED one without its record.
        alike: every hit was taken, and there is nothing more to say of any.
        took: Matomo looked at the hits and answered as it should.
        reason: what was wrong, empty when nothing was.
        rolled_back: Matomo's JSON for a failure (its database, its objection to the token or to its absence), or 401.
        unnamed: hits that Matomo counted invalid without naming them.
        names_invalid: Matomo says which hits are invalid (a super user's token); None where the answer tells nothing.
        unsaid: a hit alone was not counted, and only a super user's token would tell whether a lock or a switched off
            recording is why.
    """

    settlements: tuple[Settlement, ...]
    gate: GateAction | None = None
    size: Size = Size.KEEP
    token: TokenNews = TokenNews.NONE
    alike: bool = False
    took: bool = False
    reason: str = ""
    rolled_back: bool = False
    unnamed: int = 0
    names_invalid: bool | None = None
    unsaid: bool = False
