"""SERVICES: OpalMind services that run beside us, as they tell themselves, and what it costs them to be asked."""

from __future__ import annotations

from msgspec import Struct

from opalmind_tui.snapshot.model import ServicesView, Snapshot, Verdict
from opalmind_tui.snapshot.services import Reach, ServiceFigures, ServiceView
from opalmind_tui.text import safe_text
from opalmind_tui.tui import figures
from opalmind_tui.tui.lines import Area, Line, Span, Tone, outside, paragraph
from opalmind_tui.tui.sheet import SIGNS, TONES, Sheet, sheet
from opalmind_tui.tui.table import Column, head, row

NONE = (
    "No service is attached: services keep their own queues in their memory, and those are not visible here. "
    "Name them in OPALMIND_API_URLS, and their token in OPAL_BEARER_TOKEN_FILE."
)
_STATUS = {"healthy": Verdict.OK, "degraded": Verdict.WARN, "unhealthy": Verdict.FAIL}
_REACH = {
    Reach.UNASKED: Verdict.UNKNOWN,
    Reach.AWAY: Verdict.FAIL,
    Reach.DENIED: Verdict.WARN,
    Reach.STRANGE: Verdict.WARN,
}
_QUEUE, _MATOMO = "tracking-queue", "matomo-api"
_STALE = "its own check still counts from its last retry"
_BAD_FIRST = (Verdict.FAIL, Verdict.WARN, Verdict.UNKNOWN, Verdict.OK)


class Shown(Struct, frozen=True):
    """A service at a moment."""

    service: ServiceView
    now: float

    @property
    def told(self) -> ServiceFigures:
        """Its figures, as far as it told any."""
        return self.service.figures or ServiceFigures("")

    @property
    def old(self) -> bool:
        """The figures are those of an earlier look than the newest."""
        return self.service.reach is not Reach.UP or bool(self.told.error)


def render(snapshot: Snapshot, area: Area) -> Sheet:
    """The panel."""
    if snapshot.services.value is None and not snapshot.services.error:
        inner = Area(max(0, area.width - 2), max(0, area.height - 1))
        return Sheet("SERVICES", tuple(paragraph(NONE, inner, Tone.DIM)))
    return sheet(
        "SERVICES",
        snapshot,
        snapshot.services,
        area,
        lambda view, room: _body(view, snapshot.taken_at, room),
        verdict=verdict_of_all(snapshot.services.value),
    )


def rows(view: ServicesView) -> tuple[ServiceView, ...]:
    """The services in the order in which a list shows them: by address, so that none moves under a cursor."""
    return tuple(sorted(view.services, key=lambda one: one.url))


def headline(width: int) -> Line:
    """The titles of the columns."""
    return head(COLUMNS, width)


def service_line(service: ServiceView, now: float, width: int) -> Line:
    """One service."""
    return row(COLUMNS, Shown(service, now), width)


def verdict_of(service: ServiceView) -> Verdict:
    """How a service is: as it says itself, or as we found it."""
    if service.reach is Reach.UP and service.figures is not None:
        return _STATUS.get(service.figures.status, Verdict.UNKNOWN)
    return _REACH.get(service.reach, Verdict.UNKNOWN)


def verdict_of_all(view: ServicesView | None) -> Verdict | None:
    """The worst of them; None where there are none."""
    found = {verdict_of(service) for service in view.services} if view is not None else set()
    return next((verdict for verdict in _BAD_FIRST if verdict in found), None)


def sentence(view: ServicesView, now: float) -> str:
    """What looking costs them, and when it happens again."""
    if any(one.reach is Reach.UNASKED for one in view.services):
        return "The first look is under way."
    gets = view.cost - 2 * len(view.services)
    cost = f"A look costs their Redis about {2 * len(view.services):,} KEYS and {gets:,} GET"
    due = f"next in {figures.words(view.next_at - now)}" if view.next_at > now else "looking now"
    return f"{cost}: every {figures.words(view.interval)}, {due}."


def service_text(service: ServiceView, now: float) -> str:
    """All that is known of a service, for a reading window. Safe text."""
    told = service.figures or ServiceFigures("")
    asked = f"{figures.words(now - service.asked_at)} ago" if service.asked_at else "not yet"
    path = "/health, without a token" if service.open_only else "/tools/get-health-status"
    parts: list[tuple[str, str]] = [
        ("address", f"{service.url}  ({path})"),
        ("state", f"{_word(Shown(service, now))} since {figures.words(now - service.since)}"),
        ("asked", f"{asked}{'' if service.took is None else ', answered in ' + figures.milliseconds(service.took)}"),
        ("trouble", service.trouble or "-"),
    ]
    if service.told_at:
        parts += _told(service, told, now)
    return "\n".join(f"{name:<10}{safe_text(text)}" for name, text in parts)


