"""No class is forgotten, and what the table names exists."""

from __future__ import annotations

import ast
import re
from importlib import import_module
from pathlib import Path

import pytest

from tests.tracking.bug_classes.table import ELSEWHERE, LAST, NOT_HERE


def numbers_here() -> set[int]:
    """Classes with a test in this folder."""
    found: set[int] = set()
    for path in Path(__file__).parent.glob("test_*.py"):
        names = [
            node.name for node in ast.walk(ast.parse(path.read_text("utf-8")))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        ]  # fmt: skip
        found |= {int(match[1]) for name in names if (match := re.match(r"test_class_(\d\d)_", name))}
    return found


def test_every_class_has_a_test_or_a_reason() -> None:
    assert numbers_here() | ELSEWHERE.keys() | NOT_HERE.keys() == set(range(1, LAST + 1))


def test_a_reason_is_given_only_where_no_test_is() -> None:
    assert not NOT_HERE.keys() & (numbers_here() | ELSEWHERE.keys())


@pytest.mark.parametrize("place", sorted({place for places in ELSEWHERE.values() for place in places}))
def test_the_named_test_exists(place: str) -> None:
    module, _, name = place.partition("::")
    assert callable(getattr(import_module(module), name))
