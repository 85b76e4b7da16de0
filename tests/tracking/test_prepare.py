"""What is added to a hit when it is sent, and which hits need the token."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from opalmind_tui.tracking.answer_rules import Size
from opalmind_tui.tracking.bulk_reply import Says, read_reply
from opalmind_tui.tracking.bulk_size import BulkSize
from opalmind_tui.tracking.prepare import RECORD_BODY, Delivery, Hit, moment_of, prepare, settlements_of
from opalmind_tui.tracking.queue import Claimed, Fate
from opalmind_tui.tracking.request import TrackingRequest

NOW = 1_795_375_203.0
DAY = 86_400.0


def ready(params: Mapping[str, str], kind: str = "raw", accepted: float = NOW) -> Hit:
    body = TrackingRequest(kind, {"idsite": "1", **params}, key="k").encode()
    hit = prepare(Claimed("id", body, accepted, attempts=2), NOW)
    assert hit is not None
    return hit


def test_nothing_of_a_request_is_dropped_but_what_only_the_sender_may_say() -> None:
    given_params = {"url": "u", "cdt": "1795375000", "x": "", "send_image": "0", "token_auth": "secret"}
    assert dict(ready(given_params).params) == {
        "idsite": "1", "url": "u", "cdt": "1795375000", "x": "", "rec": "1", "apiv": "1",
    }  # fmt: skip


def test_an_event_that_cannot_be_read_becomes_no_page_view() -> None:
    assert ready({"e_c": "c", "e_a": "a"}).params["ca"] == "1"
    assert ready({"e_c": "c", "ca": "0"}).params["ca"] == "0"
    assert "ca" not in ready({"url": "u"}).params


def test_the_time_of_acceptance_stands_for_a_time_that_is_not_given() -> None:
    assert ready({}, accepted=NOW - 5000.0).params["cdt"] == "2026-11-22 17:56:43"


@pytest.mark.parametrize(
    ("age", "spell", "needs"),
    [
        (DAY - 1000, str, False),
        (DAY - 800, str, True),
        (2 * DAY, lambda at: datetime.fromtimestamp(at, UTC).isoformat(), True),
        (2 * DAY, lambda at: datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S"), True),
        (2 * DAY, lambda at: datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"), True),
        (2 * DAY, lambda at: "not a time", False),
        (-DAY, str, False),
    ],
)
def test_hits_near_or_over_a_day_old_need_the_token(age: float, spell, needs: bool) -> None:
    assert bool(ready({"cdt": spell(NOW - age)}).token_reason) is needs


def test_a_hit_that_waited_for_a_day_needs_the_token() -> None:
    assert ready({}, accepted=NOW - 2 * DAY).token_reason == "over 24 h old"


def test_what_is_no_request_is_none() -> None:
    assert prepare(Claimed("id", b"\xff", NOW), NOW) is None


@given(st.text(max_size=40))
def test_any_text_is_a_moment_or_none(text: str) -> None:
    moment_of(text)


@given(st.text(max_size=200))
def test_any_body_is_read(body: str) -> None:
    assert read_reply(body).says in Says


def test_a_record_is_bounded_and_only_of_what_was_delivered() -> None:
    delivery = Delivery(Fate.DELIVERED, 200, "x" * 100_000, NOW)
    record = settlements_of([ready({})], delivery)[0].record
    assert record is not None
    assert orjson.loads(record) == {
        "key": "k",
        "value": {"ok": True, "status": 200, "body": "x" * RECORD_BODY},
        "attempts": 3,
        "completedAt": int(NOW * 1000),
    }
    assert settlements_of([ready({})], Delivery(Fate.REJECTED, 200, "", NOW))[0].record is None


def test_each_hit_of_a_bulk_is_settled_by_its_own_key_and_attempts() -> None:
    hits = [
        ready({}),
        replace(ready({}), key=""),
        replace(ready({}), claimed=Claimed("other", b"", NOW), key='k"\u20ac'),
    ]
    settled = settlements_of(hits, Delivery(Fate.DELIVERED, 200, "taken", NOW), by_token=True)
    assert [(each.id, each.fate, each.status, each.token) for each in settled] == [
        ("id", Fate.DELIVERED, 200, True), ("id", Fate.DELIVERED, 200, True), ("other", Fate.DELIVERED, 200, True),
    ]  # fmt: skip
    records = [orjson.loads(each.record) if each.record else None for each in settled]
    assert records[1] is None
    assert [(record["key"], record["attempts"]) for record in records if record] == [("k", 3), ('k"\u20ac', 1)]


# -- bulk size ---------------------------------------------------------------------------------------------------


def hits(number: int, size: int = 10) -> list[Hit]:
    return [Hit(Claimed(f"id{place}", b"x" * size, NOW), "", {}, "1", "") for place in range(number)]


@given(st.lists(st.sampled_from(list(Size)), max_size=30), st.integers(1, 60), st.integers(1, 300))
def test_whatever_was_learned_all_hits_go_in_order_in_bulks_that_fit(
    advice: list[Size], number: int, length: int
) -> None:
    size = BulkSize(50, max_bytes=1000)
    made = hits(number, length)
    for place, each in enumerate(advice):
        size.learn(each, made[: place + 1], done=each is Size.GROW)
    bulks = list(size.split(made))
    assert [hit for bulk in bulks for hit in bulk] == made
    assert all(1 <= len(bulk) <= size.now <= 50 for bulk in bulks)
    assert all(len(bulk) == 1 or len(bulk) * length <= 1000 for bulk in bulks)


def test_the_hits_of_a_failed_bulk_are_halved_until_one_is_alone_while_others_go_on() -> None:
    size = BulkSize(64)
    made = hits(64)
    failing = made
    rounds = 0
    while len(failing) > 1:
        size.learn(Size.HALVE, failing, done=False)
        for _ in range(10):
            size.learn(Size.GROW, hits(64), done=False)
        assert size.now == 64
        bulks = list(size.split(failing))
        assert max(len(bulk) for bulk in bulks) == len(failing) // 2
        failing, rounds = list(bulks[-1]), rounds + 1
    assert rounds == 6
    size.learn(Size.GROW, made, done=True)
    assert [len(bulk) for bulk in size.split(made)] == [64]
