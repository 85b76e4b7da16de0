"""From Matomo's answer to what is done with each hit, the endpoint and the next bulks. Pure: no clock, no I/O.

An attempt costs only where the hit itself may be to blame (I4): it was alone, it failed, and another hit got through
since it failed alone before. Each such proof charges it once, so that a Matomo that comes and goes uses up no innocent
hit. Everything else is the endpoint's doing and closes a gate.
"""

from __future__ import annotations

from msgspec.structs import replace

from opalmind_tui.matomo.answer import BulkAnswer
from opalmind_tui.matomo.retry_after import retry_after
from opalmind_tui.snapshot.model import GateKind
from opalmind_tui.tracking.answer_rules import (
    BULK_REFUSED,
    NO_ANSWER,
    RECORDING_OFF,
    SUCCESS_BUT,
    TOO_MANY,
    Alone,
    Rule,
    Size,
    rule_of_status,
)
from opalmind_tui.tracking.backoff import ATTEMPTS, Backoff
from opalmind_tui.tracking.bulk_reply import Reply, Says, read_reply
from opalmind_tui.tracking.queue import Fate, Settlement, cut
from opalmind_tui.tracking.verdict import Decision, GateAction, Sent, SentHit, TokenNews

HELD_DELAY = 900.0
"""Seconds until a hit that waits for a usable token is looked at again. Nothing is sent for it."""
TOKEN_DOUBT_DELAY = 5.0
"""Seconds until hits of a refused token bulk are tried again, one at a time."""
REJECTED = "Matomo counted it invalid: unknown site or goal, or a value that it refuses"
LOCK_WAIT = "Matomo lost it (a lock was held too long)"
HELD_REFUSED = "held: Matomo ignores the token (wrong, expired, or without write access to the site)"


def classify(answer: BulkAnswer, sent: Sent, backoff: Backoff) -> Decision:
    """Decide.

    Args:
        answer: what came back.
        sent: what was posted, at least one hit.
        backoff: where waits come from.
    """
    succeeded = answer.status is not None and 200 <= answer.status < 300
    if answer.status is None or (succeeded and answer.failure):
        return _fail(NO_ANSWER[answer.failure], answer, sent, backoff)
    reply = read_reply(answer.body)
    if succeeded and reply.says is Says.TALLY:
        return _count(reply, answer, sent, backoff)
    rule = SUCCESS_BUT[reply.says] if succeeded else rule_of_status(
        answer.status, reply.says, answer.headers.get("location", "")
    )  # fmt: skip
    if rule is BULK_REFUSED and len(sent.hits) == 1:
        return _count(Reply(Says.TALLY, 0, 1), answer, sent, backoff)
    return _fail(rule, answer, sent, backoff, rolled_back=reply.says is Says.ERROR or answer.status == 401)


def _count(reply: Reply, answer: BulkAnswer, sent: Sent, backoff: Backoff) -> Decision:
    """Matomo counted: what is tracked is stored, what is invalid never will be, what is missing was lost."""
    number = len(sent.hits)
    if reply.tracked + reply.invalid > number:
        return _fail(TOO_MANY, answer, sent, backoff)
    if reply.tracked == reply.invalid == 0 and (reply.indices is None or number == 1):
        known = reply.indices is not None
        if number == 1 and (known or sent.taking or sent.hits[0].suspect):
            return _lock_wait_alone(answer, sent, backoff, known=known)
        return replace(_fail(RECORDING_OFF, answer, sent, backoff), unsaid=number == 1)
    if sent.needs_token and reply.tracked == 0 and reply.invalid == number:
        return _token_ignored(answer, sent, backoff)
    if reply.tracked == 0 and reply.invalid < number:
        return _none_stored(reply, answer, sent, backoff)
    rejected, sure = _invalid_places(reply, sent.hits)
    dropped = _dropped_places(number - reply.tracked - reply.invalid, rejected, number)
    reason = f"Matomo lost {len(dropped)} of {number} hits (a lock was held too long)" if dropped else ""
    if not reason and rejected:
        reason = f"{len(rejected)} of {number} hits are invalid"
    doubt = "" if sure else f"; one of {len(rejected)} of the {number} in its bulk, Matomo did not say which"

    settlements = [Settlement(hit.id, Fate.DELIVERED, 0.0, answer.status) for hit in sent.hits]
    for place in rejected:
        settlements[place] = _refuse(sent.hits[place], answer, doubt)
    for place in dropped:
        settlements[place] = Settlement(sent.hits[place].id, Fate.DROPPED, status=answer.status, error=reason)

    return Decision(
        tuple(settlements),
        alike=not rejected and not dropped,
        size=_next_size(dropped=bool(dropped), sure=sure, guessing=bool(rejected) and not reply.indices),
        token=TokenNews.PROVED if sent.needs_token and reply.tracked else TokenNews.NONE,
        took=True,
        reason=reason,
        unnamed=0 if sure else len(rejected),
        names_invalid=reply.indices is not None,
    )


