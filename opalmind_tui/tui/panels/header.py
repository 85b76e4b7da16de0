"""The first lines of every screen: where you are, what is wrong, and what running on memory means."""

from __future__ import annotations

from msgspec import Struct

from opalmind_tui.snapshot.model import GateKind, Mode, Snapshot, Verdict
from opalmind_tui.text import cells, safe_text
from opalmind_tui.tui import figures
from opalmind_tui.tui.addresses import shortened
from opalmind_tui.tui.environments import tone_of
from opalmind_tui.tui.lines import EMPTY, Line, Span, Tone, apart, fit, line, outside, width_of, wrap
from opalmind_tui.tui.sheet import BADGES, SIGNS, TONES, WORDS

_GAP = 2
_ROWS = 2
"""Rows of each sentence, also of a short one."""
_ADDRESS = (60, 48, 40, 32, 28, 24, 22, 20, 18, 16, 14)
"""Cells of the address, from all of it to the least."""


class _Part(Struct, frozen=True):
    """One piece of line 1: its forms from long to short, and how soon it gives way (the highest first)."""

    forms: tuple[Line, ...]
    yields: int


def render(snapshot: Snapshot, width: int, badge: str = "") -> list[Line]:
    """Three lines, five where memory serves, each `width` cells wide. `badge`: how to read the clock (FROZEN)."""
    return [_where(snapshot, width, badge), *_cause(snapshot, width), *_degraded(snapshot, width)]


def _where(snapshot: Snapshot, width: int, badge: str) -> Line:
    clock = line(
        Span(f" {badge} ", Tone.WARN_BADGE) if badge else "", "  ",
        Span(f"{figures.clock(snapshot.taken_at)} {figures.zone_name(snapshot.taken_at)} ", Tone.STRONG),
    )  # fmt: skip
    room = width - width_of(clock) - 1
    parts = [_name(), _environment(snapshot), _address(snapshot), *_server(snapshot)]
    parts += [_duty(snapshot), _matomo(snapshot)]
    chosen = [0] * len(parts)
    while _width(parts, chosen) - _GAP > room:
        shrinkable = [index for index, part in enumerate(parts) if chosen[index] < len(part.forms) - 1]
        if not shrinkable:
            break
        chosen[max(shrinkable, key=lambda index: parts[index].yields)] += 1
    spans: list[Span] = []
    for part, form in zip(parts, chosen, strict=True):
        if part.forms[form]:
            spans += [Span(" " * _GAP if spans else " "), *part.forms[form]]
    return apart(tuple(spans), clock, width)


def _width(parts: list[_Part], chosen: list[int]) -> int:
    shown = [part.forms[form] for part, form in zip(parts, chosen, strict=True) if part.forms[form]]
    return sum(width_of(form) + _GAP for form in shown)


def _name() -> _Part:
    return _Part((line(Span("opalmind", Tone.TITLE)), EMPTY), 8)


def _environment(snapshot: Snapshot) -> _Part:
    identity = snapshot.identity
    name = "" if identity.demo and identity.environment == "demo" else safe_text(identity.environment, 20)
    badge = line(Span(f" {name.upper()} ", tone_of(identity.environment))) if name else EMPTY
    if identity.demo:
        mood = Span(f" DEMO: Matomo is {safe_text(identity.demo, 20)} ", Tone.BADGE)
        return _Part(((*badge, mood), (*badge, Span(f" DEMO {safe_text(identity.demo, 20)} ", Tone.BADGE))), 8)
    return _Part((badge,), 0)


def _address(snapshot: Snapshot) -> _Part:
    address = snapshot.store.address
    if snapshot.store.mode is Mode.MEMORY:
        memory = Span("MEMORY", Tone.FAIL)
        return _Part(
            (line(memory, Span(f" not {shortened(address, 35)}" if address else "", Tone.DIM)), line(memory)), 4
        )
    if not address:
        return _Part((EMPTY,), 0)
    if snapshot.store.nodes:
        return _cluster(snapshot)
    return _Part(tuple(line(shortened(address, limit)) for limit in _ADDRESS), 4)


def _cluster(snapshot: Snapshot) -> _Part:
    """The node that was named, how many there are, and who has the queue."""
    store = snapshot.store
    seed = shortened(store.address.rpartition("/")[0], 32)
    nodes = Span(f"{store.nodes} node{'' if store.nodes == 1 else 's'}")
    home = shortened(store.home, 32)
    return _Part(
        (
            line("cluster ", seed, ", ", nodes, ", queue on ", home),
            line("cluster ", nodes, ", queue on ", home),
            line("cluster ", home),
            line("cluster"),
        ),
        4,
    )


