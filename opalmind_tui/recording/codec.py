"""Between the values of a snapshot and plain JSON, by their types alone. `coders` has the plain forms."""

from __future__ import annotations

import types
from collections.abc import Callable
from enum import Enum
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from msgspec import NODEFAULT, Struct, structs

from opalmind_tui.recording.coders import (
    Anything,
    Choice,
    Clean,
    Coder,
    Field,
    Fixed,
    Maybe,
    Number,
    Record,
    Row,
    Text,
    Truth,
    Whole,
)


class Codec:
    """Coders by type, each made once.

    Args:
        clean: every text goes through it on its way out.
    """

    def __init__(self, clean: Clean = str) -> None:
        self._clean = clean
        self._known: dict[Any, Coder[Any]] = {}

    def of(self, kind: Any) -> Coder[Any]:
        """The coder of a type: a struct (also a generic one of a type), an enum, a tuple, a scalar, or None beside
        one of them. Raises `TypeError` for a type that a snapshot must not have."""
        if kind not in self._known:
            self._known[kind] = self._made(kind)
        return self._known[kind]

    def _made(self, kind: Any) -> Coder[Any]:
        scalars: dict[Any, Callable[[], Coder[Any]]] = {
            str: lambda: Text(self._clean), bool: Truth, int: Whole, float: Number,
            Any: lambda: Anything(self._clean),
        }  # fmt: skip
        if kind in scalars:
            return scalars[kind]()
        origin, inner = get_origin(kind), get_args(kind)
        if origin in (Union, types.UnionType):
            (only,) = (one for one in inner if one is not types.NoneType)
            return Maybe(self.of(only))
        if origin is tuple:
            return Row(self.of(inner[0])) if inner[1:] == (...,) else Fixed(tuple(map(self.of, inner)))
        if isinstance(kind, type) and issubclass(kind, Enum):
            return Choice(kind)
        if isinstance(origin or kind, type) and issubclass(origin or kind, Struct):
            return self._record(origin or kind, inner)
        raise TypeError(f"no plain form of {kind} is known")

    def _record(self, kind: Any, inner: tuple[Any, ...]) -> Coder[Any]:
        def fields() -> tuple[Field, ...]:
            hints = get_type_hints(kind)
            given = dict(zip(getattr(kind, "__parameters__", ()), inner, strict=True))
            return tuple(
                Field(field.name, camel(field.name), self.of(_filled(hints[field.name], given)), _default(field))
                for field in structs.fields(kind)
            )

        return Record(kind, fields)


def camel(name: str) -> str:
    """A field's name as JSON has it."""
    head, *rest = name.split("_")
    return head + "".join(map(str.capitalize, rest))


def _filled(hint: Any, given: dict[Any, Any]) -> Any:
    """A field's type in a generic struct, with the types that it was given."""
    if isinstance(hint, TypeVar):
        return given[hint]
    if not given or not getattr(hint, "__parameters__", ()):
        return hint
    return hint[tuple(given[parameter] for parameter in hint.__parameters__)]


def _default(field: structs.FieldInfo) -> Any:
    if field.default_factory is not NODEFAULT:
        return field.default_factory()
    return field.default