def _next_size(*, dropped: bool, sure: bool, guessing: bool) -> Size:
    if dropped:
        return Size.HALVE
    if not sure:
        return Size.ONE
    return Size.KEEP if guessing else Size.GROW


def _refuse(hit: SentHit, answer: BulkAnswer, doubt: str = "") -> Settlement:
    """A hit that Matomo counted invalid. An order whose number it knows is stored already: we sent it before."""
    if hit.repeated_order:
        return Settlement(hit.id, Fate.DELIVERED, status=answer.status)
    return Settlement(hit.id, Fate.REJECTED, status=answer.status, error=REJECTED + doubt)


def _invalid_places(reply: Reply, hits: tuple[SentHit, ...]) -> tuple[frozenset[int], bool]:
    """Which hits are invalid, and whether that is sure. Where Matomo gives a number only, repeated orders and then the
    last ones stand for it: the valid ones are stored, so nothing may be sent again to find out."""
    number = len(hits)
    if (named := _named(reply, number)) is not None:
        return named, True
    likely = sorted(range(number), key=lambda place: (not hits[place].repeated_order, -place))
    return frozenset(likely[: reply.invalid]), reply.invalid == number


def _named(reply: Reply, number: int) -> frozenset[int] | None:
    """The invalid hits where Matomo names them all and there is no contradiction."""
    named = frozenset(reply.indices or ())
    return named if len(named) == reply.invalid and all(place < number for place in named) else None


def _dropped_places(missing: int, rejected: frozenset[int], number: int) -> frozenset[int]:
    """Hits that are in neither count: a lock was held too long. Which ones is never said, so the last stand for it."""
    if missing <= 0:
        return frozenset()
    left = [place for place in range(number) if place not in rejected]
    return frozenset(left[len(left) - missing :])


def _none_stored(reply: Reply, answer: BulkAnswer, sent: Sent, backoff: Backoff) -> Decision:
    """Not one of several hits is tracked, and a lock was held too long for some: nothing can be counted twice, save
    an action (as for a hit alone), so they go again, in halves. A lock is Matomo's doing: no attempt is spent on it
    before a hit is alone with it. What Matomo names as invalid needs no second look, unless the token may be why."""
    number = len(sent.hits)
    named = _named(reply, number) or frozenset()
    rejected = frozenset() if sent.needs_token else named
    reason = f"Matomo lost all {number - reply.invalid} of {number} hits that were valid (a lock was held too long)"
    delay = backoff.request(1)

    def settle(place: int, hit: SentHit) -> Settlement:
        if place in rejected:
            return _refuse(hit, answer)
        return _put_off(hit, delay, reason, answer, unknown=place not in named)

    return Decision(
        tuple(settle(place, hit) for place, hit in enumerate(sent.hits)),
        size=Size.HALVE,
        token=TokenNews.DOUBTFUL if sent.needs_token and reply.invalid else TokenNews.NONE,
        took=True,
        reason=reason,
        names_invalid=reply.indices is not None,
    )


def _lock_wait_alone(answer: BulkAnswer, sent: Sent, backoff: Backoff, *, known: bool) -> Decision:
    """A lock was held too long for a hit that was alone, so it is tried again. Its action may be stored all the same:
    only its visit's update is surely lost.

    `known`: Matomo showed that it looked at the hit. Else that others get through tells that it records at all; should
    it have stopped just now, the next hit alone will show that.
    """
    hit = sent.hits[0]
    if known or hit.suspect:
        settlement = _charge(hit, LOCK_WAIT, answer, backoff, dies=False, unknown=True)
    else:
        settlement = _put_off(hit, backoff.request(1), LOCK_WAIT, answer, unknown=True)
    names = True if known else None
    return Decision((settlement,), took=known, reason=LOCK_WAIT, names_invalid=names, unsaid=not known)


