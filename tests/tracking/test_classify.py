"""What each answer of Matomo leads to: every row of the tables, and every recorded bulk against what it stored."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opalmind_tui.matomo.answer import BulkAnswer, Failure
from opalmind_tui.snapshot.model import GateKind
from opalmind_tui.tracking.answer_rules import Size
from opalmind_tui.tracking.backoff import ATTEMPTS, Backoff
from opalmind_tui.tracking.classify import classify
from opalmind_tui.tracking.queue import Fate
from opalmind_tui.tracking.verdict import Decision, Sent, SentHit, TokenNews

BACKOFF = Backoff(lambda low, high: (low + high) / 2)
RECORDED = [
    json.loads(line)
    for line in (Path(__file__).parent.parent / "data/matomo/bulk-answers.jsonl").read_text().splitlines()
]
TERMINAL = (Fate.DELIVERED, Fate.REJECTED, Fate.DROPPED)


def sent(number: int, *, attempts: int = 0, suspect: bool = False, **more: Any) -> Sent:
    return Sent(tuple(SentHit(f"id{place}", attempts, suspect) for place in range(number)), **more)


def answer(status: int | None = 200, body: str = "", **more: Any) -> BulkAnswer:
    return BulkAnswer(status=status, body=body, at=1_795_375_203.0, **more)


def tally(tracked: int, invalid: int, indices: list[int] | None = None) -> str:
    extra = {} if indices is None else {"invalid_indices": indices}
    return json.dumps({"status": "success", "tracked": tracked, "invalid": invalid, **extra})


def judge(found: BulkAnswer, posted: Sent) -> Decision:
    decision = classify(found, posted, BACKOFF)
    assert [settlement.id for settlement in decision.settlements] == [hit.id for hit in posted.hits]
    return decision


def fates(decision: Decision) -> Counter[Fate]:
    return Counter(settlement.fate for settlement in decision.settlements)


def exchanges() -> list[Any]:
    return [
        pytest.param(recorded, found, id=f"{recorded['case'][:60]} {found['status']}-{place}")
        for recorded in RECORDED
        for place, found in enumerate(recorded["answers"])
    ]


def stored_by(recorded: dict[str, Any], found: dict[str, Any]) -> int:
    """Hits that this answer's bulk stored; of parallel ones the rolled back ones stored none."""
    if len(recorded["answers"]) == 1:
        return (recorded["stored"] or 0) // found["times"]
    share = [each for each in recorded["answers"] if each["status"] == 200]
    return recorded["stored"] // sum(each["times"] for each in share) if found["status"] == 200 else 0


@pytest.mark.parametrize(("recorded", "found"), exchanges())
def test_no_recorded_answer_sends_stored_hits_again_or_drops_unstored_ones(
    recorded: dict[str, Any], found: dict[str, Any]
) -> None:
    number, stored = recorded["sent"], stored_by(recorded, found)
    failure = Failure.NONE if found["status"] else Failure.LOST_AFTER_SENT
    posted = sent(number, with_token=recorded["token"], needs_token=recorded["needs_token"])
    decision = judge(answer(found["status"], found["body"], failure=failure), posted)
    fate = fates(decision)
    unknown = sum(settlement.unknown for settlement in decision.settlements)
    if stored and fate[Fate.RETRY]:
        # Nobody could tell from what came back (204 is what a bulk with send_image=0 gets, which we never send), or a
        # lock lost all: no visit of them was stored, but each one's action.
        assert unknown == fate[Fate.RETRY] == number
        assert found["status"] in (204, None) or recorded["case"].endswith("all hit the locked visit")
    elif recorded["case"].startswith("lock:"):
        assert fate[Fate.DROPPED] == stored - fate[Fate.DELIVERED] > 0
    elif fate[Fate.DROPPED]:
        # A string without a query: Matomo leaves it out of the list. We send objects only.
        assert "an empty string" in recorded["case"] or "without a query" in recorded["case"]
        assert fate[Fate.DELIVERED] == stored
    elif fate[Fate.DELIVERED] != stored:
        # Counted as tracked and skipped on purpose: a bot, an empty object, null.
        assert fate[Fate.DELIVERED] == stored + 1
        assert any(word in recorded["case"] for word in ("bot", "empty object", "null"))
    else:
        assert fate[Fate.DELIVERED] + fate[Fate.REJECTED] + fate[Fate.RETRY] == number
    assert not any(settlement.costs_attempt for settlement in decision.settlements if settlement.fate is Fate.RETRY)
    if recorded["needs_token"]:
        assert fate[Fate.REJECTED] == 0


