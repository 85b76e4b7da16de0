"""How Matomo fails, in words that stand still: which answer, its share of the newest errors, whether only at times.

Each failed probe has a reason of its own, and a Matomo that fails now and then opens and closes its gate every few
seconds. A sentence that followed each of them could not be read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from opalmind_tui.health.facts import Facts
from opalmind_tui.snapshot.model import GateKind, QueueView, RequestRow
from opalmind_tui.tracking.outcomes import HELD

FEW = 5
"""Failures below which a share of them says nothing."""
NOTABLE = 0.1
"""Share of the newest errors from which an answer is named beside the commonest."""
MOST_NAMED = 3
AT_TIMES_FOR = 60.0
"""Seconds after a failure in which Matomo counts as failing at times."""
BRIEF = 10.0
"""Seconds from which on a closed endpoint is closed, and does not only catch its breath."""
LIMIT = 60
"""Cells of foreign text within a sentence."""
_SLACK = 5.0
"""Seconds by which a failure may seem older than the gate that it closed."""
_OF_MATOMO = (408, 425, 429)
"""Statuses below 500 that say nothing of the hit."""


def how(facts: Facts, reason: str, since: float) -> str:
    """What Matomo does since a moment: its commonest answer; where there are several, each with its share.

    Args:
        reason: of the newest failure. It is what is said where few others are known.
        since: when it began to.
    """
    rows = [row for row in facts.failures if (row.failed_at or 0.0) >= since - _SLACK]
    if len(rows) < FEW:
        return _says(facts, reason)
    errors = Counter(map(_answer, rows))
    first, *others = errors.most_common(MOST_NAMED)
    others = [(answer, number) for answer, number in others if number >= NOTABLE * len(rows)]
    if others:
        # By name: those that are about as common must not change places at each look.
        named = sorted((first, *others))
        shares = ", ".join(f"{facts.clean(answer, LIMIT // 2)} {_share(number, len(rows))}" for answer, number in named)
        return f"Matomo fails in several ways ({shares} of the newest {len(rows)} errors)"
    answer, number = first
    words = reason if _means(reason, answer) else next(row.error for row in rows if _answer(row) == answer)
    said = _says(facts, words if _means(words, answer) else answer)
    return f"{said} ({_share(number, len(rows))} of the newest {len(rows)} errors)"


def share_of(facts: Facts, reason: str) -> str:
    """What part of the newest errors this one is, where it is the commonest: `` (97 % of the newest 40 errors)``."""
    errors = Counter(map(_answer, facts.failures))
    if errors.total() < FEW:
        return ""
    (answer, number), total = errors.most_common(1)[0], errors.total()
    return f" ({_share(number, total)} of the newest {total} errors)" if _means(reason, answer) else ""


def at_times(view: QueueView, now: float) -> bool:
    """Whether Matomo takes requests and fails between: a gate that opens again at once, or one that was open again."""
    gate = view.closed
    if gate is None:
        return now - view.last_error_at < AT_TIMES_FOR and _to_blame(view)
    brief = gate.kind in (GateKind.BREAKER, GateKind.COOLDOWN) and gate.until - gate.since < BRIEF
    return brief and view.delivered_rate > 0


class LatelyFailed:
    """What Matomo failed with in the last minute, as one process sees it by looks: the queue keeps only the last."""

    def __init__(self) -> None:
        self._seen: dict[str, float] = {}

    def note(self, view: QueueView | None, now: float) -> tuple[str, ...]:
        """The newest few, by name, after one more look."""
        if view is not None and _to_blame(view):
            self._seen[view.last_error] = view.last_error_at
        newest = sorted(self._seen.items(), key=lambda item: -item[1])[:MOST_NAMED]
        self._seen = {reason: at for reason, at in newest if now - at < AT_TIMES_FOR}
        return tuple(sorted(self._seen))


def _to_blame(view: QueueView) -> bool:
    """Whether the newest error is Matomo's doing, not that of a hit or of the token."""
    if view.last_status is None:
        return bool(view.last_error) and not view.last_error.startswith(HELD)
    return view.last_status >= 500 or view.last_status in _OF_MATOMO


def together(facts: Facts, reasons: Sequence[str]) -> str:
    """Reasons beside each other; of several statuses only the numbers."""
    if len(reasons) > 1:
        reasons = [reason[:3] if reason[:3].isdecimal() else reason for reason in reasons]
    return ", ".join(facts.clean(_bare(reason), LIMIT) for reason in reasons)


def _bare(reason: str) -> str:
    """A reason without how long Matomo asked to wait."""
    return reason.partition(", asked to wait")[0]


def _says(facts: Facts, reason: str) -> str:
    """An HTTP status speaks for itself; other reasons are words about the connection."""
    words = facts.clean(_bare(reason), LIMIT)
    return f"Matomo answers {words}" if words[:1].isdecimal() else f"Matomo is away ({words or 'no reason known'})"


def _answer(row: RequestRow) -> str:
    return str(row.status) if row.status is not None else row.error


def _means(reason: str, answer: str) -> bool:
    return reason == answer or (answer.isdecimal() and reason.startswith(answer))


def _share(number: int, total: int) -> str:
    return f"{number / total:.0%}".replace("%", " %")
