"""Every snapshot survives JSON, whole and as the change from another; what is none is refused."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from typing import Any

import pytest
from msgspec.structs import replace

from opalmind_tui.recording.codec import Codec
from opalmind_tui.recording.coders import Misfit
from opalmind_tui.snapshot.filters import parse_filter
from opalmind_tui.snapshot.history import History, Mark, Minute
from opalmind_tui.snapshot.listing import GroupView, ListView
from opalmind_tui.snapshot.model import Gate, GateKind, Reading, Snapshot
from opalmind_tui.snapshot.services import Reach, ServicesView, ServiceView
from tests.tui.fixtures import NOW, STATES, healthy
from tests.tui.hostile import poisoned
from tests.tui.listings import groups, listing
from tests.tui.redis_fixtures import REPORT
from tests.tui.service_fixtures import AWAY, CALM, HOSTILE, WAITING

CODER = Codec().of(Snapshot)


def full() -> Snapshot:
    """A snapshot with something in each part."""
    snapshot = healthy()
    assert snapshot.queue.value is not None
    view = ListView(filter=parse_filter('status:503 -"two words"'))
    gate = Gate(GateKind.TOKEN, NOW, math.inf, "refused")
    minutes = tuple(Minute(NOW + 60 * number, waiting=number, answers=True) for number in range(20))
    return replace(
        snapshot,
        queue=replace(snapshot.queue, value=replace(snapshot.queue.value, gate=gate, clears_in=math.inf)),
        listing=Reading(listing(snapshot.requests.value or (), view), NOW),
        groups=Reading(groups(GroupView()), NOW),
        services=Reading(ServicesView((CALM, WAITING, AWAY, HOSTILE), 60.0, NOW), NOW),
        redis=Reading(REPORT, NOW),
        past=Reading(History(minutes, (Mark(NOW, "anna", "retry", "Retry 3"),)), NOW),
    )


SNAPSHOTS = [
    *(make() for make in STATES.values()),
    full(),
    *(poisoned(full(), start) for start in (0, 9, 18)),
    Snapshot(),
]


def through_json(plain: Any) -> Any:
    return json.loads(json.dumps(plain, allow_nan=False))


@pytest.mark.parametrize("whole", [False, True])
def test_every_snapshot_comes_back(whole: bool) -> None:
    for snapshot in SNAPSHOTS:
        assert CODER.value(through_json(CODER.plain(snapshot, whole=whole))) == snapshot


def test_every_change_comes_back() -> None:
    for old, new in [*pairwise(SNAPSHOTS), *pairwise(reversed(SNAPSHOTS))]:
        assert CODER.changed(old, through_json(CODER.change(old, new))) == new


def test_what_did_not_change_is_not_written_and_is_shared() -> None:
    old = full()
    moved = tuple(replace(one, points=(*one.points[1:], 7.0)) for one in old.history)
    new = replace(old, taken_at=old.taken_at + 2, history=moved)
    change = through_json(CODER.change(old, new))
    assert set(change["~"]) == {"takenAt", "history"}
    assert len(json.dumps(change)) < 700
    read = CODER.changed(old, change)
    assert read == new
    assert read.past is old.past
    assert CODER.changed(old, {"~": {}}) is old


def test_rows_that_come_go_and_change() -> None:
    coder = Codec().of(tuple[ServiceView, ...])
    one, two, three = (ServiceView(f"http://{name}") for name in "abc")
    other = replace(two, reach=Reach.AWAY)
    for old, new in (
        ((), (one,)), ((one,), ()), ((one, two), (two, three)), ((one, two, three), (one, other, three)),
        ((one,), (one, two)), ((one, two), (three, one)), ((one, two), (one,)), ((), ()),
    ):  # fmt: skip
        assert coder.changed(old, through_json(coder.change(old, new))) == new


def test_numbers_that_json_has_not() -> None:
    coder = Codec().of(Reading[float])
    for number in (math.inf, -math.inf, 1e308, 5e-324, 0.1):
        assert coder.value(through_json(coder.plain(Reading(min(number, 2.0**64), 1.0)))).value == min(number, 2.0**64)
    assert math.isnan(coder.value(through_json(coder.plain(Reading(math.nan)))).value)
    whole = Codec().of(Reading[int])
    assert whole.value(whole.plain(Reading(10**40))).value == 2**64


def test_fields_of_a_newer_version_are_passed_over() -> None:
    plain = CODER.plain(full())
    plain["colour"] = {"new": [1]}
    plain["queue"]["value"]["mood"] = "good"
    assert CODER.value(plain) == full()
    assert CODER.changed(full(), {"~": {"weather": 3}}) == full()


@pytest.mark.parametrize(
    "plain",
    [
        None, [], "x", 7,
        {"takenAt": "soon"}, {"takenAt": True}, {"takenAt": 1e30}, {"takenAt": [0]},
        {"cause": 1}, {"cause": None}, {"causeVerdict": "splendid"}, {"causeVerdict": []},
        {"queue": None}, {"queue": {"value": {"pending": 1.5}}}, {"queue": {"value": {"pending": 2**65}}},
        {"queue": {"value": {"pending": True}}}, {"queue": {"value": {"gate": {"kind": "token"}}}},
        {"history": {}}, {"history": [{}]}, {"history": [{"name": "x", "points": ["y"]}]},
        {"services": {"value": {"services": [{"url": "u", "figures": {"status": "s", "failing": [["a", "b"]]}}]}}},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_snapshot_is_refused(plain: Any) -> None:
    with pytest.raises(Misfit):
        CODER.value(plain)


@pytest.mark.parametrize(
    "change",
    [
        {"~": []}, {"~": {"history": {"-": 99, "+": []}}}, {"~": {"history": {"-": -1, "+": []}}},
        {"~": {"history": {"-": 0}}}, {"~": {"history": {"@": {"99": {}}}}}, {"~": {"history": {"@": {"²": {}}}}},
        {"~": {"history": {"@": []}}}, {"~": {"history": {"-": "1", "+": []}}},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_change_is_refused(change: Any) -> None:
    with pytest.raises(Misfit):
        CODER.changed(full(), change)


def test_texts_are_cleaned_everywhere() -> None:
    coder = Codec(lambda text: text.replace("SECRET", "•••")).of(Snapshot)
    assert "SECRET" not in json.dumps(coder.plain(poisoned_with(full(), "a SECRET b")), ensure_ascii=False)
    change = coder.change(full(), poisoned_with(full(), "a SECRET b"))
    assert "SECRET" not in json.dumps(change, ensure_ascii=False)
    assert "a ••• b" in json.dumps(change, ensure_ascii=False)


def poisoned_with(snapshot: Snapshot, text: str) -> Snapshot:
    """The same text in place of every one."""
    from tests.tui.hostile import Poison

    class One(Poison):
        def text(self) -> str:
            return text

    found: Snapshot = One()(snapshot)
    return found


def test_a_type_without_a_plain_form_is_named() -> None:
    with pytest.raises(TypeError, match="complex"):
        Codec().of(complex)
    assert isinstance(Codec().of(ServicesView).value({}), ServicesView)


def test_every_type_that_a_snapshot_can_hold_has_a_plain_form() -> None:
    codec = Codec()
    codec.of(Snapshot)
    seen: set[int] = set()
    while fresh := [coder for coder in codec._known.values() if id(coder) not in seen]:
        for coder in fresh:
            seen.add(id(coder))
            assert getattr(coder, "_fields", ()) is not None
    assert len(seen) > 60