@given(
    st.integers(1, 60),
    st.integers(0, 70),
    st.integers(0, 70),
    st.none() | st.lists(st.integers(0, 70), max_size=70),
    st.booleans(),
    st.booleans(),
)
def test_any_count_settles_each_hit_once(
    number: int, tracked: int, invalid: int, indices: list[int] | None, needs: bool, suspect: bool
) -> None:
    decision = judge(answer(body=tally(tracked, invalid, indices)), sent(number, needs_token=needs, suspect=suspect))
    fate = fates(decision)
    assert sum(fate.values()) == number
    if tracked + invalid > number:
        # Not an answer to this bulk: neither believed, nor is anybody blamed for it.
        assert fate == {Fate.RETRY: number}
        assert all(each.unknown and not each.costs_attempt for each in decision.settlements)
    elif fate[Fate.RETRY]:
        assert tracked == 0
    elif tracked + invalid == number:
        assert (fate[Fate.DELIVERED], fate[Fate.REJECTED]) == (tracked, invalid)


@given(
    st.integers(0, 599) | st.none(), st.text(max_size=80) | st.just("{}"), st.integers(1, 5), st.sampled_from(Failure)
)
def test_no_answer_of_whatever_shape_costs_a_hit_its_attempt_the_first_time(
    status: int | None, body: str, number: int, failure: Failure
) -> None:
    if status is None and failure is Failure.NONE:
        return
    decision = judge(answer(status, body, failure=failure), sent(number))
    for settlement in decision.settlements:
        assert settlement.fate is Fate.RETRY or number == 1
        assert not settlement.costs_attempt or settlement.fate is Fate.DEAD


# -- counts ------------------------------------------------------------------------------------------------------


def test_named_invalid_hits_are_rejected_and_the_rest_delivered() -> None:
    decision = judge(answer(body=tally(3, 2, [0, 4])), sent(5))
    assert [settlement.fate for settlement in decision.settlements] == [
        Fate.REJECTED, Fate.DELIVERED, Fate.DELIVERED, Fate.DELIVERED, Fate.REJECTED,
    ]  # fmt: skip
    assert (decision.size, decision.unnamed, decision.names_invalid, decision.gate) == (Size.GROW, 0, True, None)


def test_unnamed_invalid_hits_are_counted_never_sent_again_and_the_next_go_alone() -> None:
    decision = judge(answer(body=tally(3, 2)), sent(5))
    assert fates(decision) == {Fate.DELIVERED: 3, Fate.REJECTED: 2}
    assert (decision.size, decision.unnamed) == (Size.ONE, 2)
    assert "did not say which" in decision.settlements[-1].error


def test_an_invalid_hit_that_was_alone_is_rejected_with_its_reason() -> None:
    decision = judge(answer(body=tally(0, 1)), sent(1))
    (settlement,) = decision.settlements
    assert (settlement.fate, settlement.status) == (Fate.REJECTED, 200)
    assert "unknown site" in settlement.error
    assert (decision.gate, decision.token) == (None, TokenNews.NONE)


def test_hits_lost_to_a_lock_are_counted_as_dropped_and_the_bulks_halve() -> None:
    decision = judge(answer(body=tally(150, 0, [])), sent(200))
    assert fates(decision) == {Fate.DELIVERED: 150, Fate.DROPPED: 50}
    assert decision.size is Size.HALVE
    assert "lock" in decision.reason


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize("needs", [True, False])
@pytest.mark.parametrize("suspect", [True, False])
def test_more_hits_counted_than_were_sent_is_not_an_answer_to_this_bulk(
    number: int, needs: bool, suspect: bool
) -> None:
    for counted in ((number + 1, 0), (0, number + 1), (number, 1)):
        decision = judge(answer(body=tally(*counted)), sent(number, needs_token=needs, suspect=suspect, attempts=14))
        assert {(each.fate, each.unknown, each.costs_attempt) for each in decision.settlements} == {
            (Fate.RETRY, True, False)
        }
        assert decision.gate is not None
        assert (decision.gate.kind, decision.took, decision.token) == (GateKind.BREAKER, False, TokenNews.NONE)


