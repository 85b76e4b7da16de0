"""The text of the help: first what has the focus, and its keys; then every other key; then the words."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import zip_longest

from opalmind_tui.tui.action import Action
from opalmind_tui.tui.actions import ACTIONS, exists, why_not
from opalmind_tui.tui.lines import wrap
from opalmind_tui.tui.parts import Part, part_of
from opalmind_tui.tui.situation import Situation

MOVE = "Move"
"""The group of keys that stands next to those of the part: they move in it."""
WORDS = """
Words
  pending     due now, waits to be sent
  scheduled   failed, waits for its next attempt
  inflight    leased by a worker, under way
  dead        given up: kept, listed, can be retried
  ledger      accepted minus all that can be accounted for; 0 means nothing lost
  breaker     Matomo is down: one request probes, no attempt is spent
  cooldown    Matomo asked to wait
  degraded    Redis is away, memory serves
"""
_SIGN, _SCROLL_BAR = 10, 1
_ROWS = 9


def help_title(now: Situation) -> str:
    """What has the focus."""
    return f"Help: {part_of(now).name}"


def help_text(now: Situation, width: int) -> str:
    """Everything, in so many columns. What cannot be done now says why."""
    part = part_of(now)
    there = [action for action in ACTIONS if exists(action, now)]
    own = [action for action in there if belongs(action, part)]
    lines = [*wrap(part.about, width - _SCROLL_BAR, _ROWS), ""]
    # What can be done comes before what cannot.
    lines += _keys(sorted(own, key=lambda action: bool(why_not(action, now))), now, width)
    others = [action for action in there if action not in own]
    for group in sorted(dict.fromkeys(action.group for action in others), key=lambda group: group != MOVE):
        lines += [""] if lines[-1] else []
        lines += [group, *_keys((action for action in others if action.group == group), now, width)]
    return "\n".join(lines) + "\n" + WORDS


def belongs(action: Action, part: Part) -> bool:
    """Whether it is a key of the part, not one of the whole dashboard."""
    return action.id in part.also or (not part.only and part.place in action.places)


def _keys(actions: Iterable[Action], now: Situation, width: int) -> list[str]:
    lines: list[str] = []
    for action in actions:
        reason = why_not(action, now)
        sentences = [action.help, f"not now: {reason}"] if reason else [action.help]
        rows = [row for sentence in sentences for row in wrap(sentence, width - _SIGN - _SCROLL_BAR, _ROWS)]
        signs = [f"  {now.keymap.sign(action)}"]
        lines += [f"{sign:<{_SIGN}}{row}" for sign, row in zip_longest(signs, rows, fillvalue="")]
    return lines
