"""Records of known and unknown fields: known ones first, as numbers or texts, the rest unchanged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import chain
from typing import Any

from opalmind_tui.errors import MatomoError
from opalmind_tui.reports.js_json import js_items
from opalmind_tui.reports.values.numbers import number_of

Record = dict[str, Any]
Fields = Mapping[str, str]
"""Field name -> kind, in the order of the stored form. A kind is a key of `_READ`."""


def fields(line: str) -> Fields:
    """A table from ``name=kind`` words; a word without a kind is a number."""
    return {name: kind or "number" for name, _, kind in (word.partition("=") for word in line.split())}


def shaped(table: Fields, record: Any) -> Record:
    """A record of Matomo's answer in the stored form.

    Raises `MatomoError` (kind ``parse``) where a known field holds what it cannot hold.
    """
    if not isinstance(record, Mapping):
        raise unexpected("a record", record)
    result: Record = {}
    for name, kind in table.items():
        if name in record:
            result[name] = _READ[kind](name, record[name])
        elif kind in _NEEDED:
            raise unexpected("something", None, name)
    result.update((name, value) for name, value in js_items(record) if name not in table and name != "__proto__")
    return result


def fits(table: Fields, record: Any) -> bool:
    """Is this a stored record of the table?"""
    if not isinstance(record, dict):
        return False
    for name, kind in table.items():
        if name in record:
            if type(record[name]) not in _STORED[kind]:
                return False
        elif kind in _NEEDED:
            return False
    return True


def rows_fit(table: Fields, rows: Any) -> bool:
    """Is this a list of stored records of the table?

    Rows of one report have the same names in the same order: then each column is tested at once, without a step of
    Python for each row. Whatever is not so regular is tested field by field.
    """
    if type(rows) is not list:
        return False
    if set(map(type, rows)) != _RECORDS:
        return not rows
    names = [*rows[0]]
    if [*chain.from_iterable(rows)] != names * len(rows):
        return all(_column_fits(kind, name, rows) for name, kind in table.items())
    if any(kind in _NEEDED and name not in rows[0] for name, kind in table.items()):
        return False
    cells = [*chain.from_iterable(map(dict.values, rows))]
    columns = ((name, at) for at, name in enumerate(names) if name in table)
    return all(_STORED[table[name]].issuperset(map(type, cells[at :: len(names)])) for name, at in columns)


def _column_fits(kind: str, name: str, rows: list[Record]) -> bool:
    found = [row[name] for row in rows if name in row]
    return (kind not in _NEEDED or len(found) == len(rows)) and _STORED[kind].issuperset(map(type, found))


def unexpected(wanted: str, found: Any, name: str = "") -> MatomoError:
    """The error for an answer of the wrong shape. It names types, never contents."""
    what = {dict: "a record", list: "a list", str: "a text", bool: "true or false", type(None): "nothing"}
    of_field = f" in the field {name}" if name else ""
    return MatomoError(
        "parse", f"Matomo answered {what.get(type(found), 'a number')}{of_field} where {wanted} was expected"
    )


def _number(name: str, value: Any) -> Any:
    number = number_of(value)
    if number is None:
        raise unexpected("a number", value, name)
    return number


def _text(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        raise unexpected("a text", value, name)
    return value


def _number_or_text(name: str, value: Any) -> Any:
    number = number_of(value)
    return _text(name, value) if number is None else number


def _text_or_number(name: str, value: Any) -> Any:
    return value if isinstance(value, str) else _number(name, value)


def _duration(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        if value.get("unit") != "seconds":
            raise unexpected("a number of seconds", value, name)
        return {"value": _number(name, value.get("value", "-")), "unit": "seconds"}
    return _number(name, value)


_NEEDED = ("label", "count")
"""Kinds of a field without which a record is none."""
_READ: Mapping[str, Callable[[str, Any], Any]] = {
    "number": _number,
    "text": _text,
    "label": _text,
    "count": _number,
    "number|text": _number_or_text,
    "text|number": _text_or_number,
    "duration": _duration,
}
_TEXT: frozenset[type] = frozenset({str})
_NUMBER: frozenset[type] = frozenset({int, float, type(None)})
_STORED: Mapping[str, frozenset[type]] = {
    "number": _NUMBER,
    "text": _TEXT,
    "label": _TEXT,
    "number|text": _NUMBER | _TEXT,
}
"""What parsed JSON may hold. A number may be null: that is how an infinite one is stored."""
_RECORDS = {dict}