def test_hits_that_a_lock_lost_all_together_are_known_and_tried_again_in_halves() -> None:
    decision = judge(answer(body=tally(0, 0, [])), sent(4))
    assert {(each.fate, each.unknown, each.costs_attempt) for each in decision.settlements} == {
        (Fate.RETRY, True, False)
    }
    assert all(each.delay > 0 for each in decision.settlements)
    assert (decision.size, decision.gate, decision.took) == (Size.HALVE, None, True)


def test_of_hits_of_which_none_is_stored_the_named_are_rejected_and_the_others_sent_again() -> None:
    decision = judge(answer(body=tally(0, 1, [2])), sent(4))
    assert [each.fate for each in decision.settlements] == [Fate.RETRY, Fate.RETRY, Fate.REJECTED, Fate.RETRY]
    # Unnamed, all go again: nothing of them is stored, and alone the invalid one is known.
    decision = judge(answer(body=tally(0, 1)), sent(4))
    assert fates(decision) == {Fate.RETRY: 4}
    assert decision.unnamed == 0
    # Where the token may be why, none is rejected for it.
    decision = judge(answer(body=tally(0, 1, [2])), sent(4, needs_token=True, with_token=True, proved=True))
    assert fates(decision) == {Fate.RETRY: 4}
    assert [each.unknown for each in decision.settlements] == [True, True, False, True]
    assert decision.token is TokenNews.DOUBTFUL


def test_a_hit_lost_to_a_lock_alone_is_known_and_tried_again() -> None:
    decision = judge(answer(body=tally(0, 0, [])), sent(1))
    (settlement,) = decision.settlements
    # Its action may be stored: recorded for a single hit and for bulks.
    assert (settlement.fate, settlement.costs_attempt, settlement.unknown) == (Fate.RETRY, True, True)
    assert (decision.gate, decision.took, decision.unsaid) == (None, True, False)


def test_a_hit_alone_that_is_not_counted_where_others_get_through_was_lost_to_a_lock() -> None:
    decision = judge(answer(body=tally(0, 0)), sent(1, taking=True))
    (settlement,) = decision.settlements
    assert (settlement.fate, settlement.costs_attempt, settlement.unknown) == (Fate.RETRY, False, True)
    assert settlement.delay > 0
    assert (decision.gate, decision.took, decision.unsaid) == (None, False, True)


def test_a_hit_alone_that_is_never_counted_while_others_get_through_pays_and_dies() -> None:
    (settlement,) = judge(answer(body=tally(0, 0)), sent(1, suspect=True, attempts=3)).settlements
    assert (settlement.fate, settlement.costs_attempt, settlement.unknown) == (Fate.RETRY, True, True)
    decision = judge(answer(body=tally(0, 0)), sent(1, suspect=True, attempts=ATTEMPTS - 1))
    assert (decision.settlements[0].fate, decision.gate) == (Fate.DEAD, None)


def test_a_hit_alone_that_is_not_counted_lets_another_one_probe() -> None:
    decision = judge(answer(body=tally(0, 0)), sent(1))
    assert decision.gate is not None
    assert decision.settlements[0].delay > decision.gate.seconds
    assert decision.unsaid


@pytest.mark.parametrize("number", [1, 3])
def test_success_with_nothing_counted_means_that_recording_is_off(number: int) -> None:
    decision = judge(answer(body=tally(0, 0)), sent(number))
    assert decision.gate is not None
    assert decision.gate.kind is GateKind.RECORDING_OFF
    assert {(each.fate, each.costs_attempt, each.unknown) for each in decision.settlements} == {
        (Fate.RETRY, False, False)
    }


