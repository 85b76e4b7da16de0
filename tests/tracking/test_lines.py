"""JSON lines of tracking calls: one outcome a line, bounded memory, no exception whatever the bytes are."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opalmind_tui.tracking.limits import LINE_LIMIT
from opalmind_tui.tracking.lines import Line, read_lines
from opalmind_tui.tracking.request import decode_request

GOOD = b'{"kind":"goal","goalId":1}'


def read(data: bytes, size: int = 7) -> list[Line]:
    chunks = [data[start : start + size] for start in range(0, len(data), size)]
    return [line for batch in read_lines(chunks, default_site_id=1, now=1.8e9) for line in batch]


def test_each_kind() -> None:
    data = b"""\xef\xbb\xbf{"kind":"pageview","url":"https://example.org/"}\r
{"kind":"event","category":"c","action":"a","value":1.5}

{"kind":"goal","goalId":3,"idempotencyKey":"g"}
{"kind":"raw","params":{"url":"u","dimension1":"x"},"idempotencyKey":"r"}"""
    lines = read(data)
    assert [line.number for line in lines] == [1, 2, 4, 5]
    assert [line.request.kind for line in lines if line.request] == ["pageview", "event", "goal", "raw"]
    assert [line.request.key for line in lines[2:] if line.request] == ["g", "r"]
    assert lines[-1].end == len(data)


@pytest.mark.parametrize(
    ("line", "field"),
    [
        (b"nonsense", "line"),
        (b"[]", "line"),
        (b'"text"', "line"),
        (b'{"kind":"goal","goalId":1} {}', "line"),
        (b'{"kind":"goal","goalId":1}\xff', "line"),
        (b'{"kind":"goal","goalId":NaN}', "line"),
        (b'{"kind":"goal","goalId":1,"revenue":-Infinity}', "line"),
        (b'{"kind":"goal","goalId":1,"revenue":1e999}', "revenue"),
        (b'{"kind":"goal","goalId":1,"goalId":2}', "goalId"),
        (b'{"kind":"raw","params":{"url":"a","url":"b"}}', "url"),
        (b'{"kind":"goal","goalId":' + b"9" * 5000 + b"}", "line"),
        (b"[" * 100_000, "line"),
        (b'{"kind":"goal","customVars":' + b"[" * 100_000 + b"}", "line"),
        (b'{"kind":"pageview","url":"\\ud83d"}', "url"),
        (b'{"kind":"pageview","url":"x","\\ud83d":1}', "\ud83d"),
        (b'{"kind":"visit","url":"u"}', "kind"),
        (b'{"kind":["goal"],"goalId":1}', "kind"),
        (b'{"goalId":1}', "kind"),
        (b'{"kind":"raw","params":[1]}', "params"),
        (b'{"kind":"raw"}', "params"),
        (b'{"kind":"raw","params":{"url":"u"},"site":1}', "site"),
        (b'{"kind":"raw","params":{"url":"u"},"idempotencyKey":5}', "idempotencyKey"),
        (b'{"kind":"pageview","url":"' + b"u" * LINE_LIMIT + b'"}', "line"),
    ],
)
def test_a_bad_line_is_named_and_the_others_go_on(line: bytes, field: str) -> None:
    first, bad, last = read(GOOD + b"\n" + line + b"\n" + GOOD, size=65_536)
    assert (bad.number, bad.field, bad.request) == (2, field, None)
    assert bad.reason
    assert first.request is not None
    assert last.request is not None


def test_a_line_at_the_limit_is_read_and_a_byte_more_is_not() -> None:
    filler = LINE_LIMIT - len(GOOD)
    assert read(GOOD + b" " * filler, size=1000)[0].request is not None
    assert read(GOOD + b" " * (filler + 1), size=1000)[0].request is None
    assert read(GOOD + b" " * (filler + 1) + b"\n", size=1000)[0].request is None


def test_a_line_without_end_is_not_held_in_memory() -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(200):
            yield b"x" * 65_536
        yield b"\n" + GOOD

    tracemalloc.start()
    lines = [line for batch in read_lines(endless(), default_site_id=1) for line in batch]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [line.request is not None for line in lines] == [False, True]
    assert lines[0].end == 200 * 65_536 + 1
    assert peak < 8 * LINE_LIMIT


def test_lines_come_as_soon_as_their_chunk_is_there() -> None:
    batches = read_lines(iter([GOOD + b"\n" + GOOD[:5], GOOD[5:] + b"\n"]), default_site_id=1)
    assert [line.number for line in next(batches)] == [1]
    assert [line.number for line in next(batches)] == [2]


MEMBERS = st.sampled_from(["kind", "url", "siteId", "goalId", "category", "action", "params", "ts", "customVars", "x"])
VALUES = st.recursive(
    st.sampled_from(["pageview", "event", "goal", "raw", "u"]) | st.none() | st.integers() | st.floats() | st.text(),
    lambda inner: st.dictionaries(MEMBERS | st.text(max_size=3), inner, max_size=4),
    max_leaves=10,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.binary() | st.dictionaries(MEMBERS, VALUES).map(lambda made: json.dumps(made).encode())))
def test_any_bytes_give_outcomes_and_every_request_reads_back(lines: list[bytes]) -> None:
    for line in read(b"\n".join(lines), size=50):
        assert (line.request is None) == bool(line.reason)
        if line.request is not None:
            stored = decode_request(line.request.encode())
            assert stored is not None
            assert stored.params == line.request.params


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from([GOOD, b"", b"{", b"\r"]), max_size=8), st.integers(1, 60))
def test_the_size_of_the_chunks_changes_nothing(lines: list[bytes], size: int) -> None:
    data = b"\n".join(lines)
    assert [(n.number, n.end, n.reason) for n in read(data, size)] == [
        (n.number, n.end, n.reason) for n in read(data, 10_000)
    ]
