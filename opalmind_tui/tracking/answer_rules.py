"""What each failing answer of Matomo means, as tables: what to do with the endpoint, the bulk size, and a hit alone.

Nothing of a failed bulk was stored (Matomo rolls back), save where `unknown` says that nobody can tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from opalmind_tui.matomo.answer import Failure
from opalmind_tui.matomo.network import WORDS
from opalmind_tui.snapshot.model import GateKind
from opalmind_tui.tracking.bulk_reply import Says


class Size(StrEnum):
    """Advice for the next bulks of this process."""

    KEEP = "keep"
    GROW = "grow"
    HALVE = "halve"
    ONE = "one"


class Alone(StrEnum):
    """What a failure does to a hit that was the only one in its bulk."""

    NOTHING = "nothing"
    """It never got there: the hit cannot be to blame."""
    CHARGED = "charged"
    """Its attempt costs once another hit got through since it failed before; until then the endpoint is to blame."""
    CONDEMNED = "condemned"
    """As charged, but the first charge makes it dead: the same answer would come again."""
    DEAD = "dead"
    """Dead at once: it can never be sent."""
    REJECTED = "rejected"
    """Matomo refused this very hit."""


class Rule(Struct, frozen=True):
    """What to do.

    Args:
        reason: what happened, for people.
        gate: how the endpoint is closed, if it is.
        size: advice for the next bulks.
        alone: what it means for a hit that was alone.
        unknown: the hits may have been stored.
    """

    reason: str
    gate: GateKind | None = GateKind.BREAKER
    size: Size = Size.KEEP
    alone: Alone = Alone.CHARGED
    unknown: bool = False


def _lost(failure: Failure, size: Size = Size.KEEP) -> Rule:
    return Rule(WORDS[failure], size=size, unknown=True)


def _never_sent(failure: Failure) -> Rule:
    return Rule(WORDS[failure], alone=Alone.NOTHING)


NO_ANSWER: Mapping[Failure, Rule] = {
    Failure.REFUSED: _never_sent(Failure.REFUSED),
    Failure.CONNECT_TIMEOUT: _never_sent(Failure.CONNECT_TIMEOUT),
    Failure.DNS: _never_sent(Failure.DNS),
    Failure.TLS: _never_sent(Failure.TLS),
    Failure.UNREACHABLE: _never_sent(Failure.UNREACHABLE),
    # A proxy with a limit may hang up in the middle of a body that is too large.
    Failure.LOST_BEFORE_SENT: Rule(WORDS[Failure.LOST_BEFORE_SENT], size=Size.HALVE),
    Failure.LOST_AFTER_SENT: _lost(Failure.LOST_AFTER_SENT),
    # The bulk may be more than Matomo can do in time.
    Failure.READ_TIMEOUT: _lost(Failure.READ_TIMEOUT, Size.HALVE),
    Failure.GARBLED: _lost(Failure.GARBLED),
    Failure.UNENCODABLE: Rule(WORDS[Failure.UNENCODABLE], gate=None, size=Size.HALVE, alone=Alone.DEAD),
}

SUCCESS_BUT: Mapping[Says, Rule] = {
    Says.ERROR: Rule("200 with an error: rolled back", size=Size.HALVE),
    Says.SQL_ERROR: Rule("200 with a database error: nothing stored"),
    Says.NOT_INSTALLED: Rule("Matomo is not installed there", gate=GateKind.RECORDING_OFF, alone=Alone.NOTHING),
    Says.PAGE: Rule("a web page answered: is MATOMO_BASE_URL right?", alone=Alone.NOTHING),
    Says.NOTHING: Rule("an empty answer: is this Matomo's tracking API?", alone=Alone.NOTHING, unknown=True),
    Says.OTHER: Rule("an answer that is not Matomo's", alone=Alone.NOTHING, unknown=True),
}
"""2xx without a count."""

RECORDING_OFF = Rule("Matomo stores nothing (recording is switched off there)", gate=GateKind.RECORDING_OFF)
"""A hit alone that was lost to a lock looks the same: it may be to blame once another got through."""

TOO_MANY = Rule(
    "an answer that counts more hits than were sent: it belongs to something else", alone=Alone.NOTHING, unknown=True
)
"""No Matomo counts so: something between us mixes answers up, and what became of ours cannot be told."""

STATUS: Mapping[int, Rule] = {
    408: Rule("408 Request Timeout", alone=Alone.NOTHING),
    413: Rule("413 Content Too Large", gate=None, size=Size.HALVE, alone=Alone.DEAD),
    425: Rule("425 Too Early", alone=Alone.NOTHING),
    429: Rule("429 Too Many Requests", gate=GateKind.COOLDOWN, alone=Alone.NOTHING),
    500: Rule("500 Internal Server Error", size=Size.HALVE),
    502: Rule("502 Bad Gateway"),
    503: Rule("503 Service Unavailable", alone=Alone.NOTHING),
    # The proxy stopped waiting; Matomo goes on with what it has begun.
    504: Rule("504 Gateway Timeout", size=Size.HALVE, unknown=True),
}
BULK_REFUSED = Rule(
    "400: Matomo takes a bulk only as a whole, and one hit of it is refused", gate=None, size=Size.HALVE,
    alone=Alone.REJECTED,
)  # fmt: skip
"""A 400 with Matomo's JSON (`bulk_requests_require_authentication=1`): the refused hit is found by halving."""
NOT_UNDERSTOOD = Rule("400: the bulk was not understood (is Matomo's BulkTracking plugin active?)", size=Size.ONE)


def rule_of_status(status: int, says: Says, location: str = "") -> Rule:
    """The rule for an answer that is no 2xx.

    Args:
        status: HTTP status.
        says: what its body is.
        location: where a redirect points to, secrets masked.
    """
    if status == 400:
        return BULK_REFUSED if says is Says.ERROR else NOT_UNDERSTOOD
    if status in STATUS:
        return STATUS[status]
    if status < 400:
        where = f" to {location}" if location else ""
        return Rule(f"{status}: Matomo has moved{where}; correct MATOMO_BASE_URL", alone=Alone.NOTHING)
    if status < 500:
        # A firewall that dislikes one hit answers so, too: halving finds it.
        return Rule(f"{status} refused", size=Size.HALVE, alone=Alone.CONDEMNED)
    return Rule(f"{status} server error")