def test_php_warnings_before_the_count_do_not_hide_it() -> None:
    body = "<br />\n<b>Deprecated</b>: something in <b>x.php</b> on line <b>3</b><br />\n" + tally(2, 0)
    assert fates(judge(answer(body=body), sent(2))) == {Fate.DELIVERED: 2}


def test_an_order_that_may_be_stored_and_is_invalid_now_is_stored() -> None:
    known = SentHit("a", repeated_order=True)
    other = SentHit("b")
    for found, hits, fates_of in [
        (tally(0, 1), (known,), [Fate.DELIVERED]),
        (tally(1, 1, [0]), (known, other), [Fate.DELIVERED, Fate.DELIVERED]),
        (tally(1, 1, [1]), (known, other), [Fate.DELIVERED, Fate.REJECTED]),
        # Unnamed: more likely the order than the hit behind it.
        (tally(1, 1), (known, other), [Fate.DELIVERED, Fate.DELIVERED]),
        (tally(0, 2), (known, other), [Fate.DELIVERED, Fate.REJECTED]),
    ]:
        assert [each.fate for each in judge(answer(body=found), Sent(hits)).settlements] == fates_of
    # With the token in doubt, nobody knows that it was stored.
    doubtful = judge(answer(body=tally(0, 1)), Sent((known,), with_token=True, needs_token=True, proved=True))
    assert fates(doubtful) == {Fate.RETRY: 1}


# -- whole bulks that were not taken -----------------------------------------------------------------------------

ERROR = '{"status":"error","tracked":3,"invalid":0}'
NOT_TAKEN = [
    # status, body, failure, gate, size, unknown
    (200, "Error:SQLSTATE[HY000]: gone away", Failure.NONE, GateKind.BREAKER, Size.KEEP, False),
    (200, ERROR, Failure.NONE, GateKind.BREAKER, Size.HALVE, False),
    (200, "As Matomo is not installed yet, ...", Failure.NONE, GateKind.RECORDING_OFF, Size.KEEP, False),
    (200, "<html>It works</html>", Failure.NONE, GateKind.BREAKER, Size.KEEP, False),
    (200, "", Failure.NONE, GateKind.BREAKER, Size.KEEP, True),
    (204, "", Failure.NONE, GateKind.BREAKER, Size.KEEP, True),
    (200, '{"hello":1}', Failure.NONE, GateKind.BREAKER, Size.KEEP, True),
    (302, "", Failure.NONE, GateKind.BREAKER, Size.KEEP, False),
    (400, "<html>", Failure.NONE, GateKind.BREAKER, Size.ONE, False),
    (400, ERROR, Failure.NONE, None, Size.HALVE, False),
    (401, "", Failure.NONE, GateKind.BREAKER, Size.HALVE, False),
    (403, "", Failure.NONE, GateKind.BREAKER, Size.HALVE, False),
    (404, "", Failure.NONE, GateKind.BREAKER, Size.HALVE, False),
    (408, "", Failure.NONE, GateKind.BREAKER, Size.KEEP, False),
    (413, "", Failure.NONE, None, Size.HALVE, False),
    (425, "", Failure.NONE, GateKind.BREAKER, Size.KEEP, False),
    (429, "", Failure.NONE, GateKind.COOLDOWN, Size.KEEP, False),
    (500, ERROR, Failure.NONE, GateKind.BREAKER, Size.HALVE, False),
    (500, "", Failure.NONE, GateKind.BREAKER, Size.HALVE, False),
    (502, "<html>", Failure.NONE, GateKind.BREAKER, Size.KEEP, False),
    (503, "<html>", Failure.NONE, GateKind.BREAKER, Size.KEEP, False),
    (504, "<html>", Failure.NONE, GateKind.BREAKER, Size.HALVE, True),
    (599, "", Failure.NONE, GateKind.BREAKER, Size.KEEP, False),
    (None, "", Failure.REFUSED, GateKind.BREAKER, Size.KEEP, False),
    (None, "", Failure.CONNECT_TIMEOUT, GateKind.BREAKER, Size.KEEP, False),
    (None, "", Failure.DNS, GateKind.BREAKER, Size.KEEP, False),
    (None, "", Failure.TLS, GateKind.BREAKER, Size.KEEP, False),
    (None, "", Failure.UNREACHABLE, GateKind.BREAKER, Size.KEEP, False),
    (None, "", Failure.LOST_BEFORE_SENT, GateKind.BREAKER, Size.HALVE, False),
    (None, "", Failure.LOST_AFTER_SENT, GateKind.BREAKER, Size.KEEP, True),
    (None, "", Failure.READ_TIMEOUT, GateKind.BREAKER, Size.HALVE, True),
    (None, "", Failure.GARBLED, GateKind.BREAKER, Size.KEEP, True),
    (200, '{"status":"succ', Failure.LOST_AFTER_SENT, GateKind.BREAKER, Size.KEEP, True),
    (500, "", Failure.LOST_AFTER_SENT, GateKind.BREAKER, Size.HALVE, False),
    (None, "", Failure.UNENCODABLE, None, Size.HALVE, False),
]