def _token_ignored(answer: BulkAnswer, sent: Sent, backoff: Backoff) -> Decision:
    """All hits that need the token are invalid, nothing is stored: the token may be to blame, so none is rejected."""
    if len(sent.hits) == 1 and sent.hits[0].suspect:
        return Decision(
            (_refuse(sent.hits[0], answer),),
            took=True,
            reason=REJECTED,
        )
    refused = len(sent.hits) == 1 and not sent.proved
    reason = HELD_REFUSED if refused else "invalid with a token that was good before: tried again alone"
    delay = HELD_DELAY if refused else TOKEN_DOUBT_DELAY + backoff.request(1)
    return Decision(
        tuple(_put_off(hit, delay, reason, answer) for hit in sent.hits),
        token=TokenNews.REFUSED if refused else TokenNews.DOUBTFUL,
        reason=reason,
    )


def _fail(rule: Rule, answer: BulkAnswer, sent: Sent, backoff: Backoff, *, rolled_back: bool = False) -> Decision:
    """The bulk as a whole was not taken."""
    culprit = len(sent.hits) == 1 and sent.hits[0].suspect and rule.alone in (Alone.CHARGED, Alone.CONDEMNED)
    # A hit that fails alone while others get through says nothing about the endpoint.
    gate = None if culprit else _gate(rule, answer, sent, backoff)
    wait = gate.seconds if gate else 0.0
    unknown = rule.unknown and answer.sent
    if len(sent.hits) == 1:
        settlements: tuple[Settlement, ...] = (_settle_alone(rule, answer, sent, backoff, wait, unknown),)
    else:
        settlements = tuple(_put_off(hit, 0.0, rule.reason, answer, unknown) for hit in sent.hits)
    with_token = rolled_back and sent.needs_token
    return Decision(
        settlements,
        gate=gate,
        size=rule.size,
        token=TokenNews.DOUBTFUL if with_token else TokenNews.NONE,
        reason=rule.reason,
        rolled_back=rolled_back,
    )


def _gate(rule: Rule, answer: BulkAnswer, sent: Sent, backoff: Backoff) -> GateAction | None:
    failures = sent.failures + 1
    hint = retry_after(answer.headers, answer.at)
    if hint:
        seconds = backoff.cooldown(hint, failures)
        return GateAction(GateKind.COOLDOWN, seconds, f"{rule.reason}, asked to wait {hint:.0f} s", failures)
    if rule.gate is None:
        return None
    return GateAction(rule.gate, backoff.cooldown(None, failures), rule.reason, failures)


def _settle_alone(
    rule: Rule, answer: BulkAnswer, sent: Sent, backoff: Backoff, wait: float, unknown: bool
) -> Settlement:
    hit = sent.hits[0]
    if rule.alone is Alone.DEAD:
        return Settlement(hit.id, Fate.DEAD, status=answer.status, error=cut(rule.reason))
    if rule.alone is Alone.NOTHING or (sent.needs_token and not hit.suspect):
        return _put_off(hit, 0.0, rule.reason, answer, unknown)
    if not hit.suspect:
        # The next probe is another's turn: only its success can tell whether this hit is to blame.
        return _put_off(hit, wait + backoff.request(1), rule.reason, answer, unknown)
    return _charge(hit, rule.reason, answer, backoff, dies=rule.alone is Alone.CONDEMNED, unknown=unknown)


def _charge(
    hit: SentHit, reason: str, answer: BulkAnswer, backoff: Backoff, *, dies: bool, unknown: bool = False
) -> Settlement:
    """The hit is to blame: its attempt costs, and the last one makes it dead."""
    attempts = hit.attempts + 1
    if dies or attempts >= ATTEMPTS:
        given_up = reason if dies else f"given up after {attempts} attempts: {reason}"
        return Settlement(hit.id, Fate.DEAD, status=answer.status, error=cut(given_up), unknown=unknown)
    return Settlement(
        hit.id, Fate.RETRY, delay=backoff.request(attempts), status=answer.status, error=cut(reason), unknown=unknown
    )


def _put_off(hit: SentHit, delay: float, reason: str, answer: BulkAnswer, unknown: bool = False) -> Settlement:
    """Not the hit's fault: no attempt is spent."""
    return Settlement(
        hit.id, Fate.RETRY, delay=delay, status=answer.status, error=cut(reason), costs_attempt=False, unknown=unknown
    )