def _server(snapshot: Snapshot) -> list[_Part]:
    server = snapshot.server.value
    if server is None or snapshot.store.mode is Mode.MEMORY:
        return []
    product = safe_text(server.product, 12)
    version = safe_text(server.version, 12)
    brief = ".".join(version.split(".")[:2])
    trip = figures.milliseconds(server.round_trip)
    return [
        _Part((line(f"{product} {version}"), line(f"{product} {brief}"), line(product), EMPTY), 7),
        _Part((line(Span(trip, Tone.DIM)),), 1),
    ]


def _duty(snapshot: Snapshot) -> _Part:
    """Whether this dashboard sends, looks, or may not even touch."""
    if snapshot.identity.read_only:
        return _Part((line(Span(" READ-ONLY ", Tone.WARN_BADGE)),), 0)
    if snapshot.queue.value is not None and snapshot.queue.value.delivering_here:
        return _Part((line(Span("delivering", Tone.OK)), line(Span("sends", Tone.OK))), 6)
    return _Part((line(Span("observing", Tone.DIM)), line(Span("looks", Tone.DIM))), 6)


def _matomo(snapshot: Snapshot) -> _Part:
    address = snapshot.identity.matomo
    if not address:
        return _Part((line(Span("no Matomo configured", Tone.WARN)), line(Span("no Matomo", Tone.WARN)), EMPTY), 9)
    place = outside(address.removeprefix("https://"), Tone.PLAIN, 40)
    return _Part((line(Span("to ", Tone.DIM), place), EMPTY), 9)


def _cause(snapshot: Snapshot, width: int) -> list[Line]:
    """What is wrong in one sentence, or that nothing is."""
    verdict = snapshot.cause_verdict
    word = f" {SIGNS[verdict]} {WORDS[verdict]} "
    default = "Nothing is wrong." if verdict is Verdict.OK else "The reason is not known."
    text = _brief(snapshot, safe_text(snapshot.cause), width - cells(word) - 2) or default
    return _said(Span(word, BADGES[verdict]), text, Tone.PLAIN if verdict is Verdict.OK else TONES[verdict], width)


def _said(badge: Span, text: str, tone: Tone, width: int) -> list[Line]:
    """A badge and a sentence, always in so many rows: what stands below must not move when the sentence changes."""
    indent = cells(badge.text) + 1
    rows = wrap(text, width - indent - 1, _ROWS)
    rows += [""] * (_ROWS - len(rows))
    first, *others = rows
    return [
        fit(line(badge, " ", Span(first, tone)), width),
        *(fit(line(" " * indent, Span(row, tone)), width) for row in others),
    ]


def _brief(snapshot: Snapshot, cause: str, room: int) -> str:
    """The sentence; where it does not fit, without what stands beside it anyway."""
    sentences = cause.split(". ")
    if snapshot.cause_verdict is Verdict.OK:
        # The badge says that all is well; what is left to say stands last.
        return sentences[-1] if cells(cause) > room >= cells(sentences[-1]) else cause
    queue = snapshot.queue.value
    gate = queue.closed if queue is not None else None
    if gate is not None and gate.kind in (GateKind.BREAKER, GateKind.COOLDOWN) and _too_long(cause, room):
        # The QUEUE panel says when the next try is.
        return f"{sentences[0]}. {sentences[-1]}"
    return cause


def _too_long(text: str, room: int) -> bool:
    return len(wrap(text, room, _ROWS + 1)) > _ROWS


def _at_stake(number: int) -> str:
    """How many requests live only here, and what that means for them."""
    if number == 0:
        return "0 requests live only in this process. Those that come now are lost if it dies before Redis is back."
    if number == 1:
        return "1 request lives only in this process and is lost if it dies. It moves to Redis when that is back."
    return f"{number:,} requests live only in this process and are lost if it dies. They move to Redis when it is back."


def _degraded(snapshot: Snapshot, width: int) -> list[Line]:
    """What it means that memory serves, how much is at stake, and since when."""
    store = snapshot.store
    if store.mode is not Mode.MEMORY and not store.recovering:
        return []
    number = f"{store.only_here:,} request{'' if store.only_here == 1 else 's'}"
    if store.recovering:
        text = f"Redis is back: {number} from memory {'is' if store.only_here == 1 else 'are'} moving into it."
        tone, word = Tone.WARN, " ! RECOVERING "
    else:
        zone = figures.zone_name(store.since)
        since = f"Since {figures.clock(store.since)} {zone} ({figures.words(snapshot.taken_at - store.since)})"
        text = f"{since}: {_at_stake(store.only_here)}"
        tone, word = Tone.FAIL, " ✗ DEGRADED "
    badge = Tone.WARN_BADGE if store.recovering else Tone.FAIL_BADGE
    return _said(Span(word, badge), text, tone, width)