@pytest.mark.parametrize(("status", "body", "failure", "gate", "size", "unknown"), NOT_TAKEN)
def test_a_bulk_that_was_not_taken_is_kept_whole_at_no_cost(
    status: int | None, body: str, failure: Failure, gate: GateKind | None, size: Size, unknown: bool
) -> None:
    decision = judge(answer(status, body, failure=failure), sent(3))
    assert {(each.fate, each.costs_attempt, each.unknown, each.delay) for each in decision.settlements} == {
        (Fate.RETRY, False, unknown, 0.0)
    }
    assert (decision.gate.kind if decision.gate else None, decision.size, decision.took) == (gate, size, False)
    assert decision.reason
    assert all(each.error for each in decision.settlements)


@pytest.mark.parametrize(
    ("headers", "kind", "seconds"),
    [
        ({}, GateKind.COOLDOWN, 1.05),
        ({"retry-after": "30"}, GateKind.COOLDOWN, 31.5),
        ({"retry-after": "0"}, GateKind.COOLDOWN, 1.05),
        ({"retry-after": "99999"}, GateKind.COOLDOWN, 3600.0),
        ({"retry-after": "soon", "x-matomo-rate-limit-reset": "20"}, GateKind.COOLDOWN, 21.0),
    ],
)
def test_a_429_closes_for_as_long_as_asked(headers: dict[str, str], kind: GateKind, seconds: float) -> None:
    gate = judge(answer(429, headers=headers), sent(3)).gate
    assert gate is not None
    assert (gate.kind, gate.seconds) == (kind, pytest.approx(seconds))


def test_a_wish_to_wait_is_heard_with_every_failure() -> None:
    gate = judge(answer(503, headers={"retry-after": "12"}), sent(3)).gate
    assert gate is not None
    assert (gate.kind, gate.failures) == (GateKind.COOLDOWN, 1)
    assert gate.seconds >= 12
    assert "12 s" in gate.reason


def test_the_breaker_waits_longer_with_each_failure_in_a_row() -> None:
    gates = [judge(answer(503), sent(1, failures=failures)).gate for failures in (0, 1, 2, 20)]
    assert [round(gate.seconds) for gate in gates if gate] == [1, 2, 4, 63]
    assert [gate.failures for gate in gates if gate] == [1, 2, 3, 21]


# -- hits that were alone ----------------------------------------------------------------------------------------


def test_an_outage_of_any_length_costs_no_attempt() -> None:
    for failures in range(500):
        for found in (answer(500, ERROR), answer(503), answer(None, failure=Failure.READ_TIMEOUT)):
            (settlement,) = judge(found, sent(1, failures=failures)).settlements
            assert (settlement.fate, settlement.costs_attempt) == (Fate.RETRY, False)


def test_a_probe_that_failed_lets_another_hit_have_the_next_turn() -> None:
    decision = judge(answer(500, ERROR), sent(1))
    assert decision.gate is not None
    assert decision.settlements[0].delay > decision.gate.seconds


