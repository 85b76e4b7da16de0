"""Records of known and unknown fields: known ones first, as numbers or texts, the rest unchanged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
    """Is this a stored record of the table? A number may be null: that is how an infinite one is stored."""
    if not isinstance(record, dict):
        return False
    for name, kind in table.items():
        if name in record:
            if not _STORED[kind](record[name]):
                return False
        elif kind in _NEEDED:
            return False
    return True


def tester(table: Fields) -> Callable[[Any], bool]:
    """`fits` for one table, fast: rows of one report have the same fields with the same types, and nothing else counts.

    What was found is remembered by names and types, for a bounded number of them.
    """
    known: dict[tuple[Any, ...], bool] = {}

    def test(record: Any) -> bool:
        if type(record) is not dict:
            return False
        form = (*record, *map(type, record.values()))
        found = known.get(form)
        if found is None:
            if len(known) >= _MOST_FORMS:
                known.clear()
            found = known[form] = fits(table, record)
        return found

    return test


def unexpected(wanted: str, found: Any, name: str = "") -> MatomoError:
    """The error for an answer of the wrong shape. It names types, never contents."""
    what = {dict: "a record", list: "a list", str: "a text", bool: "true or false", type(None): "nothing"}
    of_field = f" in the field {name}" if name else ""
    return MatomoError(
        "parse", f"Matomo answered {what.get(type(found), 'a number')}{of_field} where {wanted} was expected"
    )


def is_number(value: Any) -> bool:
    """A stored number."""
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def is_text(value: Any) -> bool:
    """A stored text."""
    return isinstance(value, str)


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


_MOST_FORMS = 256
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
_STORED: Mapping[str, Callable[[Any], bool]] = {
    "number": is_number,
    "text": is_text,
    "label": is_text,
    "number|text": lambda value: is_text(value) or is_number(value),
}
