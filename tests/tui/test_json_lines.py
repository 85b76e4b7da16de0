"""JSON as lines: nothing is read but brackets and commas, so nothing is changed; what is no JSON is shown as it is."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from opalmind_tui.tui.json_lines import JsonLines


def laid(*parts: str) -> JsonLines:
    lines = JsonLines()
    for number, part in enumerate(parts):
        lines.feed(part, last=number == len(parts) - 1)
    return lines


def texts(lines: JsonLines) -> list[str]:
    return [f"{'  ' * one.depth}{one.name + ': ' if one.name else ''}{one.text}" for one in lines.lines]


VALUE = (
    '{"feature":"events","value":[{"label":"\\ud83d\\u001b[2J","n":123456789012345678901234567890.10,"e":-1E+400},'
    '[],{}, [ 1,2 ] ],"expiresAt":1740796308000, "feature":null}'
)


def test_every_text_stays_as_it_is_stored() -> None:
    assert texts(laid(VALUE)) == [
        "{",
        '  "feature": "events"',
        '  "value": [',
        "    {",
        '      "label": "\\ud83d\\u001b[2J"',
        '      "n": 123456789012345678901234567890.10',
        '      "e": -1E+400',
        "    }",
        "    []",
        "    {}",
        "    [",
        "      1",
        "      2",
        "    ]",
        "  ]",
        '  "expiresAt": 1740796308000',
        '  "feature": null',
        "}",
    ]
    assert not laid(VALUE).broken


def test_parts_of_any_length_make_the_same_lines() -> None:
    whole = laid(VALUE)
    for size in range(1, 40):
        parts = [VALUE[at : at + size] for at in range(0, len(VALUE), size)]
        found = laid(*parts)
        assert (found.lines, found.broken) == (whole.lines, False), size


def test_brackets_know_each_other_and_count() -> None:
    lines = laid(VALUE).lines
    value = lines[2]
    assert (value.opens, value.members) == (True, 4)
    assert value.closes is not None
    assert lines[value.closes].text == "]"
    assert lines[value.closes].depth == value.depth
    assert not laid('{"a":[1,2').lines[1].closes


@pytest.mark.parametrize(
    "text",
    ["", "{", "]", "{]", '{"a"}', '{"a":}', '{"a":1,}', "[1 2]", "[1,]", "[,]", "nul", "tru e", "1 2", "NaN", "{1:2}",
     '"open', "[1]x", "\x00", "'a'", "--1x", '{"a":1,"b"', "\ufeff{}"],
    ids=ascii,
)  # fmt: skip
def test_what_is_no_json_is_kept_and_named(text: str) -> None:
    for parts in ((text,), tuple(text) or ("",)):
        found = laid(*parts)
        assert found.broken
        shown = "".join(one.text + one.name for one in found.lines)
        assert sum(text.count(char) for char in "{}[]:, \t\r\n") + len(shown) >= len(text)


def test_what_comes_out_is_what_went_in() -> None:
    lot = random.Random(5)

    def value(depth: int) -> Any:
        kind = lot.randrange(7 if depth < 5 else 5)
        if kind == 5:
            return [value(depth + 1) for _ in range(lot.randrange(4))]
        if kind == 6:
            return {str(lot.random()): value(depth + 1) for _ in range(lot.randrange(4))}
        return [None, True, lot.random() * 1e9, lot.randrange(10**20), '"\\,[{:' * lot.randrange(3)][kind]

    for _ in range(200):
        wanted = value(0)
        text = json.dumps(wanted, ensure_ascii=lot.random() < 0.5)
        cuts = sorted(lot.randrange(len(text) + 1) for _ in range(4))
        found = laid(*(text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)))
        assert not found.broken, text
        ends = [one.text in ("]", "}") for one in found.lines[1:]] + [True]
        again = [
            f"{one.name + ':' if one.name else ''}{one.text}{'' if one.opens or end else ','}"
            for one, end in zip(found.lines, ends, strict=True)
        ]
        assert json.loads("".join(again)) == wanted


def test_nesting_is_bounded() -> None:
    found = laid("[" * 10_000)
    assert found.broken
    assert max(one.depth for one in found.lines) <= 501


def test_a_folded_line_tells_what_is_in_it() -> None:
    found = laid('{"a":{"b":[1],"c":"x"},"d":2}')
    assert found.brief(0, 100) == '"a": { … }, "d": 2'
    assert found.brief(1, 100) == '"b": [ … ], "c": "x"'


def test_a_million_characters_take_no_time_to_speak_of() -> None:
    # Quadratic work on one long text that comes in many parts would take minutes.
    found = laid('["', *["x" * 65_536] * 60, '"]')
    assert sum(len(one.text) for one in found.lines) >= 60 * 65_536