@pytest.mark.parametrize("status", [500, 502, 599])
def test_a_hit_that_fails_alone_while_others_get_through_pays_and_closes_nothing(status: int) -> None:
    decision = judge(answer(status), sent(1, suspect=True, attempts=3))
    (settlement,) = decision.settlements
    assert (settlement.fate, settlement.costs_attempt) == (Fate.RETRY, True)
    assert settlement.delay == BACKOFF.request(4)
    assert decision.gate is None


def test_its_last_attempt_makes_it_dead() -> None:
    (settlement,) = judge(answer(500), sent(1, suspect=True, attempts=ATTEMPTS - 1)).settlements
    assert settlement.fate is Fate.DEAD
    assert "15 attempts" in settlement.error


@pytest.mark.parametrize("status", [401, 403, 404, 410, 422])
def test_a_hit_that_alone_is_refused_while_others_get_through_is_dead(status: int) -> None:
    assert judge(answer(status), sent(1)).settlements[0].fate is Fate.RETRY
    assert judge(answer(status), sent(1, suspect=True)).settlements[0].fate is Fate.DEAD


@pytest.mark.parametrize(
    ("found", "fate"),
    [
        (answer(413), Fate.DEAD),
        (answer(None, failure=Failure.UNENCODABLE), Fate.DEAD),
        (answer(400, ERROR), Fate.REJECTED),
    ],
)
def test_what_can_never_be_sent_does_not_go_round_for_ever(found: BulkAnswer, fate: Fate) -> None:
    assert judge(found, sent(1)).settlements[0].fate is fate


@pytest.mark.parametrize("status", [408, 425, 429, 503])
def test_what_only_the_endpoint_can_cause_never_costs(status: int) -> None:
    (settlement,) = judge(answer(status), sent(1, suspect=True, attempts=14)).settlements
    assert (settlement.fate, settlement.costs_attempt) == (Fate.RETRY, False)


# -- the token ---------------------------------------------------------------------------------------------------


def test_the_first_invalid_hit_that_needs_the_token_refuses_the_token_and_not_the_hit() -> None:
    decision = judge(answer(body=tally(0, 1)), sent(1, needs_token=True, with_token=True))
    (settlement,) = decision.settlements
    assert (settlement.fate, settlement.costs_attempt) == (Fate.RETRY, False)
    assert settlement.error.startswith("held:")
    assert (decision.token, decision.gate, decision.took) == (TokenNews.REFUSED, None, False)


def test_a_token_that_was_good_is_doubted_before_it_is_refused() -> None:
    for number in (1, 4):
        decision = judge(answer(body=tally(0, number)), sent(number, needs_token=True, with_token=True, proved=True))
        assert decision.token is TokenNews.DOUBTFUL
        assert fates(decision) == {Fate.RETRY: number}


def test_a_hit_that_is_invalid_with_a_token_that_others_pass_with_is_rejected() -> None:
    decision = judge(answer(body=tally(0, 1)), sent(1, needs_token=True, with_token=True, suspect=True))
    assert fates(decision) == {Fate.REJECTED: 1}
    assert decision.token is TokenNews.NONE


def test_a_hit_that_needed_the_token_and_was_taken_proves_it() -> None:
    assert judge(answer(body=tally(1, 0)), sent(1, needs_token=True)).token is TokenNews.PROVED


@pytest.mark.parametrize("number", [1, 3])
def test_a_401_to_the_token_lets_it_rest(number: int) -> None:
    decision = judge(answer(401), sent(number, needs_token=True, with_token=True, proved=True))
    assert fates(decision) == {Fate.RETRY: number}
    assert (decision.token, decision.rolled_back) == (TokenNews.DOUBTFUL, True)


def test_a_failure_inside_matomo_with_the_token_may_be_a_lock_out_and_costs_nothing() -> None:
    decision = judge(answer(500, ERROR), sent(1, needs_token=True, with_token=True))
    (settlement,) = decision.settlements
    assert (settlement.fate, settlement.costs_attempt, settlement.delay) == (Fate.RETRY, False, 0.0)
    assert (decision.token, decision.rolled_back) == (TokenNews.DOUBTFUL, True)
