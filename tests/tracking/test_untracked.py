"""What the collector of cycles does not see must not be able to be in one: it would never be freed."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest
from msgspec import Struct

from opalmind_tui.tracking import gist, outcomes, prepare, request, verdict

PLAIN = (str, bytes, int, float, bool, type(None))
UNTRACKED = [
    value
    for module in (gist, outcomes, prepare, request, verdict)
    for value in vars(module).values()
    if isinstance(value, type)
    and issubclass(value, Struct)
    and value.__module__ == module.__name__
    and not value.__struct_config__.gc
]


def leads_nowhere(kind: Any) -> bool:
    """Whether a value of this kind refers to nothing that could refer back."""
    origin = get_origin(kind)
    if origin in (Union, UnionType, dict, Mapping):
        return all(map(leads_nowhere, get_args(kind)))
    return (
        origin is Literal or kind in PLAIN or kind in UNTRACKED or (isinstance(kind, type) and issubclass(kind, Enum))
    )


@pytest.mark.parametrize("kind", UNTRACKED, ids=lambda kind: kind.__name__)
def test_it_holds_plain_values_only(kind: type[Struct]) -> None:
    hints = get_type_hints(kind)
    assert hints
    assert [name for name in kind.__struct_fields__ if not leads_nowhere(hints[name])] == []


def test_they_are_all_here() -> None:
    assert {kind.__name__ for kind in UNTRACKED} == {"Claimed", "Gist", "Hit", "SentHit", "Settlement", "_Body"}