def _told(service: ServiceView, told: ServiceFigures, now: float) -> list[tuple[str, str]]:
    error = f"{told.last_error} ({figures.words(told.last_error_age)} before)" if told.last_error else "-"
    return [
        ("figures", f"of {figures.words(now - service.told_at)} ago"),
        ("queue", f"pending {_number(told.pending)}, in flight {_number(told.inflight)}, {_age(told)}"),
        ("sent", f"{_number(told.processed)} since it started, {_number(told.retried)} retries"),
        ("changes", _changes(service) or "-"),
        ("cooldown", figures.words(told.cooldown) if told.cooldown else "none"),
        ("error", error),
        ("cache", f"hit rate {figures.percent(told.hit_rate)} of {told.lookups:,}, {_number(told.entries)} entries"),
        ("Matomo", "no answer" if told.matomo is None else f"answered it in {figures.milliseconds(told.matomo)}"),
        *((f"{state}", f"{name}: {output}") for name, state, output in told.failing),
        ("cost", f"2 KEYS and {service.cost - 2:,} GET of its Redis for each look"),
    ]


def _body(view: ServicesView, now: float, area: Area) -> list[Line]:
    found = [headline(area.width), *(service_line(one, now, area.width) for one in rows(view))]
    return [*found, *paragraph(sentence(view, now), Area(area.width, 3), Tone.DIM)]


def _word(shown: Shown) -> str:
    service = shown.service
    return (shown.told.status or "?") if service.reach is Reach.UP else str(service.reach)


def _state(shown: Shown) -> Span:
    verdict = verdict_of(shown.service)
    return Span(f"{SIGNS[verdict]} {_word(shown)}", TONES[verdict])


def _address(shown: Shown) -> Span:
    return outside(shown.service.url.removeprefix("https://"), limit=300)


def _figure(shown: Shown, value: int | None, *, warn: bool = False) -> Span:
    tone = Tone.DIM if shown.old or value is None else Tone.WARN if warn and value else Tone.PLAIN
    return Span(_number(value), tone)


def _number(value: int | None) -> str:
    return figures.UNKNOWN if value is None else figures.count(value, 6)


def _age(told: ServiceFigures) -> str:
    """An empty queue has no age, though its own check goes on counting from the last retry."""
    if not told.idle:
        return f"backlog {figures.words(told.backlog_age)} old"
    judged = any(name == _QUEUE for name, _, _ in told.failing)
    return f"empty ({_STALE})" if judged else "empty"


def _backlog(shown: Shown) -> Span:
    told = shown.told
    age = None if told.idle else told.backlog_age
    return Span(figures.span(age), Tone.DIM if shown.old or age is None else Tone.PLAIN)


def _cooldown(shown: Shown) -> Span:
    """Counted down since it was told."""
    left = shown.told.cooldown - (shown.now - shown.service.told_at)
    return Span(figures.span(left), Tone.WARN) if left > 0 and not shown.old else Span("-", Tone.DIM)


def _why(shown: Shown) -> Span:
    """Why it tells nothing now, or is not healthy, or else the newest error of its own."""
    service, told = shown.service, shown.told
    if service.trouble:
        return outside(service.trouble, Tone.FAIL if verdict_of(service) is Verdict.FAIL else Tone.WARN, 300)
    calm = told.status in ("", "healthy")
    failing = {name: output for name, _, output in told.failing}
    if list(failing) == [_QUEUE] and told.idle:
        return Span(_STALE, Tone.WARN)
    if failing and (_MATOMO in failing or not told.last_error):
        name = _MATOMO if _MATOMO in failing else next(iter(failing))
        return outside(f"{name}: {failing[name]}", Tone.WARN, 300)
    known = str(told.last_error_status or "")
    text = told.last_error if told.last_error.startswith(known) else f"{known} {told.last_error}"
    return outside(text or "-", Tone.DIM if calm else Tone.WARN, 300)


def _changes(service: ServiceView) -> str:
    changes = service.changes
    if changes is None:
        return ""
    parts = [f"was {changes.status_before}"] if changes.status_before else []
    parts += ["restarted"] if changes.restarted else []
    for number, word in ((changes.processed, "sent"), (changes.retried, "retried"), (changes.pending, "waiting")):
        if number:
            parts.append(f"{number:+,} {word}")
    return ", ".join(parts) or "nothing"


COLUMNS: tuple[Column[Shown], ...] = (
    Column("state", 11, _state),
    Column("service", 14, _address, share=2),
    Column("pend", 6, lambda one: _figure(one, one.told.pending, warn=True), to_right=True),
    Column("infl", 4, lambda one: _figure(one, one.told.inflight), to_right=True),
    Column("oldest", 6, _backlog, to_right=True),
    Column("hit", 5, lambda one: Span(figures.percent(one.told.hit_rate), Tone.DIM if one.old else Tone.PLAIN),
           to_right=True),
    Column("cooldown", 8, _cooldown, to_right=True, from_width=90),
    Column("seen", 6, lambda one: Span(figures.span(one.now - one.service.told_at if one.service.told_at else None)),
           to_right=True, from_width=100),
    Column("since the look before", 22, lambda one: Span(_changes(one.service), Tone.DIM), share=1, from_width=120),
    Column("entries", 7, lambda one: _figure(one, one.told.entries), to_right=True, from_width=130),
    Column("trouble", 14, _why, share=3),
)  # fmt: skip
