"""How Matomo fails, in a sentence that stands still: mixed answers, a gate that opens and closes, older errors."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from opalmind_tui.health import cause_line
from opalmind_tui.health.facts import Facts
from opalmind_tui.health.failing import LatelyFailed
from opalmind_tui.snapshot.model import Gate, GateKind, RequestRow, State, Verdict
from opalmind_tui.text import safe_text
from tests.health.inputs import NOW, TOKEN, facts, gate, queue

HOSTILE = f"\x1b[2J\u202e token_auth={TOKEN} " + "x" * 500
BAD_GATEWAY, UNAVAILABLE = "502 Bad Gateway", "503 Service Unavailable"


def row(error: str, status: int | None = None, age: float = 1.0) -> RequestRow:
    if status is None and error[:3].isdecimal():
        status = int(error[:3])
    return RequestRow("r", State.SCHEDULED, "event", "x", "1", "", NOW, status=status, error=error, failed_at=NOW - age)


def outage(reason: str, *rows: RequestRow, kind: GateKind = GateKind.BREAKER) -> Facts:
    return replace(facts(queue=queue(pending=9, gate=gate(kind, 1_020, reason))), failures=rows)


def said(known: Facts) -> str:
    return cause_line(known)[0]


# -- an outage with several answers ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [GateKind.BREAKER, GateKind.COOLDOWN])
def test_what_the_last_probe_got_does_not_change_the_sentence(kind: GateKind) -> None:
    rows = [row(UNAVAILABLE)] * 20 + [row(BAD_GATEWAY)] * 18 + [row("no answer in time")] * 2
    sentences = {said(outage(reason, *rows, kind=kind)) for reason in (UNAVAILABLE, BAD_GATEWAY, "no answer in time")}
    assert len(sentences) == 1
    assert sentences.pop().startswith("Matomo fails in several ways (502 45 %, 503 50 % of the newest 40 errors) since")
    # The other way round they keep their places.
    rows = [row(BAD_GATEWAY)] * 21 + [row(UNAVAILABLE)] * 19
    assert "(502 52 %, 503 48 % of the newest 40 errors)" in said(outage(UNAVAILABLE, *rows, kind=kind))


def test_a_share_is_that_of_the_answer_that_is_named() -> None:
    """One probe got another answer than all before it."""
    rows = [row(UNAVAILABLE)] * 39 + [row(BAD_GATEWAY)]
    assert said(outage(BAD_GATEWAY, *rows)).startswith(f"Matomo answers {UNAVAILABLE} (98 % of the newest 40 errors)")
    away = said(outage(BAD_GATEWAY, *[row("connection refused")] * 9))
    assert away.startswith("Matomo is away (connection refused) (100 % of the newest 9 errors) since")
    given_up = [row(f"given up after 15 attempts: {UNAVAILABLE}", 503)] * 9
    assert said(outage(BAD_GATEWAY, *given_up)).startswith("Matomo answers 503 (100 % of the newest 9 errors)")


def test_errors_from_before_the_outage_are_none_of_it() -> None:
    rows = [row("500 Internal Server Error", age=1_500)] * 40
    assert said(outage("connection refused", *rows)).startswith("Matomo is away (connection refused) since 19:06 UTC")


def test_a_share_is_not_given_to_another_error() -> None:
    later = queue(scheduled=12, oldest_accepted=NOW - 1_000, next_due=NOW + 480, last_error=UNAVAILABLE)
    known = replace(facts(queue=later), failures=(row(BAD_GATEWAY),) * 9)
    assert said(known).endswith(f"Last error: {UNAVAILABLE}.")
    known = replace(facts(queue=later), failures=(row(UNAVAILABLE),) * 9)
    assert said(known).endswith(f"Last error: {UNAVAILABLE} (100 % of the newest 9 errors).")


def test_text_of_strangers_is_masked_cut_and_made_safe() -> None:
    rows = [row(HOSTILE)] * 5 + [row(HOSTILE[::-1])] * 5
    flapping = queue(last_error=HOSTILE, last_error_at=NOW - 1)
    for known in (outage(UNAVAILABLE, *rows), outage(UNAVAILABLE, *rows[:5]), facts(queue=flapping)):
        sentence = said(known)
        assert "token_auth" in sentence
        assert TOKEN not in sentence
        assert safe_text(sentence) == sentence
        assert len(sentence) < 300


# -- a Matomo that fails now and then --------------------------------------------------------------------------------


def flapping(*, closed: bool, kind: GateKind = GateKind.BREAKER, **changes: Any) -> Facts:
    """One that takes most, and answered 503 four seconds ago."""
    reason = UNAVAILABLE + (", asked to wait 4 s" if kind is GateKind.COOLDOWN else "")
    shut = Gate(kind, NOW - 4, NOW + 1, reason, 1) if closed else None
    known = {"delivered_rate": 9.0, "last_error": UNAVAILABLE, "last_error_at": NOW - 4, "last_status": 503}
    return facts(queue=queue(**{**known, "gate": shut, **changes}))


@pytest.mark.parametrize("kind", [GateKind.BREAKER, GateKind.COOLDOWN])
@pytest.mark.parametrize(
    ("changes", "rest"),
    [
        ({}, "Nothing lost."),
        ({"dead": 2}, "2 dead, 0 dropped."),
        ({"pending": 99, "oldest_accepted": NOW - 10}, "Nothing lost."),
        ({"pending": 12, "oldest_accepted": NOW - 70, "clears_in": 240.0}, "12 requests wait, the oldest for 1 min, "
         "clears in 4 min."),
    ],
)  # fmt: skip
def test_one_that_fails_at_times_has_one_sentence_whether_its_gate_is_open_or_closed(
    kind: GateKind, changes: dict[str, Any], rest: str
) -> None:
    expected = (f"Matomo fails at times ({UNAVAILABLE}), the last at 19:23 UTC. {rest}", Verdict.WARN)
    assert cause_line(flapping(closed=True, kind=kind, **changes)) == expected
    assert cause_line(flapping(closed=False, **changes)) == expected


def test_several_errors_in_turn_have_one_sentence_too() -> None:
    failed, sentences = LatelyFailed(), []
    for second in range(12):
        error = (UNAVAILABLE, BAD_GATEWAY)[second % 2]
        moment = NOW - 12 + second
        view = queue(delivered_rate=9.0, last_error=error, last_error_at=moment, last_status=int(error[:3]))
        known = replace(facts(queue=view), lately=failed.note(view, moment))
        sentences.append(said(known))
    assert set(sentences[1:]) == {"Matomo fails at times (502, 503), the last at 19:23 UTC. Nothing lost."}
    view = queue(last_error=UNAVAILABLE, last_error_at=NOW, last_status=503)
    assert failed.note(view, NOW + 59.5) == (UNAVAILABLE,), "the other one is over a minute ago"
    for number in range(9):
        last = replace(view, last_error=f"{number}", last_error_at=NOW + 58 + number)
        assert len(failed.note(last, NOW + 70)) <= 3


def test_an_outage_is_no_flapping() -> None:
    assert "Breaker open" in said(flapping(closed=True, delivered_rate=0.0)), "nothing gets through"
    long = Gate(GateKind.BREAKER, NOW - 12, NOW + 4, UNAVAILABLE, 4)
    assert "Breaker open" in said(flapping(closed=True, gate=long)), "it was probed more than once"
    asked = Gate(GateKind.COOLDOWN, NOW - 1, NOW + 60, UNAVAILABLE, 1)
    assert "Cooldown until" in said(flapping(closed=True, gate=asked)), "it will last"
    assert "refuses the token" in said(flapping(closed=True, gate=gate(GateKind.TOKEN, 1, until=1)))


@pytest.mark.parametrize(
    ("changes", "calm"),
    [
        ({"last_error_at": NOW - 59}, False),
        ({"last_error_at": NOW - 61}, True),
        ({"last_status": 429, "last_error": "429 Too Many Requests"}, False),
        ({"last_status": None, "last_error": "no answer in time"}, False),
        ({"last_status": 413, "last_error": "413 Content Too Large"}, True),
        ({"last_status": 200, "last_error": "Matomo counted it invalid"}, True),
        ({"last_status": None, "last_error": "held: over 24 h old"}, True),
        ({"last_status": None, "last_error": ""}, True),
    ],
)
def test_only_a_failure_of_matomo_itself_is_told_and_no_longer_than_a_minute(
    changes: dict[str, Any], calm: bool
) -> None:
    assert (said(flapping(closed=False, **changes)) == "Nothing is wrong.") is calm
