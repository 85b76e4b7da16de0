"""Looking for a value under any of several names, whatever their case."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from unicodedata import combining, normalize

from opalmind_tui.reports.js_json import number_text
from opalmind_tui.reports.values.numbers import Number, trim


def collated(text: str) -> tuple[str, str]:
    """A key that sorts texts as a dictionary does: without regard to case and accents."""
    bare = "".join(char for char in normalize("NFKD", text) if not combining(char))
    return bare.lower(), text


def lowered(record: Any) -> dict[str, Any]:
    """The members of a record by lower-case name (of a list: by position)."""
    items = enumerate(record) if isinstance(record, list) else record.items()
    return {str(name).lower(): value for name, value in items}


def find_text(names: Mapping[str, Any], candidates: Sequence[str]) -> str | None:
    """The first text that is not blank, or number, under one of the names."""
    for name in candidates:
        value = names.get(name)
        if isinstance(value, str) and trim(value):
            return trim(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return number_text(value)
    return None


def find_number(
    names: Mapping[str, Any], candidates: Sequence[str], read: Callable[[Any], Number | None]
) -> Number | None:
    """The first value under one of the names that `read` takes for a number."""
    found = (read(names[name]) for name in candidates if name in names)
    return next((value for value in found if value is not None), None)
