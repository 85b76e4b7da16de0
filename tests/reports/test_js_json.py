"""JSON as JavaScript writes it; compared with a real one where Node is installed."""

from __future__ import annotations

import json
import math
import random
import shutil
import struct
import subprocess
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opalmind_tui.reports.features import BY_NAME
from opalmind_tui.reports.js_json import number_text, parse, stringify
from opalmind_tui.reports.key_text import feature_of, key_text

NUMBERS = {
    "0": 0.0, "0 ": -0.0, "1": 1.0, "100": 100, "0.1": 0.1, "1.5": 1.5, "-2.25": -2.25, "0.000001": 1e-6, "1e-7": 1e-7,
    "1.5e-9": 1.5e-9, "10000000000000000": 1e16, "123456789012345680000": 123456789012345680000.0, "1e+21": 10**21,
    "1.2e+300": 1.2e300, "9007199254740992": 9007199254740993, "1152921504606847000": 2**60, "null": math.inf,
    "null ": 10**400, "null  ": math.nan, "5e-324": 5e-324,
}  # fmt: skip


@pytest.mark.parametrize("text", NUMBERS)
def test_numbers(text: str) -> None:
    assert number_text(NUMBERS[text]) == text.strip()


def test_texts() -> None:
    text = 'ü☕\u2028\x7f"\\/\b\f\n\r\t\x00\x1f\ud83d\ude00\udc00\ud83d'

    assert stringify(text) == '"ü☕\u2028\x7f\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f😀\\udc00\\ud83d"'
    assert parse(stringify(text).encode()) == text.replace("\ud83d\ude00", "😀")


def test_members_come_as_in_a_javascript_object() -> None:
    record = {"b": 1, "10": 2, "2": 3, "02": 4, "4294967295": 5, "a": [], "0": {}}

    assert stringify(record) == '{"0":{},"2":3,"10":2,"b":1,"02":4,"4294967295":5,"a":[]}'


@pytest.mark.parametrize(
    "raw", [b"", b"NaN", b"[Infinity]", b'"\\ud83d" NaN', b'["\\ud83d",NaN]', b"{", b"\xff", b"'a'"]
)
def test_what_is_no_json_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError):
        parse(raw)
    assert feature_of(b'{"feature":"events","input":' + raw) is None


def test_nesting_without_end_is_refused() -> None:
    with pytest.raises(ValueError):
        parse(b"[" * 1_000_000)
    with pytest.raises(ValueError):
        parse(b'["\\ud83d",' + b"[" * 1_000_000)


def test_absent_and_given_fields_make_other_keys() -> None:
    events = BY_NAME["events"]
    asked = {"name": "n", "limit": 10, "date": "today", "siteId": 1, "period": "day", "segment": "", "unknown": 1}

    assert key_text(events, asked) == (
        '{"feature":"events","input":{"siteId":1,"period":"day","date":"today","segment":"","limit":10,"name":"n"}}'
    )
    assert key_text(BY_NAME["goalConversions"], {"goalId": 3}) != key_text(BY_NAME["goalConversions"], {"goalId": "3"})


@settings(max_examples=50, deadline=None)
@given(
    asked=st.fixed_dictionaries(
        {"siteId": st.integers(1), "period": st.text(max_size=5), "segment": st.text(st.characters(), max_size=20)}
    )
)
def test_the_feature_of_every_key_is_found(asked: dict[str, Any]) -> None:
    assert feature_of(key_text(BY_NAME["events"], asked).encode()) == "events"


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed: compared with a table only")
def test_it_is_what_node_writes() -> None:
    random.seed(7)
    numbers = [struct.unpack(">d", random.randbytes(8))[0] for _ in range(3000)]
    numbers += [random.choice((-1, 1)) * random.random() * 10.0 ** random.randint(-12, 24) for _ in range(3000)]
    numbers = [number for number in numbers if math.isfinite(number)]
    texts = [bytes(random.randrange(256) for _ in range(8)).decode("utf-16-le", "surrogatepass") for _ in range(500)]
    script = """
        const given = JSON.parse(require('fs').readFileSync(0, 'utf8'));
        const numbers = given.bits.map(bits => Buffer.from(bits, 'hex').readDoubleBE(0));
        console.log(JSON.stringify([...numbers, ...given.texts].map(value => JSON.stringify({'b': value, '1': 0}))));
    """
    given_ = {"bits": [struct.pack(">d", number).hex() for number in numbers], "texts": texts}

    run = subprocess.run(["node", "-e", script], input=json.dumps(given_), capture_output=True, text=True, timeout=60)

    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == [stringify({"b": value, "1": 0}) for value in (*numbers, *texts)]
