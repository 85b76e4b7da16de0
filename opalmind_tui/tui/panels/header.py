"""The first lines of every screen: where you are, what is wrong, and what running on memory means."""

from __future__ import annotations

from msgspec import Struct

from opalmind_tui.snapshot.model import GateKind, Mode, Snapshot, Verdict
from opalmind_tui.text import cells, safe_text
from opalmind_tui.tui import figures
from opalmind_tui.tui.lines import EMPTY, Line, Span, Tone, apart, fit, line, outside, width_of, wrap
from opalmind_tui.tui.sheet import BADGES, SIGNS, TONES, WORDS

_GAP = 2
_CAUSE_ROWS = 2
_DEGRADED_ROWS = 2
_PRODUCTION = ("prod", "production", "live")


class _Part(Struct, frozen=True):
    """One piece of line 1: its forms from long to short, and how soon it gives way (the highest first)."""

    forms: tuple[Line, ...]
    yields: int


def render(snapshot: Snapshot, width: int, badge: str = "") -> list[Line]:
    """Two to five lines, each `width` cells wide. `badge`: what the clock is to be read with, such as FROZEN."""
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
    tone = Tone.PRODUCTION if identity.environment.strip().lower() in _PRODUCTION else Tone.BADGE
    badge = line(Span(f" {name.upper()} ", tone)) if name else EMPTY
    if identity.demo:
        mood = Span(f" DEMO: Matomo is {safe_text(identity.demo, 20)} ", Tone.BADGE)
        return _Part(((*badge, mood), (*badge, Span(f" DEMO {safe_text(identity.demo, 20)} ", Tone.BADGE))), 8)
    return _Part((badge,), 0)


def _address(snapshot: Snapshot) -> _Part:
    address = snapshot.store.address
    if snapshot.store.mode is Mode.MEMORY:
        memory = Span("MEMORY", Tone.FAIL)
        return _Part((line(memory, outside(f" not {address}" if address else "", Tone.DIM, 40)), line(memory)), 4)
    if not address:
        return _Part((EMPTY,), 0)
    if snapshot.store.nodes:
        return _cluster(snapshot)
    return _Part(tuple(line(outside(address, Tone.PLAIN, limit)) for limit in (60, 32, 24, 18, 14)), 4)


def _cluster(snapshot: Snapshot) -> _Part:
    """The node that was named, how many there are, and who has the queue."""
    store = snapshot.store
    seed = outside(store.address.rpartition("/")[0], Tone.PLAIN, 32)
    nodes = Span(f"{store.nodes} node{'' if store.nodes == 1 else 's'}")
    home = outside(store.home, Tone.PLAIN, 32)
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
    room = width - cells(word) - 2
    rows = wrap(_brief(snapshot, safe_text(snapshot.cause), room) or default, room, _CAUSE_ROWS) or [""]
    tone = Tone.PLAIN if verdict is Verdict.OK else TONES[verdict]
    first = fit(line(Span(word, BADGES[verdict]), " ", Span(rows[0], tone)), width)
    indent = " " * (cells(word) + 1)
    return [first, *(fit(line(indent, Span(row, tone)), width) for row in rows[1:])]


def _brief(snapshot: Snapshot, cause: str, room: int) -> str:
    """The sentence in one row, where it fits without what stands beside it anyway.

    A second row that comes and goes would move everything below it.
    """
    queue = snapshot.queue.value
    gate = queue.closed if queue is not None else None
    sentences = cause.split(". ")
    brief = cause
    if gate is not None and gate.kind in (GateKind.BREAKER, GateKind.COOLDOWN):
        # The QUEUE panel says when the next try is.
        brief = f"{sentences[0]}. {sentences[-1]}"
    elif snapshot.cause_verdict is Verdict.OK:
        # The badge says that all is well; what is left to say stands last.
        brief = sentences[-1]
    return brief if cells(cause) > room >= cells(brief) else cause


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
    rows = wrap(text, width - cells(word) - 2, _DEGRADED_ROWS)
    indent = " " * (cells(word) + 1)
    first = fit(line(Span(word, badge), " ", Span(rows[0], tone)), width)
    return [first, *(fit(line(indent, Span(row, tone)), width) for row in rows[1:])]
